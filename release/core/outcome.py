"""How a job ended, as one value; `render` turns it into text.

This module must not print or exit; whoever has the outcome asks it for its exit code.
"""

from dataclasses import dataclass
from enum import StrEnum

from release.core.values import JobId, Pointer, Release, Sha, Tenant

__all__ = ["Outcome", "PointerReport", "ResourceFencing", "TenantReport", "TenantState", "Word"]

_SUCCESS = 0
_FAILURE = 1


class Word(StrEnum):
    """The first word of every outcome, and what CI sees as `outcome=`.

    Exit 0: DEPLOYED (rolled, settled, promoted), REDEPLOYED (rolled and settled; the pointers are
    another step's), VERIFIED (nothing to do), SUPERSEDED, HELD (only before the first effect).
    Exit 1: FAILED, STOPPED, REGRESSED, EXHAUSTED (a budget is spent), REFUSED (CI is red),
    UNAVAILABLE (the ledger or the switch could not be read). CANCELLED: 128 and the signal.
    """

    DEPLOYED = "deployed"
    REDEPLOYED = "redeployed"
    VERIFIED = "verified"
    SUPERSEDED = "superseded"
    HELD = "held"
    FAILED = "failed"
    STOPPED = "stopped"
    REGRESSED = "regressed"
    EXHAUSTED = "exhausted"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    CANCELLED = "cancelled"


_GOOD = frozenset({Word.DEPLOYED, Word.REDEPLOYED, Word.VERIFIED, Word.HELD})


class TenantState(StrEnum):
    """How a job leaves a tenant."""

    SETTLED = "settled"
    QUARANTINED = "quarantined"
    UNSETTLED = "unsettled"
    FAILED = "failed"
    REGRESSED = "regressed"
    OVERTAKEN = "overtaken"
    UNTOUCHED = "untouched"


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantReport:
    """How one tenant was left; `seen` is the last release that it named."""

    tenant: Tenant
    state: TenantState
    seen: Sha | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerReport:
    """How one pointer was left: whether it was read back on the release, and else why not."""

    pointer: Pointer
    is_right: bool
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceFencing:
    """How one resource guards itself against an older epoch, in the words of `Fencing`."""

    resource: str
    fencing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a job ended.

    reason: one sentence without a full stop.
    by: the release that overtook us, when the word is `superseded`.
    epoch: the epoch of the last claim; None when nothing was claimed.
    has_touched: whether this job sent an effect. is_rollback: whether it went back on purpose.
    signal: the number of the signal that cancelled the job, else zero.
    """

    word: Word
    environment: str
    release: Release
    job: JobId
    reason: str
    epoch: int | None = None
    by: Sha | None = None
    tenants: tuple[TenantReport, ...] = ()
    pointers: tuple[PointerReport, ...] = ()
    fencing: tuple[ResourceFencing, ...] = ()
    warnings: tuple[str, ...] = ()
    has_touched: bool = False
    is_unguarded: bool = False
    is_rollback: bool = False
    signal: int = 0
    superseded_exit_code: int = _SUCCESS

    @property
    def exit_code(self) -> int:
        """What the process exits with."""
        if self.word is Word.SUPERSEDED:
            return self.superseded_exit_code
        if self.word is Word.CANCELLED:
            return 128 + self.signal
        return _SUCCESS if self.word in _GOOD else _FAILURE

    @property
    def is_success(self) -> bool:
        """Whether the release is live as far as this job was asked to bring it."""
        return self.word in {Word.DEPLOYED, Word.REDEPLOYED, Word.VERIFIED}

    def tenants_in(self, state: TenantState) -> tuple[TenantReport, ...]:
        """The tenants that were left in this state, in order."""
        return tuple(report for report in self.tenants if report.state is state)
