"""Reads which release each Swarm service runs: from its running tasks, never from what is wanted.

This module must not write a service, nor judge whether a release is the right one.
"""

import asyncio
from collections.abc import Mapping, Sequence

from release.adapters.swarm_engine import SwarmEngine
from release.adapters.swarm_listing import SwarmListing
from release.adapters.swarm_spec import digest_of, is_same_image, repository_of
from release.adapters.swarm_tasks import Task, explain, read_task, running
from release.adapters.swarm_write import Target
from release.core.sighting import Observation
from release.core.values import Digest, Sha, Tenant
from release.errors import HeadwayError
from release.ports import Registry

__all__ = ["SwarmEdge"]

_REASON_MAX = 200


class SwarmEdge:
    """Keeps the promise of `ports.Edge` by what runs on the engines.

    While tasks of the image before still run beside new ones, the service serves both; then it is
    seen on the release before, as it has not left that. The name of the release comes from the
    label that was written together with this very digest, else from our own label on the image.

    image, repository: as in `swarm.SwarmOptions`.
    """

    def __init__(
        self, listing: SwarmListing, *, image: str, repository: str, registry: Registry
    ) -> None:
        self._listing = listing
        self._image = image
        self._repository = repository
        self._registry = registry
        self._named: dict[Digest, Sha] = {}

    async def observe(self, tenants: tuple[Tenant, ...]) -> tuple[Observation, ...]:
        """Asks each engine once for all of its tenants; see `ports.Edge`."""
        try:
            listing = await self._listing.read()
        except HeadwayError as problem:
            return tuple(_unreachable(tenant, str(problem)) for tenant in tenants)
        missing = "; ".join(map(str, listing.unread)) or "no service has its label"
        asked = {one: listing.targets[one] for one in tenants if one in listing.targets}
        tasks = await _read_tasks(asked)
        return tuple(
            [
                await self._observe(tenant, asked[tenant], tasks[asked[tenant].service.id])
                if tenant in asked
                else _unreachable(tenant, missing)
                for tenant in tenants
            ]
        )

    async def _observe(
        self, tenant: Tenant, target: Target, tasks: tuple[Task, ...] | HeadwayError
    ) -> Observation:
        if isinstance(tasks, HeadwayError):
            return _unreachable(tenant, str(tasks))
        serving = running(tasks)
        if not serving:
            return _nothing(tenant, _describe_none(target, tasks))
        # What is to go serves until it is gone; the oldest of what there is, if several are.
        leaving = [task for task in serving if not is_same_image(task.image, target.service.image)]
        seen = (leaving or serving)[0]
        sha, why_not = await self._release_of(target, seen.image)
        if sha is None:
            return _nothing(tenant, why_not)
        beside = f"runs beside {serving[-1].image}" if len(leaving) not in {0, len(serving)} else ""
        return Observation(tenant=tenant, sha=sha, reason=beside[:_REASON_MAX])

    async def _release_of(self, target: Target, image: str) -> tuple[Sha | None, str]:
        digest = digest_of(image)
        if digest is None:
            return None, f"runs {image}, which is not pinned to a digest"
        found = target.service.release_of(digest) or self._named.get(digest)
        if found is None and repository_of(image) == self._image:
            try:
                found = await self._registry.revision(self._repository, digest)
            except HeadwayError as problem:
                return None, f"runs {image}, whose release could not be read: {problem}"
        if found is None:
            return None, f"runs {image}, which names no release"
        self._named[digest] = found
        return found, ""


async def _read_tasks(
    asked: Mapping[Tenant, Target],
) -> Mapping[str, tuple[Task, ...] | HeadwayError]:
    """The tasks by service: one question for each engine."""
    by_engine: dict[int, tuple[SwarmEngine, list[str]]] = {}
    for target in asked.values():
        _, services = by_engine.setdefault(id(target.engine), (target.engine, []))
        services.append(target.service.id)
    answers = await asyncio.gather(*(_read_some(*asking) for asking in by_engine.values()))
    return {service: tasks for answer in answers for service, tasks in answer.items()}


async def _read_some(
    engine: SwarmEngine, services: Sequence[str]
) -> Mapping[str, tuple[Task, ...] | HeadwayError]:
    try:
        tasks = [read_task(plain) for plain in await engine.tasks(services)]
    except HeadwayError as problem:
        return dict.fromkeys(services, problem)
    by_service: dict[str, list[Task]] = {service: [] for service in services}
    for task in tasks:
        by_service.setdefault(task.service, []).append(task)
    return {service: tuple(found) for service, found in by_service.items()}


def _describe_none(target: Target, tasks: tuple[Task, ...]) -> str:
    if target.service.tasks_wanted == 0:
        return "is scaled to no task"
    why = explain(tasks, target.service.image)
    return f"no task runs: {why}" if why else "no task runs"


def _nothing(tenant: Tenant, reason: str) -> Observation:
    return Observation(tenant=tenant, sha=None, reason=reason[:_REASON_MAX])


def _unreachable(tenant: Tenant, reason: str) -> Observation:
    return Observation(tenant=tenant, sha=None, reason=reason[:_REASON_MAX], is_reachable=False)
