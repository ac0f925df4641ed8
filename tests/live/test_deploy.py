"""A deploy from the shell: what it says, with which exit code, and what it leaves behind."""

import pytest

from tests.support.live_world import TENANTS, LiveWorld

pytestmark = pytest.mark.slow


def test_plan_and_dry_run_say_what_would_happen_and_touch_nothing(world: LiveWorld) -> None:
    """No tenant, pointer, git ref or fence is another one behind them."""
    newer = world.push()
    before = world.untouched()

    planned = world.invoke("plan", "--commit", newer)
    dry = world.invoke("deploy", "--commit", newer, "--dry-run", "--json")

    assert ("plan", 0) == planned.end
    assert "would end deployed" in planned.last_line
    assert "would redeploy canary: hongming" in planned.out
    assert "would redeploy batch-1: acme, globex" in planned.out
    assert ("deployed", 0) == (dry.document["would_end"], dry.code)
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
