"""Loads a scenario: a race as data, with its recorded times.

This module must not run anything; `setting` builds its world, `race` and `live` run its jobs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from release.core.assignment import Assignment
from release.core.codec import from_plain
from release.core.policy import Policy
from release.core.values import JobId, Release, Sha, Tenant
from release.errors import Invalid
from simulator.control_plane import FenceKind
from simulator.scenario_checks import check_scenario
from simulator.scenario_parts import (
    Began,
    CiWord,
    JobVerb,
    Recorded,
    ScenarioChange,
    ScenarioFault,
    ScenarioJob,
    ScenarioPush,
    instant_of,
)
from simulator.world import Layout

__all__ = ["Scenario", "load", "names", "parse"]

_SUFFIX = ".json"
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A race as data.

    source: where it is told, as a link where there is one.
    start: the instant zero of the world; every other time is a time of that day, in UTC, or a whole
        instant. until: when the replay ends; by default a day after the last thing in it.
    releases: by name. Each descends from the one named before it, or from the one that `parents`
        names. Those that are `unlabelled` have an image that says nothing of its commit, and the
        forge does not know that commit either.
    newest: what everything is to be on when all jobs have ended; by default the last release.
    is_healthy: whether any job could bring the fleet there; where not, that is no promise.
    required: the CI contexts of the branch. fence: where the control plane compares the epoch.
    has_inspection: whether its rows say what a tenant runs.
    settle_interval_s: how often Headway asks a tenant. drain_s: for how long a tenant that was
        switched still answers with the release before. ledger_s: how long the ledger takes to
        answer.
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
    until: str = ""
    parents: Mapping[str, str] = field(default_factory=dict)
    unlabelled: tuple[str, ...] = ()
    newest: str = ""
    is_healthy: bool = True
    required: tuple[str, ...] = ("ci / test (push)",)
    fence: FenceKind = FenceKind.NONE
    has_inspection: bool = True
    settle_interval_s: float = 20.0
    drain_s: float = 0.0
    ledger_s: float = 0.0
    began: Began = field(default_factory=Began)
    changes: tuple[ScenarioChange, ...] = ()
    faults: tuple[ScenarioFault, ...] = ()

    @property
    def first(self) -> str:
        """The name of the release that stands before all others."""
        return next(iter(self.releases))

    @property
    def newest_sha(self) -> str:
        """The release that everything is to be on when all jobs have ended."""
        return str(self.releases[self.newest or tuple(self.releases)[-1]])

    @property
    def pointer(self) -> str:
        """The pointer as the world's log names it, such as `platform:latest`."""
        return f"{self.repository}:{self.promoted_tag}"

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to it but green pushes, and deploys that nobody kills."""
        is_plain_world = not (self.parents or self.unlabelled or self.changes or self.faults)
        has_usual_pushes = all(push.ci is CiWord.GREEN and push.has_image for push in self.pushes)
        has_usual_jobs = all(
            job.verb is JobVerb.DEPLOY and not job.run and not job.killed for job in self.jobs
        )
        return is_plain_world and has_usual_pushes and has_usual_jobs

    def began_on(self) -> Mapping[str, str]:
        """The release that each tenant, by slug, and the pointer, by its name, began on."""
        slugs = [tenant.slug for tenant in self.tenants]
        named = {slug: self.began.tenants.get(slug, self.first) for slug in slugs}
        named[self.pointer] = self.began.pointer or self.first
        return {subject: str(self.releases[name]) for subject, name in named.items()}

    def at_s(self, text: str) -> float:
        """Seconds from the start to a time such as `05:39:21Z`; raises Invalid for any other."""
        instant = instant_of(text, start=self.start, on=f"scenario {self.name}")
        return (instant - self.start).total_seconds()

    def until_s(self) -> float:
        """When the replay ends at the latest, in seconds from the start."""
        if self.until:
            return self.at_s(self.until)
        times = [push.at for push in self.pushes] + [job.starts for job in self.jobs]
        return max(map(self.at_s, [*times, *(change.at for change in self.changes)])) + _DAY_S

    def name_of(self, sha: str | None) -> str:
        """The scenario's name of a release; `nothing` for None, the short id for an unknown one."""
        if sha is None:
            return "nothing"
        named = {str(known): name for name, known in self.releases.items()}
        return named.get(sha, sha[:7])

    def policy(self) -> Policy:
        """The policy of the scenario's jobs: the protocol's defaults but for what was recorded."""
        return Policy(
            canary=(self.canary,),
            batch_size=self.batch_size,
            soak_s=self.soak_s,
            settle_interval_s=self.settle_interval_s,
        )

    def assignment(self, job: ScenarioJob, policy: Policy | None = None) -> Assignment:
        """The orders of one job, under the scenario's own policy unless another one is given."""
        sha = self.releases[job.release]
        return Assignment(
            environment="production",
            job=JobId(run=job.run or job.name, attempt=job.attempt, nonce=job.name),
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
            required=self.required,
        )


def names() -> tuple[str, ...]:
    """The scenarios of the library, sorted."""
    listed = (one.name for one in _library() if one.name.endswith(_SUFFIX))
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in listed))


def load(name: str) -> Scenario:
    """Loads a scenario of the library by name, or of a file by its path.

    Raises Invalid with the known names, or with the part of the file that does not fit.
    """
    for one in _library():
        if one.name == f"{name}{_SUFFIX}":
            return parse(one.read_text("utf-8"), on=name)
    if name.endswith(_SUFFIX) or "/" in name:
        return parse(_read(name), on=name)
    raise Invalid(
        "no such scenario",
        on=name,
        expected=", ".join(names()),
        advice="A file of your own ends in .json",
    )


def parse(text: str, *, on: str) -> Scenario:
    """Reads a scenario from JSON; raises Invalid for the first part that does not fit.

    on: what the text is called in an error.
    """
    try:
        plain = json.loads(text, object_pairs_hook=_named_once)
    except (ValueError, RecursionError) as exc:
        raise Invalid("not JSON", on=f"scenario {on}", seen=str(exc)) from exc
    scenario: Scenario = from_plain(Scenario, plain, on)
    scenario.policy()
    check_scenario(scenario)
    return scenario


def _named_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of JSON, in which the last of two equal names would hide the first."""
    found = dict(pairs)
    if len(found) < len(pairs):
        listed = [name for name, _ in pairs]
        twice = next(name for name in listed if listed.count(name) > 1)
        raise ValueError(f"the name {twice!r} stands there twice in one object")
    return found


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeError) as exc:
        raise Invalid("can't be read", on=f"scenario {path}", seen=str(exc)) from exc


def _library() -> tuple[Traversable, ...]:
    package = __package__ or "simulator"
    return tuple((files(package) / "scenarios").iterdir())
