"""What the kept versions of the record tell: claims, steps, steals, pins and outcomes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from release.core.history import Entry, EntryKind, Version, tell_history
from release.core.ledger import Effect, Phase, PinKind, Record, Stamp
from release.core.transitions import claim, finish, open_intent, steal
from tests.support.records import (
    AT,
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

WRITTEN = datetime(2026, 3, 28, 8, 0, tzinfo=UTC)
IDLE = record(mark=sha("a"))


def by(run: str, one: Record) -> Record:
    """The record as the job of a run wrote it."""
    return replace(one, stamp=Stamp(job=job(run), write=1))


def told(*records: Record) -> list[str]:
    """What is told of these versions beyond the first one."""
    versions = [Version(record=one, at=WRITTEN) for one in records]
    known = len(tell_history(versions[:1]))
    return [f"{one.kind}: {one.word}: {one.reason}" for one in tell_history(versions)[known:]]


def test_claim_and_its_steps_and_its_outcome_are_told_in_order() -> None:
    """Who claimed what, each effect that was written down and answered, and how it ended."""
    claimed = by("2", claim(IDLE, job=job("2"), release=release("b"), lease_s=60))
    stepped = open_intent(claimed, intent(1, "2"))
    unanswered = open_intent(stepped, intent(2, "2"))
    answered = replace(stepped, intents=())
    ended = finish(answered, past("2", "b"))

    entries = told(IDLE, claimed, stepped, unanswered, answered, ended)

    assert [
        "claim: claimed: epoch 2",
        "step: redeploy: acme to staging-aaaaaaa",
        "step: redeploy: acme to staging-aaaaaaa",
        "step: acknowledged: acme to staging-aaaaaaa",
        "step: acknowledged: acme to staging-aaaaaaa",
        "outcome: deployed: done",
    ] == entries


def test_claim_over_another_job_names_whom_it_was_taken_from() -> None:
    """A newer release, a rollback that steals and a job after a dead one take the record so."""
    held = record(holder=holder("a", "1"))
    taken = by("2", claim(held, job=job("2"), release=release("b"), lease_s=60))

    assert ["claim: claimed: epoch 2, taken from job 1#1-n, which was claimed"] == told(held, taken)


def test_second_claim_of_the_same_job_is_one_too() -> None:
    """A job that lost its claim and took it again is not said to have taken it from itself."""
    held = record(holder=holder("a", "1"))
    again = by("1", claim(held, job=job("1"), release=release("a"), lease_s=60))

    assert ["claim: claimed: epoch 2"] == told(held, again)


def test_renewals_and_phases_are_not_told() -> None:
    """Only what lasts is history."""
    held = record(holder=holder("a", "1"))
    soaking = replace(held, holder=replace(holder("a", "1", beat=5), phase=Phase.SOAKING))

    assert [] == told(held, soaking)


def test_place_as_next_is_told_with_whom_it_replaced() -> None:
    """Under `finish` a newer job takes the place of an older one that waited."""
    held = record(holder=holder("a", "1"))
    queued = replace(held, next=waiting("b", "2"))
    replaced = replace(queued, next=waiting("c", "3"))

    assert [
        "claim: queued: waits as next",
        "claim: queued: waits as next in the place of job 2#1-n",
    ] == told(held, queued, replaced)


def test_intent_that_another_job_dropped_was_waited_out() -> None:
    """Only its writer acknowledges; whoever else drops an intent has waited its bound out."""
    left = by("2", record(intents=(intent(1, "1"),)))
    dropped = by("2", record())

    expected = "step: waited-out: acme to staging-aaaaaaa, by job 2#1-n"
    assert [expected] == told(left, dropped)


def test_steal_is_told_by_the_verb_alone() -> None:
    """`unlock` lifts the epoch and pins; its own words say so once."""
    held = record(holder=holder("a", "1"))
    unlocked = replace(past("ada", "a", word="unlocked"), reason="ada: looks odd")

    stolen = by("ada", steal(held, pin(PinKind.UNLOCK), unlocked))

    assert ["hand: unlocked: ada: looks odd"] == told(held, stolen)


def test_pin_and_denial_of_a_rollback_are_told_with_its_claim() -> None:
    """A rollback has no words of its own until it has ended."""
    claimed = claim(IDLE, job=job("2"), release=release("a"), lease_s=60)
    back = by("2", replace(claimed, pin=pin(PinKind.ROLLBACK), denied=(denial("a", "b"),)))
    lifted = replace(back, pin=None)

    assert [
        "claim: claimed: epoch 2",
        "pin: pinned: by ada (rollback): holidays",
        "pin: denied: newer than aaaaaaa, up to bbbbbbb: loses data",
        "pin: unpinned: the pin of ada: holidays",
    ] == told(IDLE, back, lifted)


def test_mark_and_epoch_that_move_without_a_claim_are_told() -> None:
    """A release seen at a tenant, a fence that knew more, a backup that was restored."""
    raised = replace(IDLE, mark=sha("b"))
    lifted = replace(raised, epoch=9)
    unmarked = replace(lifted, epoch=2, mark=None)

    assert [
        "ledger: mark-moved: from aaaaaaa",
        "ledger: epoch-lifted: from 1",
        "ledger: mark-moved: from bbbbbbb",
        "ledger: set-back: from epoch 9",
        "ledger: mark-moved: from no release",
    ] == told(IDLE, raised, lifted, unmarked, replace(unmarked, mark=sha("a")))


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (IDLE, "the first version that is kept, its mark on aaaaaaa"),
        (record(), "the first version that is kept, its mark on no release"),
    ],
)
def test_first_version_is_told_as_such(first: Record, said: str) -> None:
    """What was before it is not kept."""
    (entry,) = tell_history([Version(record=first, at=WRITTEN)])

    assert ("first", said, WRITTEN) == (entry.word, entry.reason, entry.at)


def test_one_version_tells_its_outcomes_and_what_it_holds() -> None:
    """A file keeps no past versions: the record's own outcomes, then hold, steps and pin."""
    only = record(
        past=(past(), past("ada", word="pinned")),
        holder=holder("b", "2"),
        intents=(replace(intent(1, "2"), effect=Effect.UNKNOWN),),
        pin=pin(),
    )

    entries = tell_history([Version(record=only)])

    told = [(one.kind, one.word, one.at) for one in entries]
    assert [
        (EntryKind.OUTCOME, "deployed", AT),
        (EntryKind.HAND, "pinned", AT),
        (EntryKind.LEDGER, "first", None),
        (EntryKind.CLAIM, "claimed", None),
        (EntryKind.STEP, "unknown", None),
        (EntryKind.PIN, "pinned", AT),
    ] == told


def test_version_that_is_no_record_is_told_and_passed_over() -> None:
    """What was compared before it is compared with what came behind it."""
    versions = [
        Version(record=None, at=WRITTEN),
        Version(record=IDLE, at=WRITTEN),
        Version(record=None, at=WRITTEN),
        Version(record=IDLE, at=WRITTEN),
    ]

    entries = tell_history(versions)

    assert ["unreadable", "first", "unreadable"] == [one.word for one in entries]
    assert [0, 1, 1] == [one.epoch for one in entries]


def test_outcome_that_was_written_anew_is_told_again() -> None:
    """A job has one outcome in the record; another one in its place is another entry."""
    first = record(past=(past(),))
    second = record(past=(replace(past(), word="failed"),))

    entries: tuple[Entry, ...] = tell_history([Version(record=first), Version(record=second)])

    assert ["deployed", "first", "failed"] == [one.word for one in entries]


def test_nothing_kept_tells_nothing() -> None:
    """A missing ref has no history."""
    assert () == tell_history([])
