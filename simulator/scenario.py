"""Loads a scenario: a race as data, with its recorded times, and builds the world it begins in.

This module must not run anything; `race` and `live` do.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from importlib.resources import files
from importlib.resources.abc import Traversable

from release.core.assignment import Assignment
from release.core.codec import from_plain
from release.core.policy import Policy
from release.core.values import JobId, Release, Sha, Tenant
from release.errors import Invalid
from simulator.control_plane import FenceKind
from simulator.faults import FaultKind, FaultRule
from simulator.world import Layout, World

__all__ = [
    "Recorded",
    "RecordedEvent",
    "Scenario",
    "ScenarioJob",
    "ScenarioPush",
    "found",
    "load",
    "names",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioPush:
    """A push of a release to the branch; CI is green and the image is there at once."""

    at: str
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioJob:
    """A deploy job: which release, when it starts, how long the services take for it.

    landing_s, answer_s: from a redeploy's request to its landing and to its answer.
    promote_s: from the request of a pointer move to its effect.
    """

    name: str
    release: str
    starts: str
    landing_s: float
    answer_s: float
    promote_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """A line of the record: what a job did at that time of the day."""

    at: str
    job: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """How it ended, as far as it was recorded, and under which guard; releases by their names."""

    guard: str
    tenants: Mapping[str, str]
    pointer: str
    jobs: Mapping[str, str]
    events: tuple[RecordedEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A race as data. Each release descends from the one named before it.

    start: the instant zero of the world; every other time is a time of that day, in UTC.
    assumed: what the replay had to make up, because nobody recorded it.
    """

    name: str
    title: str
    story: str
    source: str
    start: datetime
    tenants: tuple[Tenant, ...]
    canary: Tenant
    repository: str
    promoted_tag: str
    soak_s: float
    batch_size: int
    releases: Mapping[str, Sha]
    pushes: tuple[ScenarioPush, ...]
    jobs: tuple[ScenarioJob, ...]
    recorded: Recorded | None = None
    assumed: str = ""

    def __post_init__(self) -> None:
        named = [push.release for push in self.pushes] + [job.release for job in self.jobs]
        unknown = [name for name in named if name not in self.releases]
        if unknown:
            raise Invalid(
                "no such release",
                on=f"scenario {self.name}: {unknown[0]}",
                expected=", ".join(self.releases),
            )

    def at_s(self, clock_time: str) -> float:
        """Seconds from the start to a time of day such as `05:39:21Z`."""
        day: date = self.start.date()
        instant = datetime.combine(day, time.fromisoformat(clock_time.rstrip("Z")), UTC)
        return (instant - self.start).total_seconds()

    def name_of(self, sha: str | None) -> str:
        """The scenario's name of a release; `nothing` for None, the short id for an unknown one."""
        if sha is None:
            return "nothing"
        named = {str(known): name for name, known in self.releases.items()}
        return named.get(sha, sha[:7])

    def policy(self) -> Policy:
        """The policy of the scenario's jobs: the protocol's defaults but for what was recorded."""
        return Policy(canary=(self.canary,), batch_size=self.batch_size, soak_s=self.soak_s)

    def assignment(self, job: ScenarioJob, policy: Policy | None = None) -> Assignment:
        """The orders of one job, under the scenario's own policy unless another one is given."""
        sha = self.releases[job.release]
        return Assignment(
            environment="production",
            job=JobId(run=job.name, attempt=1, nonce=job.name),
            release=Release(sha=sha, tag=f"staging-{sha.short}"),
            policy=policy or self.policy(),
            repositories=(self.repository,),
            promoted_tag=self.promoted_tag,
        )

    def layout(self) -> Layout:
        """What things are called in the scenario's world."""
        return Layout(
            forge_repository="acme/platform",
            repositories=(self.repository,),
            pointer_tag=self.promoted_tag,
        )


def found(scenario: Scenario, world: World) -> None:
    """Brings a new world to where the scenario begins: everything on the first release.

    The control plane knows no fence, as on the day. Redeploys take each job's recorded time.
    """
    world.found(str(next(iter(scenario.releases.values()))), [t.slug for t in scenario.tenants])
    world.control_plane.fence_kind = FenceKind.NONE
    timing = world.control_plane.timing
    timing.landing_s = min(job.landing_s for job in scenario.jobs)
    timing.answer_s = min(job.answer_s for job in scenario.jobs)
    for job in scenario.jobs:
        _slow_down(world, job, "landing", before_s=job.landing_s - timing.landing_s)
        _slow_down(world, job, "redeploy", after_s=job.answer_s - timing.answer_s)
        _slow_down(world, job, "point", before_s=job.promote_s)


def _slow_down(
    world: World, job: ScenarioJob, operation: str, *, before_s: float = 0.0, after_s: float = 0.0
) -> None:
    if before_s or after_s:
        world.faults.add(
            FaultRule(
                kind=FaultKind.DELAY,
                operation=operation,
                actor=job.name,
                before_s=before_s,
                after_s=after_s,
            )
        )


def names() -> tuple[str, ...]:
    """The scenarios of the library, sorted."""
    return tuple(sorted(one.name.removesuffix(".json") for one in _library() if _is_scenario(one)))


def load(name: str) -> Scenario:
    """Loads a scenario of the library by name; raises Invalid with the known names."""
    for one in _library():
        if _is_scenario(one) and one.name == f"{name}.json":
            return _parse(name, one.read_text("utf-8"))
    raise Invalid("no such scenario", on=name, expected=", ".join(names()))


def _library() -> tuple[Traversable, ...]:
    package = __package__ or "simulator"
    return tuple((files(package) / "scenarios").iterdir())


def _is_scenario(one: Traversable) -> bool:
    return one.name.endswith(".json")


def _parse(name: str, text: str) -> Scenario:
    try:
        plain = json.loads(text)
    except ValueError as exc:
        raise Invalid("not JSON", on=f"scenario {name}", seen=str(exc)) from exc
    scenario: Scenario = from_plain(Scenario, plain, name)
    return scenario
