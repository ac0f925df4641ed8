"""Checks whether everything is on the release that should be live, and says what keeps it off.

This module must not write the ledger, raise a fence or touch a tenant or a pointer; what is behind
is rolled by the pipeline, as any other deploy.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from release.core.claim import find_denial, find_pin, find_unread
from release.core.convergence import (
    Convergence,
    ConvergenceReport,
    Part,
    judge_part,
    merge_sights,
)
from release.core.freeze import find_freeze
from release.core.lease import watch_lease
from release.core.ledger import Record
from release.core.order import Order
from release.core.sighting import ChecksState, Observation, PointerSight
from release.core.values import Release, Sha
from release.errors import Refused, Unavailable
from release.stages.gate import find_images, read_head
from release.stages.observe import is_abandoned, is_denied, list_candidates, see_pointer
from release.stages.relate import compare, newest_of, relate
from release.stages.run import Ended, Run

__all__ = ["check_convergence"]

NameRelease = Callable[[Sha], Release]
"""Makes the release of a commit, under the tag that CI gives its images."""


async def check_convergence(
    run: Run, name_release: NameRelease, *, tested: tuple[Sha, ...] | None = None
) -> ConvergenceReport:
    """Compares every tenant and pointer with the release that should be live.

    That is the head of the branch where it is deployable and newer than the mark, for it is what
    deploys after a freeze, a pin or a crash; else the mark, or what a job would raise the mark to.
    `run.release` is that release from then on. Tenants are asked `confirmations` times.

    tested: where the forge keeps no CI statuses, the commits that are known to be green; None where
        it does. Raises Unavailable when the ledger or the fleet can't be read.
    """
    await list_candidates(run, epoch=None)
    sights = await _observe_steadily(run)
    head = await read_head(run)
    run.reading = await run.ports.ledger.read()
    record, doubts = run.reading.record, list[str]()
    if record is None:
        doubts.append("the ledger has no record of this environment")
    pointers, parts = await _see_pointers(run)
    seen = [*(sight.sha for sight in sights), *(sight.sha for sight in pointers)]
    target = await _find_claimed(run, record, [sha for sha in seen if sha is not None])
    if head is None:
        doubts.append("the head of the branch could not be read")
    else:
        parts += await _judge_head(run, head, target)
        if tested is None or head in tested:
            target = await _prefer_head(run, name_release(head), target, doubts)
        elif head != target:
            run.warn(f"whether CI is green for {head.short} is not known here: it is left aside")
    if target is not None and (run.release.sha != target or not run.release.images):
        await _name_target(run, name_release(target), doubts)
    tenants = [await _judge_tenant(run, sight, target) for sight in sights]
    parts = [*tenants, *[await _judge_pointer(run, sight, target) for sight in pointers], *parts]
    held_by = await _find_holds(run, record, doubts)
    is_off = any(part.state is not Convergence.CONVERGED for part in parts)
    at_work = await _find_job_at_work(run) if is_off else ""
    return ConvergenceReport(
        environment=run.assignment.environment,
        target=target,
        mark=record.mark if record else None,
        head=head,
        parts=tuple(parts),
        held_by=held_by,
        at_work=at_work,
        doubts=tuple(doubts),
        warnings=tuple(run.warnings),
    )


async def _observe_steadily(run: Run) -> tuple[Observation, ...]:
    """Asks every tenant several times, since one answer of a draining tenant proves nothing."""
    policy = run.assignment.policy
    sights = await run.ports.edge.observe(run.candidates)
    for _ in range(policy.confirmations - 1):
        await run.ports.clock.sleep(policy.settle_interval_s)
        again = await run.ports.edge.observe(run.candidates)
        sights = tuple(merge_sights(one, two) for one, two in zip(sights, again, strict=True))
    return sights


async def _see_pointers(run: Run) -> tuple[list[PointerSight], list[Part]]:
    """Reads every pointer; one whose registry can't be read is a part of its own already."""
    sights, unread = [], []
    for pointer in run.assignment.pointers:
        try:
            sights.append(await see_pointer(run, pointer))
        except (Refused, Unavailable) as problem:
            name = f"pointer {pointer}"
            unread.append(Part(name=name, state=Convergence.UNKNOWN, note=str(problem)))
    return sights, unread


async def _find_claimed(run: Run, record: Record | None, seen: Iterable[Sha]) -> Sha | None:
    """The mark, or the newer release that the next job would raise it to, as `observe` does."""
    if record is None or record.mark is None:
        return await newest_of(run, seen)
    if record.is_pinned(await run.ports.clock.utc_now()):
        return record.mark
    newer = [
        sha
        for sha in dict.fromkeys(seen)
        if await compare(run, sha, record.mark) is Order.NEWER
        and not await is_denied(run, record, sha)
    ]
    found = await newest_of(run, newer)
    if found is not None:
        run.warn(f"{found.short} was seen, which is newer than the mark {record.mark.short}")
    return found or record.mark


async def _judge_head(run: Run, head: Sha, claimed: Sha | None) -> list[Part]:
    """Makes a part of a branch that was rewritten: no deploy of it would claim."""
    order = Order.SAME if claimed is None else await compare(run, head, claimed)
    if order is Order.OLDER:
        run.warn(f"the head of the branch, {head.short}, is older than what was claimed")
    if order not in {Order.DIVERGED, Order.UNKNOWN}:
        return []
    state = Convergence.DIVERGED if order is Order.DIVERGED else Convergence.UNKNOWN
    note = f"{order} to what was claimed; after a force-push on purpose, run accept-rewrite"
    return [Part(name="head of the branch", state=state, seen=head, note=note)]


async def _prefer_head(
    run: Run, head: Release, claimed: Sha | None, doubts: list[str]
) -> Sha | None:
    """Chooses the head where it is newer than what was claimed, and deployable."""
    if claimed is not None and await compare(run, head.sha, claimed) is not Order.NEWER:
        return claimed
    run.release = head
    try:
        obstacle = await _find_obstacle(run)
    except Unavailable as unread:
        doubts.append(f"whether {head.sha.short} is deployable could not be read: {unread}")
        return claimed
    if not obstacle:
        return head.sha
    run.warn(f"{head.sha.short} on the branch is newer, but not deployable: {obstacle}")
    return claimed


async def _find_obstacle(run: Run) -> str:
    """Why the run's release is not deployable, whatever holds the environment; empty when it is."""
    record = run.reading.record
    if record is not None:
        orders = await relate(run, record)
        if find_unread(record, orders) is not None:
            raise Unavailable("whether it is denied could not be read", on=run.release.sha.short)
        denial = find_denial(record, orders)
        if denial is not None:
            return denial.reason
    checks = await run.ports.forge.checks(run.release.sha)
    if checks.state is not ChecksState.GREEN:
        return f"CI is {checks.state}"
    try:
        await find_images(run)
    except Ended as missing:
        return missing.reason
    return ""


async def _name_target(run: Run, target: Release, doubts: list[str]) -> None:
    """Takes the target for the run's release; its digests tell pointers that nobody labelled."""
    run.release = target
    try:
        await find_images(run)
    except Ended as missing:
        run.warn(missing.reason)
    except Unavailable as unread:
        doubts.append(f"the images of {target.sha.short} could not be read: {unread}")


async def _judge_tenant(run: Run, sight: Observation, target: Sha | None) -> Part:
    name = f"tenant {sight.tenant}"
    if sight.sha is None:
        return Part(name=name, state=Convergence.UNKNOWN, note=sight.reason or "names no release")
    return await _judge_seen(run, name, sight.sha, target)


async def _judge_pointer(run: Run, sight: PointerSight, target: Sha | None) -> Part:
    name = f"pointer {sight.pointer}"
    if sight.digest is None:
        return Part(name=name, state=Convergence.BEHIND, note="absent")
    is_target = sight.digest == run.release.digest(sight.pointer.repository)
    sha = run.release.sha if is_target else sight.sha
    if sha is None:
        note = f"on {sight.digest}, whose release nobody knows"
        return Part(name=name, state=Convergence.UNKNOWN, note=note)
    return await _judge_seen(run, name, sha, target)


async def _judge_seen(run: Run, name: str, sha: Sha, target: Sha | None) -> Part:
    if target is None:
        note = "nothing says which release should be live"
        return Part(name=name, state=Convergence.UNKNOWN, seen=sha, note=note)
    order = await compare(run, sha, target)
    part = judge_part(name, sha, order, is_abandoned=is_abandoned(run, sha))
    record = run.reading.record
    if order is Order.NEWER and record is not None and await is_denied(run, record, sha):
        return replace(part, note="denied: run rollback again")
    return part


async def _find_holds(run: Run, record: Record | None, doubts: list[str]) -> tuple[str, ...]:
    """What holds every automatic deploy back now: pin, freeze window, kill switch."""
    utc, found = await run.ports.clock.utc_now(), list[str]()
    pin = find_pin(record, utc) if record else None
    if pin is not None:
        found.append(pin.reason)
    window = find_freeze(run.assignment.freezes, utc)
    if window is not None:
        found.append(f"a freeze window is open: {window.reason}")
    try:
        if not await run.ports.forge.is_enabled():
            found.append("the kill switch is off")
    except (Refused, Unavailable) as problem:
        doubts.append(f"the kill switch could not be read: {problem}")
    return tuple(found)


async def _find_job_at_work(run: Run) -> str:
    """Watches the holder of the record until it shows life or its lease has run out.

    While a job rolls out, what it has not reached is no cause for alarm.
    """
    record = run.reading.record
    holder = record.holder if record else None
    if record is None or holder is None:
        return ""
    watch = watch_lease(None, holder, await run.ports.clock.now_s(), intents=record.intents)
    version = run.reading.version
    while True:
        left_s = watch.remaining_s(await run.ports.clock.now_s())
        if left_s <= 0:
            return ""
        reading = await run.ports.ledger.changed(version, left_s)
        after = reading.record.holder if reading.record else None
        if after is None or (after.job, after.beat) != (holder.job, holder.beat):
            return f"job {holder.job} is at work with {holder.release.sha.short}"
        version = reading.version
