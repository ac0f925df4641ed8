"""Judges whether tenants have settled on a release, from what their edges answered one by one.

A single answer proves nothing: a tenant whose container was just swapped goes on answering from the
old one while that drains. This module must not poll or wait; `stages/settle.py` does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from release.core.order import Order, Orders
from release.core.sighting import Observation
from release.core.values import Sha, Tenant

__all__ = ["Progress", "SettleState", "Settling"]


_NOT_ASKED = "not asked yet"


class SettleState(StrEnum):
    """How far a tenant is on its way to the release.

    PENDING: not yet seen on it often enough, or no longer. SETTLED: seen on it `confirmations`
    times in a row. REGRESSED: seen on an older release after it had settled; an answer without a
    release, or with one of unknown order, is no proof of that. OVERTAKEN: seen on a newer release.
    """

    PENDING = "pending"
    SETTLED = "settled"
    REGRESSED = "regressed"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What has been seen of one tenant so far.

    streak: how many times in a row it has now reported exactly the release.
    seen: the last release that it named; None while it has named none.
    note: why its last answer did not count; empty when it did.
    has_settled: whether it ever had, also when it was unreachable since.
    """

    tenant: Tenant
    state: SettleState = SettleState.PENDING
    streak: int = 0
    seen: Sha | None = None
    note: str = _NOT_ASKED
    has_settled: bool = False

    @property
    def was_asked(self) -> bool:
        """Whether an answer of the tenant, or the absence of one, has been judged."""
        return self.note != _NOT_ASKED

    def judge(
        self,
        observation: Observation,
        orders: Orders,
        confirmations: int,
        *,
        heeds_newer: bool = True,
    ) -> "Progress":
        """Takes one more answer into account; `orders` is how OUR release stands to its sha.

        heeds_newer: whether a newer release overtakes us; to a rollback it is what it rolls back.
        """
        sha = observation.sha
        if sha is None:
            return self._step(SettleState.PENDING, self.seen, _describe_unnamed(observation))
        match orders.get(sha, Order.UNKNOWN):
            case Order.SAME:
                return self._confirm(sha, confirmations)
            case Order.OLDER if not heeds_newer:
                state = SettleState.REGRESSED if self.has_settled else SettleState.PENDING
                return self._step(state, sha, f"still serves the newer {sha.short}")
            case Order.OLDER:
                return self._step(SettleState.OVERTAKEN, sha, f"serves the newer {sha.short}")
            case Order.NEWER:
                state = SettleState.REGRESSED if self.has_settled else SettleState.PENDING
                return self._step(state, sha, f"serves the older {sha.short}")
            case (Order.DIVERGED | Order.UNKNOWN) as order:
                note = f"serves {sha.short}, to which ours is {order}"
                return self._step(SettleState.PENDING, sha, note)
            case order:
                assert_never(order)

    def _confirm(self, sha: Sha, confirmations: int) -> "Progress":
        streak = self.streak + 1
        is_settled = streak >= confirmations
        return replace(
            self,
            state=SettleState.SETTLED if is_settled else SettleState.PENDING,
            streak=streak,
            seen=sha,
            note="",
            has_settled=self.has_settled or is_settled,
        )

    def _step(self, state: SettleState, seen: Sha | None, note: str) -> "Progress":
        return replace(self, state=state, streak=0, seen=seen, note=note)


def _describe_unnamed(observation: Observation) -> str:
    """Says why an answer, or its absence, named no release."""
    reason = observation.reason
    if observation.is_reachable:
        return reason or "names no release"
    return f"unreachable: {reason}" if reason else "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """The progress of several tenants, in the order in which they were asked for."""

    tenants: tuple[Progress, ...]
    confirmations: int
    heeds_newer: bool = True

    @classmethod
    def start(cls, tenants: Iterable[Tenant], confirmations: int) -> "Settling":
        """Begins with nothing seen."""
        progress = tuple(Progress(tenant=tenant) for tenant in tenants)
        return cls(tenants=progress, confirmations=confirmations)

    def judge(self, observations: Iterable[Observation], orders: Orders) -> "Settling":
        """Takes one round of answers into account; tenants without one stay as they are."""
        by_tenant = {observation.tenant: observation for observation in observations}
        judged = tuple(
            progress.judge(
                by_tenant[progress.tenant],
                orders,
                self.confirmations,
                heeds_newer=self.heeds_newer,
            )
            if progress.tenant in by_tenant
            else progress
            for progress in self.tenants
        )
        return replace(self, tenants=judged)

    def of_state(self, *states: SettleState) -> tuple[Progress, ...]:
        """The tenants in any of these states, in order."""
        return tuple(progress for progress in self.tenants if progress.state in states)

    @property
    def is_settled(self) -> bool:
        """Whether every tenant has settled."""
        return all(progress.state is SettleState.SETTLED for progress in self.tenants)
