"""Ends a job: its outcome goes into the record, its hold is cleared, its open intents stay.

This module must not change what a stage decided; it only reports it.
"""

from dataclasses import replace
from functools import partial

from release.core.ledger import Effect, Past
from release.core.outcome import Outcome, PointerReport, ResourceFencing, Word
from release.core.transitions import finish as finished
from release.errors import HeadwayError
from release.stages.run import Ended, Run
from release.stages.write import amend

__all__ = ["finish", "finish_unrecorded"]

_GOOD = frozenset({Word.DEPLOYED, Word.REDEPLOYED, Word.VERIFIED})
_QUIET = frozenset({Word.CANCELLED, *_GOOD})


async def finish(run: Run, ended: Ended) -> Outcome:
    """Writes the outcome into the record and lets go of it (sentence 9); never raises HeadwayError.

    After an effect and a bad end, the tenants are looked at once more, so that the outcome lists
    what each of them serves.
    """
    await _record(run, ended)
    if ended.word is Word.CANCELLED:
        await _wait_for_answer(run)
    if run.has_touched and ended.word not in _QUIET:
        await _look_once_more(run)
    return finish_unrecorded(run, ended)


def finish_unrecorded(run: Run, ended: Ended) -> Outcome:
    """Makes the outcome of a job that wrote no record, such as one that only verified."""
    outcome = Outcome(
        word=ended.word,
        environment=run.assignment.environment,
        release=run.release,
        job=run.job,
        reason=ended.reason,
        epoch=run.epoch,
        by=ended.by,
        tenants=run.tenant_reports() if run.scope.has_tenants else (),
        pointers=_pointer_reports(run) if run.scope.has_pointers else (),
        fencing=_fencing(run) if run.scope.has_tenants else (),
        warnings=tuple(run.warnings),
        has_touched=run.has_touched,
        is_unguarded=run.assignment.is_unguarded,
        is_rollback=run.assignment.rollback is not None,
        signal=run.signal,
        superseded_exit_code=run.assignment.policy.superseded_exit_code,
    )
    run.tell("outcome", f"{ended.word}: {ended.reason}", word=ended.word.value)
    return outcome


async def _record(run: Run, ended: Ended) -> None:
    try:
        if run.reading.record is None:
            run.reading = await run.ports.ledger.read()
        past = Past(
            job=run.job,
            release=run.release,
            epoch=run.epoch or 0,
            word=ended.word.value,
            reason=ended.reason,
            at=await run.ports.clock.utc_now(),
        )
        change = partial(finished, past=past)
        if run.reading.record is not None and not await amend(run, change):
            run.warn("the outcome could not be written into the ledger: its swaps kept losing")
    except HeadwayError as problem:
        run.warn(f"the outcome could not be written into the ledger: {problem}")


async def _wait_for_answer(run: Run) -> None:
    """Waits `grace_s` for the answer of what was under way, and acknowledges it when it comes.

    The outcome stands in the ledger already, so that a kill that comes before loses nothing.
    """
    intent, grace_s = run.last_intent, run.assignment.policy.grace_s
    if intent is None or run.reading.record is None:
        return
    # A waiter may have noted its wait on the intent, which is the same one nevertheless.
    if (intent.job, intent.number) not in {(one.job, one.number) for one in run.open_intents}:
        return
    if intent.effect is Effect.REDEPLOY:
        answer = await run.ports.fleet.late_answer(grace_s)
        is_answered = answer is not None and answer.is_answered
    else:
        is_answered = await run.ports.registry.late_answer(grace_s)
    if not is_answered:
        run.warn(f"no answer within {grace_s:g} s, it may still take effect: {intent.what}")
        return
    run.answered.add(intent.number)
    try:
        await amend(run, lambda record: record)
    except HeadwayError as problem:
        run.warn(f"the answer could not be written into the ledger: {problem}")


async def _look_once_more(run: Run) -> None:
    for sight in await run.ports.edge.observe(run.candidates):
        known = run.progress.get(sight.tenant)
        if known is not None:
            note = known.note or sight.reason
            seen = sight.sha or known.seen
            run.progress[sight.tenant] = replace(known, seen=seen, note=note)
        elif sight.sha is not None:
            run.untouched[sight.tenant] = sight.sha


def _pointer_reports(run: Run) -> tuple[PointerReport, ...]:
    """How each pointer is left; a job that ended before its first effect has nothing to report."""
    if not run.pointers and not run.has_touched:
        return ()
    told = {report.pointer for report in run.pointers}
    untold = (pointer for pointer in run.assignment.pointers if pointer not in told)
    left = (PointerReport(pointer=one, is_right=False, note="untouched") for one in untold)
    return (*run.pointers, *left)


def _fencing(run: Run) -> tuple[ResourceFencing, ...]:
    found = [
        ResourceFencing(resource=resource, fencing=fencing.value)
        for resource, fencing in run.fencing.items()
    ]
    if run.scope.has_pointers and run.pointers:
        found += [
            ResourceFencing(resource=str(pointer), fencing="unfenced, read back")
            for pointer in run.assignment.pointers
        ]
    return tuple(found)
