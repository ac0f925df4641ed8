"""Builds the world in which a scenario begins, and lets happen in it what is not a job.

This module must not start a job; `race` and `live` do.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import assert_never

from simulator.faults import FaultKind, FaultRule, Service
from simulator.scenario import Scenario
from simulator.scenario_parts import Change, ScenarioChange, ScenarioFault, ScenarioJob
from simulator.tenants import Health, Lag
from simulator.world import World

__all__ = ["arrange", "found"]

_BEFORE = "world"


def found(scenario: Scenario, world: World) -> None:
    """Brings a new world to where the scenario begins.

    Every commit is known to the forge from the start; the branch is on the first release, and a
    release that is never pushed has its image and a green CI already. Redeploys take each job's
    recorded time.
    """
    first = str(scenario.releases[scenario.first])
    world.found(first, [tenant.slug for tenant in scenario.tenants])
    _add_releases(scenario, world)
    began = scenario.began_on()
    for slug, sha in began.items():
        if slug in world.fleet.tenants and sha != first:
            world.fleet.add([slug], sha)
            tag = world.layout.image_tag(sha)
            world.fleet.tenants[slug].image = f"{scenario.repository}:{tag}"
    tags = {scenario.promoted_tag: began[scenario.pointer]} | {
        tag: str(scenario.releases[name]) for tag, name in scenario.began.tags.items()
    }
    for tag, sha in tags.items():
        if tag != scenario.promoted_tag or sha != first:
            _retag(scenario, world, tag, sha)
    for tenant in scenario.tenants:
        world.set_lag(tenant.slug, Lag.fixed(scenario.drain_s))
    world.latency_s[Service.LEDGER] = scenario.ledger_s
    world.fleet.has_inspection = scenario.has_inspection
    world.control_plane.fence_kind = scenario.fence
    _set_pace(scenario, world)
    for fault in scenario.faults:
        if not fault.at and not fault.until:
            world.faults.add(fault.rule)
    # What brought the world here is no part of what happens in it.
    world.log.happenings.clear()


def arrange(
    scenario: Scenario, world: World, call_at: Callable[[float, Callable[[], None]], None]
) -> None:
    """Has every push, change and timed fault happen at its instant, by `call_at`."""
    for push in scenario.pushes:
        sha = str(scenario.releases[push.release])

        def happen(sha: str = sha, ci: str = push.ci.value, *, has: bool = push.has_image) -> None:
            world.forge.push(world.layout.branch, sha)
            world.report_ci(sha, ci)
            if has:
                world.publish(sha)

        call_at(scenario.at_s(push.at), happen)
    for change in scenario.changes:
        call_at(scenario.at_s(change.at), partial(_change, scenario, world, change))
    for fault in scenario.faults:
        if fault.at or fault.until:
            _arrange_fault(scenario, world, fault, call_at)


def _add_releases(scenario: Scenario, world: World) -> None:
    began = {*scenario.began.tenants.values(), *scenario.began.tags.values()}
    later = {push.release for push in scenario.pushes} - began - {scenario.began.pointer}
    before = scenario.first
    for name, sha in scenario.releases.items():
        if name == scenario.first:
            continue
        if name in scenario.unlabelled:
            tag = world.layout.image_tag(str(sha))
            world.registry.publish(scenario.repository, tag, None)
            continue
        parent = scenario.parents.get(name, before)
        world.forge.add_commit(str(sha), [str(scenario.releases[parent])])
        before = name
        if name not in later:
            world.report_ci(str(sha), "success")
            world.publish(str(sha))


def _retag(scenario: Scenario, world: World, tag: str, sha: str) -> None:
    """Moves a tag; one that names what is yet to be built gets the image of the release first."""
    if world.registry.find(scenario.repository, world.layout.image_tag(sha)) is None:
        world.publish(sha)
    reference = world.layout.image_tag(sha)
    world.registry.retag(scenario.repository, tag, reference, actor=_BEFORE)


def _change(scenario: Scenario, world: World, change: ScenarioChange) -> None:
    match change.what:
        case Change.CI:
            world.report_ci(str(scenario.releases[change.subject]), change.value)
        case Change.IMAGE:
            world.publish(str(scenario.releases[change.subject]))
        case Change.TENANT:
            world.set_health(change.subject, Health(change.value))
        case Change.TAG:
            _retag(scenario, world, change.subject, str(scenario.releases[change.value]))
        case Change.SWITCH:
            world.forge.set_variable(world.layout.switch, change.value)
        case _:
            assert_never(change.what)


def _arrange_fault(
    scenario: Scenario,
    world: World,
    fault: ScenarioFault,
    call_at: Callable[[float, Callable[[], None]], None],
) -> None:
    numbers: list[int] = []

    def begin() -> None:
        numbers.append(world.faults.add(fault.rule))

    def end() -> None:
        for number in numbers:
            world.faults.remove(number)

    call_at(scenario.at_s(fault.at) if fault.at else 0.0, begin)
    if fault.until:
        call_at(scenario.at_s(fault.until), end)


def _set_pace(scenario: Scenario, world: World) -> None:
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
        rule = FaultRule(kind=FaultKind.DELAY, operation=operation, actor=job.name)
        world.faults.add(replace(rule, before_s=before_s, after_s=after_s))
