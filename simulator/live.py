"""Runs a race live: each job a real process against the simulator on sockets, in a held order.

The order of landings, claims and ends is taken from the same race in virtual time, and the
simulator holds each request until what came before it has happened; so the machine's own speed
changes nothing. This module must not judge; `race` does, from the world's log.
"""

import asyncio
import os
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from release.errors import Unavailable
from simulator.choices import Choices
from simulator.clock import LoopClock
from simulator.cues import CueScript, cues_of
from simulator.direct import Told
from simulator.git_host import GitHost
from simulator.guards import GUARDS
from simulator.job_config import Address, write_config
from simulator.live_jobs import (
    deploy_command,
    invoke_command,
    pace_of,
    read_journal,
    read_outcome,
)
from simulator.properties import JobEnd
from simulator.race import RaceResult, judge, run_race
from simulator.scenario import Scenario
from simulator.scenario_parts import ScenarioJob
from simulator.served import edge_of, git_of
from simulator.setting import found
from simulator.sockets import Faces, FacesSetup
from simulator.world import World

__all__ = ["run_live"]

_SPEED = 60.0
_HOLD_MAX_S = 45.0
"""How long, on the machine's clock, a request may be held; less than a job waits for an answer."""

_JOB_MAX_S = 180.0
_ROOT = Path(__file__).resolve().parents[__name__.count(".")]
"""The folder that our topmost package lies in."""

_OPERATOR = "operator"
_CI_VARIABLES = ("GITHUB_", "GITEA_", "GITLAB_", "CI_", "HEADWAY_")


def run_live(scenario: Scenario, guard_name: str, *, speed: float | None = None) -> RaceResult:
    """Runs the scenario's jobs as processes under a guard; the verdict is that of virtual time.

    speed: how many recorded seconds pass in one of the machine; it shortens waits alone.
    Raises Unavailable when a job does not end, or the recorded order could not be kept.
    """
    with tempfile.TemporaryDirectory(prefix="headway-race-") as folder:
        race = _LiveRace(scenario, guard_name, speed=speed or _SPEED, folder=Path(folder))
        return asyncio.run(race.run())


@dataclass(slots=True)
class _LiveRace:
    """One race: its world, its order, and what its jobs have said so far."""

    scenario: Scenario
    guard_name: str
    speed: float
    folder: Path
    ends: list[JobEnd] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)

    async def run(self) -> RaceResult:
        scenario = self.scenario
        clock = LoopClock(epoch=scenario.start, speed=self.speed)
        began = datetime.now(UTC)
        world = World(clock, Choices(), scenario.layout())
        found(scenario, world)
        names = [job.name for job in scenario.jobs]
        order = cues_of(run_race(scenario, self.guard_name).course)
        script = CueScript(world, order, hold_max_s=_HOLD_MAX_S * self.speed)
        repository = self.folder / "git" / f"{world.layout.forge_repository}.git"
        repository.parent.mkdir(parents=True)
        git = _LedgerRepository(world, repository)
        await git.create()
        async with Faces(world, FacesSetup(actors=(*names, _OPERATOR), git=git)) as faces:
            await self._declare_first_use(faces)
            world.script = script
            await self._run_jobs(faces, script)
        if script.lost:
            raise Unavailable("the recorded order was lost", on=scenario.name, seen=script.lost[0])
        self._read_journals(began)
        guard = GUARDS[self.guard_name]
        ends, told = tuple(self.ends), tuple(sorted(self.told, key=lambda one: one.at_s))
        return judge(scenario, guard, world, ends=ends, told=told)

    async def _declare_first_use(self, faces: Faces) -> None:
        config = self._write_config(faces, _OPERATOR)
        reply = await _run_process(invoke_command("ledger-init", config))
        if reply.code:
            raise Unavailable("ledger-init failed", on=self.scenario.name, seen=reply.last_words)

    async def _run_jobs(self, faces: Faces, script: CueScript) -> None:
        """Pushes and starts jobs in the recorded order, each once what came before has happened."""
        scenario, running = self.scenario, []
        pushes = list(scenario.pushes)
        for job in sorted(scenario.jobs, key=lambda job: scenario.at_s(job.starts)):
            starts_s = scenario.at_s(job.starts)
            await script.reach(starts_s)
            while pushes and scenario.at_s(pushes[0].at) <= starts_s:
                faces.world.release(str(scenario.releases[pushes.pop(0).release]))
            running.append(asyncio.create_task(self._run_job(job, faces, script)))
        await asyncio.gather(*running)

    async def _run_job(self, job: ScenarioJob, faces: Faces, script: CueScript) -> None:
        config = self._write_config(faces, job.name)
        sha = self.scenario.releases[job.release]
        reply = await _run_process(deploy_command(self.guard_name, config, str(sha)))
        script.leave(job.name)
        world = faces.world
        world.advance()
        if not reply.out.strip():
            raise Unavailable("printed nothing", on=f"job {job.name}", seen=reply.last_words)
        outcome = read_outcome(self.scenario, job, out=reply.out, code=reply.code)
        count = len(world.log.happenings)
        now_s = world.clock.reading_s()
        self.ends.append(JobEnd(job=job.name, outcome=outcome, at_s=now_s, happenings=count))

    def _write_config(self, faces: Faces, actor: str) -> Path:
        layout, tokens, url = faces.world.layout, faces.setup.tokens, faces.url(actor)
        address = Address(
            url=url,
            edge=edge_of(url),
            git=git_of(url, layout.forge_repository),
            environment=layout.environment,
            branch=layout.branch,
            forge_repository=layout.forge_repository,
            repositories=layout.repositories,
            promoted_tag=layout.pointer_tag,
            registry_user=tokens.registry_user,
            tokens={
                "forge": tokens.forge,
                "fleet": tokens.control_plane,
                "registry": tokens.registry_password,
            },
        )
        return write_config(self.folder / actor, address, pace_of(self.scenario, self.speed))

    def _read_journals(self, began: datetime) -> None:
        for job in self.scenario.jobs:
            path = self.folder / job.name / "journal.jsonl"
            if path.exists():
                text = path.read_text("utf-8")
                self.told += read_journal(text, job.name, began=began, speed=self.speed)


class _LedgerRepository(GitHost):
    """A repository for the ledger alone: the recorded commits can't be made anew in git."""

    async def take_pushes(self, *, actor: str) -> None:
        """Makes no release of what was pushed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """What a process printed, and how it left."""

    code: int
    out: str
    err: str

    @property
    def last_words(self) -> str:
        return (self.err.strip() or self.out.strip())[-500:]


async def _run_process(command: list[str]) -> _Reply:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_CI_VARIABLES)}
    kept.pop("CI", None)
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**kept, "PYTHONPATH": str(_ROOT)},
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), _JOB_MAX_S)
    except TimeoutError as exc:
        process.kill()
        await process.wait()
        raise Unavailable("a job did not end", on=command[-1], seen=f"{_JOB_MAX_S} s") from exc
    assert process.returncode is not None, "communicate waits for the end"
    return _Reply(
        code=process.returncode, out=out.decode(errors="replace"), err=err.decode(errors="replace")
    )
