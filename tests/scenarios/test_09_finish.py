"""Sentence 9 of a deploy's life: the outcome into the record, the holder cleared; and outcomes."""

from itertools import pairwise

import pytest

from release.core.outcome import Word
from simulator.control_plane import FenceKind
from tests.support.stage import Stage


def test_outcome_is_written_and_the_holder_cleared() -> None:
    """Sentence 9: the record keeps how the job ended, and nobody holds it."""
    stage = Stage()
    stage.push("older")

    stage.start("job-1", "older")
    stage.run()

    (past,) = stage.record.past
    assert ("deployed", stage.job_id("job-1"), 1) == (past.word, past.job, past.epoch)
    assert stage.record.holder is None
    assert () == stage.record.intents
    assert "older" == stage.mark


def test_releasing_clears_the_holder_and_nothing_else() -> None:
    """The record is never deleted: epoch, mark, pin and deny-list outlive every job."""
    stage = Stage()
    stage.push("older")
    stage.start("job-1", "older")
    stage.run(until_s=50)
    held = stage.record

    stage.run()

    kept = ("environment", "epoch", "mark", "next", "pin", "denied")
    assert [getattr(held, name) for name in kept] == [getattr(stage.record, name) for name in kept]


def test_holder_writes_its_outcome_against_others_without_making_way() -> None:
    """Sentence 9: a holder's own outcome is not counted out, nor does it pause."""
    stage = Stage(swap_attempts_max=2)
    stage.push("older")
    stage.slow_down(ledger=1)
    stage.start("job-1", "older")
    stage.run_until_call("job-1", "point")
    stage.keep_writing(since_s=stage.now_s, until_s=stage.now_s + 20)
    still_s = stage.now_s + 20

    stage.run()

    assert still_s < stage.ended_at_s("job-1") <= still_s + 4
    assert stage.record.holder is None
    assert "" == stage.warnings("job-1")


def test_outcome_of_a_job_that_holds_nothing_makes_way_longer_each_time() -> None:
    """Sentence 9: between its attempts pass `retry_s`, twice that and so on, and a share more."""
    stage = Stage(swap_attempts_max=4, retry_s=10)
    stage.push("older")
    stage.push("newer")
    stage.raise_mark("newer")
    stage.slow_down(ledger=1)
    stage.start("old", "older")
    stage.keep_writing(until_s=1000)

    stage.run(until_s=900)

    began_s = stage.calls("old", "swap")
    pauses_s = [later - sooner - 2 for sooner, later in pairwise(began_s)]
    assert [10, 20, 30] == [pause_s // 10 * 10 for pause_s in pauses_s]
    assert "superseded" == stage.word("old")
    assert "its swaps kept losing" in stage.warnings("old")


def test_unanswered_intents_stay_open_until_their_bound() -> None:
    """Sentence 9: the next job waits for what this one was never answered."""
    stage = Stage()
    stage.push("older")
    stage.fault("lose_answer", "redeploy", "t2*")
    stage.start("old", "older")
    stage.run()
    stage.push("newer")

    stage.start("new", "newer")
    stage.run()

    assert "deployed" == stage.word("old")
    assert stage.ended_at_s("old") + 300 == stage.calls("new", "redeploy")[0]
    stage.assert_promises("newer")


@pytest.mark.parametrize("row", ["absent", "TimedOut", "InProgress"])
def test_row_without_a_final_state_is_unanswered(row: str) -> None:
    """Acknowledge: a row that is missing, `TimedOut` or unknown keeps its intent open."""
    stage = Stage()
    stage.push("older")
    stage.fault("late", "landing", "t3", late_s=0, row=row)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert "no final answer for t3: it may still take effect there" in stage.warnings("job-1")
    assert ["t2, t3 to staging-older"] == [stage.named(one.what) for one in stage.record.intents]


def test_second_answered_request_does_not_acknowledge_the_first() -> None:
    """Acknowledge: what was never answered stays open, also when a second request was answered."""
    stage = Stage()
    stage.push("older")
    stage.fault("cut_before", "redeploy", "t1 *")

    stage.start("job-1", "older")
    stage.run()

    assert [1] == [intent.number for intent in stage.record.intents]


def test_job_that_is_killed_is_followed_by_one_that_looks_for_itself() -> None:
    """A job that dies is followed by one that re-derives what is true from observed versions."""
    stage = Stage()
    stage.push("older")
    stage.start("dead", "older")
    stage.kill("dead", at_s=50)
    stage.move_tenant("t1", "base", at_s=55)
    stage.start("fresh", "older", at_s=60)

    stage.run()

    assert "deployed" == stage.word("fresh")
    assert "t1 older" in stage.landings("fresh")
    stage.assert_serving("older")


def test_outcome_that_cannot_be_written_is_a_warning() -> None:
    """P5: what could not be recorded is said; it does not change how the job ended."""
    stage = Stage()
    stage.push("older")
    stage.start("job-1", "older")
    stage.run_until_call("job-1", "point")
    stage.fault("refuse", "swap", status=403, times=None)

    stage.run()

    assert "deployed" == stage.word("job-1")
    assert "the outcome could not be written into the ledger" in stage.warnings("job-1")


@pytest.mark.parametrize(
    ("fence", "said"),
    [
        (FenceKind.LANDING, "(fenced: fleet; unfenced, read back: app:latest)"),
        (FenceKind.DOOR, "(fenced at the door: fleet; unfenced, read back: app:latest)"),
        (FenceKind.NONE, "(unfenced: fleet; unfenced, read back: app:latest)"),
    ],
)
def test_every_run_says_how_each_resource_is_fenced(fence: FenceKind, said: str) -> None:
    """P5: fenced, fenced at the door or unfenced, for each resource."""
    stage = Stage()
    stage.world.control_plane.fence_kind = fence
    stage.push("older")

    stage.start("job-1", "older")
    stage.run()

    assert said in stage.sentence("job-1")


def test_nothing_to_do_is_verified() -> None:
    """Outcomes: 0: `verified`: everything was on the release already, and nothing was sent."""
    stage = Stage()
    stage.push("older")
    stage.put_everything_on("older")

    stage.start("job-1", "older")
    stage.run()

    assert Word.VERIFIED is stage.outcome("job-1").word
    assert 0 == stage.outcome("job-1").exit_code
    assert not stage.outcome("job-1").has_touched


def test_history_counts_who_settled_apart_from_who_is_quarantined() -> None:
    """P2: the record never says that a quarantined tenant settled."""
    stage = Stage(stragglers_max=1)
    stage.push("older")
    stage.fault("no_effect", "landing", "t3", times=None)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert "2 tenants settled, every pointer read back" == stage.record.past[-1].reason
