"""Rollback: another verb, with a reason, which no automatic deploy undoes."""

import pytest

from release.core.ledger import Denial
from release.core.rollback import RollbackOrder
from release.core.values import Sha
from release.errors import Refused
from release.pipeline import ROLLBACK
from release.stages import hand
from simulator.scheduler import Job
from simulator.tenants import Lag
from tests.support.stage import Stage

ORDER = RollbackOrder(reason="checkout is broken", by="ada")


def deployed_stage() -> Stage:
    """A stage on which `good` and then `bad` were deployed."""
    stage = Stage(soak_s=0)
    for release in ("good", "bad"):
        stage.push(release)
        stage.start(f"ship {release}", release)
        stage.run()
    return stage


def roll_back(stage: Stage, to: str = "good") -> None:
    """Starts a rollback at this desk."""
    stage.start("rollback", to, ROLLBACK, rollback=ORDER, is_by_hand=True)


def test_rollback_takes_fleet_and_pointer_back_and_denies_what_was_newer() -> None:
    """A rollback moves everything to its target, sets the mark to it, denies and pins in one."""
    stage = deployed_stage()

    roll_back(stage)
    stage.run()

    assert "deployed" == stage.word("rollback")
    stage.assert_serving("good")
    assert "good" == stage.mark
    assert stage.record.pin is not None
    assert "checkout is broken" == stage.record.pin.reason
    (denial,) = stage.record.denied
    assert ("good", "bad") == (stage.named(str(denial.after)), stage.named(str(denial.upto)))


def test_automatic_deploy_is_held_while_the_pin_of_a_rollback_stands() -> None:
    """A deploy of what was denied, of something newer or of a re-run ends held, without effect."""
    stage = deployed_stage()
    roll_back(stage)
    stage.run()
    stage.push("newer still")

    for job, release in (("re-run", "bad"), ("next", "newer still")):
        stage.start(job, release)
        stage.run()

    assert ["held", "held"] == [stage.word("re-run"), stage.word("next")]
    assert "pinned by ada" in stage.reason("next")
    stage.assert_serving("good")


def test_rollback_redeploys_a_tenant_that_looks_right_already() -> None:
    """For a rollback the stale answer of a draining tenant looks right, so it is rolled too."""
    stage = deployed_stage()
    stage.move_tenant("t2", "good")

    roll_back(stage)
    stage.run()

    assert ["t1 good", "t2 good", "t3 good"] == stage.landings("rollback")


def test_tenants_that_still_drain_from_the_newer_release_do_not_overtake_a_rollback() -> None:
    """What a rollback sees of the newer release is what it rolls back."""
    stage = deployed_stage()
    for tenant in ("t1", "t2", "t3"):
        stage.world.set_lag(tenant, Lag.fixed(50))

    roll_back(stage)
    stage.run()

    assert "deployed" == stage.word("rollback")
    stage.assert_serving("good")


def test_tenant_whose_redeploy_was_not_answered_does_not_count_for_a_rollback() -> None:
    """Only a tenant whose own redeploy was answered counts; the lost one is sent once more."""
    stage = deployed_stage()
    stage.fault("lose_answer", "redeploy", "*t1*")

    roll_back(stage)
    stage.run()

    assert "deployed" == stage.word("rollback")
    assert 2 == len(stage.calls("rollback", "redeploy", "*t1*"))


def test_running_deploy_is_stopped_by_a_rollback_that_steals() -> None:
    """A rollback that steals takes the record; the deploy ends stopped, and nothing undoes it."""
    stage = deployed_stage()
    stage.push("worse")
    stage.start("ship worse", "worse", at_s=stage.now_s)
    stage.run(until_s=stage.now_s + 10)

    steal = RollbackOrder(reason="worse", by="ada", is_stealing=True)
    stage.start("rollback", "good", ROLLBACK, rollback=steal, is_by_hand=True)
    stage.run()

    assert "stopped" == stage.word("ship worse")
    assert "deployed" == stage.word("rollback")
    stage.assert_serving("good")


def test_rollback_is_refused_while_a_lease_lives() -> None:
    """Without stealing, a hand verb is refused while the holder renews, and names it."""
    stage = deployed_stage()
    stage.push("worse")
    stage.start("ship worse", "worse", soak_s=300)
    stage.run(until_s=stage.now_s + 30)

    roll_back(stage)
    stage.run()

    assert "failed" == stage.word("rollback")
    assert "holds the environment and its lease lives" in stage.reason("rollback")
    stage.assert_serving("worse")


def test_rollback_forward_is_refused() -> None:
    """A target that is newer than the mark is no rollback."""
    stage = deployed_stage()
    stage.push("newer")

    roll_back(stage, "newer")
    stage.run()

    assert "failed" == stage.word("rollback")
    assert "forward goes deploy" in stage.reason("rollback")
    stage.assert_serving("bad")


def test_rollback_goes_through_a_kill_switch() -> None:
    """The switch stops deploys; going back is what it was switched off for."""
    stage = deployed_stage()
    stage.switch("off")

    roll_back(stage)
    stage.run()

    stage.assert_serving("good")


def resume(stage: Stage, fixed_in: str | None) -> Job[str]:
    """A person lifts the pin, naming what mends the denied range."""
    fix = Sha(stage.sha(fixed_in)) if fixed_in else None
    verb = hand.resume(stage.run_of("ship bad"), fixed_in=fix, by="ada")
    return stage.scheduler.spawn("desk", verb)


def test_fix_that_is_itself_denied_lifts_nothing() -> None:
    """A commit of the bad range mends nothing: the pin stands, and the range stays denied."""
    stage = deployed_stage()
    roll_back(stage)
    stage.run()

    said = resume(stage, "bad")
    stage.run()

    with pytest.raises(Refused, match="mends nothing"):
        said.result()
    assert stage.record.pin is not None


def test_resume_without_a_fix_is_refused_while_a_range_is_denied() -> None:
    """Otherwise the next push would ship the bad release again."""
    stage = deployed_stage()
    roll_back(stage)
    stage.run()

    said = resume(stage, None)
    stage.run()

    with pytest.raises(Refused, match="a denied range has no fix named"):
        said.result()


def test_release_with_the_fix_goes_out_after_resume_and_one_without_it_does_not() -> None:
    """From resume on, whatever is newer than the target without the fix is denied."""
    stage = deployed_stage()
    roll_back(stage)
    stage.run()
    stage.push("fixed")
    resume(stage, "fixed")
    stage.run()

    stage.start("ship bad again", "bad")
    stage.start("ship fixed", "fixed")
    stage.run()

    assert ["held", "deployed"] == [stage.word("ship bad again"), stage.word("ship fixed")]
    stage.assert_serving("fixed")


def test_resume_lifts_no_pin_that_it_has_not_read() -> None:
    """A rollback that comes between reading and writing is read and checked anew."""
    stage = deployed_stage()
    stage.pin()
    stage.slow_down(ledger=1)
    bad = Denial(after=Sha(stage.sha("good")), upto=Sha(stage.sha("bad")), reason="broken")

    said = resume(stage, None)
    stage.at(stage.now_s + 1.5, lambda: stage.edit(denied=(bad,)))
    stage.run()

    with pytest.raises(Refused, match="a denied range has no fix named"):
        said.result()
    assert stage.record.pin is not None


def test_rewritten_branch_is_accepted_and_deployed_over_what_it_left_behind() -> None:
    """After accept-rewrite the mark is on the new history, and the old one counts as older."""
    stage = deployed_stage()
    stage.push("rewritten", parents=[stage.sha("good")])
    stage.start("before", "rewritten")
    stage.run()
    accepting = stage.run_of("before")

    stage.scheduler.spawn("desk", hand.accept_rewrite(accepting, reason="rebased", by="ada"))
    stage.run()
    stage.start("after", "rewritten")
    stage.run()

    assert "failed" == stage.word("before")
    assert "deployed" == stage.word("after")
    stage.assert_serving("rewritten")
