"""Where the explored world compares epochs, and what it remembers of them.

A control plane has one fence for all tenants, compared on arrival or at each landing. Services of
a swarm have one each: a label that is compared, and goes in, together with the change itself. This
module must not let anything land.
"""

from collections.abc import Iterable

from simulator.explorer.cast import Cast
from simulator.explorer.worlds import World

__all__ = ["Fences"]

_SHARED = frozenset({"door", "landing"})


class Fences:
    """The fences of one scope."""

    def __init__(self, cast: Cast) -> None:
        self._kind = cast.scope.fence

    def seen(self, world: World, tenants: Iterable[int]) -> int:
        """The highest epoch that whoever compares has seen for these tenants; zero for nobody."""
        if self._kind in _SHARED:
            return world.fence
        own = (world.tenants[tenant].fence for tenant in tenants)
        return max(own, default=0) if self._kind == "swarm" else 0

    def list_with(self, world: World, tenants: Iterable[int], epoch: int) -> World:
        """The world after a listing has raised the fence of these tenants."""
        if self._kind != "swarm":
            return self.arrive(world, epoch)
        for tenant in tenants:
            world = world.with_tenant(tenant, world.tenants[tenant]._replace(fence=epoch))
        return world

    def arrive(self, world: World, epoch: int) -> World:
        """The world after a request was let in; a service sees no epoch before its own change."""
        return world._replace(fence=epoch) if self._kind in _SHARED else world

    def refuses(self, world: World, epoch: int, tenant: int) -> bool:
        """Whether a change with this epoch may not land at the tenant any more."""
        return self._kind != "door" and epoch < self.seen(world, (tenant,))

    def label(self, epoch: int) -> int:
        """What a change with this epoch leaves on the tenant itself."""
        return epoch if self._kind == "swarm" else 0
