"""Finds the tenants of a fleet among the services of its engines.

This module must not write a service, nor say what runs.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from release.adapters.swarm_engine import SwarmEngine
from release.adapters.swarm_service import read_service
from release.adapters.swarm_write import Target
from release.core.values import Tenant
from release.errors import HeadwayError, Invalid, Refused

__all__ = ["Listing", "SwarmListing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What the engines listed. unread: why some could not be."""

    targets: Mapping[Tenant, Target]
    unread: tuple[HeadwayError, ...]


class SwarmListing:
    """The services that are tenants, on one or many engines.

    label: what selects them. With a `key` alone its value is the tenant's slug, or the service's
        name where it is empty; with `key=value` the slug is the service's name.
    """

    def __init__(self, engines: Sequence[SwarmEngine], *, label: str) -> None:
        assert engines, "a fleet has an engine at least"
        self._engines = tuple(engines)
        self._label = label

    async def read_all(self) -> Mapping[Tenant, Target]:
        """Lists every tenant, sorted by slug within each engine; a read, safe to repeat.

        Raises Refused when there is none at all, or a service can't be a tenant; Unavailable when
        an engine can't be read; Invalid when two services have one slug.
        """
        listing = await self.read()
        for problem in listing.unread:
            raise problem
        if not listing.targets:
            raise Refused(
                f"no service has the label {self._label}",
                on=", ".join(f"engine {engine.name}" for engine in self._engines),
                safe="nothing was changed",
                advice="Label the services that are tenants: docker service update --label-add",
            )
        return listing.targets

    async def read(self) -> Listing:
        """Lists the tenants of the engines that can be read; raises Invalid for a slug twice."""
        answers = await asyncio.gather(*map(self._read_one, self._engines))
        targets: dict[str, tuple[Tenant, Target]] = {}
        for tenant, target in (pair for found, _ in answers for pair in found):
            # A slug is a DNS label, which has no case.
            known = targets.setdefault(tenant.slug.lower(), (tenant, target))
            if known[1] is not target:
                raise _listed_twice(tenant, known[1], target)
        unread = tuple(problem for _, problem in answers if problem is not None)
        return Listing(targets=dict(targets.values()), unread=unread)

    async def _read_one(
        self, engine: SwarmEngine
    ) -> tuple[list[tuple[Tenant, Target]], HeadwayError | None]:
        try:
            services = [read_service(plain) for plain in await engine.services(self._label)]
            found = [
                (self._tenant(target), target)
                for target in (Target(engine=engine, service=service) for service in services)
            ]
        except HeadwayError as problem:
            return [], problem
        return sorted(found, key=lambda pair: pair[0].slug), None

    def _tenant(self, target: Target) -> Tenant:
        key, _, value = self._label.partition("=")
        slug = target.service.name if value else target.service.slug(key)
        try:
            return Tenant(slug)
        except Invalid as exc:
            raise Refused(
                "can't be a tenant",
                on=target.name,
                seen=repr(slug)[:80],
                expected="one DNS label: letters, digits, hyphens",
                safe="nothing was changed",
                advice=f"Give it a slug of its own: docker service update --label-add {key}=SLUG",
            ) from exc


def _listed_twice(tenant: Tenant, one: Target, other: Target) -> Invalid:
    is_same = one.service.id == other.service.id
    why = "both engines are of one swarm, so that one of them is enough" if is_same else ""
    return Invalid(
        "is the slug of two services",
        on=f"tenant {tenant}",
        seen=f"{one.name}, and {other.name}",
        expected=why or "slugs that are unique over all engines",
        safe="nothing was changed",
    )
