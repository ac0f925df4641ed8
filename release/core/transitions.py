"""Builds the next record from the one that was read: each function is one legal transition.

Nothing here decides whether a transition is due, reads a clock or writes a store. Every function
leaves what it does not name as it was; none ever removes the epoch, the mark or an open intent that
its caller has no right to remove.
"""

from collections.abc import Iterable
from dataclasses import replace

from release.core.ledger import (
    PAST_MAX,
    Effect,
    Holder,
    Intent,
    Next,
    Past,
    Phase,
    Pin,
    Record,
    Stamp,
)
from release.core.values import JobId, Release, Sha

__all__ = [
    "acknowledge",
    "add_waited",
    "carry_waited",
    "claim",
    "credit_waited",
    "drop_waited_out",
    "enter",
    "finish",
    "lift_pin",
    "open_intent",
    "queue",
    "raise_mark",
    "release_hold",
    "repair",
    "set_epoch",
    "set_pin",
    "stamp",
    "steal",
]


def stamp(record: Record, job: JobId, write: int) -> Record:
    """Marks the record as this job's own write, so that a lost answer can be told from a loss.

    Where the job is holder or next, the write also renews its lease.
    """
    holder, waiting = record.holder, record.next
    if holder is not None and holder.job == job:
        holder = replace(holder, beat=write)
    if waiting is not None and waiting.job == job:
        waiting = replace(waiting, beat=write)
    return replace(record, stamp=Stamp(job=job, write=write), holder=holder, next=waiting)


def claim(record: Record, *, job: JobId, release: Release, lease_s: float) -> Record:
    """Takes the record: one epoch more, the mark on `release`, every open intent carried over.

    Whoever waited as next is no newer than the claimant, so the place is free again.
    """
    holder = Holder(job=job, release=release, phase=Phase.CLAIMED, lease_s=lease_s)
    return replace(record, epoch=record.epoch + 1, mark=release.sha, holder=holder, next=None)


def enter(record: Record, phase: Phase) -> Record:
    """Notes where the holder is; writing it again is how a holder renews its lease."""
    assert record.holder is not None, "only a holder enters a phase"
    return replace(record, holder=replace(record.holder, phase=phase))


def open_intent(record: Record, intent: Intent) -> Record:
    """Writes an intent down, which has to happen before its effect is sent."""
    return replace(record, intents=(*record.intents, intent))


def acknowledge(record: Record, job: JobId, numbers: Iterable[int]) -> Record:
    """Removes intents of this job behind which every request was answered, or none was sent."""
    gone = frozenset(numbers)
    if not gone:
        return record
    kept = tuple(
        intent for intent in record.intents if intent.job != job or intent.number not in gone
    )
    return replace(record, intents=kept)


def add_waited(record: Record, waited_s: float) -> Record:
    """Notes on every open intent how long this take-over has waited since it last noted it."""
    intents = tuple(
        replace(intent, waited_s=intent.waited_s + waited_s) for intent in record.intents
    )
    return replace(record, intents=intents)


def carry_waited(record: Record, noted: Record) -> Record:
    """Takes over from `noted` how long each intent has been waited for; repeating adds nothing."""
    waited = {(intent.job, intent.number): intent.waited_s for intent in noted.intents}
    intents = tuple(
        replace(intent, waited_s=max(intent.waited_s, waited.get((intent.job, intent.number), 0.0)))
        for intent in record.intents
    )
    return replace(record, intents=intents)


def credit_waited(record: Record, *, job: JobId, waited_s: float) -> Record:
    """Notes on this job's intents for how long they have been seen, where that is not noted yet."""
    intents = tuple(
        replace(intent, waited_s=max(intent.waited_s, waited_s)) if intent.job == job else intent
        for intent in record.intents
    )
    return replace(record, intents=intents)


def drop_waited_out(record: Record) -> Record:
    """Removes the intents whose whole bound has been waited out."""
    kept = tuple(intent for intent in record.intents if intent.remaining_s > 0)
    return replace(record, intents=kept)


def raise_mark(record: Record, sha: Sha) -> Record:
    """Moves the mark to a newer release that a tenant or a pointer was seen on."""
    return replace(record, mark=sha)


def queue(record: Record, *, job: JobId, release: Release, lease_s: float) -> Record:
    """Writes this job as the next one, in the place of an older one that waited."""
    return replace(record, next=Next(job=job, release=release, lease_s=lease_s))


def release_hold(record: Record, job: JobId) -> Record:
    """Clears this job as holder and as next, and nothing else: the record is never deleted."""
    holder = None if record.holder and record.holder.job == job else record.holder
    waiting = None if record.next and record.next.job == job else record.next
    return replace(record, holder=holder, next=waiting)


def finish(record: Record, past: Past) -> Record:
    """Writes the outcome down and lets go; unanswered intents stay open until their bound.

    A job has one outcome: writing it again, as after a lost answer, takes the place of the first.
    """
    return release_hold(replace(record, past=_written(record, past)), past.job)


def lift_pin(record: Record, *, fixed_in: Sha | None, past: Past) -> Record:
    """Lifts the pin; with `fixed_in`, what is newer than a denied range without it is denied."""
    denied = record.denied
    if fixed_in is not None:
        denied = tuple(replace(denial, fixed_in=fixed_in) for denial in record.denied)
    return replace(record, pin=None, denied=denied, past=_written(record, past))


def set_pin(record: Record, pin: Pin, past: Past) -> Record:
    """Pins the record and leaves its holder, which meets the pin at its next step."""
    return replace(record, pin=pin, past=_written(record, past))


def set_epoch(record: Record, epoch: int) -> Record:
    """Lifts the epoch above a fence that has seen more than the ledger remembers."""
    assert epoch > record.epoch, "an epoch never goes back"
    return replace(record, epoch=epoch)


def steal(record: Record, pin: Pin, past: Past) -> Record:
    """Takes the record away from whoever holds it and pins it, keeping every open intent."""
    written = _written(record, past)
    return replace(record, epoch=record.epoch + 1, holder=None, next=None, pin=pin, past=written)


def repair(record: Record, *, epoch: int, forgotten: Intent, past: Past) -> Record:
    """Makes a record that was set back safe: a new epoch, nobody's hold, everything waited for.

    `forgotten` takes the place of an earlier intent that stood for whatever was forgotten, and
    lasts as long as that one would have at least.
    """
    stale = [intent for intent in record.intents if intent.effect is Effect.UNKNOWN]
    bound_s = max([forgotten.bound_s, *(intent.remaining_s for intent in stale)])
    known = tuple(intent for intent in record.intents if intent.effect is not Effect.UNKNOWN)
    waited_for = replace(
        set_epoch(record, epoch), intents=(*known, replace(forgotten, bound_s=bound_s))
    )
    return replace(waited_for, holder=None, next=None, past=_written(record, past))


def _written(record: Record, past: Past) -> tuple[Past, ...]:
    others = (one for one in record.past if one.job != past.job)
    return (*others, past)[-PAST_MAX:]
