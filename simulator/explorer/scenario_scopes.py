"""Makes scopes of a scenario: its jobs, its policy and its fence, in the explorer's small world.

What a scope can't hold is told in `notes`. This module must not explore anything.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from release.core.policy import Policy
from release.errors import Invalid
from simulator.explorer.scope import JobKind, JobSpec, Kind, Scope
from simulator.scenario import Scenario
from simulator.scenario_parts import CiWord, JobVerb, ScenarioJob, ScenarioPush

__all__ = ["CHOICES", "Played", "Retold", "retell"]

_JOBS_MAX = 4
_TENANTS_MAX = 3
_TROUBLE = frozenset({Kind.TIMEOUT, Kind.LOST, Kind.CRASH})

CHOICES = {
    "orders": "every order of the jobs' steps, nothing fails",
    "faults": "one time-out, lost answer or killed job, and one lease that runs out",
}
"""What may happen around the recorded schedule, the mildest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One job of the scenario, and the part that it plays in the scope."""

    recorded: ScenarioJob
    spec: JobSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Retold:
    """A scenario as scopes. notes: what is played otherwise than it was recorded, in sentences."""

    jobs: tuple[Played, ...]
    scope: Scope
    notes: tuple[str, ...]

    def scopes(self, guard: str) -> Mapping[str, Scope]:
        """The scopes of CHOICES under a guard."""
        calm = replace(self.scope, guard=guard)
        return {
            "orders": calm,
            "faults": replace(calm, kinds=_TROUBLE, faults=1, expiries=1),
        }


def retell(scenario: Scenario, policy: Policy | None = None) -> Retold:
    """The scopes around a scenario, under its own policy unless another one is given.

    Raises Invalid for a scenario with more jobs than can be explored, with none that the explorer
    plays, or with a history that branches.
    """
    chosen = policy or scenario.policy()
    jobs = _cast(scenario)
    tenants = min(len(scenario.tenants), _TENANTS_MAX)
    scope = Scope(
        jobs=tuple(job.spec for job in jobs),
        tenants=tenants,
        batch=min(chosen.batch_size, tenants),
        fence=scenario.fence.value,
        superseded_by=chosen.superseded_by,
        on_newer=chosen.on_newer,
    )
    return Retold(jobs=jobs, scope=scope, notes=tuple(_notes(scenario)))


def _cast(scenario: Scenario) -> tuple[Played, ...]:
    """Deploys in the order of their releases, then re-runs, then rollbacks."""
    if scenario.parents:
        raise Invalid("has a history that branches", on=f"--neighbours of {scenario.name}")
    listed = [job for job in scenario.jobs if job.verb is not JobVerb.RESUME]
    if not 1 <= len(listed) <= _JOBS_MAX:
        raise Invalid(
            "can't be explored",
            on=f"--neighbours of {scenario.name}",
            seen=f"{len(listed)} jobs",
            expected=f"1 to {_JOBS_MAX} deploys, re-runs and rollbacks",
            advice="Record fewer of the jobs that overlapped",
        )
    index = _indices(scenario, listed)
    ranked = sorted(listed, key=lambda job: (_rank(job, listed), index[job.release]))
    names, played = _names(ranked, listed), list[Played]()
    for job in ranked:
        release, after = index[job.release], _forerunner(job, listed)
        spec = JobSpec(
            name=names[job.name],
            release=release,
            kind=_kind(job),
            push=min(release + (job.verb is JobVerb.ROLLBACK), max(index.values())),
            after=ranked.index(after) if after else None,
        )
        played.append(Played(recorded=job, spec=spec))
    return tuple(played)


def _indices(scenario: Scenario, jobs: list[ScenarioJob]) -> dict[str, int]:
    """The index of each release that a job brings; zero is the oldest that anything began on."""
    began = set(scenario.began_on().values())
    used = {job.release for job in jobs}
    listed = list(scenario.releases)
    first = next(name for name in listed if str(scenario.releases[name]) in began)
    return {
        name: number
        for number, name in enumerate(name for name in listed if name in used | {first})
    }


def _forerunner(job: ScenarioJob, jobs: list[ScenarioJob]) -> ScenarioJob | None:
    """The job that this one is a re-run of: the attempt before it of the same run."""
    earlier = [
        one for one in jobs if (one.run or one.name) == job.run and one.attempt < job.attempt
    ]
    return max(earlier, key=lambda one: one.attempt, default=None)


def _rank(job: ScenarioJob, jobs: list[ScenarioJob]) -> int:
    if job.verb is JobVerb.ROLLBACK:
        return _JOBS_MAX + 1
    before, rank = _forerunner(job, jobs), 0
    while before is not None:
        before, rank = _forerunner(before, jobs), rank + 1
    return rank


def _kind(job: ScenarioJob) -> JobKind:
    return JobKind.ROLLBACK if job.verb is JobVerb.ROLLBACK else JobKind.DEPLOY


def _names(ranked: list[ScenarioJob], jobs: list[ScenarioJob]) -> dict[str, str]:
    """A letter for each job, since the lanes of a picture are narrow; R for a rollback."""
    letters, names, rollbacks = iter("ABCD"), dict[str, str](), iter(("R", "R2", "R3", "R4"))
    for job in ranked:
        before = _forerunner(job, jobs)
        if job.verb is JobVerb.ROLLBACK:
            names[job.name] = next(rollbacks)
        elif before is not None:
            names[job.name] = f"{names[before.name]}-again"
        else:
            names[job.name] = next(letters)
    return names


def _notes(scenario: Scenario) -> Iterator[str]:
    count = len(scenario.tenants)
    if count > _TENANTS_MAX:
        yield f"{count} tenants are played as {_TENANTS_MAX}: tenants of one batch move alike."
    resumes = [job.name for job in scenario.jobs if job.verb is JobVerb.RESUME]
    if resumes:
        yield f"Left out, because the explorer does not play a resume: {', '.join(resumes)}."
    parts = (
        ("faults", scenario.faults),
        ("changes", scenario.changes),
        ("unlabelled releases", scenario.unlabelled),
        ("kills", [job for job in scenario.jobs if job.killed]),
        ("red or late CI", [push for push in scenario.pushes if not _is_usual(push)]),
    )
    absent = [name for name, found in parts if found]
    if absent:
        yield f"Left out of the world around the jobs: {', '.join(absent)}."
    if len(set(scenario.began_on().values())) > 1:
        yield "Everything begins on the oldest of the releases that something began on."


def _is_usual(push: ScenarioPush) -> bool:
    return push.ci is CiWord.GREEN and push.has_image
