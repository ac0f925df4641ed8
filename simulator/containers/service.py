"""Runs one service as a process: its world, its faces, its folder, until it is told to end.

This module must not know any service; each program brings what is its own.
"""

import asyncio
import json
import signal
import sys
from dataclasses import dataclass, field
from typing import Protocol

from simulator.apps.exchange import Exchange, Response, json_response
from simulator.choices import Choices
from simulator.clock import LoopClock
from simulator.containers.caller import widen_lookups
from simulator.containers.conducted import ConductedScript
from simulator.containers.keeping import Keeping
from simulator.containers.settings import Settings
from simulator.git_host import GitHost
from simulator.sockets import Faces, FacesSetup
from simulator.wire import Refusal
from simulator.world import World

__all__ = ["Program", "Service", "run_service"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What every program has: its settings, a world of which it shows a part, and its folder."""

    name: str
    settings: Settings
    world: World
    keeping: Keeping

    @classmethod
    def of(cls, name: str, settings: Settings) -> "Service":
        """Makes the world of one service, as a scenario founds it where there is one."""
        scenario = settings.scenario
        clock = LoopClock(
            epoch=scenario.start if scenario else None, speed=settings.speed, start_s=0.0
        )
        world = World(clock, Choices(settings.seed), settings.layout)
        world.control_plane.fence_kind = settings.fence
        world.control_plane.timing.landing_s = settings.landing_s
        world.control_plane.timing.answer_s = settings.answer_s
        if scenario is not None:
            # As in the settings: who needs none is spared the time to load it.
            from simulator.setting import found  # noqa: PLC0415 - as said

            found(scenario, world)
        if settings.urls.get("conductor"):
            world.script = ConductedScript(settings.url("conductor"), settings.tokens.control)
        keeping = Keeping(settings.folder / name)
        keeping.keep_log(world.log, clock)
        return cls(name=name, settings=settings, world=world, keeping=keeping)


class Program(Protocol):
    """What one service adds to what all have."""

    @property
    def paths(self) -> frozenset[str]:
        """The first segments of the paths whose face it shows; it is asked for no other."""

    @property
    def git(self) -> GitHost | None:
        """The repository that it serves, if any."""

    async def begin(self) -> None:
        """Does what has to be done once everything listens, before the service is ready."""

    async def answer(self, exchange: Exchange) -> Response | None:
        """Answers what is its own; None leaves it to the faces. Raises Refusal and Cut."""


@dataclass(slots=True)
class _Running:
    service: Service
    program: Program
    is_ready: bool = False
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, exchange: Exchange) -> Response | None:
        response = await self._answer_all(exchange)
        if response is None:
            response = await self.program.answer(exchange)
        if response is None and exchange.path[0] not in {*self.program.paths, "sim"}:
            raise Refusal(404, {"error": f"the {self.service.name} does not serve this"})
        return response

    async def _answer_all(self, exchange: Exchange) -> Response | None:
        """What every service answers: whether it is ready, and what has happened in its part."""
        match exchange.path:
            case ("sim", "ready"):
                content = {"service": self.service.name, "is_ready": self.is_ready}
                return json_response(content, status=200 if self.is_ready else 503)
            case ("sim", "part"):
                return json_response(self._part(exchange))
            case _:
                return None

    def _part(self, exchange: Exchange) -> dict[str, object]:
        """Everything from an index on, and the instant before which nothing is missing."""
        start = max(0, exchange.number("from", 0))
        log = self.service.world.log
        return {
            "at_s": self.service.world.clock.reading_s(),
            "happenings": [one.plain() for one in log.happenings[start:]],
        }


async def run_service(service: Service, program: Program) -> int:
    """Serves until SIGTERM or SIGINT; prints one line of JSON once it is ready."""
    running = _Running(service, program)
    settings = service.settings
    widen_lookups()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.stopped.set)
    setup = FacesSetup(
        actors=settings.listen.actors,
        tokens=settings.tokens,
        login=settings.login,
        git=program.git,
        host=settings.listen.host,
        listen=settings.listen.ports,
        own=running.answer,
    )
    async with Faces(service.world, setup) as faces:
        begun = asyncio.create_task(program.begin())
        stopped = asyncio.create_task(running.stopped.wait())
        await asyncio.wait({begun, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not begun.done():
            begun.cancel()
            await asyncio.gather(begun, return_exceptions=True)
            return 0
        await begun
        running.is_ready = True
        line = {"service": service.name, "port": faces.port, "ports": faces.ports}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        await stopped
    return 0
