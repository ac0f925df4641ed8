"""Replays a scenario in virtual time, under one guard at a time, and judges what came of it.

This module must not print; `report` does.
"""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from release.core.outcome import Outcome
from release.core.policy import Policy
from release.core.values import JobId
from release.pipeline import LEDGER_INIT, run_job, start
from simulator.direct import JobSetup, Told, direct_ports, virtual_world
from simulator.guards import GUARDS, Guard
from simulator.line import Patience
from simulator.properties import Breach, Course, JobEnd, check_promises
from simulator.scenario import Scenario, ScenarioJob, found
from simulator.scheduler import Scheduler
from simulator.sim_ledger import LedgerStore
from simulator.world import World

__all__ = ["RaceResult", "colour", "judge", "run_race"]

_PATIENCE = Patience(effect_s=300.0)
"""The recorded calls took up to a minute and a half; nobody hung up on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceResult:
    """What came of one scenario under one guard.

    told: what the jobs told their journals, in order of time.
    departures: where the end is not the one that was recorded; empty also without a record.
    """

    scenario: Scenario
    guard: Guard
    course: Course
    breaches: tuple[Breach, ...]
    told: tuple[Told, ...]
    departures: tuple[str, ...]

    @property
    def ends(self) -> Sequence[JobEnd]:
        """How the jobs ended, in the order in which they did."""
        return self.course.ends

    @property
    def tenants(self) -> Mapping[str, str]:
        """The release of each tenant at the end, by slug."""
        live = self.course.live()
        return {tenant.slug: live[tenant.slug] for tenant in self.scenario.tenants}

    @property
    def pointer(self) -> str:
        """The release that the promoted tag names at the end."""
        return self.course.live()[self.pointer_name]

    @property
    def pointer_name(self) -> str:
        """The pointer as the log names it, such as `platform:latest`."""
        return _pointer(self.scenario)

    @property
    def is_kept(self) -> bool:
        """Whether every promise was kept."""
        return not self.breaches


def run_race(scenario: Scenario, guard_name: str, policy: Policy | None = None) -> RaceResult:
    """Replays the scenario under a guard; the same arguments always give the same result.

    policy: of its jobs, in the place of the recorded one.
    """
    guard = GUARDS[guard_name]
    scheduler, world = virtual_world(scenario.layout(), epoch=scenario.start)
    found(scenario, world)
    ledger, told, ends = LedgerStore.empty(world), list[Told](), list[JobEnd]()
    _spawn_first_use(scenario, world, scheduler, ledger)
    for push in scenario.pushes:
        sha = str(scenario.releases[push.release])
        scheduler.call_at(scenario.at_s(push.at), partial(world.release, sha))
    for job in scenario.jobs:
        ports = direct_ports(
            world,
            scheduler,
            actor=job.name,
            ledger=ledger,
            setup=JobSetup(patience=_PATIENCE, told=told),
        )
        running = _run(guard.deploy(scenario.assignment(job, policy), ports), job, world, ends)
        scheduler.spawn(job.name, running, at_s=scenario.at_s(job.starts))
    scheduler.run()
    return judge(scenario, guard, world, ends=tuple(ends), told=tuple(told))


def judge(
    scenario: Scenario,
    guard: Guard,
    world: World,
    *,
    ends: tuple[JobEnd, ...],
    told: tuple[Told, ...],
) -> RaceResult:
    """Checks the promises on a world in which every job has ended, and holds it to the record."""
    releases = [str(sha) for sha in scenario.releases.values()]
    course = Course(
        forge=world.forge,
        began=dict.fromkeys([*world.fleet.tenants, _pointer(scenario)], releases[0]),
        newest=releases[-1],
        happenings=tuple(world.log.happenings),
        ends=ends,
    )
    result = RaceResult(
        scenario=scenario,
        guard=guard,
        course=course,
        breaches=check_promises(course),
        told=told,
        departures=(),
    )
    return replace(result, departures=tuple(_departures(result)))


def colour(outcome: Outcome) -> str:
    """The colour that CI shows."""
    return "red" if outcome.exit_code else "green"


def _spawn_first_use(
    scenario: Scenario, world: World, scheduler: Scheduler, ledger: LedgerStore
) -> None:
    """Declares the first use, which the documentation puts before the first deploy."""
    first = replace(scenario.assignment(scenario.jobs[0]), is_first_use=True)
    operator = replace(first, job=JobId(run="operator", attempt=1, nonce="first-use"))
    ports = direct_ports(world, scheduler, actor="operator", ledger=ledger)
    scheduler.spawn("operator", run_job(start(operator, ports), LEDGER_INIT))


async def _run(
    deploy: Awaitable[Outcome], job: ScenarioJob, world: World, ends: list[JobEnd]
) -> None:
    outcome = await deploy
    now_s, count = world.clock.reading_s(), len(world.log.happenings)
    ends.append(JobEnd(job=job.name, outcome=outcome, at_s=now_s, happenings=count))


def _departures(result: RaceResult) -> Iterator[str]:
    """Says where the end is not the recorded one; only the guard of the day is held to it."""
    scenario, recorded = result.scenario, result.scenario.recorded
    if recorded is None or recorded.guard != result.guard.name:
        return
    ends = {end.job: colour(end.outcome) for end in result.ends}
    seen = {**result.tenants, "the pointer": result.pointer}
    expected = {**recorded.tenants, "the pointer": recorded.pointer}
    for subject, name in expected.items():
        if scenario.name_of(seen.get(subject)) != name:
            yield f"{subject} ended on {scenario.name_of(seen.get(subject))}, recorded {name}"
    for job, recorded_colour in recorded.jobs.items():
        if ends.get(job) != recorded_colour:
            yield f"job {job} ended {ends.get(job)}, recorded {recorded_colour}"


def _pointer(scenario: Scenario) -> str:
    return f"{scenario.repository}:{scenario.promoted_tag}"
