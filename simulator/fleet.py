"""The tenants together: who they are, which image a tag means to them, and a landing on one.

This module must not know of requests or fences.
"""

from collections.abc import Iterable

from simulator.choices import Choices
from simulator.clock import WorldClock
from simulator.happenings import Kind, Log
from simulator.registry import RegistryState
from simulator.tenants import Lag, SimTenant

__all__ = ["Fleet"]


class Fleet:
    """The tenants by slug, in the order in which the control plane lists them.

    repository: where their image comes from. broken: releases whose image never comes up.
    has_inspection: whether rows carry `verified_on_target`; those of older control planes do not.
    """

    def __init__(
        self,
        clock: WorldClock,
        log: Log,
        *,
        registry: RegistryState,
        repository: str,
        choices: Choices,
    ) -> None:
        self.tenants: dict[str, SimTenant] = {}
        self.repository = repository
        self.broken: set[str] = set()
        self.has_inspection = True
        self._clock = clock
        self._log = log
        self._registry = registry
        self._choices = choices

    def add(self, slugs: Iterable[str], sha: str | None, *, lag: Lag | None = None) -> None:
        """Adds tenants that run a release already; it was not deployed by any job."""
        for slug in slugs:
            self.tenants[slug] = SimTenant(slug, sha, lag=lag)

    def release_of(self, tag: str) -> str | None:
        """The release of the image that the tag, or a digest, names now; None if there is none."""
        return self._registry.revision(self.repository, tag)

    def land(self, slug: str, sha: str, tag: str, *, actor: str) -> bool:
        """Switches a tenant's container; says whether the new one came up."""
        tenant = self.tenants[slug]
        before = tenant.running
        is_up = tenant.land(
            sha, self._clock.reading_s(), self._choices, is_image_broken=sha in self.broken
        )
        tenant.image = f"{self.repository}:{tag}" if is_up else None
        kind = Kind.LANDED if is_up else Kind.LANDING_FAILED
        note = "" if is_up else "the container died"
        self._log.note(
            kind, slug, actor=actor, before=before, after=sha if is_up else None, note=note
        )
        return is_up
