"""A lock as earlier designs keep it: the holder in the ledger's record, taken by compare-and-swap.

It gives exclusion and a number for each taking, and knows nothing of the order of releases. This
module must not look at the branch, the fleet or the registry.
"""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from release.core.assignment import Assignment
from release.core.ledger import Holder, Past, Phase, Record, Stamp
from release.core.outcome import Outcome, Word
from release.core.values import JobId
from release.errors import Conflict, HeadwayError, OutcomeUnknown
from release.ports import Ports, Reading
from release.stages.run import Ended
from simulator.mutants.steps import Red, look_at_nothing, outcome, tell

__all__ = [
    "LEASE_S",
    "QUEUE_S",
    "Hold",
    "Terms",
    "acquire",
    "deploy_under",
    "find_loss",
    "let_go",
]

LEASE_S = 900.0
"""How long a lease is: several times a usual job, so that nobody renews it."""

QUEUE_S = 21_600.0
"""How long a queue without a lease keeps a job, as CI services do; then the job is red."""

_ROUNDS_MAX = 10
"""How often a job that waits looks again at a record that others keep changing."""


async def _wait(_holder: Holder) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a design keeps its lock.

    is_lease: whether a holder that was silent for LEASE_S has lost it. owner: in whose name it is
        taken; None is the job's own.
    first: awaited before the lock is asked for; it raises Ended, or an error, to end the job.
    cancel: asked about a holder before it is waited for: True takes the lock from it at once.
    """

    is_lease: bool = False
    owner: JobId | None = None
    first: Callable[[], Awaitable[None]] = look_at_nothing
    cancel: Callable[[Holder], Awaitable[bool]] = _wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A lock that was taken: in whose name, as the how-manieth taking, in which record."""

    owner: JobId
    record: Record

    @property
    def epoch(self) -> int:
        """The number of the taking; each taking by another owner has a higher one."""
        return self.record.epoch


async def deploy_under(
    ports: Ports,
    assignment: Assignment,
    work: Callable[[Hold], Awaitable[Outcome]],
    *,
    terms: Terms,
    is_kept: bool = False,
) -> Outcome:
    """Takes the lock, works, lets go; without the lock the job is red and has done nothing.

    is_kept: whether the record keeps how the job ended.
    """
    try:
        await terms.first()
        hold = await acquire(ports, assignment, terms)
    except Ended as early:
        return outcome(assignment, early.word, early.reason, by=early.by)
    except CancelledError:
        return outcome(assignment, Word.CANCELLED, "by a signal, while it waited")
    except HeadwayError as problem:
        return replace(outcome(assignment, Word.FAILED, str(problem)), has_touched=False)
    ended = await work(hold)
    try:
        past = await _past(ports, hold, ended) if is_kept else None
        await let_go(ports, hold, past)
    except HeadwayError as problem:
        tell(ports, "warning", f"the lock was not released: {problem}")
    return ended


async def acquire(ports: Ports, assignment: Assignment, terms: Terms) -> Hold:
    """Waits for the lock and takes it; raises Red when it waited in vain, and as the ledger does.

    Whoever has it already, by name, goes on with it.
    """
    owner = terms.owner or assignment.job
    reading = await ports.ledger.read()
    for _ in range(_ROUNDS_MAX):
        record = reading.record
        if record is not None and record.holder is not None:
            if record.holder.job == owner:
                return Hold(owner=owner, record=record)
            if not await terms.cancel(record.holder):
                before = reading.version
                reading = await _outwait(ports, reading, record.holder, terms)
                if reading.version != before:
                    continue
        hold = await _take(ports, assignment, reading, owner)
        if hold is not None:
            return hold
        reading = await ports.ledger.read()
    raise Red("could not take the lock", on=f"lock of {assignment.environment}")


async def _outwait(ports: Ports, reading: Reading, holder: Holder, terms: Terms) -> Reading:
    """Waits for another version of the record; the same one is a lease that has run out."""
    tell(ports, "waiting", f"waiting for the lock of {holder.job}")
    found = await ports.ledger.changed(reading.version, LEASE_S if terms.is_lease else QUEUE_S)
    if found.version == reading.version and not terms.is_lease:
        raise Red("was never released", on=f"the lock of {holder.job}")
    return found


async def _take(
    ports: Ports, assignment: Assignment, reading: Reading, owner: JobId
) -> Hold | None:
    """Writes the owner into the record that was read; None when that has to be read again."""
    before = reading.record
    if before is None:
        stamp = Stamp(job=assignment.job, write=0)
        before = Record(environment=assignment.environment, stamp=stamp)
    holder = Holder(job=owner, release=assignment.release, phase=Phase.CLAIMED, lease_s=LEASE_S)
    stamp = Stamp(job=assignment.job, write=before.epoch + 1)
    record = replace(before, stamp=stamp, epoch=before.epoch + 1, holder=holder)
    try:
        await ports.ledger.swap(reading.version, record)
    except (Conflict, OutcomeUnknown):
        return None
    tell(ports, "claimed", f"took the lock as number {record.epoch}")
    return Hold(owner=owner, record=record)


async def find_loss(ports: Ports, hold: Hold) -> Record | None:
    """Reads the record again: None while the lock is still ours, else the record as it is now."""
    record = (await ports.ledger.read()).record
    assert record is not None, "a record is never deleted"
    is_ours = record.holder is not None and record.holder.job == hold.owner
    return None if is_ours and record.epoch == hold.epoch else record


async def let_go(ports: Ports, hold: Hold, past: Past | None = None) -> None:
    """Clears the owner where it still holds, and keeps how the job ended when that is given."""
    for _ in range(_ROUNDS_MAX):
        reading = await ports.ledger.read()
        record = reading.record
        if record is None or record.holder is None or record.holder.job != hold.owner:
            return
        stamp = Stamp(job=hold.record.stamp.job, write=record.stamp.write + 1)
        try:
            await ports.ledger.swap(
                reading.version, replace(_kept(record, past), stamp=stamp, holder=None)
            )
        except (Conflict, OutcomeUnknown):
            continue
        return


def _kept(record: Record, past: Past | None) -> Record:
    """The record with how a job ended, marked with its release once that was deployed."""
    if past is None:
        return record
    mark = past.release.sha if past.word == Word.DEPLOYED else record.mark
    return replace(record, past=(*record.past, past), mark=mark)


async def _past(ports: Ports, hold: Hold, ended: Outcome) -> Past:
    return Past(
        job=ended.job,
        release=ended.release,
        epoch=hold.epoch,
        word=ended.word.value,
        reason=ended.reason,
        at=await ports.clock.utc_now(),
    )
