"""Decides and builds a rollback, the one verb that moves an environment to an older release.

A rollback is a claim of its own kind: with a reason, against the order of releases, and with a pin
and a denial behind it, so that no automatic deploy undoes it. This module must not read anything.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from release.core.decisions import Await, ClaimDecision, Impossible, Proceed
from release.core.ledger import PAST_MAX, Denial, Past, Pin, PinKind, Record
from release.core.order import Order, Orders
from release.core.transitions import claim
from release.core.values import JobId, Release, Sha

__all__ = ["RollbackOrder", "accept_rewrite", "decide_rollback", "roll_back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackOrder:
    """Why and by whom an environment is rolled back.

    is_stealing: takes the record from a holder whose lease still lives.
    """

    reason: str
    by: str
    is_stealing: bool = False


def decide_rollback(
    record: Record, orders: Orders, *, job: JobId, order: RollbackOrder, has_run_out: bool
) -> ClaimDecision:
    """Decides whether a rollback may take the record: its target must not be newer than the mark.

    orders: how the target stands to every commit of `record.shas()`. A target that is newer,
    diverged or unknown is Impossible: that would be a deploy, or needs `accept-rewrite` first.
    """
    if record.mark is not None:
        stands = orders.get(record.mark, Order.UNKNOWN)
        if stands not in {Order.SAME, Order.OLDER}:
            return Impossible(order=stands, mark=record.mark)
    holder = record.holder
    is_free = holder is None or has_run_out or order.is_stealing
    if is_free or (holder is not None and holder.job.is_same_attempt(job)):
        return Proceed()
    assert holder is not None, "a record without a holder is free"
    return Await(holder=holder)


def roll_back(  # noqa: PLR0913 - each argument is one fact that the record then holds
    record: Record,
    *,
    job: JobId,
    release: Release,
    lease_s: float,
    order: RollbackOrder,
    orders: Orders,
    at: datetime,
) -> Record:
    """Takes the record for the target: epoch, mark, denials and pin in one.

    Everything newer than the target, up to the old mark, is denied; a denial that covered the
    target itself is lifted. orders: as for `decide_rollback`.
    """
    denied = tuple(denial for denial in record.denied if not denial.denies(orders))
    if record.mark is not None and record.mark != release.sha:
        denied += (Denial(after=release.sha, upto=record.mark, reason=order.reason),)
    pin = Pin(kind=PinKind.ROLLBACK, reason=order.reason, by=order.by, at=at)
    claimed = claim(record, job=job, release=release, lease_s=lease_s)
    return replace(claimed, denied=denied, pin=pin)


def accept_rewrite(record: Record, *, sha: Sha, past: Past) -> Record:
    """Moves the mark to a commit of the rewritten branch, and remembers what was left behind.

    What the record knew of is abandoned: seen at a tenant, it counts as older than anything.
    """
    known = [record.mark, *(one.release.sha for one in record.past)]
    abandoned = dict.fromkeys([*record.abandoned, *(one for one in known if one and one != sha)])
    return replace(
        record,
        mark=sha,
        abandoned=tuple(abandoned)[-PAST_MAX:],
        past=(*record.past, past)[-PAST_MAX:],
    )
