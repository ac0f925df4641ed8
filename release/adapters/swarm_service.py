"""Reads a Swarm service as the engine's API tells it: its version, its fence, how its update goes.

This module must not talk to an engine, nor write a specification.
"""

from dataclasses import dataclass
from enum import StrEnum

from release.adapters.swarm_spec import (
    Plain,
    UpdateOrder,
    epoch_in,
    image_in,
    is_health_check,
    job_in,
    labels_in,
    release_in,
)
from release.core.printable import printable
from release.core.values import Digest, Sha
from release.errors import Refused

__all__ = ["RolloutState", "Service", "read_service"]

_MONITOR_S = 5.0
"""The engine's own default."""

_NANOSECONDS = 1_000_000_000


class RolloutState(StrEnum):
    """How far the engine says that it is with an update; NONE before it says anything."""

    NONE = ""
    UPDATING = "updating"
    PAUSED = "paused"
    COMPLETED = "completed"
    ROLLBACK_STARTED = "rollback_started"
    ROLLBACK_PAUSED = "rollback_paused"
    ROLLBACK_COMPLETED = "rollback_completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service at one version of it.

    index: the version, which every write moves, also those of the engine itself.
    previous: the specification that an engine's rollback would go back to.
    tasks_wanted: how many tasks; None for one on each node.
    started_at: when its last update began, as the engine writes it; message: what it says of that.
    """

    id: str
    name: str
    index: int
    spec: Plain
    previous: Plain | None
    tasks_wanted: int | None
    rollout: RolloutState
    started_at: str
    message: str

    @property
    def image(self) -> str:
        """What the specification wants to run; what runs, only tasks can say."""
        return image_in(self.spec)

    @property
    def epoch(self) -> int | None:
        """The fence; None before the first. Raises Refused for a label that is no epoch."""
        return epoch_in(self.spec, self.name)

    @property
    def job(self) -> str:
        """The job that took the last step."""
        return job_in(self.spec)

    @property
    def order(self) -> UpdateOrder:
        """Whether a task starts before the one it replaces stops; the engine's default is not."""
        said = (self.spec.get("UpdateConfig") or {}).get("Order")
        return UpdateOrder(said or UpdateOrder.STOP_FIRST)

    @property
    def monitor_s(self) -> float:
        """How long the engine watches a new task before it counts as good."""
        said = (self.spec.get("UpdateConfig") or {}).get("Monitor")
        return said / _NANOSECONDS if said else _MONITOR_S

    @property
    def has_health_check(self) -> bool | None:
        """Whether the specification has a health check; None where it leaves that to the image."""
        check: Plain = self.spec["TaskTemplate"]["ContainerSpec"].get("Healthcheck") or {}
        return is_health_check(check) if check.get("Test") else None

    def holds(self, epoch: int) -> bool:
        """Whether the fence is at the epoch, or higher, and a rollback by the engine leaves it so.

        A rollback puts the previous specification back, and its labels with it.
        """
        specs = [self.spec] if self.previous is None else [self.spec, self.previous]
        epochs = [epoch_in(spec, self.name) for spec in specs]
        return all(one is not None and one >= epoch for one in epochs)

    def slug(self, key: str) -> str:
        """The value of the label that selects tenants, or the service's name where it is empty."""
        return labels_in(self.spec).get(key) or self.name

    def release_of(self, digest: Digest) -> Sha | None:
        """The release that this image was deployed as, now or in the update before; else None."""
        found = release_in(self.spec, digest)
        return found if found or not self.previous else release_in(self.previous, digest)


def read_service(plain: Plain) -> Service:
    """Reads what the API says of a service; raises Refused for one that Headway can't roll."""
    spec = plain["Spec"]
    name = str(spec["Name"])
    status = plain.get("UpdateStatus") or {}
    try:
        rollout = RolloutState(status.get("State") or "")
    except ValueError as exc:
        raise Refused(
            "is in an unknown state", on=f"service {name}", seen=repr(status["State"])
        ) from exc
    return Service(
        id=str(plain["ID"]),
        name=name,
        index=int(plain["Version"]["Index"]),
        spec=spec,
        previous=plain.get("PreviousSpec"),
        tasks_wanted=_tasks_wanted(spec, name),
        rollout=rollout,
        started_at=str(status.get("StartedAt") or ""),
        message=printable(str(status.get("Message") or "")),
    )


def _tasks_wanted(spec: Plain, name: str) -> int | None:
    mode = spec.get("Mode") or {}
    if "Replicated" in mode:
        return int((mode["Replicated"] or {}).get("Replicas", 1))
    if "Global" in mode:
        return None
    raise Refused(
        "is of a mode that has no rollout",
        on=f"service {name}",
        seen=", ".join(mode),
        expected="replicated or global",
        safe="nothing was changed",
        advice="Take the label that selects tenants off it",
    )
