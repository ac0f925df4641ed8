"""Rolls the release out: the canary, its soak, then batch after batch, each settled first.

This module must not send effects of its own; every redeploy is a step of `effect`.
"""

from functools import partial

from release.core.ledger import Phase
from release.core.outcome import Word
from release.core.plan import Batch, plan_batches
from release.core.settle import Progress, SettleState
from release.core.sighting import RowState
from release.core.transitions import add_waited, carry_waited
from release.core.values import Tenant
from release.stages.effect import redeploy
from release.stages.run import Ended, Run, names
from release.stages.settle import look, repair_regressed, settle, soak
from release.stages.take_over import raise_fence
from release.stages.verify import LATE_ROUNDS_MAX, list_joined
from release.stages.write import renew, rest, write

__all__ = ["roll_ahead", "roll_out", "verify"]

_NO_VERDICT = frozenset({Word.EXHAUSTED, Word.FAILED, Word.REGRESSED})


async def roll_out(run: Run) -> None:
    """Brings every candidate onto the release; the first failure too many stops (sentence 6).

    Tenants that are on it already, after every older effect has been waited out, are not rolled.
    """
    on_target = await _find_on_target(run, run.candidates)
    # The canary is looked for in the whole fleet, also when only other tenants are asked for.
    unasked = (tenant for tenant in run.fleet if tenant not in run.candidates)
    batches = plan_batches(run.fleet, on_target.union(unasked), run.assignment.policy)
    for batch in batches:
        await _roll_batch(run, batch)


async def roll_ahead(run: Run) -> None:
    """Rolls every tenant once without waiting for open intents, as a rollback `--now` does.

    What is open may still land behind it, so nothing that fails here is a verdict: the tenants
    after it are rolled all the same, and the round behind the take-over begins anew. What passed
    of the bounds meanwhile is noted, so that the take-over waits for the rest alone.
    """
    if not run.open_intents or not await raise_fence(run):
        return
    count = len(run.open_intents)
    run.warn(f"not waiting for {count} open intents now: rolling again once their bounds passed")
    before, began_s = run.record, await run.ports.clock.now_s()
    for batch in plan_batches(run.fleet, (), run.assignment.policy):
        try:
            await _roll_batch(run, batch)
        except Ended as early:
            if early.word not in _NO_VERDICT:
                raise
            run.warn(f"the first round failed at {batch.name}: {early.reason}")
    run.progress.clear()
    run.failures.clear()
    run.repairs.clear()
    waited_s = await run.ports.clock.now_s() - began_s
    await write(run, partial(carry_waited, noted=add_waited(before, waited_s)))


async def verify(run: Run) -> None:
    """Reads the list of tenants again, rolls those that joined, looks at every tenant once more.

    Each of them has settled already, so one that is off the release now has regressed.
    """
    for _ in range(LATE_ROUNDS_MAX):
        joined = await list_joined(run)
        if not joined:
            break
        run.warn(f"joined while we deployed: {names(joined)}")
        on_target = await _find_on_target(run, joined)
        late = tuple(tenant for tenant in joined if tenant not in on_target)
        if late:
            await _roll_batch(run, Batch(name="late", tenants=late))
    else:
        raise Ended(Word.FAILED, "the list of tenants kept growing while we deployed")
    await renew(run, Phase.SETTLING)
    counted = tuple(tenant for tenant in run.candidates if tenant not in run.failures)
    settling = await look(run, counted)
    if settling.is_settled:
        return
    await repair_regressed(run, settling)
    off = settling.of_state(SettleState.REGRESSED, SettleState.PENDING)
    for progress in await settle(run, tuple(one.tenant for one in off)):
        _give_up_on(run, progress.tenant, progress.note, Word.REGRESSED)


async def _roll_batch(run: Run, batch: Batch) -> None:
    """Redeploys and settles one batch; what was never answered is redeployed once more."""
    waiting, attempts = batch.tenants, 1 + min(1, run.assignment.policy.repairs_max)
    for attempt in range(1, attempts + 1):
        phase = batch.name if attempt == 1 else f"{batch.name} again"
        waiting = await _roll_once(run, waiting, phase=phase, is_last=attempt == attempts)
        if not waiting:
            break
        run.warn(f"redeploying {names(waiting)} once more: the first request was not answered")
    if batch.is_canary and all(tenant in run.failures for tenant in batch.tenants):
        # What is tolerated are stragglers of a fleet; a canary that fell has given its warning.
        raise Ended(Word.EXHAUSTED, f"the canary did not settle: {names(batch.tenants)}")
    if batch.is_canary:
        steady = tuple(tenant for tenant in batch.tenants if tenant not in run.failures)
        for progress in await soak(run, steady):
            _give_up_on(run, progress.tenant, progress.note, Word.EXHAUSTED)


async def _roll_once(
    run: Run, tenants: tuple[Tenant, ...], *, phase: str, is_last: bool
) -> tuple[Tenant, ...]:
    """Redeploys and settles these tenants; returns the ones worth a second request."""
    rows = await redeploy(run, tenants, phase=phase)
    for tenant in tenants:
        run.progress[tenant] = Progress(tenant=tenant)
    failed = tuple(row.tenant for row in rows if row.state is RowState.FAILED)
    if failed:
        # A fence that refused the landing fails the row; then the ledger names who overtook us.
        await renew(run, Phase.ROLLING)
    for row in rows:
        if row.state is RowState.FAILED:
            _give_up_on(run, row.tenant, row.note, Word.FAILED)
    unanswered = {row.tenant for row in rows if row.state is RowState.UNANSWERED}
    # For a rollback the stale answer of a draining tenant looks right, so that only a tenant whose
    # own redeploy was answered counts.
    uncounted = unanswered if run.assignment.rollback is not None else set[Tenant]()
    asked = tuple(t for t in tenants if t not in failed and t not in uncounted)
    waiting = {progress.tenant: progress.note for progress in await settle(run, asked)}
    waiting |= dict.fromkeys(uncounted, "its redeploy was never answered")
    again = tuple(t for t in tenants if t in waiting and t in unanswered and not is_last)
    # Whoever only lacked another look at the release is named last.
    for tenant in sorted(waiting, key=lambda one: run.progress[one].seen == run.release.sha):
        if tenant not in again:
            _give_up_on(run, tenant, waiting[tenant] or "seen there too briefly", Word.EXHAUSTED)
    return again


def _give_up_on(run: Run, tenant: Tenant, note: str, word: Word) -> None:
    """Counts a straggler; one too many ends the job and leaves the later tenants as they are."""
    run.failures[tenant] = note
    tolerated = run.assignment.policy.stragglers_max
    if len(run.failures) <= tolerated:
        run.warn(f"quarantined {tenant}: {note}")
        return
    progress = run.progress[tenant]
    last = f"last seen on {progress.seen.short}; " if progress.seen else ""
    if progress.was_asked and not progress.seen:
        last = "named no release since its redeploy; "
    raise Ended(
        word,
        f"tenant {tenant} did not reach {run.release.sha.short} ({last}{note}); later tenants "
        "stay as they are. To go back, run rollback --to REF --reason TEXT",
    )


async def _find_on_target(run: Run, tenants: tuple[Tenant, ...]) -> frozenset[Tenant]:
    """Finds the tenants on the release, `confirmations` times in a row; none when forced."""
    policy = run.assignment.policy
    if run.assignment.is_forced or run.assignment.rollback is not None:
        return frozenset()
    for tenant in tenants:
        run.progress[tenant] = Progress(tenant=tenant)
    likely = tenants
    began_s = await run.ports.clock.now_s()
    for poll in range(1, policy.confirmations + 1):
        settling = await look(run, likely)
        likely = tuple(one.tenant for one in settling.tenants if one.streak == poll)
        if not likely or poll == policy.confirmations:
            break
        await rest(run, began_s + poll * policy.settle_interval_s, Phase.ROLLING)
    for tenant in tenants:
        if tenant not in likely:
            del run.progress[tenant]
    return frozenset(likely)
