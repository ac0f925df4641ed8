"""Takes over what earlier holders left under way: waits for their intents, then raises the fence.

It also heeds a fence that refuses us. This module must not claim, nor send effects.
"""

from functools import partial

from release.core.ledger import Intent, Phase, Record
from release.core.outcome import Word
from release.core.sighting import Fencing
from release.core.transitions import (
    add_waited,
    carry_waited,
    drop_waited_out,
    enter,
    open_intent,
    set_epoch,
)
from release.errors import FenceRefused
from release.stages.observe import forgotten_intent, list_candidates
from release.stages.run import Ended, Run
from release.stages.write import check_standing, write

__all__ = ["heed_fence", "raise_fence", "take_over"]

_WAIT_MIN_S = 0.001
"""Many waits add up to a bound but for their rounding, which no clock could wait out."""


async def take_over(run: Run) -> None:
    """Waits for every open intent, then lists the candidates, which raises the fence (sentence 4).

    An intent ends when the job that wrote it acknowledges it, or when its bound has passed on our
    own clock. What we waited is written down, so that another claim does not begin from zero.
    """
    for _ in range(run.assignment.policy.swap_attempts_max):
        await _drain(run)
        if await raise_fence(run):
            return
    raise Ended(Word.UNAVAILABLE, "the fence kept refusing our epoch")


async def raise_fence(run: Run) -> bool:
    """Lists the candidates with our epoch; False when that was too low and is now above the fence.

    Then the ledger had been set back, and whatever it forgot has to be waited out: take over again.
    Raises as `check_standing` does when the fence speaks for another holder.
    """
    try:
        await _check_epoch_is_fresh(run)
        await list_candidates(run, epoch=run.epoch)
    except FenceRefused as refusal:
        await heed_fence(run, refusal)
        return False
    run.fenced_epoch = run.epoch
    return True


async def _check_epoch_is_fresh(run: Run) -> None:
    """Offers the fence one epoch less than ours, once for each claim.

    Nothing can have seen an epoch that was just claimed, unless the ledger was set back and hands
    it out a second time. A fence that has seen it refuses the lower one, and would pass its equal.
    """
    is_fenced = run.fencing.get("fleet") is not Fencing.NONE
    if run.epoch is not None and is_fenced and run.fenced_epoch != run.epoch:
        await list_candidates(run, epoch=run.epoch - 1)


async def _drain(run: Run) -> None:
    while run.open_intents:
        remaining_s = min(intent.remaining_s for intent in run.open_intents)
        within_s = min(max(remaining_s, _WAIT_MIN_S), run.assignment.policy.renew_s)
        run.tell(
            "draining",
            f"waiting up to {remaining_s:.0f} s for {run.open_intents[0].what}",
            open=len(run.open_intents),
        )
        before = run.record
        waited_s = await _wait_for_answers(run, within_s)
        await write(run, partial(_note_waited, noted=add_waited(before, waited_s)))


async def _wait_for_answers(run: Run, within_s: float) -> float:
    """Waits until every intent is acknowledged, or so long; returns how long that was.

    It writes nothing, whatever else changes: two that answer each other's writes never end.
    """
    before, began_s = run.record, await run.ports.clock.now_s()
    waited_s = 0.0
    while run.open_intents and waited_s < within_s:
        left_s = max(within_s - waited_s, _WAIT_MIN_S)
        run.reading = await run.ports.ledger.changed(run.reading.version, left_s)
        waited_s = await run.ports.clock.now_s() - began_s
        await check_standing(run, before)
    return waited_s


def _note_waited(record: Record, noted: Record) -> Record:
    """Notes it once, however often a swap of unknown outcome makes us write it anew."""
    return enter(drop_waited_out(carry_waited(record, noted)), Phase.DRAINING)


async def heed_fence(run: Run, refusal: FenceRefused) -> None:
    """Finds out why a fence refused us: another holder, or a ledger that was set back.

    Returns when the record is still ours: its epoch is now above the fence. Otherwise raises as
    `check_standing` does.
    """
    before = run.record
    run.reading = await run.ports.ledger.read()
    await check_standing(run, before)
    lifted = max(refusal.fence_seen, run.record.epoch) + 1
    run.warn(
        f"{refusal.on} has seen epoch {refusal.fence_seen}, the ledger only {run.record.epoch}: "
        f"the ledger was set back. Going on with epoch {lifted}"
    )
    forgotten = forgotten_intent(run, "whatever the ledger forgot when it was set back")
    await write(run, partial(_lift, epoch=lifted, forgotten=forgotten))
    run.epoch = run.record.epoch


def _lift(record: Record, epoch: int, forgotten: Intent) -> Record:
    """Lifts the epoch, unless a write of ours whose answer was lost has done so already."""
    if record.epoch >= epoch:
        return record
    return open_intent(set_epoch(record, epoch), forgotten)
