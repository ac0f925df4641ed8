"""Replaces the tasks of a simulated Swarm service, one small step at a time, as an engine would.

This module must not take a write; `swarm` compares versions and hands the specification on.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Fate", "SimImage", "SimService", "SimTask", "add_task", "step"]

_DRAIN_STEPS = 2
_MONITOR_STEPS = 2
_RESTART_STEPS = 3
_LIVE = frozenset({"ready", "running"})
_UPDATING, _ROLLING_BACK = "updating", "rollback_started"
_REJECTED = "No such image: "
_CRASHED = "task: non-zero exit (3)"
_UNHEALTHY = "task: non-zero exit (143): dockerexec: unhealthy container"


class Fate(StrEnum):
    """What becomes of a task that runs an image."""

    RUNS = "runs"
    CRASHES = "crashes"
    UNHEALTHY = "unhealthy"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimImage:
    """An image by its reference. has_check: whether it brings a health check of its own."""

    reference: str
    fate: Fate = Fate.RUNS
    has_check: bool = True


@dataclass(slots=True, kw_only=True)
class SimTask:
    """One task. wait: steps until it does what comes next: ends draining, or starts anew."""

    number: int
    slot: int
    template: dict[str, Any]
    state: str = "pending"
    wanted: str = "running"
    error: str = ""
    exit_code: int = 0
    wait: int = 0

    @property
    def image(self) -> str:
        """What it runs."""
        return str(self.template["ContainerSpec"]["Image"])

    @property
    def is_live(self) -> bool:
        """Whether the engine wants it to run."""
        return self.wanted in _LIVE


@dataclass(slots=True, kw_only=True)
class SimService:
    """One service. status: its UpdateStatus, None after each write; watch: steps still watched.

    given_up: slots whose new task failed in an update that goes on all the same.
    writes: how often the orchestrator itself has written the service.
    """

    id: str
    spec: dict[str, Any]
    index: int
    previous: dict[str, Any] | None = None
    status: dict[str, str] | None = None
    tasks: list[SimTask] = field(default_factory=list)
    watch: int = 0
    given_up: set[int] = field(default_factory=set)
    writes: int = 0

    @property
    def state(self) -> str:
        """How far its update is; empty when the engine says nothing of one."""
        return (self.status or {}).get("State", "")

    @property
    def template(self) -> dict[str, Any]:
        """What its tasks are to be."""
        template: dict[str, Any] = self.spec["TaskTemplate"]
        return template

    def live(self, slot: int) -> list[SimTask]:
        """The tasks of a slot that are wanted, the oldest first."""
        return [task for task in self.tasks if task.slot == slot and task.is_live]


def step(service: SimService, images: dict[str, SimImage]) -> None:
    """Lets the orchestrator do the next thing with a service; nothing when all is as wanted."""
    for task in service.tasks:
        _drain(task)
    service.watch = max(service.watch - 1, 0)
    is_held = service.state in {"paused", "rollback_paused"}
    slots = range(1, int(service.spec["Mode"]["Replicated"]["Replicas"]) + 1)
    is_dirty = any(task.template != service.template for task in service.tasks if task.is_live)
    if is_dirty and not is_held and service.status is None:
        _say(service, _UPDATING, "update in progress")
        return
    for slot in slots:
        is_busy = not _advance(service, slot, images) or (not is_held and _replace(service, slot))
        if is_busy and slot not in service.given_up:
            return
    if service.watch == 0 and service.state == _UPDATING:
        _say(service, "completed", "update completed")
    elif service.watch == 0 and service.state == _ROLLING_BACK:
        _say(service, "rollback_completed", "rollback completed")


def _drain(task: SimTask) -> None:
    if task.wanted == "shutdown" and task.state == "running":
        task.wait -= 1
        if task.wait <= 0:
            task.state = "shutdown"


def _advance(service: SimService, slot: int, images: dict[str, SimImage]) -> bool:
    """Takes the newest task of a slot one state on; True when there is nothing to take on."""
    live = service.live(slot)
    if not live:
        return True
    task = live[-1]
    image = images.get(task.image) or SimImage(reference=task.image, fate=Fate.MISSING)
    check = task.template["ContainerSpec"].get("Healthcheck")
    has_check = bool(check) or image.has_check
    match task.state, image.fate:
        case "ready", _:
            task.wait -= 1
            task.state = "pending" if task.wait <= 0 else "ready"
        case "pending", Fate.MISSING:
            _fail(service, task, "rejected", f"{_REJECTED}{task.image}")
        case "pending", _:
            task.wanted, task.state = "running", "starting"
        case "starting", Fate.UNHEALTHY:
            task.exit_code = 143
            _fail(service, task, "failed", _UNHEALTHY)
        case "starting", Fate.CRASHES if has_check:
            task.exit_code = 3
            _fail(service, task, "failed", _CRASHED)
        case "starting", _:
            task.state, service.watch = "running", _MONITOR_STEPS
        case "running", Fate.CRASHES:
            task.exit_code = 3
            _fail(service, task, "failed", _CRASHED)
        case _:
            return True
    return False


def _replace(service: SimService, slot: int) -> bool:
    """Brings a slot one action nearer to the specification; False when it is as wanted."""
    live = service.live(slot)
    right = [task for task in live if task.template == service.template]
    wrong = [task for task in live if task.template != service.template]
    if right:
        for task in wrong:
            _stop(task)
        return bool(wrong)
    is_first = (service.spec.get("UpdateConfig") or {}).get("Order") == "start-first"
    is_draining = any(t.slot == slot and t.state == "running" for t in service.tasks)
    if wrong and not is_first:
        for task in wrong:
            _stop(task)
    elif wrong or not is_draining:
        add_task(service, slot)
    return True


def add_task(service: SimService, slot: int, *, wait: int = 0) -> SimTask:
    """Gives a slot a new task of the specification; one that restarts waits first."""
    task = SimTask(
        number=len(service.tasks) + 1,
        slot=slot,
        template=deepcopy(service.template),
        wanted="ready" if wait else "running",
        state="ready" if wait else "pending",
        wait=wait,
    )
    service.tasks.append(task)
    return task


def _stop(task: SimTask) -> None:
    task.wanted, task.wait = "shutdown", _DRAIN_STEPS
    if task.state != "running":
        task.state = "shutdown"


def _fail(service: SimService, task: SimTask, state: str, error: str) -> None:
    """Ends a task, restarts it, and does what the update policy says."""
    task.wanted, task.state, task.error = "shutdown", state, error
    policy = service.spec.get("UpdateConfig") or {}
    if service.state == _ROLLING_BACK:
        _say(service, "rollback_paused", "rollback paused due to failure")
    elif service.state == _UPDATING and policy.get("FailureAction") == "continue":
        service.given_up.add(task.slot)
    elif service.state == _UPDATING and policy.get("FailureAction") == "rollback":
        _roll_back(service)
        return
    elif service.state == _UPDATING:
        _say(service, "paused", f"update paused due to failure or early termination of task {task}")
    add_task(service, task.slot, wait=_RESTART_STEPS)


def _roll_back(service: SimService) -> None:
    """Puts the specification before back, labels and all."""
    assert service.previous is not None, "an update has one before it"
    service.spec, service.previous = service.previous, None
    _say(service, _ROLLING_BACK, "update rolled back due to failure or early termination of a task")


def _say(service: SimService, state: str, message: str) -> None:
    """Writes the UpdateStatus, which moves the version of the service."""
    service.writes += 1
    began = (service.status or {}).get("StartedAt") or f"{service.id}-{service.index}"
    service.status = {"State": state, "StartedAt": began, "Message": message}
