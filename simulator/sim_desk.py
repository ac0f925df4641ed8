"""Answers `sim.up`, `sim.status`, `sim.push`, `sim.fault` and `sim.down` for one simulation.

Its files lie in one folder, by default `.headway`: the state of its process, and the
headway.toml that points a deploy at it. This module must not print.
"""

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from release.errors import Invalid
from simulator.container_process import start_containers, stop_containers
from simulator.faults import FaultRule
from simulator.job_config import Address, Pace, remove_config, write_config
from simulator.process import Running, load, start
from simulator.served import ServedState, ServeOptions, read_state
from simulator.tenants import Health, Lag

__all__ = ["FOLDER", "SimulatorDesk", "status_lines"]

FOLDER = ".headway"
_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorDesk:
    """The desk of the simulation whose headway.toml lies in `folder`."""

    folder: Path

    @classmethod
    def at(cls, config: str) -> "SimulatorDesk":
        """The simulation that belongs to a headway.toml; without one, the folder's usual one."""
        return cls(folder=(Path(config).parent if config else Path(FOLDER)).absolute())

    def up(self, options: ServeOptions, *, is_docker: bool = False) -> tuple[Path, ServedState]:
        """Starts a simulation and writes its headway.toml; raises Invalid when one runs already.

        is_docker: each service in a container of its own. Raises Unavailable where it can't be.
        """
        running = (start_containers if is_docker else start)(self.folder, options)
        state = running.state
        return write_config(self.folder, _address(state), Pace(canary=state.tenants[0])), state

    def status(self) -> Mapping[str, Any]:
        """The whole world as one snapshot."""
        snapshot: Mapping[str, Any] = self.running().ask("state")
        return snapshot

    def events(self) -> Iterator[Mapping[str, Any]]:
        """Everything that has happened, then what happens, until the simulation ends."""
        parts = urlsplit(self.running().state.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        try:
            connection.request("GET", "/sim/events")
            for line in connection.getresponse():
                if line.startswith(b"data: "):
                    yield json.loads(line.removeprefix(b"data: "))
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()

    def push(self, body: Mapping[str, object]) -> Mapping[str, Any]:
        """Pushes a commit, with its CI status and its images."""
        pushed: Mapping[str, Any] = self.running().move("push", body)
        return pushed

    def change_tenant(
        self, slug: str, *, health: str, lag: str, delay_s: float
    ) -> Mapping[str, Any]:
        """Makes a tenant behave so from now on."""
        body: dict[str, object] = {}
        if health:
            words = [one.value for one in Health]
            if health not in words:
                raise Invalid("no such behaviour", on=health, expected=", ".join(words))
            body |= {"health": health, "delay_s": delay_s}
        if lag:
            one = Lag.parse(lag)
            body["lag"] = {"low_s": one.low_s, "high_s": one.high_s, "flaps": one.flaps}
        if not body:
            raise Invalid("says nothing of the tenant", on=slug, expected="--state or --lag")
        changed: Mapping[str, Any] = self.running().move(f"tenants/{slug}", body)
        return changed

    def add_fault(self, rule: Mapping[str, object]) -> Mapping[str, Any]:
        """Puts a fault rule in force; raises Invalid for one that makes no sense."""
        FaultRule.parse(rule)
        added: Mapping[str, Any] = self.running().move("faults", rule)
        return added

    def end_faults(self, number: int | None) -> Mapping[str, Any]:
        """Takes one fault rule out of force, or all of them."""
        body: dict[str, object] = {"clear": True} if number is None else {"remove": number}
        left: Mapping[str, Any] = self.running().move("faults", body)
        return left

    def down(self) -> bool:
        """Ends the simulation and removes its files; False when none ran. Safe to repeat."""
        state = read_state(self.folder)
        remove_config(self.folder)
        if state is not None and state.project:
            stop_containers(self.folder, state)
            return True
        running = load(self.folder)
        if running is None:
            if self.folder.is_dir() and not any(self.folder.iterdir()):
                self.folder.rmdir()
            return False
        running.stop()
        return True

    def running(self) -> Running:
        """The simulation; raises Invalid when none runs."""
        found = load(self.folder)
        if found is None:
            raise Invalid(
                "no simulation runs here", on=str(self.folder), advice="Start one with sim.up"
            )
        return found


def status_lines(snapshot: Mapping[str, Any]) -> tuple[str, ...]:
    """The snapshot for people: head, fence, tenants, pointers, faults."""
    fence = snapshot["fence"]
    lines = [f"head of {snapshot['branch']}: {_short(snapshot['head'])}"]
    lines.append(f"fence: {fence['kind']}, highest epoch seen {max(fence['seen'].values() or [0])}")
    tenants = snapshot["tenants"]
    for slug, one in list(tenants.items())[:_SHOWN]:
        lines.append(f"  tenant {slug}: {_short(one['serving'])} ({one['health']})")
    if len(tenants) > _SHOWN:
        lines.append(f"  and {len(tenants) - _SHOWN} more tenants")
    for name, one in snapshot["pointers"].items():
        lines.append(f"  pointer {name}:{one['tag']}: {_short(one['sha'])}")
    lines += [f"  fault {rule['number']}: {rule['kind']}" for rule in snapshot["faults"]]
    return (*lines, f"up: {len(tenants)} tenants, {snapshot['happenings']} happenings so far")


def _short(sha: str | None) -> str:
    return sha[:7] if sha else "nothing"


def _address(state: ServedState) -> Address:
    return Address(
        url=state.url,
        edge=state.edge,
        git=state.git,
        environment=state.environment,
        branch=state.branch,
        forge_repository=state.forge_repository,
        repositories=state.repositories,
        promoted_tag="latest",
        registry_user=state.registry_user,
        tokens={
            "forge": state.forge_owner_token,
            "fleet": state.control_plane_token,
            "registry": state.registry_password,
        },
    )
