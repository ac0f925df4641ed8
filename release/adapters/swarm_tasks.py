"""Says what the tasks of a Swarm service run, and why those that should run do not.

This module must not ask an engine, nor know what anybody wants to run.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from release.adapters.swarm_service import Service
from release.adapters.swarm_spec import Plain, image_in, is_same_image
from release.core.printable import printable

__all__ = ["Task", "explain", "has_converged", "has_failed", "read_task", "running"]

_RUNNING = "running"
_COMPLETE, _REJECTED = "complete", "rejected"
_WANTED = frozenset({"ready", "running"})
_FAILED = frozenset({"failed", "orphaned", _COMPLETE, _REJECTED})
_ON_ITS_WAY = {
    "new": "waits for a node",
    "allocated": "waits for a node",
    "pending": "waits for a node",
    "assigned": "waits for its node to take it",
    "accepted": "waits for its node to take it",
    "preparing": "fetches its image",
    "ready": "waits to be started",
    "starting": "starts, and is not healthy yet",
}
_NO_IMAGE = ("no such image", "manifest unknown", "not found: manifest", "pull access denied")
_NODE_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One container of a service, or the attempt to have one.

    state: how far it is; a task with a health check is `running` only once that has passed.
    wanted: the state that the engine wants it in; one that drains still runs and is to shut down.
    created: when, as the engine writes it: of two tasks it tells the older one.
    """

    id: str
    service: str
    node: str
    image: str
    state: str
    wanted: str
    error: str
    exit_code: int
    created: str

    @property
    def is_running(self) -> bool:
        """Whether it serves, drained or not."""
        return self.state == _RUNNING

    @property
    def is_wanted(self) -> bool:
        """Whether the engine wants it to run, now or as soon as it may."""
        return self.wanted in _WANTED


def read_task(plain: Plain) -> Task:
    """Reads what the API says of a task."""
    status = plain.get("Status") or {}
    return Task(
        id=str(plain["ID"]),
        service=str(plain.get("ServiceID") or ""),
        node=str(plain.get("NodeID") or ""),
        image=image_in({"TaskTemplate": plain["Spec"]}),
        state=str(status.get("State") or ""),
        wanted=str(plain.get("DesiredState") or ""),
        error=printable(str(status.get("Err") or "")),
        exit_code=int((status.get("ContainerStatus") or {}).get("ExitCode") or 0),
        created=str(plain.get("CreatedAt") or "").rstrip("Z"),
    )


def running(tasks: Iterable[Task]) -> tuple[Task, ...]:
    """The tasks that serve, the oldest first; those that drain are among them."""
    return tuple(sorted((t for t in tasks if t.is_running), key=lambda task: task.created))


def has_converged(service: Service, tasks: Iterable[Task]) -> bool:
    """Whether every task that the engine wants runs, on the image of the specification."""
    wanted = [task for task in tasks if task.is_wanted]
    is_there = all(task.is_running and is_same_image(task.image, service.image) for task in wanted)
    if service.tasks_wanted is None:
        return is_there and bool(wanted)
    return is_there and len(wanted) == service.tasks_wanted


def has_failed(task: Task) -> bool:
    """Whether it ended without being asked to, or never began."""
    return task.state in _FAILED


def explain(tasks: Iterable[Task], image: str) -> str:
    """Says why tasks of this image do not run: the newest failure, else what one waits for.

    Empty when nothing is amiss.
    """
    ours = [task for task in tasks if is_same_image(task.image, image)]
    ours.sort(key=lambda task: task.created, reverse=True)
    failed = next((task for task in ours if has_failed(task)), None)
    if failed is not None:
        return _describe_failure(failed)
    waiting = next((task for task in ours if task.state in _ON_ITS_WAY), None)
    if waiting is None:
        return ""
    said = f"a task {_ON_ITS_WAY[waiting.state]}{_node(waiting)}"
    return f"{said}: {waiting.error}" if waiting.error else said


def _describe_failure(task: Task) -> str:
    said = task.error or "without a reason"
    if task.state == _COMPLETE:
        # What is told to end because it is not healthy, and then ends in order, looks like this.
        return f"a task ended in order{_node(task)}, by itself or as its health check failed"
    if task.state != _REJECTED:
        code = f"exit code {task.exit_code}, " if task.exit_code else ""
        kind = "was not healthy" if "unhealthy" in task.error else "crashed"
        return f"a task {kind}{_node(task)}: {code}{said}"
    if any(words in task.error.lower() for words in _NO_IMAGE):
        return f"the image is missing{_node(task)}: {said}"
    return f"a task was rejected{_node(task)}: {said}"


def _node(task: Task) -> str:
    return f" on node {task.node[:_NODE_SHOWN]}" if task.node else ""
