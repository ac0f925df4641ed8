"""What the verbs that touch nothing have to say: whether superseded, what would happen, what is.

This module must not print; `render` and the tasks do.
"""

from dataclasses import dataclass

from release.core.ledger import Record
from release.core.outcome import Word
from release.core.plan import Batch
from release.core.sighting import Checks, Fencing, Observation, PointerSight
from release.core.values import Release, Sha, Tenant

__all__ = ["Forecast", "Status", "SupersededReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SupersededReport:
    """Whether a release is superseded: `by` names the newer one, None when it is still the latest.

    head and mark: what was read on the branch and in the ledger; None when there is none, or when
    it could not be read, which `warnings` then say.
    """

    release: Release
    by: Sha | None
    head: Sha | None
    mark: Sha | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a deploy would do now, found out without touching anything or raising a fence.

    would_end: the outcome of a deploy if nothing changed and every step went well.
    obstacles: what stands in the way, in the order in which the deploy would meet it.
    """

    release: Release
    environment: str
    would_end: Word
    obstacles: tuple[str, ...]
    checks: Checks
    candidates: tuple[Tenant, ...]
    on_target: tuple[Tenant, ...]
    batches: tuple[Batch, ...]
    observations: tuple[Observation, ...]
    pointers: tuple[PointerSight, ...]
    fencing: Fencing
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is there now: the branch, the ledger's record, every tenant and every pointer."""

    environment: str
    head: Sha | None
    record: Record | None
    observations: tuple[Observation, ...]
    pointers: tuple[PointerSight, ...]
    warnings: tuple[str, ...] = ()
