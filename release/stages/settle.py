"""Polls tenants until they have settled on the release, and keeps watch while the canary soaks.

This module must not judge an answer (`core/settle.py` does) or choose tenants (`rollout` does).
"""

from functools import partial

from release.core.ledger import Phase
from release.core.outcome import Word
from release.core.settle import Progress, SettleState, Settling
from release.core.sighting import Row, RowState
from release.core.transitions import raise_mark
from release.core.values import Sha, Tenant
from release.stages.effect import redeploy
from release.stages.observe import is_above_mark, is_denied
from release.stages.relate import compare
from release.stages.run import Ended, Run, names
from release.stages.write import check_standing, rest, write

__all__ = ["heed_newer", "look", "repair_regressed", "settle", "soak"]

_SHOWN = 6


async def settle(run: Run, tenants: tuple[Tenant, ...]) -> tuple[Progress, ...]:
    """Polls until every tenant has settled or its budget is spent; returns those that have not.

    The first poll is at once, each further one an interval later, so a budget of 240 s at 20 s is
    13 polls. A tenant that settled and went off again is repaired, within `repairs_max`.
    """
    policy = run.assignment.policy
    if not tenants:
        return ()
    for tenant in tenants:
        run.progress[tenant] = Progress(tenant=tenant)
    began_s, polls = await run.ports.clock.now_s(), 0
    while True:
        settling = await look(run, tenants)
        if settling.is_settled:
            run.tell("settled", f"settled: {names(tenants)}", polls=polls + 1)
            return ()
        if await repair_regressed(run, settling):
            began_s, polls = await run.ports.clock.now_s(), 0
            continue
        polls += 1
        # Where many edges hang, one look takes longer than the interval: the budget is time.
        spent_s = await run.ports.clock.now_s() - began_s
        if max(spent_s, polls * policy.settle_interval_s) > policy.settle_budget_s:
            return settling.of_state(SettleState.PENDING, SettleState.REGRESSED)
        run.tell("settling", f"not settled yet: {_describe(settling)}", polls=polls)
        await rest(run, began_s + polls * policy.settle_interval_s, Phase.SETTLING)


async def soak(run: Run, tenants: tuple[Tenant, ...]) -> tuple[Progress, ...]:
    """Keeps watching settled tenants for `soak_s`; returns those that are not steady at its end."""
    policy = run.assignment.policy
    began_s, polls = await run.ports.clock.now_s(), 0
    run.tell("soak", f"soaking {names(tenants)} for {policy.soak_s:.0f} s")
    while tenants:
        polls += 1
        next_s = began_s + min(polls * policy.settle_interval_s, policy.soak_s)
        await rest(run, next_s, Phase.SOAKING)
        settling = await look(run, tenants)
        if await repair_regressed(run, settling):
            return await settle(run, tenants)
        if polls * policy.settle_interval_s >= policy.soak_s:
            return () if settling.is_settled else await settle(run, tenants)
    return ()


async def look(run: Run, tenants: tuple[Tenant, ...]) -> Settling:
    """Asks the tenants once and takes the answers into account; heeds a newer release."""
    observations = await run.ports.edge.observe(tenants)
    ours = run.release.sha
    seen = dict.fromkeys(sight.sha for sight in observations if sight.sha is not None)
    orders = {sha: await compare(run, ours, sha) for sha in seen}
    settling = Settling(
        tenants=tuple(run.progress[tenant] for tenant in tenants),
        confirmations=run.assignment.policy.confirmations,
        heeds_newer=run.assignment.rollback is None,
    ).judge(observations, orders)
    run.progress.update({progress.tenant: progress for progress in settling.tenants})
    for progress in settling.of_state(SettleState.OVERTAKEN):
        assert progress.seen is not None, "a newer release was seen"
        await heed_newer(run, progress.seen, f"tenant {progress.tenant}")
    return settling


async def heed_newer(run: Run, sha: Sha, where: str) -> None:
    """Reads the ledger again after a newer release was seen, and ends the job.

    The ledger may name the newer holder. If it does not, the newer release came past it: the mark
    is raised to it, but never under a pin, nor when it is denied: only a rollback may move a tenant
    off that.
    """
    before = run.reading.record
    run.reading = await run.ports.ledger.read()
    record = run.reading.record
    if record is not None and run.is_holder and before is not None:
        await check_standing(run, before)
    if record is not None and await is_denied(run, record, sha):
        raise Ended(Word.FAILED, f"{where} is on {sha.short}, which is denied: run rollback")
    if record is not None and run.is_holder:
        is_pinned = record.is_pinned(await run.ports.clock.utc_now())
        if not is_pinned and await is_above_mark(run, record, sha):
            await write(run, partial(raise_mark, sha=sha))
    raise Ended(Word.SUPERSEDED, f"{sha.short} is newer, read at {where}", by=sha)


async def repair_regressed(run: Run, settling: Settling) -> bool:
    """Redeploys the tenants that went off again; True when at least one was repaired."""
    regressed = settling.of_state(SettleState.REGRESSED)
    if not regressed:
        return False
    run.warn(f"regressed: {_describe(settling)}")
    tenants = tuple(progress.tenant for progress in regressed)
    spent = [
        tenant
        for tenant in tenants
        if run.repairs.get(tenant, 0) >= run.assignment.policy.repairs_max
    ]
    if spent or not run.is_holder:
        raise Ended(
            Word.REGRESSED,
            f"{names(spent or tenants)} settled and went off again: {_describe(settling)}",
        )
    for tenant in tenants:
        run.repairs[tenant] = run.repairs.get(tenant, 0) + 1
        run.progress[tenant] = Progress(tenant=tenant)
    _check_repair(await redeploy(run, tenants, phase="repair"))
    return True


def _check_repair(rows: tuple[Row, ...]) -> None:
    for row in rows:
        if row.state is RowState.FAILED:
            raise Ended(Word.FAILED, f"the repair of {row.tenant} failed: {row.note}")


def _describe(settling: Settling) -> str:
    waiting = [one for one in settling.tenants if one.state is not SettleState.SETTLED]
    said = ", ".join(f"{one.tenant} ({one.note or 'seen once'})" for one in waiting[:_SHOWN])
    return said + (f" and {len(waiting) - _SHOWN} more" if len(waiting) > _SHOWN else "")
