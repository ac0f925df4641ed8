"""The tenants as a control plane knows them that reaches them over a network.

It goes on knowing a tenant that has stopped, died or hangs, with what was seen of it last. This
module must not decide what becomes of a redeploy.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from release.errors import HeadwayError, OutcomeUnknown, Unavailable
from simulator.containers.caller import ask_json
from simulator.containers.keeping import Keeping
from simulator.containers.oci import OciClient
from simulator.fleet import Fleet
from simulator.redeploys import End, LandingOrder
from simulator.tenants import SimTenant
from simulator.world import World

__all__ = ["RemoteFleet", "RemoteTenant"]

_LOOK_S = 2.0
_LAND_S = 10.0
_STATE = "fleet"


class RemoteTenant(SimTenant):
    """What was seen last of a tenant that lives elsewhere.

    number: its place in the list. seen: its own account of itself, as JSON values.
    """

    def __init__(self, slug: str, *, number: int, address: str) -> None:
        super().__init__(slug, None)
        self.number = number
        self.address = address
        self.is_reached = True
        self.seen: Mapping[str, Any] = {}

    def take(self, seen: Mapping[str, Any]) -> None:
        """Notes what it said of itself."""
        self.seen, self.image, self.is_reached = seen, seen.get("image"), True

    @property
    def running(self) -> str | None:
        """The release that its container ran when it was seen last."""
        return self.seen.get("running")

    def serving(self, at_s: float) -> str | None:
        """The release that it served when it was seen last; None while it can't be reached."""
        del at_s
        return self.seen.get("serving") if self.is_reached else None

    def is_healthy(self) -> bool:
        """Whether it could be reached and answers health checks."""
        return self.is_reached and bool(self.seen.get("is_healthy"))

    def plain(self, at_s: float) -> dict[str, object]:
        """What was seen last, and whether it could be reached."""
        blank = super().plain(at_s) | {"running": self.running}
        own = {
            "address": self.address,
            "is_reached": self.is_reached,
            "serving": self.serving(at_s),
        }
        return {**blank, **self.seen, **own}


class RemoteFleet(Fleet):
    """Tenants by slug, in the order of their numbers; what is known outlives a restart."""

    def __init__(self, world: World, *, registry: OciClient, keeping: Keeping, token: str) -> None:
        super().__init__(
            world.clock,
            world.log,
            registry=world.registry,
            repository=world.layout.repositories[0],
            choices=world.choices,
        )
        self.has_inspection = world.fleet.has_inspection
        self.remote: dict[str, RemoteTenant] = {}
        self._oci = registry
        self._keeping = keeping
        self._token = token
        self._pointer_tag = world.layout.pointer_tag
        self._known: dict[str, str | None] = {}
        self._lookups: dict[str, asyncio.Task[str | None]] = {}
        for one in keeping.read(_STATE) or ():
            self._enter(RemoteTenant(one["slug"], number=one["number"], address=one["address"]))

    def release_of(self, tag: str) -> str | None:
        """The release that the tag named when it was resolved last."""
        return self._known.get(tag)

    async def resolve(self, tag: str) -> str | None:
        """Asks the registry what a tag names; raises Unavailable."""
        lookup = self._lookups.get(tag)
        if lookup is None:
            # Tenants that land together share one look at the registry.
            lookup = asyncio.create_task(self._resolve(tag))
            self._lookups[tag] = lookup
            lookup.add_done_callback(lambda _: self._lookups.pop(tag))
        return await asyncio.shield(lookup)

    async def _resolve(self, tag: str) -> str | None:
        pointed = await self._oci.find(self.repository, tag)
        self._known[tag] = pointed.sha if pointed else None
        return self._known[tag]

    async def register(self, slug: str, number: int, *, address: str) -> Mapping[str, object]:
        """Takes a tenant in, or anew; returns what a new one is provisioned with.

        That is what the pointer names. Raises Unavailable when nobody knows that.
        """
        pointed = await self._oci.find(self.repository, self._pointer_tag)
        if pointed is None or pointed.sha is None:
            raise Unavailable("names no release yet", on=f"{self.repository}:{self._pointer_tag}")
        tenant = self.remote.get(slug)
        if tenant is None or (tenant.number, tenant.address) != (number, address):
            self._enter(RemoteTenant(slug, number=number, address=address))
            listed = [
                {"slug": one.slug, "number": one.number, "address": one.address}
                for one in self.remote.values()
            ]
            self._keeping.write(_STATE, listed)
        image = f"{self.repository}:{self._pointer_tag}"
        return {"sha": pointed.sha, "image": image}

    def forget(self, slug: str) -> None:
        """Takes a tenant off the list."""
        del self.remote[slug]
        self._list()

    async def look(self, slugs: Iterable[str] | None = None) -> None:
        """Asks tenants what they run and how they are, all at once."""
        wanted = [self.remote[slug] for slug in (self.remote if slugs is None else slugs)]
        await asyncio.gather(*(self._look(one) for one in wanted))

    async def order(self, order: LandingOrder, how: Mapping[str, object]) -> End:
        """Tells a tenant to switch; how it ended there, or that nobody knows."""
        tenant = self.remote[order.slug]
        content = {
            "target_tag": order.target_tag,
            "actor": order.actor,
            "environment": order.environment,
            "fence": order.fence,
            **how,
        }
        try:
            said = await self._ask(tenant, "land", content, timeout_s=_LAND_S)
        except OutcomeUnknown as exc:
            tenant.is_reached = False
            return End(status="TimedOut", exit_code=None, error=str(exc))
        except HeadwayError as exc:
            tenant.is_reached = False
            return End(status="Failed", exit_code=1, error=str(exc))
        tenant.take(said["tenant"])
        return End(**said["end"])

    async def move(self, slug: str, body: Mapping[str, object]) -> Mapping[str, Any]:
        """Pulls a tenant's own lever; raises HeadwayError when it can't be reached."""
        tenant = self.remote[slug]
        tenant.take(await self._ask(tenant, "tenant", body, timeout_s=_LOOK_S))
        return tenant.plain(self._clock.reading_s())

    async def _look(self, tenant: RemoteTenant) -> None:
        try:
            tenant.take(await self._ask(tenant, "tenant", {}, timeout_s=_LOOK_S))
        except HeadwayError:
            tenant.is_reached = False

    async def _ask(
        self, tenant: RemoteTenant, path: str, content: Mapping[str, object], *, timeout_s: float
    ) -> Any:  # noqa: ANN401 - JSON has no narrower type
        url = f"{tenant.address}/sim/{path}"
        return await ask_json("POST", url, content, token=self._token, timeout_s=timeout_s)

    def _enter(self, tenant: RemoteTenant) -> None:
        self.remote[tenant.slug] = tenant
        self._list()

    def _list(self) -> None:
        self.remote = dict(sorted(self.remote.items(), key=lambda item: item[1].number))
        self.tenants = dict(self.remote)
