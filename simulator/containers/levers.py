"""Pulls the levers of a simulation where they are: each on the services that it is about.

This module must not act on a world; the services do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from release.errors import Invalid
from simulator.containers.oci import OciClient
from simulator.containers.parts import Parts
from simulator.containers.settings import Settings
from simulator.faults import FaultRule, Service

__all__ = ["RemoteLevers"]

_PART_OF = {
    Service.FORGE: "forge",
    Service.GIT: "forge",
    Service.LEDGER: "forge",
    Service.CONTROL_PLANE: "control_plane",
    Service.EDGE: "edge",
    Service.REGISTRY: "registry",
}
_LEVER_OF = {
    "ci": "forge",
    "file": "forge",
    "push": "forge",
    "release": "forge",
    "switch": "forge",
    "releases": "control_plane",
    "tenants": "control_plane",
}


@dataclass(slots=True, kw_only=True)
class RemoteLevers:
    """The levers below `/sim/`. A fault has one number here, and one in each service it is in."""

    settings: Settings
    parts: Parts
    registry: OciClient
    _added: int = 0
    _faults: dict[int, dict[str, int]] = field(default_factory=dict)

    async def move(self, path: tuple[str, ...], body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Pulls one lever; raises HeadwayError for what is refused or out of reach."""
        match path:
            case ("faults",):
                return await self._set_fault(body)
            case ("options",):
                return await self._set_options(body)
            case ("retag",):
                return await self._retag(body)
            case (lever, *_) if lever in _LEVER_OF:
                moved: Mapping[str, Any] = await self.parts.move(
                    _LEVER_OF[lever], "/".join(path), body
                )
                return moved
            case _:
                raise Invalid("no such endpoint", on="/".join(path))

    def faults_in(self, states: Mapping[str, Mapping[str, Any]]) -> list[dict[str, object]]:
        """The rules in force under our numbers, with the counts of all services together."""
        listed = []
        for number, places in self._faults.items():
            found = [
                rule
                for part, own in places.items()
                for rule in states.get(part, {}).get("faults", ())
                if rule["number"] == own
            ]
            if found:
                counts = {name: sum(rule[name] for rule in found) for name in ("seen", "acted")}
                listed.append({**found[0], "number": number, **counts})
        return listed

    async def _set_fault(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if body.get("clear"):
            for part in self.parts.named:
                await self.parts.move(part, "faults", {"clear": True})
            self._faults.clear()
        elif "remove" in body:
            number = int(body["remove"])
            if number not in self._faults:
                raise Invalid("no rule of that number", on=str(number))
            for part, own in self._faults.pop(number).items():
                await self.parts.move(part, "faults", {"remove": own})
        else:
            return {"number": await self._add_fault(body), "faults": await self._faults_now()}
        return {"faults": await self._faults_now()}

    async def _add_fault(self, body: Mapping[str, Any]) -> int:
        """Puts a rule in force in every service that it may be about."""
        rule = FaultRule.parse(body)
        about = {part for one, part in _PART_OF.items() if fnmatchcase(one, rule.service)}
        places = {}
        for part in sorted(about & set(self.parts.named)):
            added = await self.parts.move(part, "faults", body)
            places[part] = added["number"]
        if not places:
            raise Invalid("no service that can be broken so", on=rule.service)
        self._added += 1
        self._faults[self._added] = places
        return self._added

    async def _faults_now(self) -> list[dict[str, object]]:
        return self.faults_in(await self.parts.states())

    async def _set_options(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        latency_s = dict(body.get("latency_s", {}))
        own = {name: value for name, value in body.items() if name != "latency_s"}
        for name, seconds in latency_s.items():
            part = _PART_OF[Service(name)]
            if part in self.parts.named:
                await self.parts.move(part, "options", {"latency_s": {name: seconds}})
        moved: Mapping[str, Any] = await self.parts.move("control_plane", "options", own)
        return {**moved, "latency_s": latency_s}

    async def _retag(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self.settings.is_registry_real:
            moved: Mapping[str, Any] = await self.parts.move("registry", "retag", body)
            return moved
        repository, tag = body["repository"], body["tag"]
        await self.registry.retag(repository, tag, body["reference"])
        pointed = await self.registry.find(repository, tag)
        return {"sha": pointed.sha if pointed else None}
