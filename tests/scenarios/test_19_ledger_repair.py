"""`ledger-repair`: a ledger that was set back never hands out an epoch twice."""

from functools import partial

import pytest

from release.core.ledger import Effect, Intent, Record
from release.errors import Refused
from release.stages.repair import EPOCHS_APART, repair_ledger
from simulator.control_plane import FenceKind
from simulator.happenings import Kind
from tests.support.stage import Stage


def set_back_stage(fence: FenceKind = FenceKind.LANDING) -> Stage:
    """A stage whose ledger was backed up at epoch 1, used up to epoch 3, and restored."""
    stage = Stage(soak_s=0)
    stage.world.control_plane.fence_kind = fence
    backup: Record | None = None
    for release in ("one", "two", "three"):
        stage.push(release)
        stage.start(f"ship {release}", release)
        stage.run()
        backup = backup or stage.record
    assert backup is not None
    stage.ledger.write(backup, actor="operator")
    return stage


def repair(stage: Stage, who: str = "ada") -> None:
    """A person repairs the ledger."""
    stage.act(who, partial(repair_ledger, reason="restored", by=who))
    stage.run()


def unknown(stage: Stage) -> list[Intent]:
    """The open intents that stand for whatever was forgotten."""
    return [one for one in stage.record.intents if one.effect is Effect.UNKNOWN]


def test_epoch_is_lifted_far_above_what_the_fence_has_seen() -> None:
    """A job may have claimed an epoch that no fence has heard of, so one more is not enough."""
    stage = set_back_stage()

    repair(stage)

    assert 3 + EPOCHS_APART == stage.record.epoch
    assert "the epoch was lifted from 1 to 1000003 (the fence had seen 3)" in stage.said("ada")


def test_fence_is_raised_to_the_new_epoch_at_once() -> None:
    """What the ledger forgot, and what still lands behind it, is refused where there is a fence."""
    stage = set_back_stage()

    repair(stage)

    *_, (_, subject, epoch) = stage.happened(Kind.FENCE_RAISED)
    assert ("production", str(stage.record.epoch)) == (subject, epoch)


def test_whatever_was_forgotten_is_waited_out_by_the_next_job() -> None:
    """One `unknown` intent of the longest bound is open, and the next job waits for it."""
    stage = set_back_stage()
    repair(stage)
    began_s = stage.now_s
    (forgotten,) = unknown(stage)

    stage.push("four")
    stage.start("ship four", "four")
    stage.run()

    assert 300 == forgotten.bound_s
    assert began_s + 300 == stage.calls("ship four", "redeploy")[0]
    assert "deployed" == stage.word("ship four")
    stage.assert_serving("four")


def test_release_that_the_ledger_forgot_is_not_taken_back() -> None:
    """The restored mark is old; the next job of an older release observes what is newer."""
    stage = set_back_stage()
    repair(stage)

    stage.start("re-run two", "two")
    stage.run()

    assert "superseded" == stage.word("re-run two")
    stage.assert_serving("three")


def test_repair_is_written_into_the_history() -> None:
    """Who, why and the new epoch."""
    stage = set_back_stage()

    repair(stage)

    past = stage.record.past[-1]
    assert ("repaired", "ada: restored", stage.record.epoch) == (past.word, past.reason, past.epoch)


def test_second_repair_lifts_again_and_waits_for_no_more_than_one() -> None:
    """Safe to repeat: its own `unknown` intent takes the place of the first one's."""
    stage = set_back_stage()
    repair(stage)
    first = stage.record.epoch

    repair(stage, "bob")

    assert first + EPOCHS_APART == stage.record.epoch
    assert [stage.job_id("bob")] == [one.job for one in unknown(stage)]


def test_unfenced_fleet_gets_the_wait_and_the_next_epoch() -> None:
    """Where nobody compares epochs, the wait is what keeps a late effect from being overtaken."""
    stage = set_back_stage(FenceKind.NONE)

    repair(stage)

    assert 1 + 1 == stage.record.epoch
    assert 1 == len(unknown(stage))
    assert "unfenced" in stage.said("ada")


def test_job_that_held_the_restored_record_claims_again() -> None:
    """The hold in a backup says nothing of now; a job that lives takes a new epoch and waits."""
    stage = Stage()
    stage.push("newer")
    stage.start("ship newer", "newer")
    stage.run(until_s=30)

    repair(stage)

    claims = [text for _, text in stage.hears("ship newer", "claimed")]
    again = f"claimed epoch {EPOCHS_APART + 2} for newer"
    assert ["claimed epoch 1 for newer", again] == claims
    assert "deployed" == stage.word("ship newer")
    stage.assert_promises("newer")


def test_missing_record_is_created_from_what_is_observed() -> None:
    """Where there is no backup the fleet says the mark; the epoch clears the fence all the same."""
    stage = set_back_stage()
    stage.lose_record()

    repair(stage)

    assert ("three", 3 + EPOCHS_APART) == (stage.mark, stage.record.epoch)
    assert 1 == len(unknown(stage))


def test_open_intents_of_the_backup_stay_open() -> None:
    """Whoever wrote them may still be answered; they are waited for as any others."""
    stage = set_back_stage()
    stage.edit(
        intents=(
            Intent(
                job=stage.job_id("ship one"),
                number=7,
                epoch=1,
                effect=Effect.REDEPLOY,
                what="t1 to one",
                bound_s=300,
            ),
        )
    )

    repair(stage)

    assert ["t1 to one"] == [
        one.what for one in stage.record.intents if one.effect is not Effect.UNKNOWN
    ]


def test_write_that_another_one_beats_is_decided_anew() -> None:
    """A claim that comes between reading and writing is lifted above too."""
    stage = set_back_stage()
    stage.slow_down(ledger=1)
    stage.at(stage.now_s + 1.5, lambda: stage.edit(epoch=9))

    repair(stage)

    assert 9 + EPOCHS_APART == stage.record.epoch


def test_record_that_never_stops_changing_is_refused() -> None:
    """After as many swaps as the policy allows a person looks who writes there."""
    stage = set_back_stage()
    stage.fault("refuse", "swap", status=409, times=None)

    repair(stage)

    with pytest.raises(Refused, match="the record kept changing"):
        stage.said("ada")
