"""Observes the fleet and the pointers before anything is decided, and creates a missing record.

What is true is derived from observed versions, never from records. This module must not claim and
has no effects.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from release.core.ledger import Effect, Intent, Record, Stamp
from release.core.order import Order
from release.core.outcome import Word
from release.core.plan import plan_batches, select_only
from release.core.sighting import Observation, PointerSight
from release.core.transitions import raise_mark
from release.core.values import Pointer, Sha, Tenant
from release.errors import Conflict, OutcomeUnknown
from release.ports import Reading
from release.stages.relate import compare, newest_of, relate
from release.stages.run import Ended, Run, names
from release.stages.write import try_swap

__all__ = [
    "adopt",
    "forgotten_intent",
    "is_abandoned",
    "is_above_mark",
    "is_denied",
    "list_candidates",
    "observe",
    "see_pointer",
    "see_pointers",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sighting:
    """A release that something of the environment was seen on."""

    sha: Sha
    where: str


async def observe(run: Run) -> None:
    """Looks at all tenants and pointers, before any effect (sentence 2).

    A newer release than ours raises the mark, so that the claim ends `superseded`; a diverged or
    unknown one fails the job, unless a person forces it. A rollback takes whatever is there.
    """
    await list_candidates(run, epoch=None)
    # A canary that the fleet does not list is found out before anything is claimed.
    plan_batches(run.fleet, run.fleet, run.assignment.policy)
    run.reading = await run.ports.ledger.read()
    if run.reading.record is None:
        await adopt(run)
    if run.assignment.rollback is not None:
        return
    sightings = [*_sightings(await run.ports.edge.observe(run.fleet))]
    sightings += [
        _Sighting(sha=sight.sha, where=str(sight.pointer))
        for sight in await see_pointers(run)
        if sight.sha is not None
    ]
    await _raise_mark(run, await _newer_than_ours(run, sightings))


async def list_candidates(run: Run, *, epoch: int | None) -> None:
    """Lists the tenants; with an epoch, that raises the fence of everything listed."""
    listed = await run.ports.fleet.candidates(run.release, epoch=epoch)
    run.fleet = listed.tenants
    run.candidates = select_only(listed.tenants, run.assignment.only)
    run.fencing["fleet"] = listed.fencing


async def see_pointers(run: Run) -> tuple[PointerSight, ...]:
    """Reads where every pointer points, and which release that is."""
    return tuple([await see_pointer(run, pointer) for pointer in run.assignment.pointers])


async def see_pointer(run: Run, pointer: Pointer) -> PointerSight:
    """Reads where one pointer points: the ledger knows its release by digest, else our label."""
    digest = await run.ports.registry.resolve(pointer.repository, pointer.tag)
    if digest is None:
        return PointerSight(pointer=pointer, digest=None, sha=None)
    record = run.reading.record
    sha = record.release_of(pointer.repository, digest) if record else None
    if digest == run.release.digest(pointer.repository):
        sha = run.release.sha
    if sha is None:
        sha = await run.ports.registry.revision(pointer.repository, digest)
    return PointerSight(pointer=pointer, digest=digest, sha=sha)


async def _newer_than_ours(run: Run, sightings: Iterable[_Sighting]) -> dict[Sha, str]:
    """Sorts out what was seen: the newer releases and where, once each."""
    newer: dict[Sha, str] = {}
    for sighting in sightings:
        order = await compare(run, run.release.sha, sighting.sha)
        if order is Order.OLDER:
            newer.setdefault(sighting.sha, sighting.where)
        elif order in {Order.DIVERGED, Order.UNKNOWN} and not is_abandoned(run, sighting.sha):
            said = f"{sighting.where} is on {sighting.sha.short}, which is {order} to ours"
            if not (run.assignment.is_by_hand and run.assignment.is_forced):
                raise Ended(Word.FAILED, f"{said}; nothing was touched")
            run.warn(f"{said}; going on, because a person forces it")
    return newer


def is_abandoned(run: Run, sha: Sha) -> bool:
    """Whether a rewritten branch left the release behind, so that it counts as older."""
    return run.reading.record is not None and sha in run.reading.record.abandoned


async def _raise_mark(run: Run, newer: dict[Sha, str]) -> None:
    """Raises the mark to the newest release seen, re-checking pin and deny-list on each swap."""
    if not newer:
        return
    newest, policy = await newest_of(run, newer) or next(iter(newer)), run.assignment.policy
    until_s, untaken = await run.ports.clock.now_s() + policy.claim_wait_s, 0
    while untaken < policy.swap_attempts_max and await run.ports.clock.now_s() <= until_s:
        record, expected = run.reading.record, run.reading.version
        if record is None:
            await adopt(run)
        elif await _raise_once(run, record, newest, newer[newest]):
            return
        # A swap that lost to another's write is no failure: somebody else went on.
        untaken += run.reading.version == expected
    raise Ended(Word.UNAVAILABLE, "the ledger did not take the mark: its swaps kept losing")


async def _raise_once(run: Run, record: Record, newest: Sha, where: str) -> bool:
    """Swaps the mark once; True when it was taken, or when the mark is to stay where it is."""
    if await is_denied(run, record, newest):
        raise Ended(
            Word.FAILED,
            f"{where} is on {newest.short}, which is denied; nothing was touched. An "
            "automatic deploy never moves it off: run rollback again",
        )
    is_pinned = record.is_pinned(await run.ports.clock.utc_now())
    if is_pinned or not await is_above_mark(run, record, newest):
        return True
    if not await try_swap(run, partial(raise_mark, sha=newest)):
        return False
    run.warn(f"{where} is on the newer {newest.short}: the mark was raised to it")
    return True


async def is_denied(run: Run, record: Record, sha: Sha) -> bool:
    """Whether the deny-list holds that release."""
    return record.denial(await relate(run, record, ours=sha)) is not None


async def is_above_mark(run: Run, record: Record, sha: Sha) -> bool:
    """Whether the mark would rise to that release."""
    if record.mark is None:
        return True
    return await compare(run, sha, record.mark) is Order.NEWER


async def adopt(run: Run) -> None:
    """Creates the missing record from what is observed, each tenant confirmed N times.

    Unless the first use was declared, something may have been under way when the record was lost:
    one `unknown` intent of the longest bound makes the claim wait for it.
    """
    policy = run.assignment.policy
    confirmed = _name(await run.ports.edge.observe(run.fleet))
    for _ in range(policy.confirmations - 1):
        await run.ports.clock.sleep(policy.settle_interval_s)
        named = _name(await run.ports.edge.observe(run.fleet))
        confirmed = {tenant: sha for tenant, sha in confirmed.items() if named.get(tenant) == sha}
    unread = tuple(tenant for tenant in run.fleet if tenant not in confirmed)
    if unread:
        run.warn(f"no steady release could be read at {names(unread)}")
    seen = [*confirmed.values()]
    seen += [sight.sha for sight in await see_pointers(run) if sight.sha is not None]
    mark = await newest_of(run, seen) or next(iter(seen), None)
    lost = forgotten_intent(run, "whatever was under way when the record was lost")
    record = Record(
        environment=run.assignment.environment,
        stamp=Stamp(job=run.job, write=0),
        mark=mark,
        intents=() if run.assignment.is_first_use else (lost,),
    )
    await _create(run, record)
    where = mark.short if mark else "nothing: no tenant names a release"
    run.warn(f"the ledger had no record of {record.environment}: created from {where}")


def forgotten_intent(run: Run, what: str) -> Intent:
    """The intent of an effect that the record does not know of; it can only be waited out."""
    policy = run.assignment.policy
    bound_s = max(policy.redeploy_bound_s, policy.pointer_bound_s)
    return Intent(job=run.job, number=0, epoch=0, effect=Effect.UNKNOWN, what=what, bound_s=bound_s)


async def _create(run: Run, record: Record) -> None:
    try:
        version = await run.ports.ledger.swap(None, record)
    except (Conflict, OutcomeUnknown):
        run.reading = await run.ports.ledger.read()
    else:
        run.reading = Reading(record=record, version=version)


def _name(observations: Iterable[Observation]) -> dict[Tenant, Sha]:
    """The tenants that name a release, and which."""
    return {sight.tenant: sight.sha for sight in observations if sight.sha is not None}


def _sightings(observations: Iterable[Observation]) -> Iterable[_Sighting]:
    for sight in observations:
        if sight.sha is not None:
            yield _Sighting(sha=sight.sha, where=f"tenant {sight.tenant}")
