"""Judges whether everything is on the release that should be live, part by part and over all.

This module must not look at anything: what was seen comes in, and so does the order of releases.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from release.core.order import Order
from release.core.sighting import Observation
from release.core.values import Sha

__all__ = ["Convergence", "ConvergenceReport", "Part", "judge_part", "merge_sights"]


class Convergence(StrEnum):
    """How an environment, or a part of it, stands to the release that should be live.

    CONVERGED: on exactly that release. BEHIND: on an older one, or nowhere yet; a deploy mends it.
    DIVERGED: on one that no deploy moves it from: newer, denied, or of another history. UNKNOWN: it
    could not be read. HELD: said of the whole alone: a pin, a freeze window, the kill switch or a
    job at work says why nothing else is to be done now.
    """

    CONVERGED = "converged"
    HELD = "held"
    BEHIND = "behind"
    DIVERGED = "diverged"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A tenant, a pointer or the branch: how it stands, and on which release it was seen."""

    name: str
    state: Convergence
    seen: Sha | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvergenceReport:
    """What a check of convergence found, without touching anything.

    target: the release that should be live; None when nothing says which.
    held_by: what holds a deploy back now. at_work: the job that is changing things just now, which
    is looked for only where a part has not converged. doubts: what could not be read beside them.
    """

    environment: str
    target: Sha | None
    mark: Sha | None
    head: Sha | None
    parts: tuple[Part, ...]
    held_by: tuple[str, ...] = ()
    at_work: str = ""
    doubts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def word(self) -> Convergence:
        """The worst that is known for certain; a hold makes `held` of whatever a deploy mends.

        While a job is at work whatever is off is its matter, and it will say how it ended.
        """
        if self.at_work:
            return Convergence.HELD
        if self.has_diverged:
            return Convergence.DIVERGED
        if self.of_state(Convergence.BEHIND) and not self.held_by:
            return Convergence.BEHIND
        if self.of_state(Convergence.UNKNOWN) or self.doubts:
            return Convergence.UNKNOWN
        return Convergence.HELD if self.held_by else Convergence.CONVERGED

    @property
    def exit_code(self) -> int:
        """What the process exits with: 0 when converged or held, else 1."""
        return int(self.word not in {Convergence.CONVERGED, Convergence.HELD})

    @property
    def holds(self) -> tuple[str, ...]:
        """Everything that holds a deploy back, a job at work included."""
        return (*self.held_by, self.at_work) if self.at_work else self.held_by

    @property
    def is_repairable(self) -> bool:
        """Whether a deploy of the target has something to roll, and nothing holds it back."""
        return bool(self.of_state(Convergence.BEHIND)) and not self.holds

    @property
    def has_diverged(self) -> bool:
        """Whether a part is where no deploy moves it from."""
        return bool(self.of_state(Convergence.DIVERGED))

    def of_state(self, state: Convergence) -> tuple[Part, ...]:
        """The parts in this state, in order."""
        return tuple(part for part in self.parts if part.state is state)


def judge_part(name: str, seen: Sha, order: Order, *, is_abandoned: bool) -> Part:
    """Judges a part by how the release that it was seen on stands to the target.

    is_abandoned: a rewritten branch left that release behind, so that it counts as older.
    """
    match order:
        case Order.SAME:
            return Part(name=name, state=Convergence.CONVERGED, seen=seen)
        case Order.OLDER:
            return Part(name=name, state=Convergence.BEHIND, seen=seen, note="older")
        case Order.NEWER:
            note = "newer than what should be live"
            return Part(name=name, state=Convergence.DIVERGED, seen=seen, note=note)
        case Order.DIVERGED | Order.UNKNOWN if is_abandoned:
            note = "left behind by a rewritten branch"
            return Part(name=name, state=Convergence.BEHIND, seen=seen, note=note)
        case Order.DIVERGED:
            return Part(name=name, state=Convergence.DIVERGED, seen=seen, note="another history")
        case Order.UNKNOWN:
            note = "how it stands to the target could not be read"
            return Part(name=name, state=Convergence.UNKNOWN, seen=seen, note=note)
        case _:
            assert_never(order)


def merge_sights(before: Observation, now: Observation) -> Observation:
    """Keeps what two looks at a tenant agree on: a draining tenant answers one thing, then another.

    A look that named no release makes both name none.
    """
    if before.sha is None or now.sha is None or before.sha == now.sha:
        return before if before.sha is None else now
    reason = f"answered {before.sha.short}, then {now.sha.short}"
    return Observation(tenant=now.tenant, sha=None, reason=reason)
