"""What a change does when it lands at a tenant or a pointer, and whether that moves it backward.

This module must not know how the change came to be in flight.
"""

from typing import NamedTuple

from release.core.order import Order
from simulator.explorer.cast import Cast
from simulator.explorer.fences import Fences
from simulator.explorer.records import Records
from simulator.explorer.scope import JobKind, Kind
from simulator.explorer.worlds import NOBODY, Flying, PointerCell, TenantCell, World

__all__ = ["Landed", "Lander"]


class Landed(NamedTuple):
    """The world after a landing. is_done: False when the tenant or its fence refused it."""

    world: World
    breach: str = ""
    is_done: bool = True


class Lander:
    """Lands changes in the worlds of one scope."""

    def __init__(self, cast: Cast, records: Records) -> None:
        self._cast = cast
        self._records = records
        self._fences = Fences(cast)
        self._has_rollback = any(job.kind is JobKind.ROLLBACK for job in cast.jobs)

    def at_tenant(self, world: World, request: Flying, tenant: int) -> Landed:
        """Switches one tenant, unless a fence that is compared at the landing refuses."""
        if self._fences.refuses(world, request.epoch, tenant):
            return Landed(world, is_done=False)
        cell = world.tenants[tenant]
        if cell.is_broken:
            return Landed(world, is_done=False)
        name = f"{self._cast.name_of(tenant)}"
        breach = self._find_backward(world, request, cell, name)
        has_lag = self._cast.scope.has(Kind.LAG) and cell.serving != request.release
        landed = TenantCell(
            serving=request.release,
            draining=cell.serving if has_lag else NOBODY,
            epoch=max(request.epoch, cell.epoch) if self._has_rollback else 0,
            is_rolled_back=self._is_rollback(request.job),
            fence=self._fences.label(request.epoch),
        )
        return Landed(world.with_tenant(tenant, landed), breach)

    def at_pointer(self, world: World, request: Flying) -> Landed:
        """Moves one pointer; a registry compares nothing."""
        cell = world.pointers[request.pointer]
        breach = self._find_backward(world, request, cell, "the pointer")
        landed = PointerCell(
            release=request.release,
            before=cell.release if self._cast.scope.has(Kind.STALE_REGISTRY) else request.release,
            epoch=max(request.epoch, cell.epoch) if self._has_rollback else 0,
            is_rolled_back=self._is_rollback(request.job),
        )
        return Landed(world.with_pointer(request.pointer, landed), breach)

    def _is_rollback(self, job: int) -> bool:
        return self._cast.jobs[job].kind is JobKind.ROLLBACK

    def _find_backward(
        self, world: World, request: Flying, cell: TenantCell | PointerCell, name: str
    ) -> str:
        release = request.release
        before = cell.serving if isinstance(cell, TenantCell) else cell.release
        if self._is_rollback(request.job):
            if release < before and request.epoch < cell.epoch:
                return f"P1 never backward: {name} back to r{release} by a rollback long over"
            return ""
        if self._cast.order(release, before) is Order.OLDER:
            return f"P1 never backward: {name} from r{before} back to r{release}"
        if cell.is_rolled_back and self._is_denied(world, release):
            return f"P1 never backward: {name} from r{before} onto r{release}, which is denied"
        return ""

    def _is_denied(self, world: World, release: int) -> bool:
        record = self._records.record(world.record)
        if record is None or not record.denied:
            return False
        sha = self._cast.releases[release].sha
        orders = {other: self._cast.compare(sha, other) for other in record.shas()}
        return record.denial(orders) is not None
