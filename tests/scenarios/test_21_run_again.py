"""Running a deploy again: a finished one is verified, a partial one goes on where it stopped."""

import pytest

from tests.support.stage import Stage


def test_finished_deploy_that_runs_again_sends_nothing_and_says_so() -> None:
    """Every tenant is asked `confirmations` times and every pointer read; nothing is redeployed."""
    stage = Stage(tenants=5)
    stage.push("newer")
    stage.start("first", "newer")
    stage.run()
    landed = stage.landings()

    stage.start("again", "newer", run_id="first", attempt=2)
    stage.run()

    assert "verified" == stage.word("again")
    assert "nothing to do" == stage.reason("again")
    assert not stage.outcome("again").has_touched
    assert ([], []) == (stage.calls("again", "redeploy"), stage.calls("again", "point"))
    assert landed == stage.landings()
    assert 2 <= len(stage.calls("again", "buildinfo", "t5"))
    assert {"settled newer"} == set(stage.reports("again").values())


def test_no_op_still_proves_what_it_says() -> None:
    """A tenant that went off since is found by the second run, which rolls that one alone."""
    stage = Stage(soak_s=0)
    stage.push("newer")
    stage.start("first", "newer")
    stage.run()
    stage.move_tenant("t2", "base")

    stage.start("again", "newer")
    stage.run()

    assert "deployed" == stage.word("again")
    assert ["t2 newer"] == stage.landings("again")
    stage.assert_serving("newer")


def test_partial_deploy_goes_on_with_the_tenants_that_are_left() -> None:
    """The first run failed at t5: the second rolls that one and what was not reached, no more."""
    stage = Stage(tenants=8, soak_s=0)
    stage.push("newer")
    stage.fault("no_effect", "landing", "t5")
    stage.start("first", "newer")
    stage.run()

    stage.start("again", "newer")
    stage.run()

    assert ["failed", "deployed"] == [stage.word("first"), stage.word("again")]
    assert ["t5 newer", "t8 newer"] == stage.landings("again")
    stage.assert_promises("newer")


@pytest.mark.parametrize("calls", [1, 2])
def test_killed_deploy_is_resumed_behind_what_it_left_open(calls: int) -> None:
    """Tenants that its last redeploy brought there are not rolled again, once it can't land."""
    stage = Stage(soak_s=0)
    stage.push("newer")
    stage.start("first", "newer")
    stage.run_until_call("first", "redeploy", calls)
    stage.kill("first")

    stage.start("again", "newer", at_s=stage.now_s)
    stage.run()

    landed = [line for line in stage.landings() if line.endswith(" newer")]
    assert "deployed" == stage.word("again")
    assert ["t1 newer", "t2 newer", "t3 newer"] == sorted(landed)
    stage.assert_promises("newer")


def test_deploy_that_only_lacks_its_pointers_moves_them_alone() -> None:
    """Tenants on target are not rolled for a pointer's sake."""
    stage = Stage(soak_s=0)
    stage.push("newer")
    stage.fault("refuse", "point", status=403)
    stage.start("first", "newer")
    stage.run()

    stage.start("again", "newer")
    stage.run()

    assert ["failed", "deployed"] == [stage.word("first"), stage.word("again")]
    assert [] == stage.calls("again", "redeploy")
    stage.assert_serving("newer")
