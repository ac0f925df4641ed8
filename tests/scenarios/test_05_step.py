"""Sentence 5 of a deploy's life: the step before every effect, and the effect that is sent once."""

from dataclasses import replace
from datetime import time

import pytest

from release.core.freeze import Day, FreezeWindow
from release.core.ledger import PinKind, Stamp
from release.core.values import JobId
from simulator.happenings import Kind
from tests.support.stage import Stage

ONE_MINUTE_PAST = FreezeWindow(
    days=(Day.THURSDAY,), start=time(0, 1), end=time(6), reason="New Year"
)


def test_switch_turned_off_in_mid_rollout_stops_before_the_next_effect() -> None:
    """Sentence 5: the switch is read before EVERY effect; after the first `off` is `stopped`."""
    stage = Stage()
    stage.push("older")
    stage.at(50, lambda: stage.switch("off"))

    stage.start("job-1", "older")
    stage.run()

    assert "stopped" == stage.word("job-1")
    assert "the kill switch is off" == stage.reason("job-1")
    assert 1 == stage.outcome("job-1").exit_code
    assert {
        "t1": "settled older",
        "t2": "untouched base",
        "t3": "untouched base",
    } == stage.reports("job-1")


def test_switch_that_cannot_be_read_in_mid_rollout_means_no_further_effect() -> None:
    """Sentence 5: an unreadable switch is neither on nor off: the next effect is not sent."""
    stage = Stage()
    stage.push("older")
    stage.fault("refuse", "variable", status=503, after=2, times=None)

    stage.start("job-1", "older")
    stage.run()

    assert "unavailable" == stage.word("job-1")
    assert ["t1 older"] == stage.landings()


def test_freeze_window_that_opens_in_mid_rollout_stops() -> None:
    """Sentence 5: freeze windows are looked at before every effect."""
    stage = Stage()
    stage.push("older")

    stage.start("job-1", "older", freezes=(ONE_MINUTE_PAST,))
    stage.run()

    assert "stopped" == stage.word("job-1")
    assert "a freeze window is open: New Year" == stage.reason("job-1")
    assert ["t1 older"] == stage.landings()


def test_deadline_that_has_passed_means_no_further_effect() -> None:
    """Sentence 5: a job that is over its deadline ends before its next effect."""
    stage = Stage()
    stage.push("older")

    stage.start("job-1", "older", deadline_s=60)
    stage.run()

    assert "exhausted" == stage.word("job-1")
    assert "the deadline of 60 s passed 23 s ago" == stage.reason("job-1")
    assert ["t1 older"] == stage.landings()


def test_every_effect_is_written_down_before_it_is_sent() -> None:
    """Sentence 5: the intent of each redeploy and pointer move precedes it in the ledger."""
    stage = Stage(batch_size=1)
    stage.push("older")

    stage.start("job-1", "older")
    stage.run()

    what = stage.story(Kind.LEDGER, Kind.ACCEPTED, Kind.POINTED, since="older")
    effects = [index for index, line in enumerate(what) if not line.startswith("ledger")]
    assert 4 == len(effects)
    assert all("1 open intents" in what[index - 1] for index in effects)


def test_every_effect_carries_the_epoch() -> None:
    """Sentence 5: a redeploy is sent with the epoch of the claim."""
    stage = Stage()
    stage.push("older")
    stage.edit(epoch=6)

    stage.start("job-1", "older")
    stage.run()

    accepted = stage.world.log.of_kind(Kind.ACCEPTED)
    assert ["epoch 7", "epoch 7"] == [one.note for one in accepted]


def test_swap_that_takes_longer_than_the_send_margin_makes_the_intent_be_written_anew() -> None:
    """Sentence 5: over 5 s since the swap began, nothing is sent: a new intent is written."""
    stage = Stage()
    stage.push("older")
    stage.fault("delay", "swap", after=1, before_s=6)

    stage.start("job-1", "older")
    stage.run(until_s=6)

    assert [2] == [intent.number for intent in stage.record.intents]
    assert [6] == stage.calls("job-1", "redeploy")


def test_swap_that_takes_just_the_send_margin_is_young_enough() -> None:
    """Sentence 5: up to 5 s since the swap began the effect is sent behind its intent."""
    stage = Stage()
    stage.push("older")
    stage.fault("delay", "swap", after=1, before_s=5)

    stage.start("job-1", "older")
    stage.run(until_s=5)

    assert [1] == [intent.number for intent in stage.record.intents]
    assert [5] == stage.calls("job-1", "redeploy")


def test_ledger_that_is_always_too_slow_to_send_behind_is_given_up_on() -> None:
    """Sentence 5: a ledger whose every write takes too long ends the job without an effect."""
    stage = Stage()
    stage.push("older")
    stage.slow_down(ledger=6)

    stage.start("job-1", "older")
    stage.run()

    assert "unavailable" == stage.word("job-1")
    assert "every write to the ledger took over 5 s: too late to send" == stage.reason("job-1")
    assert () == stage.record.intents
    stage.assert_serving("base")


def test_effect_whose_answer_is_lost_is_not_repeated_when_it_landed() -> None:
    """Sentence 5: a lost answer is a request in flight; a tenant that settles needs no other."""
    stage = Stage()
    stage.push("older")
    stage.fault("lose_answer", "redeploy", "t1 *", status=502)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert ["t1 older", "t2 older", "t3 older"] == stage.landings()
    assert "canary: no answer, it may still take effect" in stage.warnings("job-1")
    assert ["t1 to staging-older"] == [stage.named(one.what) for one in stage.record.intents]


def test_to_repeat_an_effect_is_a_new_step_with_an_intent_of_its_own() -> None:
    """Sentence 5: observe, re-check, a new intent, send; both intents stay open if unanswered."""
    stage = Stage()
    stage.push("older")
    stage.fault("cut_before", "redeploy", "t1 *")

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    first_s, second_s = stage.calls("job-1", "redeploy", "t1 *")
    assert (0, 240) == (first_s, second_s)
    assert "redeploying t1 once more: the first request was not answered" in stage.warnings("job-1")
    assert [1] == [intent.number for intent in stage.record.intents]


def test_redeploy_that_was_not_taken_is_sent_again_as_a_new_step() -> None:
    """Sentence 5: adapters repeat reads alone; an effect that was not sent is a step once more."""
    stage = Stage()
    stage.push("older")
    stage.fault("refuse", "candidates", status=503, times=2)
    stage.fault("refuse", "redeploy", "t1 *", status=429)

    stage.start("job-1", "older")
    stage.run()

    assert 3 <= len(stage.calls("job-1", "candidates"))
    first_s, second_s = stage.calls("job-1", "redeploy", "t1 *")
    assert 2 == second_s - first_s
    assert "deployed" == stage.word("job-1")
    assert () == stage.record.intents


def test_fleet_that_takes_no_request_ends_the_job_unavailable() -> None:
    """Sentence 5: after bounded retry the job fails; nothing was sent, so nothing stays open."""
    stage = Stage()
    stage.push("older")
    stage.fault("refuse", "redeploy", status=429, times=None)

    stage.start("job-1", "older")
    stage.run()

    assert 10 == len(stage.calls("job-1", "redeploy"))
    assert "unavailable" == stage.word("job-1")
    assert "the fleet took none of our requests" in stage.reason("job-1")
    assert () == stage.record.intents


def test_lost_swap_is_recomputed_while_the_record_is_still_ours() -> None:
    """Sentence 5: still ours, and pin, deny-list and mark unchanged: recompute and swap again."""
    stage = Stage()
    stage.push("older")
    stage.slow_down(ledger=1)
    for at_s in range(10, 100, 7):
        stage.at(at_s + 0.5, lambda: stage.edit(stamp=Stamp(job=stage.job_id("job-1"), write=0)))

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert "" == stage.warnings("job-1")


def test_lost_swap_is_recomputed_a_bounded_number_of_times() -> None:
    """Sentence 5: after n swaps that failed although nobody else wrote the job ends."""
    stage = Stage(swap_attempts_max=3)
    stage.push("older")
    stage.fault("refuse", "swap", status=409, after=4, times=None)

    stage.start("job-1", "older")
    stage.run()

    assert "unavailable" == stage.word("job-1")
    assert "the ledger did not take a write in 3 attempts" == stage.reason("job-1")
    assert ["t1 older"] == stage.landings()


def test_holder_that_keeps_losing_to_others_goes_on() -> None:
    """Sentence 5: a swap that lost to another's write counts as no attempt."""
    stage = Stage(swap_attempts_max=3)
    stage.push("older")
    stage.slow_down(ledger=1)
    stage.keep_writing(since_s=40, until_s=90)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert "" == stage.warnings("job-1")


def test_holder_that_loses_for_its_whole_lease_gives_up() -> None:
    """Sentence 5: whoever lost to others for `lease_s` counts as dead, and ends `unavailable`."""
    stage = Stage(lease_s=30)
    stage.push("older")
    stage.slow_down(ledger=1)
    stage.keep_writing(since_s=40, until_s=200)

    stage.start("job-1", "older")
    stage.run()

    assert "unavailable" == stage.word("job-1")
    assert "the ledger took the writes of others and none of ours for 30 s" == (
        stage.reason("job-1")
    )
    assert 40 + 30 < stage.ended_at_s("job-1")
    assert ["t1 older"] == stage.landings()


def test_mark_that_rises_while_the_record_is_ours_supersedes() -> None:
    """Sentence 5: still ours but the mark is newer: clear the holder, `superseded`."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.at(50, lambda: stage.raise_mark("newer"))

    stage.start("job-1", "older")
    stage.run()

    assert "superseded" == stage.word("job-1")
    assert "newer is newer, read in the ledger" == stage.reason("job-1")
    assert stage.record.holder is None


def test_newer_release_that_has_the_record_supersedes() -> None:
    """Sentence 5: a newer release has it: `superseded`, naming it, at the very next step."""
    stage = Stage()
    stage.push("older")
    stage.start("old", "older")
    stage.push("newer", at_s=50)
    stage.start("new", "newer", at_s=50)

    stage.run()

    assert "superseded" == stage.word("old")
    assert "newer is newer, read in the ledger" == stage.reason("old")
    assert 63 == stage.ended_at_s("old")
    assert ["t1 older"] == stage.landings("old")
    stage.assert_promises("newer")


def test_other_attempt_that_has_the_record_is_waited_for_and_verified() -> None:
    """Sentence 5: another attempt of the same release has it: claim again, wait, then verify."""
    stage = Stage()
    stage.push("older")
    stage.start("first", "older")

    def let_another_attempt_claim() -> None:
        assert stage.record.holder is not None
        other = replace(stage.record.holder, job=JobId(run="other", attempt=2, nonce="n"))
        stage.edit(epoch=2, holder=other)

    stage.at(10, let_another_attempt_claim)
    stage.run()

    assert [0, 23 + 60] == [told[0] for told in stage.all_claims()]
    assert "deployed" == stage.word("first")
    assert ["t1 older", "t2 older", "t3 older"] == stage.landings("first")
    stage.assert_promises("older")


def test_holder_that_waits_for_the_answer_to_its_redeploy_is_alive() -> None:
    """A job can't renew while it waits for an answer: its silence is life until the bound."""
    stage = Stage()
    stage.push("older")
    stage.fault("delay", "redeploy", after_s=100, actor="first")
    stage.start("first", "older", run_id="77")
    stage.start("second", "older", at_s=10, run_id="77", attempt=2)

    stage.run()

    assert [0, stage.ended_at_s("first")] == [told[0] for told in stage.all_claims()]
    assert ["deployed", "verified"] == [stage.word("first"), stage.word("second")]


def test_wait_for_a_dead_holder_counts_for_what_it_left_open() -> None:
    """Whoever has watched a dead holder until the bound of its effect has waited it out."""
    stage = Stage()
    stage.push("older")
    stage.fault("cut_before", "redeploy", actor="first")
    stage.start("first", "older", run_id="77")
    stage.kill("first", at_s=5)
    stage.start("second", "older", at_s=10, run_id="77", attempt=2)

    stage.run()

    assert [0, 310] == [told[0] for told in stage.all_claims()]
    assert 310 == stage.calls("second", "redeploy")[0]


def test_pin_before_the_first_effect_holds_and_after_it_stops() -> None:
    """Sentence 5: a pin has it: `held` before the first effect, else `stopped`."""
    early, late = Stage(), Stage()
    for stage in (early, late):
        stage.push("older")
        stage.start("job-1", "older")
    early.run_until_call("job-1", "swap", 1)
    early.slow_down(ledger=2, control_plane=1)
    early.at(2.5, early.pin)
    late.at(50, late.pin)

    early.run()
    late.run()

    assert "held" == early.word("job-1")
    early.assert_serving("base")
    assert "stopped" == late.word("job-1")
    assert "pinned by ada (pin): hands off" == late.reason("job-1")
    assert "settled older" == late.reports("job-1")["t1"]
    assert "untouched base" == late.reports("job-1")["t3"]


@pytest.mark.parametrize("at_s", [3, 50])
def test_record_stolen_by_hand_stops_job(at_s: float) -> None:
    """Sentence 5: stolen by hand: `stopped`, whether or not anything was touched."""
    stage = Stage()
    stage.push("older")
    stage.slow_down(control_plane=2)
    stage.at(at_s, lambda: stage.edit(holder=None, epoch=9))
    stage.at(at_s, lambda: stage.pin("broken runner", kind=PinKind.UNLOCK))

    stage.start("job-1", "older")
    stage.run()

    assert "stopped" == stage.word("job-1")
    assert "pinned by ada (unlock): broken runner" == stage.reason("job-1")


def test_lease_that_ran_out_and_was_taken_by_nobody_is_claimed_again() -> None:
    """Sentence 5: run out and taken by nobody: claim again, and go on."""
    stage = Stage()
    stage.push("older")
    stage.at(50, lambda: stage.edit(holder=None))

    stage.start("job-1", "older")
    stage.run()

    assert ["claimed epoch 1 for older", "claimed epoch 2 for older"] == stage.all_hear("claimed")
    assert "deployed" == stage.word("job-1")
    assert ["t1 older", "t2 older", "t3 older"] == stage.landings()


@pytest.mark.parametrize("kind", ["lose_answer", "cut_before"])
@pytest.mark.parametrize("number", range(1, 12))
def test_swap_of_unknown_outcome_is_read_again(kind: str, number: int) -> None:
    """Sentence 5: our nonce in the record means won; whichever swap it is, the deploy goes on."""
    stage = Stage()
    stage.push("older")
    stage.fault(kind, "swap", after=number)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert ["t1 older", "t2 older", "t3 older"] == stage.landings()
    assert 1 == stage.record.epoch
    assert () == stage.record.intents
    stage.assert_promises("older")


def test_swap_of_unknown_outcome_that_was_lost_to_a_newer_claim_supersedes() -> None:
    """Sentence 5: outcome unknown, and the record says a newer release: `superseded`."""
    stage = Stage()
    stage.push("older")
    stage.start("old", "older")
    stage.push("newer", at_s=50)
    stage.start("new", "newer", at_s=50)
    stage.run(until_s=60)
    stage.fault("lose_answer", "swap", actor="old")

    stage.run()

    assert "superseded" == stage.word("old")
    stage.assert_promises("newer")
