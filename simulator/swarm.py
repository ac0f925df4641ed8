"""A Docker engine with a swarm: services with a version, written by compare-and-swap, and tasks.

It speaks the JSON of the engine's API, and a contract test runs on it and on a real engine alike.
This module must not know of any job; who writes what is up to whoever calls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from json import dumps, loads
from typing import Any

from release.errors import Conflict, Refused
from simulator.swarm_orchestrator import Fate, SimImage, SimService, SimTask, add_task, step

__all__ = ["SimSwarm"]

_STALE = "rpc error: code = Unknown desc = update out of sequence"
_RESTART_STEPS = 8


class SimSwarm:
    """One engine that manages a swarm of one node; it answers as `swarm_engine.SwarmEngine` does.

    is_self_moving: whether each question lets the orchestrator take a step first; otherwise it
        moves only when it is told to, by `step`.
    """

    def __init__(self, name: str = "sim", *, is_self_moving: bool = True) -> None:
        self._name = name
        self.is_self_moving = is_self_moving
        self._images: dict[str, SimImage] = {}
        self._services: dict[str, SimService] = {}
        self._index = 10

    @property
    def name(self) -> str:
        """What people call the engine."""
        return self._name

    def add_image(self, image: SimImage) -> None:
        """Makes an image known."""
        self._images[image.reference] = image

    def create(self, spec: Mapping[str, Any]) -> str:
        """Makes a service whose tasks run already; its id."""
        identity = f"{self._name}-{len(self._services) + 1}"
        service = SimService(id=identity, spec=_copy(spec), index=self._next())
        for slot in range(1, int(spec["Mode"]["Replicated"]["Replicas"]) + 1):
            add_task(service, slot).state = "running"
        self._services[identity] = service
        return identity

    def restart(self, identity: str) -> None:
        """Ends the tasks of a service; the orchestrator starts what the specification wants."""
        for task in self._services[identity].tasks:
            task.wanted = task.state = "shutdown"
        for _ in range(_RESTART_STEPS):
            self.step()

    def step(self) -> None:
        """Lets the orchestrator do the next thing with every service."""
        for service in self._services.values():
            writes = service.writes
            step(service, self._images)
            if service.writes != writes:
                service.index = self._next()

    async def services(self, label: str) -> Sequence[Mapping[str, Any]]:
        """Lists the services with this label."""
        self._move()
        key, _, value = label.partition("=")
        return [
            _service_json(one)
            for one in self._services.values()
            if key in one.spec["Labels"] and value in {"", one.spec["Labels"][key]}
        ]

    async def service(self, identity: str) -> Mapping[str, Any] | None:
        """Reads a service; None when there is none."""
        self._move()
        found = self._services.get(identity)
        return _service_json(found) if found else None

    async def update(self, identity: str, index: int, spec: Mapping[str, Any]) -> None:
        """Writes the specification if the service is at this version, which clears its status."""
        service = self._services.get(identity)
        if service is None:
            raise Refused("has no such service", on=f"engine {self._name}", seen=identity)
        if service.index != index:
            raise Conflict(_STALE, on=f"engine {self._name}", seen=str(service.index))
        service.previous, service.spec = service.spec, _copy(spec)
        service.status, service.index = None, self._next()
        service.given_up.clear()

    async def tasks(self, services: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Lists the tasks of these services."""
        self._move()
        return [
            _task_json(service, task)
            for service in self._services.values()
            if service.id in services
            for task in service.tasks
        ]

    async def image(self, reference: str) -> Mapping[str, Any] | None:
        """Reads an image; None when the engine can't have it."""
        image = self._images.get(reference)
        if image is None or image.fate is Fate.MISSING:
            return None
        check = {"Healthcheck": {"Test": ["CMD", "check"]}} if image.has_check else {}
        return {"Config": check}

    def peek(self, identity: str) -> Mapping[str, Any]:
        """A service as it is, without the orchestrator taking a step for it."""
        return _service_json(self._services[identity])

    def picture(self, identity: str) -> str:
        """All that decides how it goes on with a service, but for the numbers of its versions."""
        whole = asdict(self._services[identity])
        state = (whole["status"] or {}).get("State")
        whole |= {"index": 0, "writes": 0, "status": state, "given_up": sorted(whole["given_up"])}
        return dumps(whole, sort_keys=True)

    def remove(self, identity: str) -> None:
        """Removes a service."""
        del self._services[identity]

    def _move(self) -> None:
        if self.is_self_moving:
            self.step()

    def _next(self) -> int:
        self._index += 1
        return self._index


def _copy(plain: Mapping[str, Any]) -> dict[str, Any]:
    """What goes over the wire is nobody else's any more."""
    copied: dict[str, Any] = loads(dumps(plain))
    return copied


def _service_json(service: SimService) -> dict[str, Any]:
    plain = {"ID": service.id, "Version": {"Index": service.index}, "Spec": service.spec}
    if service.previous is not None:
        plain["PreviousSpec"] = service.previous
    if service.status is not None:
        plain["UpdateStatus"] = service.status
    return _copy(plain)


def _task_json(service: SimService, task: SimTask) -> dict[str, Any]:
    status: dict[str, Any] = {"State": task.state, "Err": task.error}
    status["ContainerStatus"] = {"ExitCode": task.exit_code}
    return {
        "ID": f"{service.id}-{task.number}",
        "ServiceID": service.id,
        "NodeID": "node-1",
        "Slot": task.slot,
        "CreatedAt": f"{task.number:06}",
        "Spec": _copy(task.template),
        "Status": status,
        "DesiredState": task.wanted,
    }
