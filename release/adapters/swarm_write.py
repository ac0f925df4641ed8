"""Writes one Swarm service: compares the fence and the version, and never writes over another.

This module must not wait for what a write leads to; `swarm_rollout` does.
"""

from dataclasses import dataclass, replace

from release.adapters.swarm_engine import SwarmEngine
from release.adapters.swarm_service import Service, read_service
from release.adapters.swarm_spec import Plain, Step, is_taken, raise_epoch, take_step
from release.errors import Conflict, FenceRefused, OutcomeUnknown, Refused, Unavailable
from release.ports import Clock

__all__ = ["Target", "check_fence", "raise_fence", "read_again", "take"]

_ATTEMPTS_MAX = 40
_RETRY_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One service on its engine, as it was read."""

    engine: SwarmEngine
    service: Service

    @property
    def name(self) -> str:
        """How errors call it."""
        return f"service {self.service.name} on engine {self.engine.name}"


def check_fence(target: Target, epoch: int) -> None:
    """Raises FenceRefused when the service has seen a higher epoch."""
    seen = target.service.epoch
    if seen is not None and seen > epoch:
        raise FenceRefused(seen, on=target.name)


async def read_again(target: Target) -> Target:
    """Reads the service as of now; raises Refused when it is gone, and Unavailable."""
    plain = await target.engine.service(target.service.id)
    if plain is None:
        raise Refused("is not there any more", on=target.name, safe="nothing was changed")
    return replace(target, service=read_service(plain))


async def raise_fence(target: Target, epoch: int, *, clock: Clock) -> Target:
    """Brings the label of the epoch up, which touches no task; safe to repeat.

    Somebody else's change in between is kept, as the label is written into what is there now. It is
    written twice where the specification before it has a lower one: a rollback by the engine would
    bring that back. Raises FenceRefused, Refused, and Unavailable when it could not be written.
    """
    for _ in range(_ATTEMPTS_MAX):
        check_fence(target, epoch)
        if target.service.holds(epoch):
            return target
        await _write(target, raise_epoch(target.service.spec, epoch), clock=clock)
        target = await read_again(target)
    raise _exhausted(target)


async def take(target: Target, step: Step, *, clock: Clock, write_by_s: float) -> None:
    """Writes the step into the service, so that it takes effect once at most.

    The version of a service moves by itself while an update goes on. A write that was too late for
    it is sent again only if the specification is still the one that was read; a write whose answer
    was lost, too, as it carries the version and so can't take effect beside its repetition.

    write_by_s: when it is too late to write, as the effect could land after its bound.

    Raises FenceRefused for a higher epoch, and Refused when somebody else changed the service or it
    is gone: behind both nothing of ours can land. Raises OutcomeUnknown when it may, and
    Unavailable when nothing was sent.
    """
    target = await raise_fence(target, step.epoch, clock=clock)
    lost: OutcomeUnknown | None = None
    for _ in range(_ATTEMPTS_MAX):
        if await clock.now_s() > write_by_s:
            break
        service = target.service
        failed = await _write(target, take_step(service.spec, step), clock=clock)
        if failed is None:
            return
        lost = failed if isinstance(failed, OutcomeUnknown) else lost
        try:
            target = await read_again(target)
        except Unavailable:
            break
        if is_taken(target.service.spec, step):
            return
        check_fence(target, step.epoch)
        if target.service.spec != service.spec:
            raise _changed(target)
        if target.service.index != service.index:
            lost = None
    raise lost or _exhausted(target)


async def _write(
    target: Target, spec: Plain, *, clock: Clock
) -> Conflict | OutcomeUnknown | Unavailable | None:
    """Writes once; returns why that was no success, where it may be tried again."""
    try:
        await target.engine.update(target.service.id, target.service.index, spec)
    except Conflict as exc:
        return exc
    except (OutcomeUnknown, Unavailable) as exc:
        await clock.sleep(_RETRY_S)
        return exc
    return None


def _changed(target: Target) -> Refused:
    return Refused(
        "was changed by somebody else while it was to be updated",
        on=target.name,
        expected="the specification that was read",
        safe="nothing of ours was written",
        advice="Find out what changed it, and deploy again",
    )


def _exhausted(target: Target) -> Unavailable:
    return Unavailable(
        "could not be written in time",
        on=target.name,
        seen=f"version {target.service.index}",
        safe="nothing that was written changes its image",
        advice="Look at who else writes it",
    )
