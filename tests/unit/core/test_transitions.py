"""Each legal change of the record: what it changes, and that it leaves the rest as it was."""

from dataclasses import replace

import pytest

from release.core.ledger import PAST_MAX, Effect, Holder, Next, Phase, PinKind, Record, Stamp
from release.core.transitions import (
    acknowledge,
    add_waited,
    carry_waited,
    claim,
    drop_waited_out,
    enter,
    finish,
    lift_pin,
    open_intent,
    queue,
    raise_mark,
    release_hold,
    repair,
    set_epoch,
    set_pin,
    stamp,
    steal,
)
from tests.support.records import (
    denial,
    holder,
    intent,
    job,
    past,
    pin,
    record,
    release,
    sha,
    waiting,
)

FULL = record(
    epoch=7,
    mark=sha("b"),
    holder=holder("b", "1", beat=3),
    next=waiting("c", "2", beat=4),
    intents=(intent(1, "1"), intent(2, "1"), intent(1, "2")),
    pin=pin(),
    denied=(denial("d", "e"),),
    past=(past("5"),),
)


def numbers(found: Record) -> list[tuple[str, int]]:
    """The open intents by run and number."""
    return [(one.job.run, one.number) for one in found.intents]


def test_claim_adds_one_epoch_and_carries_every_intent_over() -> None:
    """The mark goes to the release, the place of next is free, all else stays."""
    claimed = claim(FULL, job=job("9"), release=release("c"), lease_s=45.0)

    assert claimed == replace(
        FULL,
        epoch=8,
        mark=sha("c"),
        holder=Holder(job=job("9"), release=release("c"), phase=Phase.CLAIMED, lease_s=45.0),
        next=None,
    )


def test_holders_write_is_its_renewal() -> None:
    """The beat of whoever writes is the number of that write; the other's beat stands still."""
    assert stamp(FULL, job("1"), 12) == replace(
        FULL, stamp=Stamp(job=job("1"), write=12), holder=holder("b", "1", beat=12)
    )


def test_waiting_jobs_write_is_its_renewal() -> None:
    """`next` renews as a holder does, and does not renew the holder."""
    assert stamp(FULL, job("2"), 12) == replace(
        FULL, stamp=Stamp(job=job("2"), write=12), next=waiting("c", "2", beat=12)
    )


def test_strangers_write_renews_nobody() -> None:
    """An observer that raises the mark keeps no dead holder alive."""
    written = Stamp(job=job("9"), write=12)

    assert stamp(FULL, job("9"), 12) == replace(FULL, stamp=written)
    assert stamp(record(), job("9"), 12) == record(stamp=written)
    assert stamp(FULL, job("1", nonce="clone"), 12).holder == FULL.holder


def test_phase_is_the_holders_alone() -> None:
    """Entering a phase changes nothing else, and without a holder it is a bug."""
    entered = enter(FULL, Phase.SOAKING)

    assert entered == replace(FULL, holder=replace(holder("b", beat=3), phase=Phase.SOAKING))
    with pytest.raises(AssertionError, match="only a holder"):
        enter(record(), Phase.SOAKING)


def test_intent_is_added_behind_the_others() -> None:
    """A repeated effect has an intent of its own beside the unanswered one."""
    opened = open_intent(FULL, intent(3))

    assert opened == replace(FULL, intents=(*FULL.intents, intent(3)))


@pytest.mark.parametrize(
    ("run", "answered", "left"),
    [
        ("1", [1], [("1", 2), ("2", 1)]),
        ("1", [1, 2], [("2", 1)]),
        ("2", [1, 2], [("1", 1), ("1", 2)]),
        ("1", [], [("1", 1), ("1", 2), ("2", 1)]),
        ("9", [1, 2], [("1", 1), ("1", 2), ("2", 1)]),
    ],
)
def test_job_acknowledges_its_own_intents_only(
    run: str, answered: list[int], left: list[tuple[str, int]]
) -> None:
    """Equal numbers of another job stay, and nobody needs to hold the record to acknowledge."""
    assert left == numbers(acknowledge(FULL, job(run), answered))


def test_other_attempt_acknowledges_nothing() -> None:
    """What was sent by another process was not answered to this one."""
    for other in (job("1", attempt=2), job("1", nonce="clone")):
        assert acknowledge(FULL, other, [1, 2]) == FULL


def test_waiting_is_noted_on_every_open_intent() -> None:
    """A take-over waits for all of them at once, whoever wrote them, and adds to what was noted."""
    found = record(intents=(intent(1, waited_s=100.0), intent(1, "2", bound_s=60.0)))

    noted = add_waited(found, 20.0)

    assert [120.0, 20.0] == [one.waited_s for one in noted.intents]
    assert [180.0, 40.0] == [one.remaining_s for one in noted.intents]


def test_what_was_waited_is_noted_once_however_often_it_is_written() -> None:
    """A swap of unknown outcome is written anew: the wait behind it counts only once."""
    noted = add_waited(FULL, 20.0)

    once = carry_waited(FULL, noted)

    assert once == noted == carry_waited(once, noted)


def test_later_wait_of_another_is_not_taken_back() -> None:
    """Of two notes on one intent the longer counts; an intent without a note stays as it was."""
    longer = replace(FULL, intents=(intent(1, waited_s=90.0), intent(1, "3"), intent(4, "2")))
    noted = replace(FULL, intents=(intent(1, waited_s=60.0), intent(1, "3", waited_s=7.0)))

    carried = carry_waited(longer, noted)

    assert [90.0, 7.0, 0.0] == [one.waited_s for one in carried.intents]
    assert carry_waited(FULL, record()) == FULL


def test_only_intents_whose_bound_was_waited_out_are_dropped() -> None:
    """A second too little keeps an intent open."""
    left = intent(1, waited_s=299.0)
    found = record(intents=(left, intent(2, waited_s=300.0), intent(3, waited_s=301.0)))

    assert drop_waited_out(found) == replace(found, intents=(left,))


def test_raised_mark_leaves_the_rest_of_the_record() -> None:
    """Neither epoch nor holder change because somebody saw a newer release."""
    assert raise_mark(FULL, sha("f")) == replace(FULL, mark=sha("f"))


def test_newer_job_takes_the_place_of_next() -> None:
    """One job waits, without an epoch; the holder keeps the record."""
    queued = queue(FULL, job=job("9"), release=release("f"), lease_s=45.0)

    assert queued == replace(FULL, next=Next(job=job("9"), release=release("f"), lease_s=45.0))


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("1", replace(FULL, holder=None)),
        ("2", replace(FULL, next=None)),
        ("9", FULL),
    ],
)
def test_letting_go_clears_ones_own_place_only(run: str, expected: Record) -> None:
    """Holder or next, and nothing else: the record is never deleted."""
    assert expected == release_hold(FULL, job(run))


def test_letting_go_of_an_empty_record_changes_nothing() -> None:
    """A job that held nothing may finish too."""
    assert record() == release_hold(record(), job())


def test_finish_writes_the_outcome_and_lets_go() -> None:
    """Unanswered intents stay open until their bound, and the mark and the epoch stay."""
    ended = past("1", "b", word="failed")

    assert finish(FULL, ended) == replace(FULL, holder=None, past=(past("5"), ended))


def test_finish_of_an_overtaken_job_leaves_the_new_holder() -> None:
    """Whoever lost the record writes its outcome into it and takes nothing."""
    ended = past("9", "a", word="superseded")

    assert finish(FULL, ended) == replace(FULL, past=(past("5"), ended))


def test_record_keeps_the_last_outcomes() -> None:
    """The oldest outcome makes place for the newest; the store's history keeps the rest."""
    full = record(past=tuple(past(str(number)) for number in range(PAST_MAX)))

    for written in (
        finish(full, past("new")),
        steal(full, pin(PinKind.UNLOCK), past("new")),
    ):
        assert ["1", "new"] == [written.past[0].job.run, written.past[-1].job.run]
        assert PAST_MAX == len(written.past)


def test_theft_pins_and_keeps_every_intent() -> None:
    """One swap: an epoch more, nobody holds or waits, a pin stands, the deed is in the past."""
    deed, by = past("hand", word="unlocked"), pin(PinKind.UNLOCK)

    assert steal(FULL, by, deed) == replace(
        FULL, epoch=8, holder=None, next=None, pin=by, past=(past("5"), deed)
    )


def test_lifting_the_pin_leaves_the_deny_list() -> None:
    """What was denied stays denied, for there is no fix named."""
    deed = past("9", word="resumed")

    assert lift_pin(FULL, fixed_in=None, past=deed) == replace(
        FULL, pin=None, past=(*FULL.past, deed)
    )


def test_lifting_the_pin_with_a_fix_names_it_on_every_range() -> None:
    """A fix that is named again, because the first one was wrong, takes its place."""
    found = replace(FULL, denied=(denial("d", "e"), denial("a", "b", fixed_in="c")))

    lifted = lift_pin(found, fixed_in=sha("f"), past=past("9", word="resumed"))

    assert lifted.denied == (denial("d", "e", fixed_in="f"), denial("a", "b", fixed_in="f"))


def test_pin_leaves_the_holder_where_it_is() -> None:
    """It meets the pin at its next step; the deed is in the past, and nothing else changes."""
    deed = past("hand", word="pinned")

    assert set_pin(FULL, pin(PinKind.PIN), deed) == replace(FULL, pin=pin(), past=(past("5"), deed))


def test_repair_lifts_the_epoch_lets_everybody_go_and_waits_for_what_is_unknown() -> None:
    """One swap; mark, pin, denials and every known intent stay."""
    deed = past("hand", word="repaired")
    forgotten = replace(intent(0, "hand"), effect=Effect.UNKNOWN)

    assert repair(FULL, epoch=99, forgotten=forgotten, past=deed) == replace(
        FULL,
        epoch=99,
        holder=None,
        next=None,
        intents=(*FULL.intents, forgotten),
        past=(past("5"), deed),
    )


def test_repair_renews_an_earlier_unknown_intent_and_makes_it_no_shorter() -> None:
    """A policy that has become more hopeful since does not cut an old wait short."""
    old = replace(intent(0, "1", bound_s=900.0, waited_s=100.0), effect=Effect.UNKNOWN)
    forgotten = replace(intent(0, "hand", bound_s=300.0), effect=Effect.UNKNOWN)

    repaired = repair(
        replace(FULL, intents=(old,)), epoch=99, forgotten=forgotten, past=past("hand")
    )

    assert (replace(forgotten, bound_s=800.0),) == repaired.intents


def test_epoch_is_lifted_above_the_fence() -> None:
    """Only the number changes: it is still the holder's claim."""
    assert set_epoch(FULL, 12) == replace(FULL, epoch=12)


@pytest.mark.parametrize("epoch", [7, 6, 0, -1])
def test_epoch_never_goes_back(epoch: int) -> None:
    """To set an epoch that is not higher is a bug of ours."""
    with pytest.raises(AssertionError, match="never goes back"):
        set_epoch(FULL, epoch)
