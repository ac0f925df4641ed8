"""What was seen of a tenant, and how a fleet says what it did: the values that adapters bring back.

This module must not judge: `settle` does.
"""

from dataclasses import dataclass
from enum import StrEnum

from release.core.values import Digest, Pointer, Sha, Tenant

__all__ = [
    "Candidates",
    "Check",
    "Checks",
    "ChecksState",
    "Fencing",
    "Observation",
    "PointerSight",
    "Redeployed",
    "Row",
    "RowState",
]


class Fencing(StrEnum):
    """Where a resource compares the epoch: when the change lands, on arrival, or nowhere."""

    LANDING = "fenced"
    DOOR = "fenced at the door"
    NONE = "unfenced"


class RowState(StrEnum):
    """What the fleet said of one tenant of a redeploy.

    DONE: answered, with every sign of success. FAILED: answered, with a final state that is not
    success. UNANSWERED: no row, no final state, or a cut answer: the effect may still land.
    """

    DONE = "done"
    FAILED = "failed"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the fleet said of one tenant; `note` is for people."""

    tenant: Tenant
    state: RowState
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeployed:
    """The answer to one scoped redeploy: a row for every tenant that was asked for, in order."""

    rows: tuple[Row, ...]
    fencing: Fencing

    @property
    def is_answered(self) -> bool:
        """Whether every tenant has a final state, so that the intent may be acknowledged."""
        return all(row.state is not RowState.UNANSWERED for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The tenants that a redeploy without scope would touch, in the fleet's own order."""

    tenants: tuple[Tenant, ...]
    fencing: Fencing


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one tenant's edge answered once.

    sha: the release it serves; None when the answer names none.
    reason: why there is no sha, such as `HTTP 404, text/html` or `answers 'dev'`.
    is_reachable: whether there was an answer at all.
    """

    tenant: Tenant
    sha: Sha | None
    reason: str = ""
    is_reachable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerSight:
    """Where a pointer points: digest None when the registry proved the tag absent.

    sha: the release of that digest, by the ledger or by our own label; None when nobody knows it.
    """

    pointer: Pointer
    digest: Digest | None
    sha: Sha | None


class ChecksState(StrEnum):
    """What CI says of a commit, over the required contexts alone."""

    GREEN = "green"
    PENDING = "pending"
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The newest status of one required context; `state` is the forge's own word."""

    context: str
    state: str
    verdict: ChecksState


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """The required contexts of a commit, sorted by name."""

    checks: tuple[Check, ...]

    @property
    def state(self) -> ChecksState:
        """Red as soon as one is red, green only when all are; nothing required is green."""
        verdicts = {check.verdict for check in self.checks}
        for worst in (ChecksState.RED, ChecksState.PENDING):
            if worst in verdicts:
                return worst
        return ChecksState.GREEN
