"""Makes a ledger safe to go on with after it was set back, as by restoring a backup.

This module must not have effects on tenants or pointers; it only raises their fence.
"""

from dataclasses import replace
from functools import partial

from release.core.sighting import Fencing
from release.core.transitions import repair
from release.errors import FenceRefused, Refused
from release.stages.hand import past_of
from release.stages.observe import adopt, forgotten_intent, list_candidates
from release.stages.run import Run
from release.stages.write import try_swap

__all__ = ["EPOCHS_APART", "repair_ledger"]

EPOCHS_APART = 1_000_000
"""More claims than a ledger can have forgotten that no fence heard of."""


async def repair_ledger(run: Run, *, reason: str, by: str) -> str:
    """Lifts the epoch above all that was ever handed out, and has everything unknown waited for.

    The epoch goes up by `EPOCHS_APART` above what the ledger and the fence have seen, because a job
    may have claimed one that no fence has heard of; then the fence is raised to it, so that what
    the ledger forgot is refused where there is a fence. Without one nobody compares epochs, and it
    goes up by one. Whoever holds the record has to claim again. A missing record is created first,
    from what is observed. Safe to repeat. Raises Refused, Unavailable and OutcomeUnknown.
    """
    run.reading = await run.ports.ledger.read()
    if run.reading.record is None:
        await list_candidates(run, epoch=None)
        await adopt(run)
    before = run.record.epoch
    fence_seen = await _ask_fence(run, before)
    for _ in range(run.assignment.policy.swap_attempts_max):
        if run.reading.record is None:
            break
        if not await _lift(run, fence_seen, f"{by}: {reason}"):
            continue
        # Only now is the epoch ours to show: another ledger-repair may have lifted it further.
        again = await _ask_fence(run, run.record.epoch)
        if again is None or again == run.record.epoch:
            return _describe(run, before, fence_seen)
        fence_seen = again
    raise Refused(
        "the record kept changing",
        on=run.assignment.environment,
        safe="nothing was deployed",
        advice="Run ledger-repair again",
    )


async def _ask_fence(run: Run, epoch: int) -> int | None:
    """The highest epoch that the fleet has seen, ours included; None when it compares none."""
    try:
        await list_candidates(run, epoch=epoch)
    except FenceRefused as refusal:
        return refusal.fence_seen
    return None if run.fencing["fleet"] is Fencing.NONE else epoch


async def _lift(run: Run, fence_seen: int | None, said: str) -> bool:
    record = run.record
    epoch = max(record.epoch, fence_seen or 0) + (1 if fence_seen is None else EPOCHS_APART)
    at = await run.ports.clock.utc_now()
    past = past_of(run, record, word="repaired", reason=said, at=at)
    past = replace(past, epoch=epoch)
    forgotten = forgotten_intent(run, "whatever the ledger forgot when it was set back")
    return await try_swap(run, partial(repair, epoch=epoch, forgotten=forgotten, past=past))


def _describe(run: Run, before: int, fence_seen: int | None) -> str:
    fenced = "unfenced" if fence_seen is None else f"the fence had seen {fence_seen}"
    mark = run.record.mark.short if run.record.mark else "no release"
    (forgotten,) = (one for one in run.record.intents if one.job == run.job)
    return (
        f"the epoch was lifted from {before} to {run.record.epoch} ({fenced}); the next job waits "
        f"up to {forgotten.remaining_s:.0f} s for whatever was forgotten; the mark is on {mark}. A "
        "pin or a denial that is younger than the backup is gone: set it again with pin or rollback"
    )
