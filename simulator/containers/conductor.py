"""The conductor as a process: the simulation's own face over all services, and the way in to them.

It is no part of what is simulated, so that any of that may be killed or cut off while this goes on
telling. This module must not keep a state of its own but for the order of a race.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from release.errors import HeadwayError
from simulator.apps.exchange import Exchange, Response, json_response
from simulator.containers.authority import as_refusal, control_body
from simulator.containers.conducting import Conducting
from simulator.containers.front import Front
from simulator.containers.levers import RemoteLevers
from simulator.containers.oci import OciClient
from simulator.containers.parts import Merged, Parts
from simulator.containers.service import Program, Service
from simulator.containers.snapshot import merge
from simulator.wire import Refusal

__all__ = ["ConductorProgram", "make"]

_FOLLOW_S = 0.5
_HEARTBEAT_TURNS = 20


class ConductorProgram:
    """Answers as the simulator in one process does, asking whoever knows."""

    paths = frozenset[str]()
    git = None

    def __init__(self, service: Service) -> None:
        settings = service.settings
        self._settings = settings
        self._world = service.world
        self._parts = Parts(settings=settings)
        self._merged = Merged(parts=self._parts, zero_s=service.world.clock.reading_s())
        self._registry = OciClient(
            url=settings.url("registry"),
            user=settings.tokens.registry_user,
            password=settings.tokens.registry_password,
        )
        self._levers = RemoteLevers(settings=settings, parts=self._parts, registry=self._registry)
        self._front = Front(settings)
        self._conducting = Conducting(settings=settings, world=service.world)

    async def begin(self) -> None:
        """Is ready once all the others are."""
        await self._parts.wait_until_ready()

    async def answer(self, exchange: Exchange) -> Response | None:
        """Answers everything itself; raises Refusal."""
        path = exchange.path[1:]
        if exchange.path[0] != "sim":
            return await self._front.carry(exchange)
        if exchange.method == "GET":
            return await self._answer_read(exchange, path)
        body = control_body(exchange, self._settings)
        with as_refusal():
            match path:
                case ("hold",) | ("race", *_):
                    await self._conducting.move(path, body)
                    return json_response(self._race_now())
                case _:
                    return json_response(await self._levers.move(path, body))

    async def _answer_read(self, exchange: Exchange, path: tuple[str, ...]) -> Response:
        start = max(0, exchange.number("from", 0))
        match path:
            case ("state",):
                return json_response(await self._snapshot())
            case ("race",):
                return json_response(self._race_now())
            case ("happenings",):
                await self._merged.pull()
                return json_response(self._merged.happenings[start:])
            case ("events",):
                last_seen = exchange.headers.get("last-event-id", "")
                start = int(last_seen) + 1 if last_seen.isdecimal() else start
                headers = {"content-type": "text/event-stream", "cache-control": "no-store"}
                return Response(headers=headers, stream=self._events(start))
            case _:
                raise Refusal(404, {"error": "no such endpoint"})

    def _race_now(self) -> Mapping[str, Any]:
        at_s = self._world.clock.reading_s() - self._merged.zero_s
        return {**self._conducting.plain(), "at_s": at_s}

    async def _snapshot(self) -> Mapping[str, Any]:
        states, _ = await asyncio.gather(self._parts.states(), self._merged.pull())
        layout = self._settings.layout
        if self._settings.is_registry_real:
            states = {**states, "registry": {"registry": await self._read_registry()}}
        clock = self._world.clock
        own = {
            "at_s": round(clock.reading_s() - self._merged.zero_s, 6),
            "utc": clock.utc().isoformat(),
            "happenings": len(self._merged.happenings),
            "faults": self._levers.faults_in(states),
        }
        return merge(layout, states) | own

    async def _read_registry(self) -> Mapping[str, object]:
        """What a registry holds that is not the simulator's, as far as its API tells."""
        found: dict[str, dict[str, object]] = {}
        for repository in self._settings.layout.repositories:
            try:
                for tag in await self._registry.tags(repository):
                    pointed = await self._registry.find(repository, tag)
                    if pointed is not None:
                        named = {"digest": pointed.digest, "sha": pointed.sha}
                        found.setdefault(repository, {})[tag] = named
            except HeadwayError:
                """It is away for now, and what it holds is not known."""
        return found

    async def _events(self, index: int) -> AsyncIterator[bytes]:
        yield b": headway simulator\n\n"
        turns = 0
        while True:
            await self._merged.pull()
            for one in self._merged.happenings[index:]:
                head = f"id: {one['index']}\nevent: {one['kind']}\n"
                yield f"{head}data: {json.dumps(one)}\n\n".encode()
                index += 1
            turns += 1
            if turns % _HEARTBEAT_TURNS == 0:
                yield b": still here\n\n"
            await asyncio.sleep(_FOLLOW_S)


def make(service: Service) -> Program:
    """Makes the program of this service."""
    return ConductorProgram(service)
