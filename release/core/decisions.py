"""What a job may find itself told by the ledger: one small value for each answer.

This module must not decide: `claim` and `standing` return these, `stages` act on them.
"""

from dataclasses import dataclass

from release.core.ledger import Holder
from release.core.order import Order
from release.core.values import Sha

__all__ = [
    "Await",
    "ClaimAgain",
    "ClaimDecision",
    "Held",
    "Impossible",
    "Overtaken",
    "Proceed",
    "Queue",
    "Standing",
    "StillOurs",
    "Stopped",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proceed:
    """Nothing is in the way: swap the claim in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillOurs:
    """The record is ours and nothing that matters changed: recompute and swap again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaken:
    """A newer release owns the environment: end `superseded`, naming it."""

    by: Sha
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A pin or the deny-list is in the way, and this job has had no effect yet."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A pin, a rollback or a steal came after this job's first effect."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Await:
    """Another attempt of the same release holds the record or is next: wait for the holder."""

    holder: Holder


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """An older release holds the record and finishes first: wait as its `next`."""

    holder: Holder


@dataclass(frozen=True, slots=True, kw_only=True)
class Impossible:
    """How we stand to the mark allows no claim at all: diverged, or unknown."""

    order: Order
    mark: Sha


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAgain:
    """Nobody newer took the record from us: go back to the claim, which waits and then verifies."""

    reason: str


ClaimDecision = Proceed | Overtaken | Held | Await | Queue | Impossible
Standing = StillOurs | Overtaken | Held | Stopped | ClaimAgain
