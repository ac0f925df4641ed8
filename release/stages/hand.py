"""The verbs of a person at the desk: declare the first use, take the record, lift the pin,
accept a rewritten branch.

This module must not have effects on tenants or pointers.
"""

from functools import partial

from release.core.ledger import Past, Pin, PinKind
from release.core.outcome import Word
from release.core.rollback import accept_rewrite as rewritten
from release.core.transitions import lift_pin, steal
from release.core.values import Sha
from release.errors import Refused
from release.stages.observe import adopt, list_candidates
from release.stages.run import Ended, Run
from release.stages.write import amend

__all__ = ["accept_rewrite", "initialise", "resume", "unlock"]


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


async def unlock(run: Run, *, reason: str, by: str) -> str:
    """Steals the record and pins it in one swap; returns a sentence on what was taken from whom.

    The old holder ends `stopped` at its next step, and its open intents stay: the next job waits
    for them. Raises Refused when there is no record to take.
    """
    run.reading = await run.ports.ledger.read()
    record = run.reading.record
    if record is None:
        raise Refused("there is no record to unlock", on=run.assignment.environment)
    at = await run.ports.clock.utc_now()
    pin = Pin(kind=PinKind.UNLOCK, reason=reason, by=by, at=at)
    holder = record.holder
    past = Past(
        job=run.job,
        release=holder.release if holder else run.release,
        epoch=record.epoch + 1,
        word="unlocked",
        reason=f"{by}: {reason}",
        at=at,
    )
    if not await amend(run, partial(steal, pin=pin, past=past)):
        raise Refused("the record kept changing", on=run.assignment.environment)
    taken = f"taken from job {holder.job}" if holder else "nobody held it"
    waits = f"; {len(record.intents)} open intents stay" if record.intents else ""
    return f"{taken}; pinned: automatic deploys are held until `resume`{waits}"


async def accept_rewrite(run: Run, *, reason: str, by: str) -> str:
    """Moves the mark to the run's release after a force-push; returns a sentence on what it did.

    What the old history left at tenants and pointers then counts as older. Whoever holds the record
    ends `stopped`. Safe to repeat. Raises Refused without a record.
    """
    run.reading = await run.ports.ledger.read()
    record = run.reading.record
    environment = run.assignment.environment
    if record is None:
        raise Refused("there is no record whose mark could be moved", on=environment)
    past = Past(
        job=run.job,
        release=run.release,
        epoch=record.epoch,
        word="accepted-rewrite",
        reason=f"{by}: {reason}",
        at=await run.ports.clock.utc_now(),
    )
    sha = run.release.sha
    if not await amend(run, partial(rewritten, sha=sha, past=past)):
        raise Refused("the record kept changing", on=environment, safe="the mark stands")
    before = record.mark.short if record.mark else "no release"
    return f"the mark was moved from {before} to {sha.short}"


async def resume(run: Run, *, fixed_in: Sha | None) -> str:
    """Lifts the pin, so that automatic deploys go on; returns a sentence on what was lifted.

    fixed_in: the commit that mends a denied range; whatever is newer than the range's start and
    does not contain it is denied from now on. Safe to repeat. Raises Refused without a record, and
    while a rollback's denied range has no fix named.
    """
    run.reading = await run.ports.ledger.read()
    record = run.reading.record
    environment = run.assignment.environment
    if record is None:
        raise Refused("there is no record to resume", on=environment)
    if fixed_in is None and any(denial.fixed_in is None for denial in record.denied):
        raise Refused(
            "a denied range has no fix named",
            on=environment,
            safe="the pin stands",
            advice="Name the commit that mends it: resume --fixed-in REF",
        )
    if not await amend(run, partial(lift_pin, fixed_in=fixed_in)):
        raise Refused("the record kept changing", on=environment, safe="the pin stands")
    pin = record.pin
    return f"lifted the pin of {pin.by}: {pin.reason}" if pin else "there was no pin to lift"
