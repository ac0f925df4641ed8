"""What an audience sees of a play on the stage: outcomes, the record, the world, by their names.

This module must not change anything; `stage` sets the scene and starts the jobs.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256

from release.core.ledger import Record
from release.core.outcome import Outcome
from release.core.render import as_sentence
from release.core.values import JobId
from release.stages.run import Run
from simulator.direct import Told
from simulator.faults import Call
from simulator.happenings import Kind
from simulator.properties import Course, JobEnd, check_promises
from simulator.scheduler import Job, Scheduler
from simulator.sim_ledger import LedgerStore
from simulator.wire import Phase
from simulator.world import World

__all__ = ["Actor", "Audience", "Witness"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A job on the stage: what it knows, and how it goes."""

    run: Run
    job: Job[None]


class Witness:
    """A script that holds nothing and writes down who called whom when."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.calls: list[tuple[float, Call]] = []
        self._scheduler = scheduler

    async def hold(self, call: Call, phase: Phase) -> None:
        """Lets every call go on."""
        if phase is Phase.REQUEST:
            self.calls.append((self._scheduler.now_s, call))


class Audience:
    """Sees everything and remembers it under the names of the play."""

    def __init__(self, scheduler: Scheduler, world: World) -> None:
        self.scheduler = scheduler
        self.world = world
        self.ledger = LedgerStore.empty(world)
        self.told = list[Told]()
        self._actors: dict[str, Actor] = {}
        self._names: dict[str, str] = {}
        self._spoken: dict[str, Job[str]] = {}
        self._ends: list[JobEnd] = []
        self._witness = world.script = Witness(scheduler)

    def sha(self, name: str) -> str:
        """The commit of a release; the same name is always the same commit."""
        sha = sha256(name.encode()).hexdigest()[:40]
        self._names[sha] = name
        return sha

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

    def job_id(self, job: str) -> JobId:
        """The id that a job goes by in the ledger."""
        return self._actors[job].run.job

    def run_of(self, job: str) -> Run:
        """What a job knows, for a person's verb to go on with."""
        return self._actors[job].run

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

    def said(self, who: str) -> str:
        """What a verb of the desk answered."""
        return self.named(self._spoken[who].result())

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

    def all_hear(self, kind: str) -> list[str]:
        """What all jobs told their journals of this kind, in the order of time."""
        return [self.named(one.event.text) for one in self.told if one.event.kind == kind]

    def all_claims(self) -> list[tuple[float, str]]:
        """When who claimed, in the order of time."""
        return [(one.at_s, one.actor) for one in self.told if one.event.kind == "claimed"]

    def story(self, *kinds: Kind, since: str) -> list[str]:
        """What happened of these kinds since a release was pushed, a line each."""
        log = self.world.log
        pushed = next(one for one in log.of_kind(Kind.PUSHED) if one.after == self.sha(since))
        return [
            self.named(f"{one.kind} {one.subject} {one.note}")
            for one in log.of_kind(*kinds)
            if one.index > pushed.index
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
