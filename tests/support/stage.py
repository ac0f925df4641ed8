"""The stage of the scenarios: releases, tenants and jobs by name, on a world in virtual time.

Jobs run the pipeline's own code over direct ports. This module must not decide what is right;
the scenarios and the simulator's properties do.
"""

from collections.abc import Callable, Coroutine
from dataclasses import fields, replace
from typing import Any, TypeVar

from release.core.assignment import Assignment
from release.core.ledger import Pin, PinKind
from release.core.policy import OnNewer, Policy, SupersededBy
from release.core.values import JobId, Release, Sha, Tenant
from release.pipeline import DEPLOY, LEDGER_INIT, run_job, start
from release.stages.run import Run
from simulator.clock import EPOCH
from simulator.direct import JobSetup, direct_ports, virtual_world
from simulator.faults import FaultKind, FaultRule, Service
from simulator.properties import JobEnd
from simulator.scheduler import Job, StepsExhausted
from simulator.tenants import Health
from simulator.world import Layout
from tests.support.audience import Actor, Audience

__all__ = ["SIGTERM", "Stage"]

T = TypeVar("T")

SIGTERM = 15
_POLICY = frozenset(one.name for one in fields(Policy))
_LEDGER = frozenset({"changed", "read", "swap"})


class Stage(Audience):
    """A fleet `t1`, `t2`, ... and its pointers, all on the release `base`, and jobs to come.

    Instants are virtual seconds since the curtain rose. is_declared: whether the first use of the
    ledger was declared. settings: policy of every job, where it is not the protocol's default.
    """

    def __init__(
        self,
        tenants: int = 3,
        *,
        repositories: tuple[str, ...] = ("app",),
        is_declared: bool = True,
        **settings: Any,  # noqa: ANN401 - fields of Policy
    ) -> None:
        super().__init__(*virtual_world(Layout(repositories=repositories)))
        self.settings = settings
        self.world.found(self.sha("base"), [f"t{number + 1}" for number in range(tenants)])
        if is_declared:
            self.start("first use", "base", LEDGER_INIT, is_first_use=True, confirmations=1)
            self.run()
            self._ends.clear()

    # ------------------------------------------------------------------ what the play needs

    def push(self, name: str, *, at_s: float = 0.0, ci: str = "success", **how: Any) -> None:  # noqa: ANN401 - parents, as `World.release` takes them
        """Pushes a release on top of the branch: CI reports, images are there at once."""
        sha = self.sha(name)
        self.at(at_s, lambda: self.world.release(sha, ci_state=ci, **how))

    def at(self, at_s: float, function: Callable[[], object]) -> None:
        """Lets something happen at an instant; the present one has it happen at once."""

        def happen() -> None:
            function()

        if at_s <= self.now_s:
            happen()
        else:
            self.scheduler.call_at(at_s, happen)

    def hide_image(self, release: str, repository: str = "app") -> None:
        """Takes the tag of a release's image away, as before its build is done."""
        tag = self.world.layout.image_tag(self.sha(release))
        self.world.registry.repositories[repository].tags[tag].write(None, self.now_s)

    def publish(self, release: str, *, at_s: float = 0.0) -> None:
        """Publishes the images of a release."""
        self.at(at_s, lambda: self.world.publish(self.sha(release)))

    def slow_down(self, **latency_s: float) -> None:
        """Makes every call of these services take so long before it is acted on."""
        for name, seconds in latency_s.items():
            self.world.latency_s[Service(name)] = seconds

    def fault(self, kind: str, operation: str, subject: str = "*", **how: Any) -> int:  # noqa: ANN401 - fields of FaultRule
        """Puts a fault in force, for one call unless `times` says otherwise; returns its number.

        subject: `*t2*` for calls that name tenant t2. The ledger's operations are read, swap and
        changed; all other operations are of the service that has them.
        """
        chosen: dict[str, Any] = {"times": 1, "subject": subject, **how}
        if operation in _LEDGER:
            chosen["service"] = Service.LEDGER
        rule = FaultRule(kind=FaultKind(kind), operation=operation, **chosen)
        return self.world.faults.add(rule)

    def report_ci(self, release: str, state: str) -> None:
        """Has CI report every required context of a release."""
        self.world.report_ci(self.sha(release), state)

    def switch(self, text: str) -> None:
        """Sets the kill switch."""
        self.world.forge.set_variable(self.world.layout.switch, text)

    def behave(self, tenant: str, health: Health, *, at_s: float = 0.0, **how: float) -> None:
        """Makes a tenant behave so from an instant on."""
        self.at(at_s, lambda: self.world.set_health(tenant, health, **how))

    def move_tenant(self, tenant: str, release: str, *, at_s: float = 0.0) -> None:
        """Puts a tenant onto a release behind everybody's back."""
        self.at(at_s, lambda: self.world.fleet.add([tenant], self.sha(release)))

    def move_pointer(self, release: str, repository: str = "app", *, at_s: float = 0.0) -> None:
        """Moves a pointer behind everybody's back."""
        layout = self.world.layout
        tag = layout.image_tag(self.sha(release))
        registry = self.world.registry
        self.at(at_s, lambda: registry.retag(repository, layout.pointer_tag, tag))

    def put_everything_on(self, release: str) -> None:
        """Puts every tenant and every pointer onto a release behind everybody's back."""
        for tenant in self.world.fleet.tenants:
            self.move_tenant(tenant, release)
        for repository in self.world.layout.repositories:
            self.move_pointer(release, repository)

    def strip_labels(self) -> None:
        """Takes our label off every image, so that only the ledger knows its release."""
        for repository in self.world.registry.repositories.values():
            repository.blobs.clear()

    def raise_mark(self, release: str) -> None:
        """Raises the ledger's mark behind everybody's back."""
        self.edit(mark=Sha(self.sha(release)))

    def lose_record(self) -> None:
        """Loses the ledger's record."""
        self.ledger.write(None, actor="operator")

    def pin(self, reason: str = "hands off", *, kind: PinKind = PinKind.PIN, **how: Any) -> None:  # noqa: ANN401 - fields of Pin
        """Sets a pin behind everybody's back, as another desk does."""
        self.edit(pin=Pin(kind=kind, reason=reason, by="ada", at=EPOCH, **how))

    def edit(self, **changes: Any) -> None:  # noqa: ANN401 - fields of Record
        """Changes the ledger's record behind everybody's back."""
        self.ledger.write(replace(self.record, **changes), actor="operator")

    def keep_writing(self, *, since_s: float = 0.0, until_s: float) -> None:
        """Has somebody write the record anew every half second, which changes its version alone."""
        for half in range(int((until_s - since_s) * 2)):
            self.at(max(since_s + half / 2, self.now_s), self.edit)

    # ------------------------------------------------------------------ the jobs

    def start(
        self,
        job: str,
        release: str,
        stages: Any = DEPLOY,  # noqa: ANN401 - a verb of `release.pipeline`
        *,
        at_s: float = 0.0,
        **orders: Any,  # noqa: ANN401 - fields of Policy and of Assignment
    ) -> None:
        """Starts a job; `run_id` and `attempt` name its CI run, by default one of its own.

        ledger: of another store than everybody's. setup: of its ports.
        """
        settings = {key: orders.pop(key) for key in _POLICY & set(orders)}
        policy = _policy(self.settings | settings)
        sha = Sha(self.sha(release))
        identity = JobId(
            run=orders.pop("run_id", job.replace(" ", "-")),
            attempt=orders.pop("attempt", 1),
            nonce=str(len(self._actors)),
        )
        ledger = orders.pop("ledger", self.ledger)
        setup = replace(orders.pop("setup", JobSetup()), told=self.told)
        assignment = Assignment(
            environment="production",
            job=identity,
            release=Release(sha=sha, tag=f"staging-{sha.short}"),
            policy=policy,
            repositories=self.world.layout.repositories,
            only=tuple(Tenant(slug) for slug in orders.pop("only", ())),
            **orders,
        )
        ports = direct_ports(self.world, self.scheduler, actor=job, ledger=ledger, setup=setup)
        run = start(assignment, ports)
        spawned = self.scheduler.spawn(
            job, self._play(job, run, stages), at_s=max(at_s, self.now_s)
        )
        self._actors[job] = Actor(run=run, job=spawned)

    def act(self, who: str, verb: Callable[[Run], Coroutine[Any, Any, str]]) -> None:
        """Lets a person use a verb of the desk, now; `said` has the answer."""
        self._spoken[who] = self.ask(who, verb)

    def ask(
        self,
        who: str,
        verb: Callable[[Run], Coroutine[Any, Any, T]],
        release: str = "base",
        **orders: Any,  # noqa: ANN401 - as in `start`
    ) -> Job[T]:
        """Lets somebody use a verb that is no tuple of stages, now; its result has the answer."""
        self.start(who, release, (), **orders)
        self._actors[who].job.kill()
        return self.scheduler.spawn(who, verb(self._actors[who].run))

    async def _play(self, job: str, run: Run, stages: Any) -> None:  # noqa: ANN401 - as in `start`
        outcome = await run_job(run, stages)
        count = len(self.world.log.happenings)
        self._ends.append(JobEnd(job=job, outcome=outcome, at_s=self.now_s, happenings=count))

    def run(self, until_s: float | None = None) -> None:
        """Plays until nothing is left to happen, or until an instant."""
        self.scheduler.run(until_s=until_s)

    def run_steps(self, steps: int) -> bool:
        """Plays so many steps of the scheduler; False when nothing is left to happen before."""
        try:
            self.scheduler.run(steps_max=steps)
        except StepsExhausted:
            return True
        return False

    def run_until_call(self, job: str, operation: str, count: int = 1) -> None:
        """Plays up to the very step in which a job makes its call of that number."""
        while len(self.calls(job, operation)) < count:
            assert self.run_steps(1), f"{job} never made such a call: {operation} {count}"

    def kill(self, job: str, *, at_s: float = 0.0) -> None:
        """Ends a job as SIGKILL does; its requests in flight go on."""
        self.at(at_s, self._actors[job].job.kill)

    def signal(self, job: str, *, at_s: float = 0.0) -> None:
        """Sends a job its first SIGTERM."""

        def cancel() -> None:
            self._actors[job].run.signal = SIGTERM
            self._actors[job].job.cancel()

        self.at(at_s, cancel)


def _policy(settings: dict[str, Any]) -> Policy:
    readers: dict[str, Callable[[Any], Any]] = {
        "canary": lambda slugs: tuple(Tenant(slug) for slug in slugs),
        "on_newer": OnNewer,
        "superseded_by": SupersededBy,
    }
    read = {key: readers[key](value) for key, value in settings.items() if key in readers}
    return Policy(**(settings | read))
