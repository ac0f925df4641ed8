"""Checks that the parts of a scenario fit together, and says which part does not.

This module must not build or run anything.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from release.core.values import JobId, Release
from release.errors import HeadwayError, Invalid
from simulator.guards import GUARDS
from simulator.scenario_parts import Change, CiWord, ScenarioChange, instant_of
from simulator.tenants import Health

if TYPE_CHECKING:
    from simulator.scenario import Scenario

__all__ = ["check_scenario"]

_COLOURS = ("green", "red", "killed", "waits")
_SWITCH = ("on", "off", "true", "false")


def check_scenario(scenario: "Scenario") -> None:
    """Raises Invalid for the first part that does not fit, naming it by its path."""
    for check in (
        _check_fleet,
        _check_releases,
        _check_order_of_releases,
        _check_times,
        _check_jobs,
        _check_changes,
        _check_record,
    ):
        check(scenario)


def _check_fleet(scenario: "Scenario") -> None:
    slugs = [tenant.slug for tenant in scenario.tenants]
    if not slugs:
        raise Invalid("has no tenants", on=f"{scenario.name}.tenants")
    _check_unique(slugs, f"{scenario.name}.tenants")
    for name, seconds in (("drain_s", scenario.drain_s), ("ledger_s", scenario.ledger_s)):
        if seconds < 0:
            raise Invalid("must not be negative", on=f"{scenario.name}.{name}", seen=str(seconds))
    _check_known([(scenario.canary.slug, "canary")], slugs, scenario, noun="tenant")
    began = [(slug, "began.tenants") for slug in scenario.began.tenants]
    _check_known(began, slugs, scenario, noun="tenant")


def _check_releases(scenario: "Scenario") -> None:
    if not scenario.releases:
        raise Invalid("has no releases", on=f"{scenario.name}.releases")
    _check_unique([sha.short for sha in scenario.releases.values()], f"{scenario.name}.releases")
    _check_known(_named_releases(scenario), scenario.releases, scenario, noun="release")


def _named_releases(scenario: "Scenario") -> Iterator[tuple[str, str]]:
    """Every release that something names, and what names it."""
    yield from ((push.release, f"pushes[{n}]") for n, push in enumerate(scenario.pushes))
    yield from ((job.release, f"jobs.{job.name}") for job in scenario.jobs)
    yield from ((name, "parents") for name in scenario.parents)
    yield from ((name, "parents") for name in scenario.parents.values())
    yield from ((name, "unlabelled") for name in scenario.unlabelled)
    yield from ((name, "began.tenants") for name in scenario.began.tenants.values())
    yield from ((name, "began.tags") for name in scenario.began.tags.values())
    for name, where in ((scenario.newest, "newest"), (scenario.began.pointer, "began.pointer")):
        if name:
            yield name, where
    if scenario.recorded is not None:
        yield from ((name, "recorded.tenants") for name in scenario.recorded.tenants.values())
        if scenario.recorded.pointer:
            yield scenario.recorded.pointer, "recorded.pointer"


def _check_order_of_releases(scenario: "Scenario") -> None:
    listed = list(scenario.releases)
    for name, parent in scenario.parents.items():
        if listed.index(parent) >= listed.index(name):
            raise Invalid(
                "a release stands after what it descends from",
                on=f"{scenario.name}.parents.{name}",
                seen=parent,
                expected="one that is listed before it",
            )
    first = listed[0]
    if first in scenario.unlabelled:
        raise Invalid(
            "the history begins with the first release, so its commit is known",
            on=f"{scenario.name}.unlabelled",
            seen=first,
        )


def _check_times(scenario: "Scenario") -> None:
    times = [(push.at, f"pushes[{n}].at") for n, push in enumerate(scenario.pushes)]
    for job in scenario.jobs:
        times += [(job.starts, f"jobs.{job.name}.starts"), (job.killed, f"jobs.{job.name}.killed")]
    times += [(change.at, f"changes[{n}].at") for n, change in enumerate(scenario.changes)]
    for number, fault in enumerate(scenario.faults):
        times += [(fault.at, f"faults[{number}].at"), (fault.until, f"faults[{number}].until")]
    if scenario.recorded is not None:
        events = enumerate(scenario.recorded.events)
        times += [(event.at, f"recorded.events[{n}].at") for n, event in events]
    optional = (".killed", ".until", "].at")
    for text, path in times:
        if text or not (path.endswith(optional) and path.startswith(("jobs", "faults"))):
            instant_of(text, start=scenario.start, on=f"{scenario.name}.{path}")


def _check_jobs(scenario: "Scenario") -> None:
    if not scenario.jobs:
        raise Invalid("has no jobs", on=f"{scenario.name}.jobs")
    _check_unique([job.name for job in scenario.jobs], f"{scenario.name}.jobs")
    for job in scenario.jobs:
        path = f"{scenario.name}.jobs.{job.name}"
        _translated(
            partial(JobId, run=job.run or job.name, attempt=job.attempt, nonce=job.name), path
        )
        durations = {
            "landing_s": job.landing_s,
            "answer_s": job.answer_s,
            "promote_s": job.promote_s,
        }
        for name, seconds in durations.items():
            if seconds < 0:
                raise Invalid("must not be negative", on=f"{path}.{name}", seen=str(seconds))
        if job.killed and scenario.at_s(job.killed) <= scenario.at_s(job.starts):
            raise Invalid("is killed before it starts", on=path, seen=job.killed)


def _check_changes(scenario: "Scenario") -> None:
    for number, change in enumerate(scenario.changes):
        path = f"{scenario.name}.changes[{number}]"
        subjects, values = _choices(scenario, change)
        for text, allowed, name in (
            (change.subject, subjects, "subject"),
            (change.value, values, "value"),
        ):
            if allowed is not None and text not in allowed:
                raise Invalid(
                    f"does not fit a change of {change.what}",
                    on=f"{path}.{name}",
                    seen=repr(text),
                    expected=", ".join(repr(one) for one in allowed),
                )
        if change.what is Change.TAG:
            sha = scenario.releases[change.value]
            _translated(partial(Release, sha=sha, tag=change.subject), path)


def _choices(
    scenario: "Scenario", change: ScenarioChange
) -> tuple[Sequence[str] | None, Sequence[str] | None]:
    """What subject and value of a change may be; None is anything."""
    releases = tuple(scenario.releases)
    slugs = tuple(tenant.slug for tenant in scenario.tenants)
    by_kind: dict[Change, tuple[Sequence[str] | None, Sequence[str] | None]] = {
        Change.CI: (releases, tuple(CiWord)),
        Change.IMAGE: (releases, ("",)),
        Change.TENANT: (slugs, tuple(Health)),
        Change.TAG: (None, releases),
        Change.SWITCH: (("",), _SWITCH),
    }
    return by_kind[change.what]


def _check_record(scenario: "Scenario") -> None:
    recorded = scenario.recorded
    if recorded is None:
        return
    slugs = [tenant.slug for tenant in scenario.tenants]
    jobs = [job.name for job in scenario.jobs]
    if recorded.guard not in GUARDS:
        _check_known([(recorded.guard, "recorded.guard")], GUARDS, scenario, noun="guard")
    named = [(slug, "recorded.tenants") for slug in recorded.tenants]
    _check_known(named, slugs, scenario, noun="tenant")
    _check_known([(job, "recorded.jobs") for job in recorded.jobs], jobs, scenario, noun="job")
    colours = [(colour, f"recorded.jobs.{job}") for job, colour in recorded.jobs.items()]
    _check_known(colours, _COLOURS, scenario, noun="end of a job")


def _check_known(
    named: Iterable[tuple[str, str]], known: Iterable[str], scenario: "Scenario", *, noun: str
) -> None:
    listed = tuple(known)
    for name, where in named:
        if name not in listed:
            raise Invalid(
                f"no such {noun}",
                on=f"scenario {scenario.name}, {where}: {name}",
                expected=", ".join(listed),
            )


def _check_unique(names: Sequence[str], path: str) -> None:
    twice = [name for number, name in enumerate(names) if name in names[:number]]
    if twice:
        raise Invalid("stands there twice", on=path, seen=twice[0])


def _translated(build: Callable[[], object], path: str) -> None:
    """Builds a value of the core, whose own checks know nothing of the path."""
    try:
        build()
    except HeadwayError as exc:
        raise Invalid(exc.failed, on=path, seen=exc.seen or exc.on, expected=exc.expected) from exc
