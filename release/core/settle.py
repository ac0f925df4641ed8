"""Judges whether tenants have settled on a release, from what their edges answered one by one.

A single answer proves nothing: a tenant whose container was just swapped goes on answering from the
old one while that drains. This module must not poll or wait; `stages/settle.py` does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from release.core.order import Order, Orders
from release.core.sighting import Observation
from release.core.values import Sha, Tenant

__all__ = ["Progress", "Settling", "SettleState"]


class SettleState(StrEnum):
    """How far a tenant is on its way to the release.

    PENDING: not yet seen on it often enough. SETTLED: seen on it `confirmations` times in a row.
    REGRESSED: seen off it again after it had settled. OVERTAKEN: seen on a newer release.
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
    """

    tenant: Tenant
    state: SettleState = SettleState.PENDING
    streak: int = 0
    seen: Sha | None = None
    note: str = "not asked yet"

    def judge(self, observation: Observation, orders: Orders, confirmations: int) -> "Progress":
        """Takes one more answer into account; `orders` is how OUR release stands to its sha."""
        if observation.sha is None:
            note = observation.reason if observation.is_reachable else "unreachable"
            detail = observation.reason if note != observation.reason else ""
            return self._off_target(self.seen, f"{note}: {detail}" if detail else note)
        order = orders.get(observation.sha, Order.UNKNOWN)
        if order is Order.SAME:
            streak = self.streak + 1
            settled = streak >= confirmations or self.state is SettleState.SETTLED
            return replace(
                self,
                state=SettleState.SETTLED if settled else SettleState.PENDING,
                streak=streak,
                seen=observation.sha,
                note="",
            )
        if order is Order.OLDER:
            return replace(
                self,
                state=SettleState.OVERTAKEN,
                streak=0,
                seen=observation.sha,
                note=f"serves the newer {observation.sha.short}",
            )
        return self._off_target(observation.sha, f"serves {observation.sha.short} ({order})")

    def _off_target(self, seen: Sha | None, note: str) -> "Progress":
        was_settled = self.state in {SettleState.SETTLED, SettleState.REGRESSED}
        has_version = seen is not None and not note.startswith("unreachable")
        state = SettleState.REGRESSED if was_settled and has_version else SettleState.PENDING
        return replace(self, state=state, streak=0, seen=seen, note=note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """The progress of several tenants, in the order in which they were asked for."""

    tenants: tuple[Progress, ...]
    confirmations: int

    @classmethod
    def start(cls, tenants: Iterable[Tenant], confirmations: int) -> "Settling":
        """Begins with nothing seen."""
        progress = tuple(Progress(tenant=tenant) for tenant in tenants)
        return cls(tenants=progress, confirmations=confirmations)

    def judge(self, observations: Iterable[Observation], orders: Orders) -> "Settling":
        """Takes one round of answers into account; tenants without one stay as they are."""
        by_tenant = {observation.tenant: observation for observation in observations}
        judged = tuple(
            progress.judge(by_tenant[progress.tenant], orders, self.confirmations)
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
