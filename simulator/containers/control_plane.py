"""The control plane as a process: requests and the fence here, each landing on the tenant itself.

This module must not switch a tenant; it tells the tenant to, and the tenant compares the fence.
"""

import asyncio
from collections.abc import Callable

from release.errors import HeadwayError
from simulator.apps.exchange import Exchange, Response, json_response
from simulator.containers.authority import as_refusal, control_body
from simulator.containers.oci import OciClient
from simulator.containers.remote_fleet import RemoteFleet
from simulator.containers.service import Program, Service
from simulator.control_plane import Answered, ControlPlane, FenceKind, Run
from simulator.faults import Verdict
from simulator.redeploys import End, Redeploy
from simulator.wire import Later, Refusal, Underway

__all__ = ["NetworkControlPlane", "PlaneProgram", "make"]

_STATE = "fence"


class NetworkControlPlane(ControlPlane):
    """A control plane whose tenants are reached over a network; the fence outlives a restart."""

    def __init__(self, service: Service, fleet: RemoteFleet) -> None:
        world = service.world
        super().__init__(fleet, world.log, landings=world.landings, judge=world.judge)
        self.fence_kind = world.control_plane.fence_kind
        self.timing = world.control_plane.timing
        self.fence_seen = dict(service.keeping.read(_STATE) or {})
        self._remote = fleet
        self._keeping = service.keeping
        self._landing: set[tuple[int, asyncio.Task[None]]] = set()

    def redeploy(self, body: object, *, actor: str, verdict: Verdict) -> Later[dict[str, object]]:
        """Accepts a request, or lists what it would touch; raises Refusal 400 and 412."""
        before = dict(self.fence_seen)
        later = super().redeploy(body, actor=actor, verdict=verdict)
        if self.fence_seen != before:
            self._keeping.write(_STATE, self.fence_seen)
        return later

    def _list(self, request: Redeploy) -> Answered:
        return Underway(work=self._look_and_list(request))

    async def _look_and_list(self, request: Redeploy) -> dict[str, object]:
        await self._remote.look(request.slugs)
        return self._listed(request)

    def _land(self, run: Run, slug: str, take: Callable[[End], None]) -> None:
        """Sets a landing going, which takes as long as the network and the tenant do."""
        task = asyncio.create_task(self._land_there(run, slug, take))
        self._landing.add((id(run), task))
        task.add_done_callback(lambda task: self._landing.discard((id(run), task)))

    async def _land_there(self, run: Run, slug: str, take: Callable[[End], None]) -> None:
        order = run.order(slug)
        try:
            target = await self._remote.resolve(order.target_tag)
        except HeadwayError as exc:
            take(End(status="Failed", exit_code=1, error=str(exc)))
            return
        run.targets[slug] = target
        if target is None:
            take(self._switch(order, None))
            return
        how = {
            "target": target,
            "is_fenced": self.fence_kind is FenceKind.LANDING,
            "fence_seen": self.fence_seen.get(order.environment, 0),
            "is_image_broken": target in self._remote.broken,
        }
        take(await self._remote.order(order, how))

    def _answer(self, run: Run) -> Answered:
        return Underway(work=self._answer_once_landed(run))

    async def _answer_once_landed(self, run: Run) -> dict[str, object]:
        await asyncio.gather(*(task for number, task in self._landing if number == id(run)))
        await self._remote.look(slug for slug in run.request.slugs if slug in run.ends)
        return self._answered(run)


class PlaneProgram:
    """Takes tenants in, and shows the control plane's face."""

    paths = frozenset({"cp"})
    git = None

    def __init__(self, service: Service) -> None:
        settings = service.settings
        registry = OciClient(
            url=settings.url("registry"),
            user=settings.tokens.registry_user,
            password=settings.tokens.registry_password,
        )
        self._service = service
        self._fleet = RemoteFleet(
            service.world,
            registry=registry,
            keeping=service.keeping,
            token=settings.tokens.control,
        )
        self._plane = NetworkControlPlane(service, self._fleet)
        service.world.fleet = self._fleet
        service.world.control_plane = self._plane

    async def begin(self) -> None:
        """Is ready at once: tenants come when they come."""

    async def answer(self, exchange: Exchange) -> Response | None:
        """Answers tenants that register, whoever asks for addresses, and levers of tenants."""
        settings = self._service.settings
        match exchange.path:
            case ("sim", "register"):
                body = control_body(exchange, settings)
                with as_refusal():
                    slug, number = body["slug"], int(body["number"])
                    given = await self._fleet.register(slug, number, address=body["address"])
                return json_response(given)
            case ("sim", "addresses"):
                listed = {slug: one.address for slug, one in self._fleet.remote.items()}
                return json_response(listed)
            case ("sim", "state"):
                await self._fleet.look()
                return None
            case ("sim", "tenants", slug):
                body = control_body(exchange, settings)
                return json_response(await self._move_tenant(slug, body))
            case _:
                return None

    async def _move_tenant(self, slug: str, body: dict[str, object]) -> object:
        if slug not in self._fleet.remote:
            raise Refusal(404, {"error": f"no tenant {slug}"})
        if body.get("remove"):
            self._fleet.forget(slug)
            return {"removed": slug}
        with as_refusal():
            return await self._fleet.move(slug, body)


def make(service: Service) -> Program:
    """Makes the program of this service."""
    return PlaneProgram(service)
