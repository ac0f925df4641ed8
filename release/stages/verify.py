"""Verifies without rolling: every tenant settles on the release, or the job says which did not.

This module must not claim or choose what to redeploy; used as a step of its own, it holds nothing.
"""

from release.core.order import Order
from release.core.outcome import Word
from release.core.settle import Progress
from release.core.values import Tenant
from release.stages.relate import compare
from release.stages.run import Ended, Run, names
from release.stages.settle import settle
from release.stages.take_over import raise_fence, take_over

__all__ = ["LATE_ROUNDS_MAX", "list_joined", "verify_settled"]

LATE_ROUNDS_MAX = 3
"""How often tenants may join while we deploy before the job gives up on the list."""


async def verify_settled(run: Run) -> None:
    """Polls the whole fleet until it has settled (sentence 7); more stragglers than tolerated fail.

    A release that the ledger or a tenant knows to be newer ends the job `superseded`. The list of
    tenants is read again before the verdict.
    """
    run.progress.clear()
    for _ in range(LATE_ROUNDS_MAX):
        joined = await list_joined(run)
        if not run.is_holder:
            await _check_mark(run)
        if not joined:
            return
        _judge(run, await settle(run, joined))
    raise Ended(Word.FAILED, "the list of tenants kept growing while we looked at it")


async def list_joined(run: Run) -> tuple[Tenant, ...]:
    """Lists the tenants again, forgets those that left; returns those that were not looked at."""
    if not await raise_fence(run):
        await take_over(run)
    gone = tuple(tenant for tenant in run.progress if tenant not in run.candidates)
    for tenant in gone:
        run.warn(f"{tenant} left the fleet while we deployed")
        del run.progress[tenant]
        run.failures.pop(tenant, None)
    return tuple(tenant for tenant in run.candidates if tenant not in run.progress)


def _judge(run: Run, unsettled: tuple[Progress, ...]) -> None:
    for progress in unsettled:
        run.failures[progress.tenant] = progress.note
    if len(run.failures) > run.assignment.policy.stragglers_max:
        stuck = unsettled[0]
        last = f"last seen on {stuck.seen.short}" if stuck.seen else "never named a release"
        raise Ended(
            Word.EXHAUSTED,
            f"{names([one.tenant for one in unsettled])} did not settle on "
            f"{run.release.sha.short}; {stuck.tenant}: {last}; {stuck.note}",
        )
    if unsettled:
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
