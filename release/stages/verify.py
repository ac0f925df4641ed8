"""Verifies without touching: every tenant settles on the release, or the job says which did not.

This module must not claim or redeploy; used as a step of its own, it holds nothing.
"""

from release.core.order import Order
from release.core.outcome import Word
from release.stages.observe import list_candidates
from release.stages.relate import compare
from release.stages.run import Ended, Run, names
from release.stages.settle import settle

__all__ = ["verify_settled"]


async def verify_settled(run: Run) -> None:
    """Polls the whole fleet until it has settled (sentence 7); more stragglers than tolerated fail.

    A release that the ledger or a tenant knows to be newer ends the job `superseded`.
    """
    await list_candidates(run, epoch=run.epoch)
    if not run.is_holder:
        await _check_mark(run)
    unsettled = await settle(run, run.candidates)
    if not unsettled:
        return
    for progress in unsettled:
        run.failures[progress.tenant] = progress.note
    if len(unsettled) > run.assignment.policy.stragglers_max:
        stuck = unsettled[0]
        last = f"last seen on {stuck.seen.short}" if stuck.seen else "never named a release"
        raise Ended(
            Word.EXHAUSTED,
            f"{names([one.tenant for one in unsettled])} did not settle on "
            f"{run.release.sha.short}; {stuck.tenant}: {last}; {stuck.note}",
        )
    run.warn(f"quarantined {names([one.tenant for one in unsettled])}")


async def _check_mark(run: Run) -> None:
    run.reading = await run.ports.ledger.read()
    record = run.reading.record
    if record is None or record.mark is None:
        return
    if await compare(run, run.release.sha, record.mark) is Order.OLDER:
        raise Ended(
            Word.SUPERSEDED, f"{record.mark.short} is newer, read in the ledger", by=record.mark
        )
