"""Sentence 4 of a deploy's life: take over, by waiting for what earlier holders left under way."""

import pytest

from release.core.ledger import Stamp
from simulator.happenings import Kind
from tests.support.stage import Stage


def killed_in_mid_redeploy() -> Stage:
    """A stage on which the job of `older` was killed at 1 s; its redeploy of t1 is under way."""
    stage = Stage()
    stage.push("older")
    stage.start("dead", "older")
    stage.kill("dead", at_s=1)
    stage.run(until_s=1)
    return stage


def test_open_intent_ends_when_its_writer_acknowledges_it() -> None:
    """Sentence 4: the writer may acknowledge also when it no longer holds the record."""
    stage = Stage()
    stage.push("older")
    stage.fault("delay", "redeploy", after_s=40)
    stage.start("old", "older")
    stage.push("newer", at_s=10)
    stage.start("new", "newer", at_s=10)

    stage.run()

    assert [(10, "claimed epoch 2 for newer")] == stage.hears("new", "claimed")
    assert (10, "waiting up to 300 s for t1 to staging-older") == stage.hears("new", "draining")[0]
    assert 43 == stage.ended_at_s("old")
    assert "superseded" == stage.word("old")
    assert 43 == stage.calls("new", "redeploy")[0]
    stage.assert_promises("newer")


def test_intent_of_a_dead_job_is_waited_out_on_our_own_clock() -> None:
    """Sentence 4: a bound is counted from when we first saw the intent, and no second less."""
    stage = killed_in_mid_redeploy()
    stage.push("newer")

    stage.start("new", "newer", at_s=50)
    stage.run()

    assert [(50, "claimed epoch 2 for newer")] == stage.hears("new", "claimed")
    assert 50 + 300 == stage.calls("new", "redeploy")[0]
    stage.assert_promises("newer")


def test_storm_of_claims_does_not_restart_the_wait() -> None:
    """Sentence 4: each waiter writes down what it waited, so the bound passes once for all."""
    stage = killed_in_mid_redeploy()
    for number in range(6):
        stage.push(f"push-{number}", at_s=10 + 45 * number)
        stage.start(f"job-{number}", f"push-{number}", at_s=10 + 45 * number)

    stage.run()

    first_effect_s = stage.calls("job-5", "redeploy")[0]
    assert 10 + 300 <= first_effect_s <= 10 + 300 + 6 * 20
    assert "deployed" == stage.word("job-5")
    stage.assert_promises("push-5")


def test_if_we_die_waiting_the_next_one_waits_for_the_rest() -> None:
    """Sentence 4: the wait of a dead waiter counts as far as it was written down."""
    stage = killed_in_mid_redeploy()
    stage.push("newer")
    stage.start("waiter", "newer", at_s=1)
    stage.kill("waiter", at_s=105)
    stage.start("next", "newer", at_s=110)

    stage.run()

    lease_s, written_down_s = 60, 100
    assert 110 + lease_s + 300 - written_down_s == stage.calls("next", "redeploy")[0]
    stage.assert_promises("newer")


def test_only_a_wait_of_the_whole_bound_drops_an_intent() -> None:
    """Sentence 4: until its bound is waited out the intent stays, whoever holds the record."""
    stage = killed_in_mid_redeploy()
    stage.push("newer")
    stage.start("new", "newer", at_s=1)

    stage.run(until_s=300)
    before = stage.record.intents
    stage.run(until_s=302)

    assert ["t1 to staging-older"] == [stage.named(intent.what) for intent in before]
    assert ["t1 to staging-newer"] == [stage.named(one.what) for one in stage.record.intents]


def test_candidates_are_listed_with_our_epoch_before_anything_is_decided() -> None:
    """Sentence 4: after the wait the list raises the fence, before anything is sent."""
    stage = killed_in_mid_redeploy()
    stage.push("newer")

    stage.start("new", "newer", at_s=10)
    stage.run()

    assert (310, "production", "2") in stage.happened(Kind.FENCE_RAISED)
    assert 310 == stage.calls("new", "redeploy")[0]


def test_resource_that_is_right_already_gets_its_fence_raised() -> None:
    """Fencing: a take-over that has nothing to redeploy raises the fence all the same."""
    stage = Stage()
    stage.push("older")
    stage.put_everything_on("older")

    stage.start("job-1", "older")
    stage.run()

    assert "verified" == stage.word("job-1")
    assert [(0, "production", "1")] == stage.happened(Kind.FENCE_RAISED)


def test_wait_is_noted_once_although_its_swap_was_written_unseen() -> None:
    """Sentence 4: a swap whose answer was lost behind another's write counts no wait twice."""
    stage = Stage()
    stage.push("older")
    stage.fault("delay", "redeploy", after_s=120, subject="t1 *")
    stage.fault("lose_answer", "redeploy", subject="t1 *")
    stage.start("old", "older")
    stage.push("newer", at_s=10)
    stage.start("new", "newer", at_s=10)
    stage.fault("delay", "swap", actor="new", after=1, after_s=5)
    stage.fault("lose_answer", "swap", actor="new", after=1)
    stage.at(31, lambda: stage.edit(stamp=Stamp(job=stage.job_id("old"), write=99)))

    stage.run(until_s=60)

    (intent,) = stage.record.intents
    assert intent.waited_s <= 60 - 10


@pytest.mark.parametrize("at_s", [447.3182637, 665.6889169, 1001.1, 31337.7])
def test_rounding_does_not_keep_a_waiter_for_ever(at_s: float) -> None:
    """Sentence 4: many waits add up to the bound, whatever instant they began at."""
    stage = killed_in_mid_redeploy()
    stage.push("newer")

    stage.start("new", "newer", at_s=at_s)
    stage.run()

    assert at_s + 300 == pytest.approx(stage.calls("new", "redeploy")[0], abs=0.01)
    assert "deployed" == stage.word("new")


def test_epoch_that_a_set_back_ledger_hands_out_again_is_not_used() -> None:
    """Sentence 4: a fence that has seen a fresh epoch already says that the ledger was set back."""
    stage = Stage()
    stage.push("older")
    stage.fault("delay", "landing", "t1", after_s=100)
    stage.start("old", "older")
    stage.push("newer", at_s=6)
    stage.at(8, lambda: stage.edit(epoch=0, mark=None, holder=None, intents=()))

    stage.start("new", "newer", at_s=10)
    stage.run()

    assert [(10, "claimed epoch 1 for newer")] == stage.hears("new", "claimed")
    assert "the ledger was set back. Going on with epoch 2" in stage.warnings("new")
    assert 10 + 300 <= stage.calls("new", "redeploy")[0]
    stage.assert_promises("newer")
