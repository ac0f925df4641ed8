"""Finds out how releases stand to one another, each pair once in a job.

This module must not draw conclusions from an order; `core` does.
"""

from collections.abc import Iterable

from release.core.ledger import Record
from release.core.order import Order, Orders, newest
from release.core.values import Sha
from release.stages.run import Run

__all__ = ["compare", "newest_of", "relate"]


async def compare(run: Run, ours: Sha, other: Sha) -> Order:
    """Asks how one commit stands to another; an unknown order is asked again the next time."""
    if ours == other:
        return Order.SAME
    known = run.orders.get((ours, other))
    if known is not None:
        return known
    order = await run.ports.forge.compare(ours, other)
    if order is not Order.UNKNOWN:
        run.orders[ours, other] = order
    return order


async def relate(run: Run, record: Record, *, ours: Sha | None = None) -> Orders:
    """Asks how a release, by default this job's, stands to every commit that a record names."""
    ours = ours or run.release.sha
    return {sha: await compare(run, ours, sha) for sha in record.shas()}


async def newest_of(run: Run, shas: Iterable[Sha]) -> Sha | None:
    """Finds the one of these releases that is newer than all others; None when there is none."""
    found = tuple(dict.fromkeys(shas))
    orders = {
        (ours, other): await compare(run, ours, other)
        for ours in found
        for other in found
        if ours != other
    }
    return newest(found, orders)
