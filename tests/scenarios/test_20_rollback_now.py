"""`rollback --now`: rolls at once, and again once nothing older can land any more."""

import pytest

from release.core.rollback import RollbackOrder
from release.pipeline import ROLLBACK, ROLLBACK_NOW
from release.pipeline import Stage as Verb
from simulator.control_plane import FenceKind
from simulator.happenings import Kind
from simulator.tenants import Health
from tests.support.stage import Stage

ORDER = RollbackOrder(reason="checkout is broken", by="ada", is_stealing=True)


def burning_stage(fence: FenceKind = FenceKind.NONE) -> Stage:
    """A stage on which `good` is live, and the job of `bad` was killed in mid-redeploy.

    Its redeploy of t1 is under way for 100 s and lands unseen.
    """
    stage = Stage(soak_s=0)
    stage.world.control_plane.fence_kind = fence
    stage.push("good")
    stage.start("ship good", "good")
    stage.run()
    stage.push("bad")
    began_s = stage.now_s
    stage.fault("late", "landing", "t1", late_s=100, row="TimedOut")
    stage.start("ship bad", "bad")
    stage.kill("ship bad", at_s=began_s + 1)
    stage.run(until_s=began_s + 1)
    assert stage.record.intents
    return stage


def roll_back(stage: Stage, verb: tuple[Verb, ...] = ROLLBACK_NOW) -> float:
    """Starts a rollback; returns when."""
    began_s = stage.now_s
    stage.start("rollback", "good", verb, rollback=ORDER, is_by_hand=True)
    return began_s


def test_it_does_not_wait_for_open_intents_and_rolls_again_behind_them() -> None:
    """Every tenant is rolled at once, and once more when the bounds have passed."""
    stage = burning_stage()

    began_s = roll_back(stage)
    stage.run()

    calls = stage.calls("rollback", "redeploy")
    assert began_s == calls[0]
    assert [True, True, False, False] == [at_s < began_s + 300 for at_s in calls]
    assert "deployed" == stage.word("rollback")
    stage.assert_serving("good")


def test_without_now_nothing_is_sent_before_the_bounds_have_passed() -> None:
    """What `--now` is for: the plain verb waits first."""
    stage = burning_stage()

    began_s = roll_back(stage, ROLLBACK)
    stage.run()

    assert began_s + 300 <= stage.calls("rollback", "redeploy")[0]


def test_what_lands_behind_the_first_round_is_rolled_back_by_the_second() -> None:
    """The late redeploy of the bad release lands between the rounds; the verdict comes behind."""
    stage = burning_stage()

    roll_back(stage)
    stage.run()

    t1 = [line for line in stage.landings() if line.startswith("t1")]
    assert ["t1 good", "t1 good", "t1 bad", "t1 good"] == t1
    stage.assert_serving("good")


def test_failure_of_the_first_round_is_no_verdict_and_keeps_no_tenant_waiting() -> None:
    """A tenant that does not come up is passed over; the second round finds it well."""
    stage = burning_stage()
    began_s = stage.now_s
    stage.move_tenant("t1", "bad")
    stage.fault("no_effect", "landing", "t1")

    roll_back(stage)
    stage.run(until_s=began_s + 299)
    meanwhile = stage.serving()
    stage.run()

    assert "the first round failed at canary" in stage.warnings("rollback")
    assert ("good", "good") == (meanwhile["t2"], meanwhile["t3"])
    assert "deployed" == stage.word("rollback")


def test_failure_of_the_second_round_is_the_verdict() -> None:
    """A tenant that never comes up fails the rollback, as it does without `--now`."""
    stage = burning_stage()
    stage.move_tenant("t3", "bad")
    stage.behave("t3", Health.WEDGED)

    roll_back(stage)
    stage.run()

    assert "exhausted" == stage.word("rollback")
    assert 2 == len(stage.calls("rollback", "redeploy", "*t3*"))
    assert "failed bad" == stage.reports("rollback")["t3"]


def test_time_of_the_first_round_counts_towards_the_wait() -> None:
    """The second round begins when the bounds have passed since the claim, and not later."""
    stage = burning_stage()

    began_s = roll_back(stage)
    stage.run()

    assert began_s + 300 == pytest.approx(stage.calls("rollback", "redeploy")[2], abs=0.1)


def test_fence_is_raised_before_the_first_round() -> None:
    """Where the landing is fenced, what lands late is refused, and the bad release never shows."""
    stage = burning_stage(FenceKind.LANDING)

    roll_back(stage)
    stage.run()

    assert ["t1"] == [subject for _, subject, _ in stage.happened(Kind.LANDING_REFUSED)]
    assert "t1 bad" not in stage.landings()
    assert "deployed" == stage.word("rollback")


def test_without_open_intents_there_is_one_round() -> None:
    """Nothing older can land, so that the first round is the verdict."""
    stage = Stage(soak_s=0)
    for release in ("good", "bad"):
        stage.push(release)
        stage.start(f"ship {release}", release)
        stage.run()

    roll_back(stage)
    stage.run()

    assert ["t1 good", "t2 good", "t3 good"] == stage.landings("rollback")
    assert "deployed" == stage.word("rollback")


def test_first_round_is_stopped_by_whoever_takes_the_record() -> None:
    """Losing the record is no failure of a tenant: the rollback ends there."""
    stage = burning_stage()
    began_s = roll_back(stage)
    stage.run(until_s=began_s + 5)
    other = RollbackOrder(reason="further back", by="bob", is_stealing=True)

    stage.start("other", "base", ROLLBACK_NOW, rollback=other, is_by_hand=True)
    stage.run()

    assert "stopped" == stage.word("rollback")
    stage.assert_serving("base")
