"""Replays a race between containers: each job in one of its own, in the recorded order.

The conductor holds what comes too early. This module must not judge; `race` does, from what the
services have written down.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from release.errors import Unavailable
from simulator.containers.keeping import happening_of
from simulator.direct import virtual_world
from simulator.guards import GUARDS
from simulator.live_jobs import read_outcome
from simulator.properties import JobEnd
from simulator.race import RaceResult, judge
from simulator.scenario import Scenario, load
from simulator.scenario_parts import ScenarioJob
from simulator.setting import found
from tests.support.compose_world import ComposeWorld, compose_world

__all__ = ["race_between_containers"]

_SPEED = 300.0
_REACHES_MAX = 4
_FIRST_PORT = 8082
_OPERATOR_PORT = 8090


@contextmanager
def race_between_containers(
    scenario_name: str, guard_name: str, folder: Path
) -> Iterator[RaceResult]:
    """Runs the scenario's jobs under a guard, in a world of their own.

    That one stays until the verdict is looked at, so that its logs are kept when it is wrong.
    """
    scenario = load(scenario_name)
    ports = {job.name: _FIRST_PORT + number for number, job in enumerate(scenario.jobs)}
    listen = {"world": 8081, **ports, "operator": _OPERATOR_PORT}
    with compose_world(
        f"{scenario_name}-{guard_name}",
        folder,
        tenants=len(scenario.tenants),
        pace={},
        SIM_SCENARIO=scenario_name,
        SIM_SPEED=str(_SPEED),
        SIM_LISTEN=" ".join(["8080", *(f"{actor}={port}" for actor, port in listen.items())]),
    ) as world:
        yield _Race(scenario, guard_name, world).run()


@dataclass(slots=True)
class _Race:
    """One race, and how its jobs have ended so far."""

    scenario: Scenario
    guard_name: str
    world: ComposeWorld
    ends: list[JobEnd] = field(default_factory=list)

    def run(self) -> RaceResult:
        self.world.running.move("race", {"guard": self.guard_name})
        scenario, pushes = self.scenario, list(self.scenario.pushes)
        running: list[Future[None]] = []
        with ThreadPoolExecutor(len(scenario.jobs)) as pool:
            for job in sorted(scenario.jobs, key=lambda job: scenario.at_s(job.starts)):
                starts_s = scenario.at_s(job.starts)
                self._reach(starts_s)
                while pushes and scenario.at_s(pushes[0].at) <= starts_s:
                    sha = scenario.releases[pushes.pop(0).release]
                    self.world.running.move("release", {"sha": str(sha)})
                running.append(pool.submit(self._run_job, job))
            for one in running:
                one.result()
        lost = self.world.running.ask("race")["lost"]
        assert [] == lost, "the recorded order was lost"
        return self._judge()

    def _reach(self, at_s: float) -> None:
        """Waits for an instant of the race, in turns that a request may take."""
        for turn in range(_REACHES_MAX):
            try:
                self.world.running.move("race/reach", {"at_s": at_s})
            except Unavailable:
                if turn == _REACHES_MAX - 1:
                    raise
            else:
                return

    def _run_job(self, job: ScenarioJob) -> None:
        sha = str(self.scenario.releases[job.release])
        is_first = job is self.scenario.jobs[0]
        variables = {"SIM_GUARD": self.guard_name, "SIM_COMMIT": sha}
        service = "job-older" if is_first else "job-newer"
        said = self.world.start_service(service, actor=job.name, **variables).finish()
        # What comes after the end of a job is held until it has left.
        state = self.world.state()
        self.world.running.move("race/leave", {"actor": job.name})
        outcome = read_outcome(self.scenario, job, out=said.out, code=said.code)
        end = JobEnd(
            job=job.name, outcome=outcome, at_s=state["at_s"], happenings=state["happenings"]
        )
        self.ends.append(end)

    def _judge(self) -> RaceResult:
        """Judges what the services have written down as if it had happened in one world."""
        scenario = self.scenario
        _, model = virtual_world(scenario.layout(), epoch=scenario.start)
        found(scenario, model)
        for push in scenario.pushes:
            model.release(str(scenario.releases[push.release]))
        happened = self.world.happenings()
        model.log.happenings[:] = [happening_of(dict(one)) for one in happened]
        ends = tuple(self.ends)
        return judge(scenario, GUARDS[self.guard_name], model, ends=ends, told=())
