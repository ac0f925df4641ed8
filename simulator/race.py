"""Replays a scenario in virtual time, under one guard at a time, and judges what came of it.

This module must not print; `report` does.
"""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from release.core.outcome import Outcome
from release.core.policy import Policy
from release.core.values import JobId
from release.pipeline import LEDGER_INIT, run_job, start
from release.ports import Ports
from simulator.direct import JobSetup, Told, direct_ports, virtual_world
from simulator.guards import GUARDS, SHIPPED, Guard
from simulator.hand_verbs import resume, roll_back
from simulator.line import Patience
from simulator.properties import Breach, Course, JobEnd, check_promises
from simulator.scenario import Scenario
from simulator.scenario_parts import JobVerb, ScenarioJob
from simulator.scheduler import Job, Scheduler
from simulator.setting import arrange, found
from simulator.sim_ledger import LedgerStore
from simulator.world import World

__all__ = ["RaceResult", "colour", "guard_then", "judge", "run_race"]

_PATIENCE = Patience(effect_s=300.0)
"""The recorded calls took up to a minute and a half; nobody hung up on them."""

_WAITS = "waits"
_KILLED = "killed"
_RESUMED = "resumed"


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
    def colours(self) -> Mapping[str, str]:
        """What CI shows of each job, in the scenario's order: also `killed` and `waits`."""
        ended = {end.job: colour(end.outcome) for end in self.ends}
        waiting = dict.fromkeys(self.course.waiting, _WAITS)
        named = [job.name for job in self.scenario.jobs]
        return {name: ended.get(name) or waiting.get(name, _KILLED) for name in named}

    @property
    def words(self) -> Mapping[str, str]:
        """How each job ended in a word, in the scenario's order: also `killed` and `waits`."""
        ended = {end.job: end.outcome.word.value for end in self.ends}
        resumed = {name: _RESUMED for name in self.course.resumes if self.colours[name] == "green"}
        return {**self.colours, **ended, **resumed}

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
        return self.scenario.pointer

    @property
    def is_kept(self) -> bool:
        """Whether every promise was kept."""
        return not self.breaches

    @property
    def is_recorded(self) -> bool:
        """Whether this is the guard that was in force, whose end was written down."""
        is_written = self.scenario.recorded is not None
        return is_written and guard_then(self.scenario) == self.guard.name


def guard_then(scenario: Scenario) -> str:
    """The guard that was in force; the shipped one where nobody recorded any."""
    recorded = scenario.recorded
    return GUARDS[recorded.guard].name if recorded else SHIPPED


def run_race(scenario: Scenario, guard_name: str, policy: Policy | None = None) -> RaceResult:
    """Replays the scenario under a guard; the same arguments always give the same result.

    policy: of its jobs, in the place of the recorded one.
    """
    scheduler, world = virtual_world(scenario.layout(), epoch=scenario.start)
    race = _Race(
        scenario=scenario,
        guard=GUARDS[guard_name],
        policy=policy,
        scheduler=scheduler,
        world=world,
        ledger=LedgerStore.empty(world),
    )
    return race.run()


@dataclass(slots=True, kw_only=True)
class _Race:
    """One scenario under one guard while it runs."""

    scenario: Scenario
    guard: Guard
    policy: Policy | None
    scheduler: Scheduler
    world: World
    ledger: LedgerStore
    told: list[Told] = field(default_factory=list)
    ends: list[JobEnd] = field(default_factory=list)

    def run(self) -> RaceResult:
        scenario = self.scenario
        found(scenario, self.world)
        self._spawn_first_use()
        arrange(scenario, self.world, self.scheduler.call_at)
        spawned = {job.name: self._spawn(job) for job in scenario.jobs}
        self.scheduler.run(until_s=scenario.until_s())
        waiting = tuple(name for name, job in spawned.items() if not job.is_done)
        for job in spawned.values():
            if job.error is not None:
                raise job.error
        self.scheduler.close()
        return judge(
            scenario,
            self.guard,
            self.world,
            ends=tuple(self.ends),
            told=tuple(self.told),
            waiting=waiting,
        )

    def _spawn_first_use(self) -> None:
        """Declares the first use, which the documentation puts before the first deploy."""
        scenario = self.scenario
        first = replace(
            scenario.assignment(scenario.jobs[0]),
            is_first_use=True,
            job=JobId(run="operator", attempt=1, nonce="first-use"),
        )
        ports = direct_ports(self.world, self.scheduler, actor="operator", ledger=self.ledger)
        self.scheduler.spawn("operator", run_job(start(first, ports), LEDGER_INIT))

    def _spawn(self, job: ScenarioJob) -> Job[None]:
        ports = direct_ports(
            self.world,
            self.scheduler,
            actor=job.name,
            ledger=self.ledger,
            setup=JobSetup(patience=_PATIENCE, told=self.told, epoch=self.scenario.start),
        )
        starts_s = self.scenario.at_s(job.starts)
        spawned = self.scheduler.spawn(job.name, self._run_job(job, ports), at_s=starts_s)
        if job.killed:
            self.scheduler.call_at(self.scenario.at_s(job.killed), spawned.kill)
        return spawned

    async def _run_job(self, job: ScenarioJob, ports: Ports) -> None:
        outcome = await self._start(job, ports)
        now_s, count = self.world.clock.reading_s(), len(self.world.log.happenings)
        self.ends.append(JobEnd(job=job.name, outcome=outcome, at_s=now_s, happenings=count))

    def _start(self, job: ScenarioJob, ports: Ports) -> Awaitable[Outcome]:
        assignment = self.scenario.assignment(job, self.policy)
        is_shipped = self.guard.name == SHIPPED
        match job.verb:
            case JobVerb.DEPLOY:
                return self.guard.deploy(assignment, ports)
            case JobVerb.ROLLBACK:
                return roll_back(assignment, ports, is_shipped=is_shipped)
            case JobVerb.RESUME:
                return resume(assignment, ports, is_shipped=is_shipped)
            case _:
                assert_never(job.verb)


def judge(  # noqa: PLR0913 - a world, and what its jobs left behind
    scenario: Scenario,
    guard: Guard,
    world: World,
    *,
    ends: tuple[JobEnd, ...],
    told: tuple[Told, ...],
    waiting: tuple[str, ...] = (),
) -> RaceResult:
    """Checks the promises on a world in which the race is over, and holds it to the record.

    waiting: the jobs that had not ended by then.
    """
    by_verb = {
        verb: frozenset(job.name for job in scenario.jobs if job.verb is verb) for verb in JobVerb
    }
    course = Course(
        forge=world.forge,
        began=scenario.began_on(),
        newest=scenario.newest_sha,
        happenings=tuple(world.log.happenings),
        ends=ends,
        waiting=waiting,
        rollbacks=by_verb[JobVerb.ROLLBACK],
        resumes=by_verb[JobVerb.RESUME],
        is_healthy=scenario.is_healthy,
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


def _departures(result: RaceResult) -> Iterator[str]:
    """Says where the end is not the recorded one; only the guard of the day is held to it."""
    scenario, recorded = result.scenario, result.scenario.recorded
    if recorded is None or not result.is_recorded:
        return
    seen = {**result.tenants, "the pointer": result.pointer}
    expected = dict(recorded.tenants)
    if recorded.pointer:
        expected["the pointer"] = recorded.pointer
    for subject, name in expected.items():
        if scenario.name_of(seen.get(subject)) != name:
            yield f"{subject} ended on {scenario.name_of(seen.get(subject))}, recorded {name}"
    for job, recorded_colour in recorded.jobs.items():
        if result.colours[job] != recorded_colour:
            yield f"job {job} ended {result.colours[job]}, recorded {recorded_colour}"
