"""Runs a push storm in virtual time: a push every so often, and for each one a job as CI starts it.

The jobs run the shipped pipeline. This module must not measure or judge; `storm_figures` does.
"""

from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

from release.core.assignment import Assignment
from release.core.policy import Policy
from release.core.values import JobId, Release, Sha
from release.errors import Invalid
from release.pipeline import DEPLOY, LEDGER_INIT, run_job, start
from release.ports import Ports
from simulator.direct import direct_ports, virtual_world
from simulator.faults import Service
from simulator.properties import Course, JobEnd
from simulator.scheduler import Job, Scheduler
from simulator.sim_ledger import LedgerStore
from simulator.tenants import Lag
from simulator.world import World

__all__ = ["BASE", "Pace", "Storm", "StormRun", "run_storm"]

BASE = 0
"""The number of the release that everything is on before the first push."""

_STEPS_MAX = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long everything takes that is not the pipeline, in seconds.

    ci_s: from a push until CI reports and the image is there. landing_s, answer_s: from a request
    to redeploy until its tenants are switched, and until it is answered. drain_s: for how long a
    switched tenant still answers with the release before. ledger_s: each call of the ledger.
    service_s: each call of the forge, the registry and the control plane.
    """

    ci_s: float = 120.0
    landing_s: float = 15.0
    answer_s: float = 20.0
    drain_s: float = 5.0
    ledger_s: float = 0.5
    service_s: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """A branch that is pushed to again and again, and the fleet behind it.

    every_s: seconds between two pushes. pushes: how many there are, numbered from 1.
    red: the numbers of those whose CI fails.
    """

    every_s: float
    pushes: int
    red: frozenset[int] = frozenset()
    tenants: int = 7
    pace: Pace = field(default_factory=Pace)

    def __post_init__(self) -> None:
        if self.pushes < 1 or not self.every_s > 0:
            raise Invalid(
                "no such storm",
                seen=f"{self.pushes} pushes, one every {self.every_s:g} s",
                expected="at least one push, and time between them",
            )

    def sha(self, number: int) -> str:
        """The commit of a push, or of `BASE`."""
        return sha256(f"push {number}".encode()).hexdigest()[:40]

    @property
    def greens(self) -> tuple[int, ...]:
        """The numbers of the pushes whose CI passes, the oldest first."""
        return tuple(number for number in range(1, self.pushes + 1) if number not in self.red)


@dataclass(frozen=True, slots=True, kw_only=True)
class StormRun:
    """What came of a storm under a policy.

    began_s: the instant of the first push. pointer: as the log names it.
    course: what happened from then on, and how the jobs ended.
    """

    storm: Storm
    policy: Policy
    began_s: float
    pointer: str
    course: Course

    def pushed_s(self, number: int) -> float:
        """The instant of a push."""
        return self.began_s + (number - 1) * self.storm.every_s

    def tested_s(self, number: int) -> float:
        """The instant at which CI reports on a push."""
        return self.pushed_s(number) + self.storm.pace.ci_s


def run_storm(storm: Storm, policy: Policy | None = None) -> StormRun:
    """Runs a storm until all its jobs have ended; the same arguments always give the same result.

    Raises what a job raised, which none should.
    """
    scheduler, world = virtual_world()
    ledger = LedgerStore.empty(world)
    running = _Running(
        storm=storm,
        policy=policy or Policy(),
        scheduler=scheduler,
        world=world,
        ledger=ledger,
    )
    return running.run()


@dataclass(slots=True, kw_only=True)
class _Running:
    """One storm while it runs."""

    storm: Storm
    policy: Policy
    scheduler: Scheduler
    world: World
    ledger: LedgerStore
    jobs: list[Job[None]] = field(default_factory=list)
    ends: list[JobEnd] = field(default_factory=list)

    def run(self) -> StormRun:
        self._set_scene()
        began_s = self.scheduler.now_s
        for number in range(1, self.storm.pushes + 1):
            at_s = began_s + (number - 1) * self.storm.every_s
            self.scheduler.call_at(at_s, partial(self._push, number))
            self.scheduler.call_at(at_s + self.storm.pace.ci_s, partial(self._report, number))
        self.scheduler.run(steps_max=_STEPS_MAX)
        for job in self.jobs:
            job.result()
        pointer = f"{self.world.layout.repositories[0]}:{self.world.layout.pointer_tag}"
        course = Course(
            forge=self.world.forge,
            began=dict.fromkeys((*self.world.fleet.tenants, pointer), self.storm.sha(BASE)),
            newest=self.storm.sha(max(self.storm.greens, default=BASE)),
            happenings=tuple(self.world.log.happenings),
            ends=tuple(self.ends),
        )
        return StormRun(
            storm=self.storm, policy=self.policy, began_s=began_s, pointer=pointer, course=course
        )

    def _set_scene(self) -> None:
        """Brings the fleet onto one release, declares the first use and lets it come to rest."""
        pace, slugs = self.storm.pace, [f"t{one + 1}" for one in range(self.storm.tenants)]
        self.world.found(self.storm.sha(BASE), slugs, lag=Lag.fixed(pace.drain_s))
        self.world.latency_s |= dict.fromkeys(Service, pace.service_s)
        self.world.latency_s[Service.LEDGER] = pace.ledger_s
        self.world.control_plane.timing.landing_s = pace.landing_s
        self.world.control_plane.timing.answer_s = pace.answer_s
        first = self._assignment(BASE, is_first_use=True)
        created = self.scheduler.spawn(
            "operator", run_job(start(first, self._ports("operator")), LEDGER_INIT)
        )
        self.scheduler.run()
        created.result()
        # What brought the world here is no part of what happens in it.
        self.world.log.happenings.clear()

    def _push(self, number: int) -> None:
        """Pushes one commit, and starts its job, which waits for CI by itself."""
        sha, branch = self.storm.sha(number), self.world.layout.branch
        self.world.forge.add_commit(sha, [self.storm.sha(number - 1)])
        self.world.forge.push(branch, sha)
        self.world.report_ci(sha, "pending")
        self.jobs.append(self.scheduler.spawn(f"job {number}", self._run_job(number)))

    def _report(self, number: int) -> None:
        """Has CI finish with a commit: it reports, and the image is there."""
        self.world.publish(self.storm.sha(number))
        state = "failure" if number in self.storm.red else "success"
        self.world.report_ci(self.storm.sha(number), state)

    async def _run_job(self, number: int) -> None:
        name = f"job {number}"
        outcome = await run_job(start(self._assignment(number), self._ports(name)), DEPLOY)
        count = len(self.world.log.happenings)
        self.ends.append(
            JobEnd(job=name, outcome=outcome, at_s=self.scheduler.now_s, happenings=count)
        )

    def _assignment(self, number: int, *, is_first_use: bool = False) -> Assignment:
        sha = self.storm.sha(number)
        return Assignment(
            environment=self.world.layout.environment,
            job=JobId(run=str(number), attempt=1, nonce="storm"),
            release=Release(sha=Sha(sha), tag=self.world.layout.image_tag(sha)),
            policy=self.policy,
            repositories=self.world.layout.repositories,
            promoted_tag=self.world.layout.pointer_tag,
            is_first_use=is_first_use,
        )

    def _ports(self, actor: str) -> Ports:
        return direct_ports(self.world, self.scheduler, actor=actor, ledger=self.ledger)
