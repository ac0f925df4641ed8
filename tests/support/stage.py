"""The stage of the scenarios: releases, tenants and jobs by name, on a world in virtual time.

Jobs run the pipeline's own code over direct ports. This module must not decide what is right;
the scenarios and the simulator's properties do.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any

from release.core.assignment import Assignment
from release.core.ledger import Pin, PinKind, Record
from release.core.outcome import Outcome
from release.core.policy import OnNewer, Policy, SupersededBy
from release.core.render import as_sentence
from release.core.values import JobId, Release, Sha, Tenant
from release.pipeline import DEPLOY, LEDGER_INIT, run_job, start
from release.stages.run import Run
from simulator.clock import EPOCH
from simulator.direct import JobSetup, Told, direct_ports, virtual_world
from simulator.faults import Call, FaultKind, FaultRule, Service
from simulator.happenings import Kind
from simulator.properties import Course, JobEnd, check_promises
from simulator.scheduler import Job, Scheduler, StepsExhausted
from simulator.sim_ledger import LedgerStore
from simulator.wire import Phase
from simulator.world import Layout

__all__ = ["SIGTERM", "Stage"]

SIGTERM = 15
_POLICY = frozenset(one.name for one in fields(Policy))
_LEDGER = frozenset({"changed", "read", "swap"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Actor:
    """A job on the stage: what it knows, and how it goes."""

    run: Run
    job: Job[None]


class _Witness:
    """A script that holds nothing and writes down who called whom when."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.calls: list[tuple[float, Call]] = []
        self._scheduler = scheduler

    async def hold(self, call: Call, phase: Phase) -> None:
        """Lets every call go on."""
        if phase is Phase.REQUEST:
            self.calls.append((self._scheduler.now_s, call))


class Stage:
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
        self.scheduler, self.world = virtual_world(Layout(repositories=repositories))
        self.told: list[Told] = []
        self.settings = settings
        self.slugs = tuple(f"t{number + 1}" for number in range(tenants))
        self._actors: dict[str, _Actor] = {}
        self._names: dict[str, str] = {}
        self._ends: list[JobEnd] = []
        self._witness = self.world.script = _Witness(self.scheduler)
        self.world.found(self.sha("base"), self.slugs)
        self.ledger = LedgerStore.empty(self.world)
        if is_declared:
            self.start("first use", "base", LEDGER_INIT, is_first_use=True, confirmations=1)
            self.run()
            self._ends.clear()

    # ------------------------------------------------------------------ what the play needs

    def sha(self, name: str) -> str:
        """The commit of a release; the same name is always the same commit."""
        sha = sha256(name.encode()).hexdigest()[:40]
        self._names[sha] = name
        return sha

    def push(self, name: str, *, at_s: float = 0.0, ci: str = "success", **how: Any) -> None:  # noqa: ANN401 - parents, as `World.release` takes them
        """Pushes a release on top of the branch: CI reports, images are there at once."""
        sha = self.sha(name)
        self.at(at_s, lambda: self.world.release(sha, ci_state=ci, **how))

    def at(self, at_s: float, function: Callable[[], object]) -> None:
        """Lets something happen at an instant; the present one has it happen at once."""
        if at_s <= self.now_s:
            function()
        else:
            self.scheduler.call_at(at_s, lambda: (function(), None)[1])

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

    def pin(self, reason: str = "hands off", *, kind: PinKind = PinKind.PIN, **how: Any) -> None:  # noqa: ANN401 - fields of Pin
        """Sets a pin behind everybody's back, as another desk does."""
        self.edit(pin=Pin(kind=kind, reason=reason, by="ada", at=EPOCH, **how))

    def edit(self, **changes: Any) -> None:  # noqa: ANN401 - fields of Record
        """Changes the ledger's record behind everybody's back."""
        self.ledger.write(replace(self.record, **changes), actor="operator")

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
        self._actors[job] = _Actor(run=run, job=spawned)

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

    def kill(self, job: str, *, at_s: float = 0.0) -> None:
        """Ends a job as SIGKILL does; its requests in flight go on."""
        self.at(at_s, self._actors[job].job.kill)

    def signal(self, job: str, *, at_s: float = 0.0) -> None:
        """Sends a job its first SIGTERM."""

        def cancel() -> None:
            self._actors[job].run.signal = SIGTERM
            self._actors[job].job.cancel()

        self.at(at_s, cancel)

    # ------------------------------------------------------------------ what is to be seen

    @property
    def now_s(self) -> float:
        """The instant."""
        return self.scheduler.now_s

    @property
    def record(self) -> Record:
        """The ledger's record, as it is stored now."""
        record = self.ledger.cell.value.record
        assert record is not None, "the ledger has no record"
        return record

    @property
    def mark(self) -> str:
        """The release that the record's mark is on."""
        return self.named(str(self.record.mark))

    def named(self, text: str) -> str:
        """The text with every commit, also a shortened one, under its name."""
        for sha, name in self._names.items():
            text = text.replace(sha, name).replace(sha[:7], name)
        return text

    def outcome(self, job: str) -> Outcome:
        """How a job ended; raises what it raised, if it did not end as it should."""
        self._actors[job].job.result()
        return next(end.outcome for end in self._ends if end.job == job)

    def word(self, job: str) -> str:
        """The first word of a job's outcome."""
        return self.outcome(job).word.value

    def reason(self, job: str) -> str:
        """The reason of a job's outcome."""
        return self.named(self.outcome(job).reason)

    def sentence(self, job: str) -> str:
        """The last line that a job prints."""
        return self.named(as_sentence(self.outcome(job)))

    def warnings(self, job: str) -> str:
        """All warnings of a job, a line each."""
        return self.named("\n".join(self.outcome(job).warnings))

    def reports(self, job: str) -> dict[str, str]:
        """How the outcome of a job lists each tenant: its state and the last release it named."""
        return {
            one.tenant.slug: self.named(f"{one.state} {one.seen}")
            for one in self.outcome(job).tenants
        }

    def ended_at_s(self, job: str) -> float:
        """When a job ended."""
        return next(end.at_s for end in self._ends if end.job == job)

    def hears(self, job: str, *kinds: str) -> list[tuple[float, str]]:
        """What a job told its journal of these kinds, and when."""
        return [
            (one.at_s, self.named(one.event.text))
            for one in self.told
            if one.actor == job and one.event.kind in kinds
        ]

    def calls(self, job: str, operation: str, subject: str = "*") -> list[float]:
        """The instants at which a job made such calls."""
        return [
            at_s
            for at_s, call in self._witness.calls
            if (call.actor, call.operation) == (job, operation)
            and fnmatchcase(self.named(call.subject), subject)
        ]

    def happened(self, *kinds: Kind) -> list[tuple[float, str, str]]:
        """What happened of these kinds: when, and to what, and in the end how."""
        return [
            (one.at_s, self.named(one.subject), self.named(one.after or one.note))
            for one in self.world.log.of_kind(*kinds)
        ]

    def landings(self, job: str = "*") -> list[str]:
        """Which tenants were switched to what, in order, by everybody or by one job."""
        return [
            self.named(f"{one.subject} {one.after}")
            for one in self.world.log.of_kind(Kind.LANDED)
            if job in {"*", one.actor}
        ]

    def serving(self) -> dict[str, str]:
        """The release of every tenant and every pointer."""
        tenants = {slug: self.named(str(sha)) for slug, sha in self.world.serving().items()}
        tag = self.world.layout.pointer_tag
        pointers = {
            f"{name}:{tag}": self.named(str(self.world.pointer(name)))
            for name in self.world.layout.repositories
        }
        return tenants | pointers

    def assert_serving(self, release: str) -> None:
        """Every tenant and every pointer is on the release."""
        serving = self.serving()

        assert dict.fromkeys(serving, release) == serving

    def assert_promises(self, newest: str) -> None:
        """No promise was broken, the newest release is live everywhere, and no job crashed."""
        for actor in self._actors.values():
            if actor.job.error is not None:
                raise actor.job.error
        began = dict.fromkeys(self.serving(), self.sha("base"))
        course = Course(
            forge=self.world.forge,
            began=began,
            newest=self.sha(newest),
            happenings=tuple(self.world.log.happenings),
            ends=tuple(self._ends),
        )

        breaches = check_promises(course)

        assert breaches == ()


def _policy(settings: dict[str, Any]) -> Policy:
    kinds: dict[str, Callable[[Any], object]] = {
        "canary": lambda slugs: tuple(Tenant(slug) for slug in slugs),
        "on_newer": OnNewer,
        "superseded_by": SupersededBy,
    }
    return Policy(**{key: kinds.get(key, lambda one: one)(one) for key, one in settings.items()})
