"""Answers what jobs read of the branch, of the tenants' edges and of the pointers.

This module must not change anything but the number of faults that are left.
"""

from collections.abc import Callable, Iterator
from itertools import product

from release.core.sighting import Checks, Observation
from release.core.values import Digest, Sha, Tenant
from simulator.explorer.calls import Call
from simulator.explorer.cast import NOW, Cast
from simulator.explorer.choices import Choice, returned
from simulator.explorer.scope import Kind
from simulator.explorer.worlds import NOBODY, World, spend

__all__ = ["ReadCalls", "constants"]


class ReadCalls:
    """The reads of one scope."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast

    def answerers(self) -> dict[str, Callable[[World, int, Call], Iterator[Choice]]]:
        """What answers each read, by operation."""
        return {
            "forge.head": self._head,
            "forge.is_enabled": self._is_enabled,
            "edge.observe": self._observe,
            "registry.resolve": self._resolve,
        }

    def _head(self, world: World, job: int, call: Call) -> Iterator[Choice]:  # noqa: ARG002
        yield returned("ok", world, self._cast.releases[world.head].sha)
        if world.faults and world.head and self._cast.scope.has(Kind.STALE_HEAD):
            yield returned("stale", spend(world), self._cast.releases[world.head - 1].sha)

    def _is_enabled(self, world: World, job: int, call: Call) -> Iterator[Choice]:  # noqa: ARG002
        yield returned("ok", world, world.is_on)

    def _observe(self, world: World, job: int, call: Call) -> Iterator[Choice]:  # noqa: ARG002
        """A tenant that drains answers with either release, with the old one at most once more.

        How long a drain may last is a matter of budgets; that it may come between is what counts.
        """
        number_of = self._cast.tenant_number
        tenants = call.arguments[0]
        listed = set(self._cast.listed(world.listed))
        each = []
        for tenant in tenants:
            cell = world.tenants[number_of[tenant]]
            served = [cell.serving] + [cell.draining] * (cell.draining != NOBODY)
            each.append([(tenant, one if tenant in listed else NOBODY) for one in served])
        for seen in product(*each):
            sights = tuple(self._sight(tenant, release) for tenant, release in seen)
            stale = [
                number
                for tenant, release in seen
                if release not in (NOBODY, world.tenants[number := number_of[tenant]].serving)
            ]
            after = world
            for number in stale:
                cell = world.tenants[number]._replace(draining=NOBODY)
                after = after.with_tenant(number, cell)
            yield returned("draining" if stale else "ok", after, sights)

    def _sight(self, tenant: Tenant, release: int) -> Observation:
        if release == NOBODY:
            return Observation(tenant=tenant, sha=None, reason="gone", is_reachable=False)
        return Observation(tenant=tenant, sha=self._cast.releases[release].sha)

    def _resolve(self, world: World, job: int, call: Call) -> Iterator[Choice]:  # noqa: ARG002
        cell = world.pointers[0]
        yield returned("ok", world, self._cast.digest(cell.release))
        if world.faults and cell.before != cell.release:
            yield returned("stale", spend(world), self._cast.digest(cell.before))


def constants(cast: Cast) -> dict[str, Callable[..., object]]:
    """What answers the calls that depend on nobody; NotImplemented where one does after all."""
    tags = {release.tag: release.images[0].digest for release in cast.releases}
    listed = cast.listed(0)
    scope = cast.scope

    def resolve(repository: str, reference: str) -> Digest | object:  # noqa: ARG001
        return tags.get(reference, NotImplemented)

    def candidates(sha: Sha, epoch: int | None) -> object:  # noqa: ARG001
        if epoch is not None or scope.has(Kind.CHURN) or scope.has(Kind.UNREACHABLE):
            return NotImplemented
        return cast.candidates(listed)

    answers: dict[str, Callable[..., object]] = {
        "clock.utc_now": lambda: NOW,
        "forge.checks": lambda sha: Checks(checks=()),  # noqa: ARG005
        "forge.compare": cast.compare,
        "forge.resolve": lambda reference: None,  # noqa: ARG005
        "registry.resolve": resolve,
        "registry.revision": lambda repository, digest: cast.release_of.get(digest),  # noqa: ARG005
        "fleet.candidates": candidates,
    }
    if not scope.has(Kind.SWITCH):
        answers["forge.is_enabled"] = lambda: True
    return answers
