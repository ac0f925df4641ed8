"""A deploy from the shell: what it says, with which exit code, and what it leaves behind."""

import json

import pytest

from tests.support.live_world import TENANTS, LiveWorld

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live-deploy")]

STILL_LATEST = 10


def test_deploy_then_the_same_again_then_an_older_commit(world: LiveWorld) -> None:
    """The first deploys, its re-run verifies, and the older one stands aside, all of them green."""
    older, newer = world.push(), world.push()

    first = world.invoke("deploy", "--commit", newer)
    again = world.invoke("deploy", "--commit", newer)
    after = world.count()
    late = world.invoke("deploy", "--commit", older, actor="older")

    effects = {"accepted", "landed", "pointed"}
    assert [("deployed", 0), ("verified", 0), ("superseded", 0)] == [
        said.end for said in (first, again, late)
    ]
    assert newer[:7] in late.last_line
    assert [] == [one for one in world.happenings(after) if one["kind"] in effects]
    assert ({newer}, newer) == world.live()


def test_plan_and_dry_run_say_what_would_happen_and_touch_nothing(world: LiveWorld) -> None:
    """No tenant, pointer, git ref or fence is another one behind them."""
    newer = world.push()
    before = world.untouched()

    planned = world.invoke("plan", "--commit", newer)
    dry = world.invoke("deploy", "--commit", newer, "--dry-run", "--json")

    assert ("deployed", 0) == planned.end
    assert "would redeploy canary: hongming" in planned.out
    assert "would redeploy batch-1: acme, globex" in planned.out
    assert ("deployed", 0) == (dry.document["word"], dry.code)
    assert before == world.untouched()


def test_check_superseded_names_the_newer_commit_alone_on_a_line(world: LiveWorld) -> None:
    """It exits 0 for the older commit and 10 for the one that is still the latest."""
    older, newer = world.push(), world.push()
    world.invoke("deploy", "--commit", newer, HEADWAY_ROLLOUT__SOAK_S="0")
    before = world.untouched()

    late = world.invoke("check-superseded", "--commit", older, actor="older")
    latest = world.invoke("check-superseded", "--commit", newer)

    assert ("superseded", 0) == late.end
    assert newer in late.out.splitlines()
    assert ("latest", STILL_LATEST) == latest.end
    assert before == world.untouched()


def test_deploy_as_json_prints_the_outcome_and_nothing_else(world: LiveWorld) -> None:
    """On stdout is one JSON document; progress is on stderr."""
    newer = world.push()

    said = world.invoke("deploy", "--commit", newer, "--json")

    document = said.document
    assert ("deployed", newer, 0) == (document["outcome"], document["release"], said.code)
    assert dict.fromkeys(TENANTS, "settled") == {
        one["tenant"]: one["state"] for one in document["tenants"]
    }
    assert "canary: hongming" in said.err
    assert world.record().past[-1].word == "deployed"


def test_deploy_whose_deadline_has_passed_begins_no_effect(world: LiveWorld) -> None:
    """`--deadline` bounds when the next effect may begin."""
    newer = world.push()
    before = world.live()

    said = world.invoke("deploy", "--commit", newer, "--deadline", "0.001")

    assert ("exhausted", 1) == said.end
    assert "deadline" in said.last_line
    assert before == world.live()


def test_deploy_without_the_ledger_says_so_and_the_next_one_adopts_it(world: LiveWorld) -> None:
    """`--without-ledger` is never silent, and never writes the record."""
    newer = world.push()
    ref = world.git("for-each-ref", "refs/headway")

    said = world.invoke("deploy", "--commit", newer, "--without-ledger", "--reason", "git is down")
    untouched = world.git("for-each-ref", "refs/headway")
    adopting = world.invoke("deploy", "--commit", newer)

    assert said.last_line.startswith("deployed, unguarded: ")
    assert (0, ref) == (said.code, untouched)
    assert ("verified", 0) == adopting.end
    assert newer == str(world.record().mark)


def test_deploy_without_the_ledger_still_refuses_to_go_backward(world: LiveWorld) -> None:
    """It observes the fleet first: a tenant on a newer release ends it."""
    older, newer = world.push(), world.push()
    world.invoke("deploy", "--commit", newer, HEADWAY_ROLLOUT__SOAK_S="0")

    said = world.invoke(
        "deploy", "--commit", older, "--without-ledger", "--reason", "git is down", actor="older"
    )

    assert ("superseded", 0) == (said.word, said.code)
    assert ({newer}, newer) == world.live()


def test_status_and_history_show_what_the_ledger_and_the_world_say(world: LiveWorld) -> None:
    """Both touch nothing; as JSON they give the same as data."""
    newer = world.push()
    world.invoke("deploy", "--commit", newer, HEADWAY_ROLLOUT__SOAK_S="0")
    before = world.untouched()

    status = world.invoke("status")
    history = world.invoke("history", "--json")

    assert ("idle", 0) == status.end
    assert {f"tenant {slug}: {newer[:7]}" for slug in TENANTS} <= {
        line.strip() for line in status.out.splitlines()
    }
    assert ("deployed", newer) == (
        history.document[-1]["word"],
        history.document[-1]["release"]["sha"],
    )
    assert before == world.untouched()


def test_first_use_is_declared_once(world: LiveWorld) -> None:
    """`ledger-init` never creates a record over one that is there."""
    before = world.git("for-each-ref")

    said = world.invoke("ledger-init", "--json", actor="operator")

    assert ("verified", 0) == (json.loads(said.out)["outcome"], said.code)
    assert before == world.git("for-each-ref")
