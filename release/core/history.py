"""Tells what happened in an environment from the versions of its record that a store has kept.

Each version is compared with the one before it, and what changed is an entry. This module must not
read a store.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from release.core.ledger import Intent, Past, Record
from release.core.outcome import Word
from release.core.values import JobId, Sha

__all__ = ["Entry", "EntryKind", "Version", "tell_history"]


class EntryKind(StrEnum):
    """What an entry is about.

    CLAIM: the record was taken, or a place as next. STEP: an intent was written down, or is no
    longer open. PIN: pin or deny-list changed. LEDGER: epoch or mark moved without a claim, or a
    version can't be read. HAND: a person's verb. OUTCOME: how a job ended.
    """

    CLAIM = "claim"
    STEP = "step"
    PIN = "pin"
    LEDGER = "ledger"
    HAND = "hand"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of the record; None when what was stored is no record of ours.

    at: when it was written, by the writer's wall clock; None when the store doesn't keep that.
    """

    record: Record | None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened; `word` is an outcome, a verb or what became of the record.

    at: None when nobody wrote it down. release: what it was about, where it was about one.
    """

    at: datetime | None
    kind: EntryKind
    word: str
    reason: str
    epoch: int
    job: JobId | None = None
    release: Sha | None = None


def tell_history(versions: Sequence[Version]) -> tuple[Entry, ...]:
    """Everything that the versions tell, the newest last.

    versions: in the order in which they were written. What the first of them holds is told as if it
    had happened there, behind the outcomes that it remembers.
    """
    entries: list[Entry] = []
    before: Record | None = None
    for version in versions:
        if version.record is None:
            entries.append(_of_unreadable(before, version.at))
            continue
        entries += _compare(before, version.record, version.at)
        before = version.record
    return tuple(entries)


def _compare(before: Record | None, after: Record, at: datetime | None) -> Iterable[Entry]:
    """What changed from one version to the next; an outcome comes behind what it brought about."""
    known = {past.job: past for past in before.past} if before else {}
    ended = [_of_past(past) for past in after.past if known.get(past.job) != past]
    if before is None:
        first = _of_first(after, at)
        return (
            *ended,
            first,
            *_holds(None, after, at),
            *_steps((), after, at),
            *_pins(None, after),
        )
    changes = [*_holds(before, after, at), *_steps(before.intents, after, at)]
    if not any(one.kind is EntryKind.HAND for one in ended):
        # What a person's verb did to mark, epoch and pin is told by the verb.
        changes += [*_marks(before, after, at), *_pins(before, after, at)]
    return (*changes, *ended)


def _of_unreadable(before: Record | None, at: datetime | None) -> Entry:
    return Entry(
        at=at,
        kind=EntryKind.LEDGER,
        word="unreadable",
        reason="what was stored is no record",
        epoch=before.epoch if before else 0,
    )


def _of_past(past: Past) -> Entry:
    is_outcome = past.word in frozenset(Word)
    return Entry(
        at=past.at,
        kind=EntryKind.OUTCOME if is_outcome else EntryKind.HAND,
        word=past.word,
        reason=past.reason,
        epoch=past.epoch,
        job=past.job,
        release=past.release.sha,
    )


def _has_claimed(before: Record | None, after: Record) -> bool:
    """Whether the write was a claim: the one change by which a holder's epoch goes up by one."""
    holder = after.holder
    if holder is None or before is None:
        return holder is not None
    return holder.job == after.stamp.job and after.epoch == before.epoch + 1


def _holds(before: Record | None, after: Record, at: datetime | None) -> Iterator[Entry]:
    was, holder = before.holder if before else None, after.holder
    if holder is not None and _has_claimed(before, after):
        is_taken = was is not None and was.job != holder.job
        from_whom = f", taken from job {was.job}, which was {was.phase}" if was and is_taken else ""
        yield Entry(
            at=at,
            kind=EntryKind.CLAIM,
            word="claimed",
            reason=f"epoch {after.epoch}{from_whom}",
            epoch=after.epoch,
            job=holder.job,
            release=holder.release.sha,
        )
    waited, waiting = before.next if before else None, after.next
    if waiting is not None and (waited is None or waited.job != waiting.job):
        in_place = f" in the place of job {waited.job}" if waited else ""
        yield Entry(
            at=at,
            kind=EntryKind.CLAIM,
            word="queued",
            reason=f"waits as next{in_place}",
            epoch=after.epoch,
            job=waiting.job,
            release=waiting.release.sha,
        )


def _of_first(after: Record, at: datetime | None) -> Entry:
    mark = after.mark.short if after.mark else "no release"
    said = f"the first version that is kept, its mark on {mark}"
    return _of_ledger(after, at, said, word="first")


def _marks(before: Record, after: Record, at: datetime | None) -> Iterator[Entry]:
    has_claimed = _has_claimed(before, after)
    if after.mark != before.mark and not has_claimed:
        was = before.mark.short if before.mark else "no release"
        yield _of_ledger(after, at, f"from {was}", word="mark-moved")
    if after.epoch > before.epoch and not has_claimed:
        yield _of_ledger(after, at, f"from {before.epoch}", word="epoch-lifted")
    if after.epoch < before.epoch:
        yield _of_ledger(after, at, f"from epoch {before.epoch}", word="set-back")


def _of_ledger(after: Record, at: datetime | None, reason: str, *, word: str) -> Entry:
    return Entry(
        at=at,
        kind=EntryKind.LEDGER,
        word=word,
        reason=reason,
        epoch=after.epoch,
        job=after.stamp.job,
        release=after.mark,
    )


def _steps(before: tuple[Intent, ...], after: Record, at: datetime | None) -> Iterator[Entry]:
    earlier = {(one.job, one.number): one for one in before}
    later = {(one.job, one.number): one for one in after.intents}
    for key in [*earlier, *later]:
        if (key in earlier) == (key in later):
            continue
        intent = later.get(key) or earlier[key]
        if key in later:
            word, reason = str(intent.effect), intent.what
        elif after.stamp.job == intent.job:
            word, reason = "acknowledged", intent.what
        else:
            word, reason = "waited-out", f"{intent.what}, by job {after.stamp.job}"
        yield Entry(
            at=at,
            kind=EntryKind.STEP,
            word=word,
            reason=reason,
            epoch=intent.epoch,
            job=intent.job,
        )


def _pins(before: Record | None, after: Record, at: datetime | None = None) -> Iterator[Entry]:
    was, pin = before.pin if before else None, after.pin
    if pin is not None and pin != was:
        yield _of_pin(after, pin.at, f"by {pin.by} ({pin.kind}): {pin.reason}", word="pinned")
    if pin is None and was is not None:
        yield _of_pin(after, at, f"the pin of {was.by}: {was.reason}", word="unpinned")
    known = before.denied if before else ()
    for denial in after.denied:
        if denial not in known:
            yield _of_pin(after, at, f"{denial.span}: {denial.reason}", word="denied")


def _of_pin(after: Record, at: datetime | None, reason: str, *, word: str) -> Entry:
    return Entry(
        at=at,
        kind=EntryKind.PIN,
        word=word,
        reason=reason,
        epoch=after.epoch,
        job=after.stamp.job,
    )
