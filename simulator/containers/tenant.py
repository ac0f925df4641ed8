"""One tenant as a process: what it runs, its own fence, and the pages that it serves itself.

This module must not move a tenant but by an order of the control plane or by its own lever.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from release.errors import HeadwayError, Invalid
from simulator.apps.edge import answer_edge
from simulator.apps.exchange import Exchange, Response, json_response
from simulator.containers.authority import as_refusal, control_body
from simulator.containers.caller import ask_json
from simulator.containers.own_name import own_name
from simulator.containers.service import Program
from simulator.containers.service import Service as ServiceProcess
from simulator.containers.settings import slug_of
from simulator.control_plane import FenceKind
from simulator.faults import Service, Verdict
from simulator.redeploys import LandingOrder
from simulator.tenants import Answer, Health, Lag, SimTenant
from simulator.wire import Later

__all__ = ["TenantProgram", "make", "number_in"]

_STATE = "tenant"
_RETRY_S = 0.25
_RETRY_MAX_S = 2.0


class TenantProgram:
    """One tenant of the fleet. What it runs outlives a restart; what was draining is drained then.

    A new one registers with the control plane and is provisioned with what the pointer names.
    """

    paths = frozenset({"buildinfo", "healthz"})
    git = None

    def __init__(self, service: ServiceProcess) -> None:
        settings = service.settings
        self._service = service
        self._world = service.world
        self._number, self._address = _own_place(service)
        slug = settings.slug or slug_of(self._number, settings.scenario)
        known = self._world.fleet.tenants.get(slug)
        self._is_founded = known is not None
        self._tenant = known or SimTenant(slug, None, lag=settings.lag)
        self._tenant.health, self._tenant.delay_s = settings.health, settings.delay_s
        self._world.fleet.tenants = {slug: self._tenant}
        self._restore()

    async def begin(self) -> None:
        """Registers, again and again until the control plane takes it in."""
        pause_s = _RETRY_S
        while True:
            try:
                given = await self._register()
            except HeadwayError:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _RETRY_MAX_S)
            else:
                break
        if not self._is_founded:
            self._provision(given)

    async def answer(self, exchange: Exchange) -> Response | None:
        """Serves its own pages, lands what it is ordered to, and lets itself be moved."""
        settings = self._service.settings
        match exchange.path:
            case ("buildinfo",):
                return await self._answer_buildinfo(exchange)
            case ("healthz",):
                return await answer_edge(exchange, self._tenant.slug, "healthz")
            case ("sim", "land"):
                body = control_body(exchange, settings)
                with as_refusal():
                    return json_response(self._land(body))
            case ("sim", "tenant"):
                body = control_body(exchange, settings)
                with as_refusal():
                    return json_response(self._move(body))
            case _:
                return None

    async def _answer_buildinfo(self, exchange: Exchange) -> Response:
        """Answers what it serves, or served a while ago where a stale edge asks for that."""
        stale_s = float(exchange.query.get("stale_s", 0.0))

        def act(verdict: Verdict) -> Later[Answer]:
            return self._world.buildinfo(self._tenant.slug, replace(verdict, stale_s=stale_s))

        slug = self._tenant.slug
        answer: Answer = await exchange.perform(Service.EDGE, "buildinfo", slug, act=act)
        headers = {"content-type": answer.content_type}
        return Response(status=answer.status, body=answer.body, headers=headers)

    async def _register(self) -> Mapping[str, Any]:
        settings = self._service.settings
        url = f"{settings.url('control_plane')}/sim/register"
        content = {
            "slug": self._tenant.slug,
            "number": self._number,
            "address": self._address,
        }
        given: Mapping[str, Any] = await ask_json(
            "POST", url, content, token=settings.tokens.control
        )
        return given

    def _provision(self, given: Mapping[str, Any]) -> None:
        """Begins on what the pointer names, which was not deployed by any job."""
        begun = SimTenant(self._tenant.slug, given["sha"], lag=self._tenant.lag)
        begun.health, begun.delay_s = self._tenant.health, self._tenant.delay_s
        begun.image = given["image"]
        self._tenant = begun
        self._world.fleet.tenants[begun.slug] = begun
        self._is_founded = True
        self._keep()

    def _land(self, body: Mapping[str, Any]) -> dict[str, object]:
        """Compares the fence and switches, in one step that nothing comes between."""
        plane, environment = self._world.control_plane, str(body["environment"])
        plane.fence_kind = FenceKind.LANDING if body["is_fenced"] else FenceKind.NONE
        own = plane.fence_seen.get(environment, 0)
        fence = body["fence"]
        plane.fence_seen[environment] = max(own, int(body["fence_seen"]), fence or 0)
        broken = self._world.fleet.broken
        mark = broken.add if body["is_image_broken"] else broken.discard
        mark(body["target"])
        order = LandingOrder(
            slug=self._tenant.slug,
            target_tag=body["target_tag"],
            actor=body["actor"],
            environment=environment,
            fence=fence,
        )
        end = plane.land(order, body["target"])
        self._keep()
        return {"end": asdict(end), "tenant": self._plain()}

    def _move(self, body: Mapping[str, Any]) -> dict[str, object]:
        slug = self._tenant.slug
        if "health" in body:
            health, delay_s = Health(body["health"]), float(body.get("delay_s", 0.0))
            self._world.set_health(slug, health, delay_s=delay_s)
        if "lag" in body:
            self._world.set_lag(slug, Lag(**body["lag"]))
        if body:
            self._keep()
        return self._plain()

    def _plain(self) -> dict[str, object]:
        now_s = self._world.clock.reading_s()
        return self._tenant.plain(now_s) | {"is_healthy": self._tenant.is_healthy()}

    def _keep(self) -> None:
        tenant = self._tenant
        content = {
            "running": tenant.running,
            "image": tenant.image,
            "health": tenant.health.value,
            "delay_s": tenant.delay_s,
            "lag": asdict(tenant.lag),
            "fence_seen": self._world.control_plane.fence_seen,
        }
        self._service.keeping.write(_STATE, content)

    def _restore(self) -> None:
        kept = self._service.keeping.read(_STATE)
        if kept is None:
            return
        slug = self._tenant.slug
        self._tenant = SimTenant(slug, kept["running"], lag=Lag(**kept["lag"]))
        self._tenant.image = kept["image"]
        self._tenant.health, self._tenant.delay_s = Health(kept["health"]), kept["delay_s"]
        self._world.fleet.tenants[slug] = self._tenant
        self._world.control_plane.fence_seen |= kept["fence_seen"]
        self._is_founded = True


def make(service: ServiceProcess) -> Program:
    """Makes the program of this service."""
    return TenantProgram(service)


def number_in(name: str) -> int:
    """The number in a container's name such as `headway-tenant-3.headway_default`.

    Raises Invalid for a name without one.
    """
    first = name.partition(".")[0]
    number = first.rpartition("-")[2]
    if not number.isdecimal() or int(number) < 1:
        raise Invalid(
            "does not say which tenant this is",
            on=f"the container's name {name!r}",
            expected="one that ends in a number, or SIM_SLUG and SIM_ADDRESS",
        )
    return int(number)


def _own_place(service: ServiceProcess) -> tuple[int, str]:
    """Its number and its address; in a container the engine's name server knows them.

    The address is a name, as a container that is started again may come up under another number.
    """
    settings = service.settings
    port = settings.listen.ports[""]
    if settings.address:
        return number_in(settings.address.rpartition("#")[2]), settings.address.partition("#")[0]
    name = own_name()
    return number_in(name), f"http://{name.partition('.')[0]}:{port}"
