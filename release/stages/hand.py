"""The verbs of a person at the desk: declare the first use, take the record, set and lift a pin,
accept a rewritten branch.

This module must not have effects on tenants or pointers.
"""

from datetime import UTC, datetime
from functools import partial

from release.core.ledger import Past, Pin, PinKind, Record
from release.core.order import Order
from release.core.outcome import Word
from release.core.rollback import accept_rewrite as rewritten
from release.core.transitions import lift_pin, set_pin, steal
from release.core.values import Sha
from release.errors import Invalid, Refused
from release.stages.observe import adopt, list_candidates
from release.stages.relate import compare
from release.stages.run import Ended, Run
from release.stages.write import Change, try_swap

__all__ = ["accept_rewrite", "initialise", "past_of", "pin", "resume", "unlock"]


async def initialise(run: Run) -> None:
    """Creates the environment's record from what is observed, without an `unknown` intent.

    Does nothing where a record exists: it is never created twice.
    """
    run.reading = await run.ports.ledger.read()
    if run.reading.record is not None:
        mark = run.reading.record.mark
        at = mark.short if mark else "no release"
        raise Ended(Word.VERIFIED, f"the ledger has a record already, its mark on {at}")
    await list_candidates(run, epoch=None)
    await adopt(run)
    if run.reading.record is None:
        raise Ended(
            Word.UNAVAILABLE,
            "the record was not created: the write was lost. Run ledger-init again",
        )


async def pin(run: Run, *, reason: str, by: str, until: datetime | None) -> str:
    """Holds automatic deploys; returns a sentence on until when. A pin alone never denies anything.

    until: an instant with its offset; None is until `resume`. A job that holds the record goes no
    further than its present step. Safe to repeat: a pin of `pin` takes the place of another one.
    Raises Invalid for an instant that has passed, and Refused where a rollback or `unlock` has set
    a pin, which must not lapse by itself.
    """
    at = await run.ports.clock.utc_now()
    if until is not None and until <= at:
        raise Invalid(
            "has passed already",
            on=f"--until {until.isoformat()}",
            expected=f"an instant after {at:%Y-%m-%d %H:%M:%S} UTC",
            safe="no pin was set",
        )
    wanted = Pin(kind=PinKind.PIN, reason=reason, by=by, at=at, until=until)
    said = f"until {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if until else "until `resume`"

    def change(record: Record) -> Record:
        _check_pin(record.pin)
        why = f"{by}, {said}: {reason}"
        past = past_of(run, record, word="pinned", reason=why, at=at)
        return set_pin(record, wanted, past)

    before = await _change_as_read(run, change)
    busy = f"; job {before.holder.job} goes no further than its step" if before.holder else ""
    return f"automatic deploys are held {said}{busy}"


def _check_pin(present: Pin | None) -> None:
    """Refuses to replace the pin that keeps a bad release or a stolen record out."""
    if present is not None and present.kind is not PinKind.PIN:
        raise Refused(
            "a pin stands already",
            on="pin",
            seen=f"set by {present.by} ({present.kind}): {present.reason}",
            safe="that pin stands until `resume`, and holds automatic deploys too",
        )


async def unlock(run: Run, *, reason: str, by: str) -> str:
    """Steals the record and pins it in one swap; returns a sentence on what was taken from whom.

    The old holder ends `stopped` at its next step, and its open intents stay: the next job waits
    for them. Raises Refused when there is no record to take.
    """
    at = await run.ports.clock.utc_now()
    pin = Pin(kind=PinKind.UNLOCK, reason=reason, by=by, at=at)

    def change(record: Record) -> Record:
        past = past_of(run, record, word="unlocked", reason=f"{by}: {reason}", at=at)
        return steal(record, pin, past)

    taken_from = await _change_as_read(run, change)
    holder, count = taken_from.holder, len(taken_from.intents)
    taken = f"taken from job {holder.job}" if holder else "nobody held it"
    waits = f"; open intents that stay: {count}" if count else ""
    return f"{taken}; pinned: automatic deploys are held until `resume`{waits}"


async def accept_rewrite(run: Run, *, reason: str, by: str) -> str:
    """Moves the mark to the run's release after a force-push; returns a sentence on what it did.

    What the old history left at tenants and pointers then counts as older. Whoever holds the record
    ends `stopped`. Safe to repeat. Raises Refused without a record, and for a release that the mark
    can be compared with: that is a deploy or a rollback.
    """
    sha, at = run.release.sha, await run.ports.clock.utc_now()
    record = await _read(run)
    order = Order.SAME if record.mark is None else await compare(run, sha, record.mark)
    if record.mark is not None and order in {Order.OLDER, Order.NEWER}:
        raise Refused(
            "is no rewrite of the branch",
            on=sha.short,
            seen=f"{order} than the mark {record.mark.short}",
            safe="the mark stands",
            advice="Forward goes deploy, backward rollback",
        )

    def change(record: Record) -> Record:
        why = f"{by}: {reason}"
        past = past_of(run, record, word="accepted-rewrite", reason=why, at=at)
        return rewritten(record, sha=sha, past=past)

    changed = await _change_as_read(run, change)
    before = changed.mark.short if changed.mark else "no release"
    return f"the mark was moved from {before} to {sha.short}"


async def resume(run: Run, *, fixed_in: Sha | None, by: str) -> str:
    """Lifts the pin, so that automatic deploys go on; returns a sentence on what was lifted.

    fixed_in: the commit that mends the denied ranges; whatever is newer than a range's start and
        does not contain it is denied from now on.
    Safe to repeat. Raises Refused without a record, while a denied range has no fix named, and for
    a fix that is itself denied or can't be compared.
    """
    at = await run.ports.clock.utc_now()
    await _read(run)
    for _ in range(run.assignment.policy.swap_attempts_max):
        record = run.reading.record
        if record is None:
            break
        await _check_fix(run, record, fixed_in)
        why = by if fixed_in is None else f"{by}: {fixed_in}"
        past = past_of(run, record, word="resumed", reason=why, at=at)
        # The check was of this very record: another one is read and checked anew.
        if await try_swap(run, partial(lift_pin, fixed_in=fixed_in, past=past)):
            pin = record.pin
            return f"lifted the pin of {pin.by}: {pin.reason}" if pin else "no pin stood"
    raise Refused("the record kept changing", on=run.assignment.environment, safe="the pin stands")


async def _check_fix(run: Run, record: Record, fixed_in: Sha | None) -> None:
    """Refuses to lift a pin over a denied range without a commit that mends it."""
    unmended = [denial for denial in record.denied if denial.fixed_in is None]
    if fixed_in is None and unmended:
        raise Refused(
            "a denied range has no fix named",
            on=run.assignment.environment,
            seen=f"newer than {unmended[0].after.short}, up to {unmended[0].upto.short}",
            safe="the pin stands",
            advice="Name the commit that mends it: resume --fixed-in REF",
        )
    if fixed_in is None:
        return
    for denial in record.denied:
        from_start = await compare(run, fixed_in, denial.after)
        from_end = await compare(run, fixed_in, denial.upto)
        if from_start is not Order.NEWER or from_end not in {Order.NEWER, Order.DIVERGED}:
            raise Refused(
                "mends nothing",
                on=f"--fixed-in {fixed_in.short}",
                seen=f"{from_end} to {denial.upto.short}, the last of the denied range",
                expected=f"a commit after {denial.after.short} that is not in the range",
                safe="the pin stands",
            )


async def _read(run: Run) -> Record:
    run.reading = await run.ports.ledger.read()
    if run.reading.record is None:
        raise Refused("the ledger has no record", on=run.assignment.environment)
    return run.reading.record


async def _change_as_read(run: Run, change: Change) -> Record:
    """Swaps a change in and returns the record that it took the place of."""
    await _read(run)
    for _ in range(run.assignment.policy.swap_attempts_max):
        before = run.reading.record
        if before is None:
            break
        if await try_swap(run, change):
            return before
    raise Refused("the record kept changing", on=run.assignment.environment)


def past_of(run: Run, record: Record, *, word: str, reason: str, at: datetime) -> Past:
    """What the history shows of a person's verb: about the holder's release, else the mark's."""
    release = record.holder.release if record.holder else run.release
    return Past(job=run.job, release=release, epoch=record.epoch, word=word, reason=reason, at=at)
