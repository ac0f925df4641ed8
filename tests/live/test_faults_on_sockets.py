"""What an operator sees when tenants and services misbehave on real sockets."""

import pytest

from tests.support.live_world import TENANTS, LiveWorld
from tests.support.shell import Said

pytestmark = pytest.mark.slow

IMPATIENT = {"HEADWAY_ROLLOUT__SOAK_S": "0", "HEADWAY_SETTLE__BUDGET_S": "0.9"}


def sim_fault(world: LiveWorld, *words: str) -> Said:
    """Breaks something as a person at the shell does."""
    config = world.running.folder / "headway.toml"
    return world.shell.invoke("sim.fault", "--config", str(config), *words)


def test_wedged_tenant_fails_loudly_with_its_last_seen_release(world: LiveWorld) -> None:
    """Its old container answers for ever: the budget is spent, and no later tenant is touched."""
    before, newer = world.state()["head"], world.push()
    broken = sim_fault(world, "--tenant", "hongming", "--state", "wedged")
    since = world.count()

    said = world.invoke("deploy", "--commit", newer, **IMPATIENT)

    serving, _ = world.live()
    assert (0, "changed: tenant hongming is wedged") == (broken.code, broken.last_line)
    assert ("exhausted", 1) == said.end
    assert f"tenant hongming did not reach {newer[:7]} (last seen on " in said.last_line
    assert "2 untouched (acme, globex)" in said.last_line
    assert ["hongming"] == [
        one["subject"] for one in world.happenings(since) if one["kind"] == "landed"
    ]
    assert newer not in serving
    assert before in world.state()["forge"]["commits"]


def test_tenants_that_answer_anything_else_are_not_settled(world: LiveWorld) -> None:
    """An HTML page, the release `dev` and a refused connection: each is named with what came."""
    newer = world.push()
    world.invoke("deploy", "--commit", newer, **IMPATIENT)
    for slug, health in zip(TENANTS, ("html", "dev", "gone"), strict=True):
        world.set_tenant(slug, health=health)

    said = world.invoke("settle-verify", "--commit", newer, "--json", **IMPATIENT)

    document = said.document
    notes = {one["tenant"]: one["note"] for one in document["tenants"]}
    assert ("exhausted", 1) == (document["outcome"], said.code)
    assert "404" in notes["hongming"]
    assert "dev" in notes["acme"]
    assert "connect" in notes["globex"].lower()
    assert {"failed"} == {one["state"] for one in document["tenants"]}


def test_answer_lost_at_a_gateway_is_a_request_in_flight(world: LiveWorld) -> None:
    """The 502 came after the effect: it is not repeated, the tenant settles, its intent stays."""
    newer = world.push()
    world.add_fault(
        kind="lose_answer", service="control_plane", operation="redeploy", status=502, times=1
    )
    since = world.count()

    said = world.invoke("deploy", "--commit", newer, "--json", **IMPATIENT)

    landed = [one["subject"] for one in world.happenings(since) if one["kind"] == "landed"]
    assert ("deployed", 0) == (said.document["outcome"], said.code)
    assert sorted(TENANTS) == sorted(landed)
    assert any("no answer" in warning for warning in said.document["warnings"])
    assert ["hongming to"] == [one.what[:11] for one in world.record().intents]


def test_expired_token_fails_before_any_effect(world: LiveWorld) -> None:
    """The sentence names the service and what it answered."""
    newer = world.push()
    broken = sim_fault(world, "--kind", "expired_token", "--service", "control_plane")
    since = world.count()

    said = world.invoke("deploy", "--commit", newer, **IMPATIENT)

    assert (0, "broken") == (broken.code, broken.word)
    assert ("failed", 1) == said.end
    assert "control plane" in said.last_line
    assert "401" in said.last_line
    assert [] == [one for one in world.happenings(since) if one["kind"] == "accepted"]


def test_pages_of_one_item_hide_no_status_and_no_commit(world: LiveWorld) -> None:
    """A forge may give fewer items in a page than it was asked for; a red context is found."""
    world.push()
    newer = world.push()
    world.add_fault(kind="clamp_page", service="forge", page=1)
    green = world.invoke("deploy", "--commit", newer, **IMPATIENT)
    red = world.push(ci="red")

    refused = world.invoke("wait-ci", "--commit", red)

    assert ("deployed", 0) == green.end
    assert ("refused", 1) == refused.end
    assert "ci / build (push) (failure), ci / test (push) (failure)" in refused.last_line
