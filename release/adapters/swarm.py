"""A fleet of Docker Swarm services: lists them by label, moves each by an update of its image.

The fence is the engine's own: a write carries the version of the service that was read, and the
epoch is a label of it, so that both are compared where and when the change lands. This module must
not name an image by a tag, nor say what runs.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from release.adapters.in_flight import InFlight
from release.adapters.swarm_listing import SwarmListing
from release.adapters.swarm_rollout import End, Watched, follow
from release.adapters.swarm_spec import (
    Step,
    UpdateOrder,
    UpdatePolicy,
    is_health_check,
    is_same_image,
)
from release.adapters.swarm_tasks import read_task
from release.adapters.swarm_write import Target, check_fence, raise_fence, take
from release.core.sighting import Candidates, Fencing, Redeployed, Row, RowState
from release.core.values import Digest, Release, Tenant
from release.errors import FenceRefused, OutcomeUnknown, Refused, Unavailable
from release.ports import Clock, Registry

__all__ = ["SwarmFleet", "SwarmOptions"]

_WRITE_SHARE = 0.5
"""How much of the time of a redeploy may pass before its last write: the rest is for its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwarmOptions:
    """How tenants are redeployed.

    image: the repository as engines pull it, with the registry's host and without a tag.
    repository: the same one as our registry knows it.
    job: who writes, for whoever looks at the service later.
    timeout_s: how long one redeploy may take; past it, its outcome is unknown.
    """

    image: str
    repository: str
    job: str
    timeout_s: float
    policy: UpdatePolicy = field(default_factory=UpdatePolicy)


class SwarmFleet:
    """Keeps the promise of `ports.Fleet` over the services of a listing."""

    def __init__(
        self, listing: SwarmListing, *, options: SwarmOptions, registry: Registry, clock: Clock
    ) -> None:
        self._listing = listing
        self._options = options
        self._registry = registry
        self._clock = clock
        self._in_flight: InFlight[Redeployed] = InFlight()

    async def candidates(self, release: Release, *, epoch: int | None) -> Candidates:  # noqa: ARG002 - every service of the listing, whatever is to be deployed
        """Lists the services, and raises the label of the epoch on each; see `ports.Fleet`."""
        targets = await self._listing.read_all()
        if epoch is not None:
            _check_fences(targets, epoch)
            await self._raise_fences(targets, epoch)
        return Candidates(tenants=tuple(targets), fencing=Fencing.LANDING)

    async def redeploy(
        self, release: Release, tenants: tuple[Tenant, ...], *, epoch: int, phase: str
    ) -> Redeployed:
        """Moves exactly these services, all at the same time; see `ports.Fleet`.

        phase: not sent; an engine knows of no rollout over several services.
        """
        assert tenants, "a redeploy without scope is a bug"
        assert phase, "the pipeline names every phase"
        return await self._in_flight.send(self._redeploy(release, tenants, epoch=epoch))

    async def late_answer(self, within_s: float) -> Redeployed | None:
        """Waits for the answer to a redeploy whose wait was cancelled; see `ports.Fleet`."""
        return await self._in_flight.late_answer(within_s)

    async def _redeploy(
        self, release: Release, tenants: tuple[Tenant, ...], *, epoch: int
    ) -> Redeployed:
        """Reads and checks everything before the first write, as a refusal may leave no trace."""
        began_s = await self._clock.now_s()
        step = Step(
            image=f"{self._options.image}@{await self._digest(release)}",
            release=release.sha,
            epoch=epoch,
            job=self._options.job,
            policy=self._options.policy,
        )
        listed = await self._listing.read_all()
        targets = {tenant: listed[tenant] for tenant in tenants if tenant in listed}
        _check_fences(targets, epoch)
        await self._check_health(targets, step)
        moves = (self._move(one, targets.get(one), step, began_s=began_s) for one in tenants)
        return Redeployed(rows=tuple(await asyncio.gather(*moves)), fencing=Fencing.LANDING)

    async def _raise_fences(self, targets: Mapping[Tenant, Target], epoch: int) -> None:
        """Raises them all, whatever becomes of one; then says that a higher one was seen."""
        raising = (raise_fence(one, epoch, clock=self._clock) for one in targets.values())
        ends = await asyncio.gather(*raising, return_exceptions=True)
        problems = [end for end in ends if isinstance(end, BaseException)]
        problems.sort(key=lambda end: -end.fence_seen if isinstance(end, FenceRefused) else 0)
        for problem in problems:
            raise problem

    async def _digest(self, release: Release) -> Digest:
        """The manifest of the release; its tag is read only where no digest was recorded."""
        recorded = release.digest(self._options.repository)
        if recorded is not None:
            return recorded
        found = await self._registry.resolve(self._options.repository, release.tag)
        if found is None:
            raise Refused(
                "is not in the registry",
                on=f"{self._options.repository}:{release.tag}",
                safe="no service was changed",
                advice="Push the image of this commit first",
            )
        return found

    async def _check_health(self, targets: Mapping[Tenant, Target], step: Step) -> None:
        """Refuses to start first where nothing says when the new task is fit to take over.

        Without a health check the engine stops the old task as soon as the new process runs, so
        that an image which crashes a second later is an outage.
        """
        checks: dict[str, bool] = {}
        for target in targets.values():
            service, engine = target.service, target.engine
            is_started_first = (step.policy.order or service.order) is UpdateOrder.START_FIRST
            if not is_started_first or is_same_image(service.image, step.image):
                continue
            has_check = service.has_health_check
            if has_check is None:
                if engine.name not in checks:
                    checks[engine.name] = await _has_image_check(target, step.image)
                has_check = checks[engine.name]
            if not has_check:
                raise _unchecked(target, step.image)

    async def _move(
        self, tenant: Tenant, target: Target | None, step: Step, *, began_s: float
    ) -> Row:
        if target is None:
            note = "no service with its label is there any more"
            return Row(tenant=tenant, state=RowState.FAILED, note=note)
        end = await self._update(target, step, began_s=began_s)
        return Row(tenant=tenant, state=end.state, note=end.note)

    async def _update(self, target: Target, step: Step, *, began_s: float) -> End:
        """Writes the step and follows it to its end; what was not written can't land later."""
        write_by_s = began_s + self._options.timeout_s * _WRITE_SHARE
        try:
            known = frozenset(
                read_task(one).id for one in await target.engine.tasks((target.service.id,))
            )
            await take(target, step, clock=self._clock, write_by_s=write_by_s)
        except OutcomeUnknown as exc:
            return End(state=RowState.UNANSWERED, note=str(exc))
        except (Refused, Unavailable) as exc:
            return End(state=RowState.FAILED, note=str(exc))
        watched = Watched(target=target, step=step, known=known)
        until_s = began_s + self._options.timeout_s
        return await follow(watched, clock=self._clock, until_s=until_s)


def _check_fences(targets: Mapping[Tenant, Target], epoch: int) -> None:
    """Raises FenceRefused for the highest epoch that was seen, before anything is written."""
    by_fence = sorted(targets.values(), key=lambda target: target.service.epoch or 0)
    if by_fence:
        check_fence(by_fence[-1], epoch)


async def _has_image_check(target: Target, image: str) -> bool:
    found = await target.engine.image(image)
    if found is None:
        raise Refused(
            "can't have the image, so that its health check can't be read",
            on=f"engine {target.engine.name}",
            seen=f"no {image}",
            safe="no service was changed",
            advice="Let the engine log in to the registry, or give the service its own check",
        )
    return is_health_check((found.get("Config") or {}).get("Healthcheck"))


def _unchecked(target: Target, image: str) -> Refused:
    return Refused(
        "starts its new task first and has no health check",
        on=target.name,
        seen=f"none in its specification, nor in {image}",
        expected="a health check, as the old task is stopped as soon as the new one counts as up",
        safe="no service was changed",
        advice="Give image or service a health check, or set update_order to stop-first",
    )
