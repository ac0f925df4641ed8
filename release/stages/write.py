"""Writes the ledger's record by compare-and-swap, and finds out where a lost swap leaves the job.

This module must not send effects; `effect` writes an intent through here before each one.
"""

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from math import inf

from release.core.decisions import ClaimAgain, Held, Overtaken, StillOurs, Stopped
from release.core.ledger import Phase, Record
from release.core.outcome import Word
from release.core.standing import decide_standing
from release.core.transitions import acknowledge, enter, stamp
from release.errors import Conflict, OutcomeUnknown, Unavailable
from release.ports import Reading
from release.stages.relate import relate
from release.stages.run import ClaimLost, Ended, Run

__all__ = ["Change", "amend", "check_standing", "renew", "rest", "try_swap", "write"]

Change = Callable[[Record], Record]
"""Builds the next record from the one that is there; it may be called again on a later one."""


async def write(run: Run, change: Change) -> float:
    """Swaps `change` of the record in; returns when, on our clock, the swap that won began.

    A swap that did not go through is read again and decided anew (sentence 5). One that lost to
    another's write is no failure, for somebody went on: it ends the job only when all of them lost
    for `lease_s`, after which others take us for dead. At most `swap_attempts_max` may fail
    although nobody else wrote. Raises Ended or ClaimLost when the record is no longer ours to
    write.
    """
    before, policy, untaken = run.record, run.assignment.policy, 0
    since_s = began_s = await run.ports.clock.now_s()
    while untaken < policy.swap_attempts_max:
        expected = run.reading.version
        if await try_swap(run, change):
            run.written_s = began_s
            return began_s
        await check_standing(run, before)
        began_s = await run.ports.clock.now_s()
        if run.reading.version == expected:
            untaken += 1
        elif began_s - since_s > policy.lease_s:
            raise Ended(
                Word.UNAVAILABLE,
                f"the ledger took the writes of others and none of ours for {policy.lease_s:g} s",
            )
    raise Ended(Word.UNAVAILABLE, f"the ledger did not take a write in {untaken} attempts")


async def try_swap(run: Run, change: Change, *, pause_s: float = 0.0) -> bool:
    """Tries one swap; False leaves `run.reading` at what is stored instead of our write.

    An unknown outcome is read again: our stamp in the record means that the write was taken.
    pause_s: after a loss, how long to make way for others before the record is read.
    """
    run.writes += 1
    changed = acknowledge(change(run.record), run.job, run.answered)
    record = stamp(changed, run.job, run.writes)
    try:
        version = await run.ports.ledger.swap(run.reading.version, record)
    except Unavailable as unreachable:
        run.tell("unwritten", f"the ledger did not take a write: {unreachable}")
        await run.ports.clock.sleep(run.assignment.policy.retry_s)
        run.reading = await run.ports.ledger.read()
    except Conflict:
        # Nothing was written, so that the number of this write is free again.
        run.writes -= 1
        if pause_s:
            await run.ports.clock.sleep(pause_s)
        run.reading = await run.ports.ledger.read()
        return False
    except OutcomeUnknown:
        run.reading = await run.ports.ledger.read()
    else:
        run.reading = Reading(record=record, version=version)
    stored = run.reading.record
    is_ours = stored is not None and stored.stamp == record.stamp
    if is_ours:
        run.answered.clear()
    return is_ours


async def amend(run: Run, change: Change) -> bool:
    """Swaps in a change that needs no hold, such as an outcome or an acknowledgement.

    Who holds the record tries on as in `write`. Anybody else makes way for holders and claimants,
    longer after each loss, and gives up after `swap_attempts_max`. Returns whether the record now
    says so; False when it is missing or the swaps kept losing.
    """
    policy, tried = run.assignment.policy, 0
    since_s = await run.ports.clock.now_s()
    while run.reading.record is not None and tried < policy.swap_attempts_max:
        expected, is_ours = run.reading.version, _holds(run, run.reading.record)
        if await try_swap(run, change, pause_s=0.0 if is_ours else _pause_s(run, tried + 1)):
            return True
        is_lost = is_ours and run.reading.version != expected
        if not is_lost or await run.ports.clock.now_s() - since_s > policy.lease_s:
            tried += 1
    return False


def _pause_s(run: Run, attempt: int) -> float:
    """How long to make way: longer after each loss, and up to one `retry_s` more.

    How much more is another share for each job and attempt, for those that lost together would
    meet again in step, and whoever writes in step with them would always come second.
    """
    policy = run.assignment.policy
    if attempt >= policy.swap_attempts_max:
        return 0.0
    share = sha256(f"{run.job} {attempt}".encode()).digest()[0] / 256
    return policy.retry_s * (attempt + share)


def _holds(run: Run, record: Record) -> bool:
    return record.holder is not None and record.holder.job == run.job


async def check_standing(run: Run, before: Record) -> None:
    """Decides from the record that was just read whether this job may go on.

    before: the record as this job last held it.
    Returns when the record is still ours. Raises Ended when somebody newer or a hand verb has it,
    and ClaimLost when another attempt of the same release has it, or nobody.
    """
    record = run.reading.record
    if record is None:
        run.warn("the ledger's record is missing in mid-run: observing and claiming again")
        raise ClaimLost
    standing = decide_standing(
        record,
        before,
        await relate(run, record),
        job=run.job,
        has_touched=run.has_touched,
        utc=await run.ports.clock.utc_now(),
    )
    match standing:
        case StillOurs():
            return
        case Overtaken(by=by, seen=seen):
            raise Ended(Word.SUPERSEDED, f"{by.short} is newer, read {seen}", by=by)
        case Held(reason=reason):
            raise Ended(Word.HELD, reason)
        case Stopped(reason=reason):
            raise Ended(Word.STOPPED, reason)
        case ClaimAgain(reason=reason):
            run.warn(f"{reason}: observing and claiming again")
            raise ClaimLost


async def renew(run: Run, phase: Phase) -> None:
    """Renews the lease and notes the phase; does nothing for a job that holds nothing."""
    if run.is_holder:
        await write(run, partial(enter, phase=phase))


async def rest(run: Run, until_s: float, phase: Phase) -> None:
    """Waits until that instant, renewing the lease three times in each of its lengths.

    It is not renewed more often, however short the wait: each write makes whoever is about to claim
    lose a swap, and a newer release could be kept out by one that polls fast.
    """
    while True:
        now_s = await run.ports.clock.now_s()
        if _due_s(run, phase) <= now_s:
            await renew(run, phase)
            now_s = await run.ports.clock.now_s()
        if now_s >= until_s:
            return
        await run.ports.clock.sleep(max(0.0, min(until_s, _due_s(run, phase)) - now_s))


def _due_s(run: Run, phase: Phase) -> float:
    """When the record should next hear of this job: a phase, an answer, or that it lives."""
    if not run.is_holder:
        return inf
    holder = run.record.holder
    if holder is None or holder.phase is not phase or run.answered:
        return -inf
    return run.written_s + run.assignment.policy.renew_s
