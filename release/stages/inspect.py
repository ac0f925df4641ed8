"""The verbs that only look: whether superseded, what a deploy would do, and what is there now.

This module must not write the ledger, raise a fence or touch a tenant or a pointer.
"""

from collections.abc import Sequence

from release.core.claim import decide_claim
from release.core.decisions import Held, Impossible, Overtaken
from release.core.freeze import find_freeze
from release.core.order import Order
from release.core.outcome import Word
from release.core.plan import plan_batches
from release.core.policy import SupersededBy
from release.core.report import Forecast, Status, SupersededReport
from release.core.sighting import Checks, ChecksState, Observation, PointerSight
from release.core.values import Sha, Tenant
from release.stages.gate import find_images, read_head
from release.stages.observe import is_abandoned, list_candidates, see_pointers
from release.stages.relate import compare, relate
from release.stages.run import Ended, Run

__all__ = ["check_superseded", "forecast", "take_status"]


async def check_superseded(run: Run) -> SupersededReport:
    """Says whether a newer release owns the environment, by the policy in force.

    Under `claimed` the ledger's mark decides, under `head` the branch does too. A head that can't
    be read supersedes nobody and is a warning; a ledger that can't be read raises Unavailable.
    """
    head = await read_head(run)
    run.reading = await run.ports.ledger.read()
    record = run.reading.record
    mark = record.mark if record else None
    by = mark if mark and await _is_older(run, mark) else None
    if head and by is None and await _is_older(run, head):
        if run.assignment.policy.superseded_by is SupersededBy.HEAD:
            by = head
        else:
            run.warn(f"{head.short} on the branch is newer, but has not claimed the environment")
    return SupersededReport(
        release=run.release, by=by, head=head, mark=mark, warnings=tuple(run.warnings)
    )


async def forecast(run: Run) -> Forecast:
    """Says what a deploy would do now, and what would stop it."""
    checks = await run.ports.forge.checks(run.release.sha)
    obstacles = await _find_obstacles(run, checks)
    await list_candidates(run, epoch=None)
    run.reading = await run.ports.ledger.read()
    observations = await run.ports.edge.observe(run.candidates)
    pointers = await see_pointers(run)
    obstacles += await _foresee_fleet(run, [*observations, *pointers])
    word, said = await _foresee_claim(run)
    on_target = _on_target(run, observations)
    is_done = len(on_target) == len(run.candidates) and all(
        sight.sha == run.release.sha for sight in pointers
    )
    if word is Word.DEPLOYED and is_done:
        word = Word.VERIFIED
    if obstacles:
        word = obstacles[0][0]
    batches = plan_batches(run.candidates, on_target, run.assignment.policy)
    return Forecast(
        release=run.release,
        environment=run.assignment.environment,
        would_end=word,
        obstacles=(*(text for _, text in obstacles), *said),
        checks=checks,
        candidates=run.candidates,
        on_target=on_target,
        batches=batches if word is Word.DEPLOYED else (),
        observations=observations,
        pointers=pointers,
        fencing=run.fencing["fleet"],
        warnings=tuple(run.warnings),
    )


async def take_status(run: Run, tenants: tuple[Tenant, ...] | None = None) -> Status:
    """Reads the branch, the ledger, the tenants (all, unless some are named) and the pointers."""
    head = await read_head(run)
    if tenants is None:
        await list_candidates(run, epoch=None)
    run.reading = await run.ports.ledger.read()
    return Status(
        environment=run.assignment.environment,
        head=head,
        record=run.reading.record,
        observations=await run.ports.edge.observe(tenants or run.candidates),
        pointers=await see_pointers(run),
        warnings=tuple(run.warnings),
    )


async def _is_older(run: Run, other: Sha) -> bool:
    order = await compare(run, run.release.sha, other)
    if order in {Order.DIVERGED, Order.UNKNOWN}:
        run.warn(f"ours is {order} to {other.short}")
    return order is Order.OLDER


async def _find_obstacles(run: Run, checks: Checks) -> list[tuple[Word, str]]:
    """What the wait and the gate would say, with the outcome that each would come to."""
    obstacles = []
    if checks.state is not ChecksState.GREEN:
        word = Word.REFUSED if checks.state is ChecksState.RED else Word.EXHAUSTED
        obstacles.append((word, f"CI is {checks.state}"))
    try:
        await find_images(run)
    except Ended as missing:
        obstacles.append((Word.EXHAUSTED, missing.reason))
    if not await run.ports.forge.is_enabled():
        obstacles.append((Word.HELD, "the kill switch is off"))
    window = find_freeze(run.assignment.freezes, await run.ports.clock.utc_now())
    if window is not None:
        obstacles.append((Word.HELD, f"a freeze window is open: {window.reason}"))
    return obstacles


async def _foresee_fleet(
    run: Run, sights: Sequence[Observation | PointerSight]
) -> list[tuple[Word, str]]:
    """What observing would say of releases that are not older than ours."""
    obstacles = []
    for sha in dict.fromkeys(sight.sha for sight in sights if sight.sha is not None):
        order = await compare(run, run.release.sha, sha)
        if order is Order.OLDER:
            obstacles.append((Word.SUPERSEDED, f"something is on the newer {sha.short}"))
        elif order in {Order.DIVERGED, Order.UNKNOWN} and not is_abandoned(run, sha):
            said = f"something is on {sha.short}, to which ours is {order}"
            obstacles.append((Word.FAILED, said))
    return obstacles


async def _foresee_claim(run: Run) -> tuple[Word, tuple[str, ...]]:
    record = run.reading.record
    if record is None:
        return Word.DEPLOYED, ("the ledger has no record: it would be created from the fleet",)
    decision = decide_claim(
        record,
        await relate(run, record),
        job=run.job,
        on_newer=run.assignment.policy.on_newer,
        utc=await run.ports.clock.utc_now(),
        is_by_hand=run.assignment.is_by_hand,
    )
    waits = tuple(f"open intent: {intent.what}" for intent in record.intents)
    match decision:
        case Overtaken(by=by, seen=seen):
            return Word.SUPERSEDED, (f"{by.short} is newer, read {seen}",)
        case Held(reason=reason):
            return Word.HELD, (reason,)
        case Impossible(order=order, mark=mark):
            return Word.FAILED, (f"ours is {order} to the mark {mark.short}",)
        case _:
            held = (f"job {record.holder.job} holds the record",) if record.holder else ()
            return Word.DEPLOYED, (*held, *waits)


def _on_target(run: Run, observations: tuple[Observation, ...]) -> tuple[Tenant, ...]:
    return tuple(sight.tenant for sight in observations if sight.sha == run.release.sha)
