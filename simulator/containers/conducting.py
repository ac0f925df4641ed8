"""Lets the effects of a race's jobs happen in the recorded order, wherever they are asked for.

This module must not run a job; whoever does says when one has ended.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from release.errors import Invalid
from simulator.containers.conducted import HOLD_MAX_S
from simulator.containers.settings import Settings
from simulator.cues import CueScript, cues_of
from simulator.faults import Call, Service
from simulator.race import run_race
from simulator.wire import Phase
from simulator.world import World

__all__ = ["Conducting"]


@dataclass(slots=True, kw_only=True)
class Conducting:
    """The order of the race that is replayed, if one is; without one nothing is held."""

    settings: Settings
    world: World
    script: CueScript | None = None
    guard: str = ""

    async def move(self, path: tuple[str, ...], body: Mapping[str, Any]) -> None:
        """Begins a race, holds a call, waits for an instant, or lets a job leave.

        Raises HeadwayError, KeyError and ValueError for what makes no sense.
        """
        match path:
            case ("hold",):
                await self._hold(body)
            case ("race",):
                await self._begin(str(body["guard"]))
            case ("race", "reach"):
                await self._running().reach(float(body["at_s"]))
            case ("race", "leave"):
                self._running().leave(str(body["actor"]))
            case _:
                raise Invalid("no such endpoint", on="/".join(path))

    def plain(self) -> Mapping[str, Any]:
        """The race as JSON values: its guard, and what was held in vain."""
        lost = [] if self.script is None else list(self.script.lost)
        return {"guard": self.guard, "is_on": self.script is not None, "lost": lost}

    async def _begin(self, guard: str) -> None:
        scenario = self.settings.scenario
        if scenario is None:
            raise Invalid("needs a scenario", on="a race", advice="Set SIM_SCENARIO")
        raced = await asyncio.to_thread(run_race, scenario, guard)
        hold_max_s = HOLD_MAX_S * self.settings.speed
        self.script = CueScript(self.world, cues_of(raced.course), hold_max_s=hold_max_s)
        self.guard = guard

    async def _hold(self, body: Mapping[str, Any]) -> None:
        if self.script is None:
            return
        call = Call(
            actor=body["actor"],
            service=Service(body["service"]),
            operation=body["operation"],
            subject=body["subject"],
            is_effect=True,
        )
        await self.script.hold(call, Phase(body["phase"]))

    def _running(self) -> CueScript:
        if self.script is None:
            raise Invalid("no race is on", on="the conductor")
        return self.script
