"""Containers that are paused, killed, restarted and cut off while a deploy is under way.

What is broken, and when, is picked from what has happened and from requests that are held. Behind
each, a later deploy converges and nothing has moved backward.
"""

from collections.abc import Iterator

import pytest

from tests.support.compose_faults import cut_off, join_again, restart
from tests.support.compose_jobs import Ended, JobContainer
from tests.support.compose_world import ComposeWorld
from tests.support.engine import docker, until
from tests.support.simulated_world import Happened

pytestmark = [pytest.mark.engine, pytest.mark.slow]

HELD_S = 5.0
BATCH_INTENT = 5
"""Which write of a deploy is the intent of the batch behind the canary."""

# A tenant that hangs takes the edge longer than this: one look at all of them has to do. Where it
# does, the canary is confirmed at once, which spares a write.
BUDGET = {"HEADWAY_SETTLE__BUDGET_S": "4", "HEADWAY_SETTLE__CONFIRMATIONS": "1"}


@pytest.fixture
def world(shared_world: ComposeWorld) -> Iterator[ComposeWorld]:
    """The file's world; behind each test it is mended, and then a deploy has to converge."""
    yield shared_world
    for service in ("forge", "control-plane", "registry"):
        join_again(shared_world, service)
    shared_world.calm()
    newer = shared_world.push()
    said = shared_world.deploy(newer)
    assert ("deployed", 0) == said.end, said.out + said.err
    assert ({newer}, newer) == shared_world.live()
    assert () == shared_world.backward()


def is_held(one: Happened) -> bool:
    """A fault rule holds a request of the job."""
    return bool(one["kind"] == "fault" and one["actor"] == "newer")


def has_landed(slug: str, one: Happened) -> bool:
    """A tenant runs what it was told to."""
    return bool(one["kind"] == "landed" and one["subject"] == slug)


def start_and_hold(world: ComposeWorld, write: int, **variables: str) -> JobContainer:
    """Starts a deploy of a new commit; returns when its write of that number is held."""
    commit, since = world.push(), world.count()
    rule = {"service": "git", "operation": "receive-pack", "actor": "newer", "after": write - 1}
    world.add_fault(kind="delay", before_s=HELD_S, times=1, **rule)
    job = world.start("deploy", "--commit", commit, **variables)
    world.wait_for(is_held, since)
    return job


def states(said: Ended) -> dict[str, str]:
    """What the outcome says of each tenant."""
    return {one["tenant"]: one["state"] for one in said.document["tenants"]}


def test_paused_tenant_ends_the_deploy_red_by_its_name(world: ComposeWorld) -> None:
    """It neither answers nor dies: the budget is spent, and the outcome says on whom."""
    job = start_and_hold(world, BATCH_INTENT - 1, **BUDGET)

    docker("pause", world.tenant("globex"))
    said = job.finish()

    assert 1 == said.code, said.out + said.err
    assert "tenant globex did not reach" in said.reason


def test_paused_tenant_that_is_back_in_time_ends_green(world: ComposeWorld) -> None:
    """What it was told while it stood still lands as soon as it goes on."""
    job = start_and_hold(world, BATCH_INTENT)
    since = world.count()
    docker("pause", world.tenant("globex"))

    world.wait_for(lambda one: one["kind"] == "accepted", since)
    docker("unpause", world.tenant("globex"))
    said = job.finish()

    assert ("deployed", 0) == said.end, said.out + said.err


def test_killed_tenant_ends_the_deploy_red_by_its_name(world: ComposeWorld) -> None:
    """The control plane can't reach it, and says so; the others are not blamed."""
    job = start_and_hold(world, BATCH_INTENT)

    docker("kill", world.tenant("globex"))
    said = job.finish()

    assert 1 == said.code, said.out + said.err
    assert "tenant globex did not reach" in said.reason
    assert "could not be reached" in said.reason


def test_tenant_restarted_behind_its_landing_ends_green(world: ComposeWorld) -> None:
    """It comes back within the budget, on what it was told before."""
    commit, since = world.push(), world.count()
    world.set_tenant("globex", lag={"low_s": 3.0, "high_s": 3.0})
    job = world.start("deploy", "--commit", commit)
    world.wait_for(lambda one: has_landed("globex", one), since)

    restart(world.tenant("globex"))
    said = job.finish()

    assert ("deployed", 0) == said.end, said.out + said.err
    assert ({commit}, commit) == world.live()


def test_answer_lost_with_the_network_leaves_the_outcome_unknown_and_goes_on(
    world: ComposeWorld,
) -> None:
    """The effect has happened: the tenant settles, the intent stays open, the deploy goes on."""
    commit, since = world.push(), world.count()
    world.running.move("options", {"answer_s": 3.0})
    job = world.start("deploy", "--commit", commit, HEADWAY_ROLLOUT__SOAK_S="6")
    world.wait_for(lambda one: has_landed("hongming", one), since)

    cut_off(world, "control-plane")
    world.wait_for(lambda one: "soaking" in one["note"], since)
    join_again(world, "control-plane")
    said = job.finish()

    assert ("deployed", 0) == said.end, said.out + said.err
    assert any("no answer" in warning for warning in said.document["warnings"])
    assert ({commit}, commit) == world.live()


def test_control_plane_that_stays_cut_off_ends_the_deploy_red(world: ComposeWorld) -> None:
    """It says where things stand: the canary is on the release, the others are untouched."""
    commit, since = world.push(), world.count()
    world.running.move("options", {"answer_s": 3.0})
    job = world.start("deploy", "--commit", commit)
    world.wait_for(lambda one: has_landed("hongming", one), since)

    cut_off(world, "control-plane")
    said = job.finish()

    assert 1 == said.code, said.out + said.err
    assert said.word in {"unavailable", "failed"}
    assert "untouched" == states(said)["acme"], said.out
    assert "untouched" == states(said)["globex"], said.out


def test_registry_restarted_during_the_promote_leaves_nothing_half_done(
    world: ComposeWorld,
) -> None:
    """The request was lost with it; what the pointer names is read back, whatever was answered."""
    commit, since = world.push(), world.count()
    world.add_fault(
        kind="delay", service="registry", operation="point", before_s=HELD_S, actor="newer", times=1
    )
    job = world.start("deploy", "--commit", commit)
    world.wait_for(is_held, since)

    restart(world.container("registry"))
    said = job.finish()
    until(world.is_whole, "the registry is back")

    serving, pointer = world.live()
    assert {commit} == serving
    assert (said.code == 0) is (pointer == commit), said.out + said.err


@pytest.mark.parametrize("write", [1, 3], ids=["during the claim", "in mid-rollout"])
def test_unreachable_ledger_ends_the_deploy_red_and_says_where_things_stand(
    world: ComposeWorld, write: int
) -> None:
    """Nothing further is sent without it."""
    job = start_and_hold(world, write)
    since = world.count()

    cut_off(world, "forge")
    said = job.finish()
    join_again(world, "forge")

    landed = [one["subject"] for one in world.happenings(since) if one["kind"] == "landed"]
    assert ("unavailable", 1) == said.end, said.out + said.err
    assert [] == landed
