"""What a job knows while it runs, and the two ways in which a stage can leave the page.

This is the one mutable value of the pipeline. It must not await anything: `write`, `effect` and the
other stages do, and note here what they learnt.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from release.core.assignment import Assignment
from release.core.ledger import Effect, Intent, Record
from release.core.order import Order
from release.core.outcome import PointerReport, TenantReport, TenantState, Word
from release.core.settle import Progress
from release.core.sighting import Fencing
from release.core.values import JobId, Release, Sha, Tenant
from release.ports import Event, Ports, Reading

__all__ = ["ClaimLost", "Ended", "Run", "Scope", "names"]


class Ended(Exception):
    """The job is over, with this word for this reason; `pipeline` turns it into an outcome."""

    def __init__(self, word: Word, reason: str, *, by: Sha | None = None) -> None:
        super().__init__(word, reason, by)
        self.word = word
        self.reason = reason
        self.by = by


class ClaimLost(Exception):
    """The record is no longer ours and nobody newer has it: observe and claim again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a verb is about, and so what its outcome reports on."""

    has_tenants: bool = True
    has_pointers: bool = True


@dataclass(slots=True, kw_only=True)
class Run:
    """One job on its way.

    release: the assignment's, with the images once they have been seen.
    reading: the record as this job last read or wrote it.
    epoch: the epoch of this job's claim; None while it holds nothing. fenced_epoch: the last one
        that the fleet's fence was raised to.
    orders: how one release stands to another, as far as it was asked; ancestry does not change.
    written_s: when, on our clock, the last write that was taken began.
    answered: own intents to acknowledge with the next write; the others stay open.
    last_intent: of the effect that was sent last.
    fleet: every tenant that there is. candidates: those of them that this job is about.
    progress: how far each tenant has settled, in the order in which they were first looked at.
    failures: tenants that were given up on, with what was said.
    untouched: what tenants that this job left alone were last seen on.
    repairs: how often each tenant was repaired.
    """

    ports: Ports
    assignment: Assignment
    release: Release
    started_s: float = 0.0
    reading: Reading = field(default_factory=lambda: Reading(record=None, version=None))
    epoch: int | None = None
    fenced_epoch: int | None = None
    orders: dict[tuple[Sha, Sha], Order] = field(default_factory=dict)
    writes: int = 0
    written_s: float = -inf
    intents: int = 0
    answered: set[int] = field(default_factory=set)
    last_intent: Intent | None = None
    has_touched: bool = False
    fleet: tuple[Tenant, ...] = ()
    candidates: tuple[Tenant, ...] = ()
    progress: dict[Tenant, Progress] = field(default_factory=dict)
    failures: dict[Tenant, str] = field(default_factory=dict)
    untouched: dict[Tenant, Sha] = field(default_factory=dict)
    repairs: dict[Tenant, int] = field(default_factory=dict)
    pointers: list[PointerReport] = field(default_factory=list)
    fencing: dict[str, Fencing] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    signal: int = 0
    scope: Scope = field(default_factory=Scope)

    @property
    def job(self) -> JobId:
        """This job's id."""
        return self.assignment.job

    @property
    def record(self) -> Record:
        """The record as last read or written; there must be one."""
        assert self.reading.record is not None, "a stage that needs the record comes after observe"
        return self.reading.record

    @property
    def open_intents(self) -> tuple[Intent, ...]:
        """The intents that still wait for an answer or for their bound, whoever wrote them."""
        return tuple(
            intent
            for intent in self.record.intents
            if intent.job != self.job or intent.number not in self.answered
        )

    @property
    def is_holder(self) -> bool:
        """Whether, as far as this job knows, it holds the record."""
        return self.epoch is not None

    def tell(self, kind: str, text: str, **data: object) -> None:
        """Tells the journal; nothing waits for it."""
        facts = {"job": str(self.job), "release": str(self.release.sha), **data}
        self.ports.journal.tell(Event(kind=kind, text=text, data=facts))

    def warn(self, text: str) -> None:
        """Tells the journal and keeps the warning for the outcome, once."""
        if text not in self.warnings:
            self.warnings.append(text)
            self.tell("warning", text)

    def new_intent(self, effect: Effect, what: str, bound_s: float) -> Intent:
        """Makes the intent of the next effect; it counts only once it is written down."""
        assert self.epoch is not None, "only a holder has effects"
        self.intents += 1
        return Intent(
            job=self.job,
            number=self.intents,
            epoch=self.epoch,
            effect=effect,
            what=what,
            bound_s=bound_s,
        )

    def tenant_reports(self) -> tuple[TenantReport, ...]:
        """How each tenant is left, the untouched ones of the list of candidates included."""
        seen = tuple(self.progress)
        later = tuple(tenant for tenant in self.candidates if tenant not in self.progress)
        return tuple(self._report(tenant) for tenant in (*seen, *later))

    def _report(self, tenant: Tenant) -> TenantReport:
        progress = self.progress.get(tenant)
        if progress is None:
            seen = self.untouched.get(tenant)
            return TenantReport(tenant=tenant, state=TenantState.UNTOUCHED, seen=seen)
        if tenant in self.failures:
            notes = (self.failures[tenant], progress.note if progress.was_asked else "")
            note = "; ".join(dict.fromkeys(part for part in notes if part))
            tolerated = len(self.failures) <= self.assignment.policy.stragglers_max
            state = TenantState.QUARANTINED if tolerated else TenantState.FAILED
            return TenantReport(tenant=tenant, state=state, seen=progress.seen, note=note)
        state = {
            "settled": TenantState.SETTLED,
            "pending": TenantState.UNSETTLED,
            "regressed": TenantState.REGRESSED,
            "overtaken": TenantState.OVERTAKEN,
        }[progress.state]
        return TenantReport(tenant=tenant, state=state, seen=progress.seen, note=progress.note)


def names(tenants: Sequence[Tenant], shown: int = 6) -> str:
    """The tenants as people read them: the first few by name, then how many more."""
    text = ", ".join(tenant.slug for tenant in tenants[:shown])
    return text + (f" and {len(tenants) - shown} more" if len(tenants) > shown else "")
