"""Two jobs under one guard in virtual time: the older release, the newer one, and what goes wrong.

This module must not decide what is right; the simulator's promises do.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from release.core.assignment import Assignment
from release.core.policy import Policy
from release.core.values import JobId
from release.pipeline import LEDGER_INIT, run_job, start
from release.ports import Ports
from simulator.direct import JobSetup, direct_ports
from simulator.faults import FaultKind
from simulator.guards import GUARDS
from simulator.line import Patience
from simulator.properties import Course, JobEnd, check_promises
from simulator.scheduler import Job
from tests.support.virtual import BASE, NEWER, OLDER, Setting

__all__ = ["Duel"]

_PATIENT = JobSetup(patience=Patience(effect_s=3000.0, read_s=3000.0))
_SHAS = {"older": OLDER, "newer": NEWER}


@dataclass(slots=True)
class Duel:
    """The tenants acme, globex and initech on BASE, and a guard; the first use is declared.

    Instants are virtual seconds since then. Both releases are on the branch from the beginning,
    unless `push_newer` says otherwise.
    """

    guard: str
    setting: Setting = field(default_factory=Setting.make)
    ends: list[JobEnd] = field(default_factory=list)
    began_s: float = 0.0

    def __post_init__(self) -> None:
        assignment = self.assignment("operator", "older", is_first_use=True)
        init = run_job(start(assignment, self.ports("operator")), LEDGER_INIT)
        self.setting.run(init)
        self.began_s = self.setting.scheduler.now_s

    def push_newer(self, at_s: float) -> None:
        """Leaves the branch on the older release until that instant."""
        forge, branch = self.setting.world.forge, self.setting.world.layout.branch
        forge.push(branch, OLDER)
        self.at(at_s, lambda: forge.push(branch, NEWER))

    def at(self, at_s: float, function: Callable[[], None]) -> None:
        """Lets something happen at an instant."""
        self.setting.scheduler.call_at(self.began_s + at_s, function)

    def fault(self, kind: FaultKind, operation: str, *, actor: str = "older", **how: Any) -> None:  # noqa: ANN401 - fields of FaultRule
        """Has one call of a job go wrong."""
        self.setting.fault(kind, operation=operation, actor=actor, **({"times": 1} | how))

    def assignment(self, job: str, release: str, *, run: str = "", **orders: Any) -> Assignment:  # noqa: ANN401 - fields of Assignment
        """The orders of a job."""
        return Assignment(
            environment="production",
            job=JobId(run=run or job, attempt=1, nonce=job),
            release=self.setting.release(_SHAS[release]),
            policy=Policy(batch_size=2),
            repositories=self.setting.world.layout.repositories,
            **orders,
        )

    def ports(self, actor: str) -> Ports:
        """The ports of a job that waits for every answer."""
        setting = self.setting
        return direct_ports(
            setting.world, setting.scheduler, actor=actor, ledger=setting.ledger, setup=_PATIENT
        )

    def start(self, job: str, *, at_s: float, release: str = "", run: str = "") -> Job[None]:
        """Starts a job under the guard; it deploys the release of its own name."""
        orders = self.assignment(job, release or job, run=run)
        deploy = self._deploy(job, orders)
        return self.setting.scheduler.spawn(job, deploy, at_s=self.began_s + at_s)

    def broken(self) -> tuple[str, ...]:
        """Plays to the end; the promises that were broken, each once, sorted."""
        self.setting.scheduler.run()
        world = self.setting.world
        pointers = [
            f"{repository}:{world.layout.pointer_tag}" for repository in world.layout.repositories
        ]
        course = Course(
            forge=world.forge,
            began=dict.fromkeys([*world.fleet.tenants, *pointers], BASE),
            newest=NEWER,
            happenings=tuple(world.log.happenings),
            ends=tuple(self.ends),
        )
        return tuple(sorted({breach.promise[:2] for breach in check_promises(course)}))

    def words(self) -> dict[str, str]:
        """How each job ended."""
        return {end.job: end.outcome.word.value for end in self.ends}

    async def _deploy(self, job: str, orders: Assignment) -> None:
        outcome = await GUARDS[self.guard].deploy(orders, self.ports(job))
        world = self.setting.world
        now_s, count = world.clock.reading_s(), len(world.log.happenings)
        self.ends.append(JobEnd(job=job, outcome=outcome, at_s=now_s, happenings=count))
