"""Decides what a holder does when its swap did not go through, from the record that is there now.

This module must not read anything; `stages/write.py` re-reads the record and acts on the answer.
"""

from datetime import datetime

from release.core.claim import find_hold
from release.core.decisions import (
    ClaimAgain,
    Held,
    Overtaken,
    Standing,
    StillOurs,
    Stopped,
)
from release.core.ledger import PinKind, Record
from release.core.order import Order, Orders
from release.core.values import JobId

__all__ = ["decide_standing"]


def decide_standing(  # noqa: PLR0913 - each argument is one fact that the decision needs
    record: Record,
    before: Record,
    orders: Orders,
    *,
    job: JobId,
    has_touched: bool,
    utc: datetime,
) -> Standing:
    """Decides how a job stands that held `before` and now reads `record`.

    before: the record as this job last wrote or accepted it.
    orders: how the job's release stands to every commit of `record.shas()`.
    has_touched: whether this job has sent an effect, which makes `held` into `stopped`.
    """
    if record.pin != before.pin or record.denied != before.denied:
        held = find_hold(record, orders, utc)
        if held is not None:
            return _hold_or_stop(record, held, has_touched=has_touched)
    order = Order.SAME if record.mark is None else orders.get(record.mark, Order.UNKNOWN)
    if order is Order.OLDER and record.mark is not None:
        return Overtaken(by=record.mark, seen="in the ledger")
    if record.epoch < before.epoch:
        return ClaimAgain(reason="the record was set back, or lost and created anew")
    if order is not Order.SAME:
        return Stopped(reason=f"ours is {order} to the mark, which is now {record.mark}")
    holder = record.holder
    if holder is not None and holder.job == job:
        return StillOurs()
    if holder is None:
        return ClaimAgain(reason="our lease ran out and nobody took the record")
    return ClaimAgain(reason=f"job {holder.job} has claimed the same release")


def _hold_or_stop(record: Record, held: Held, *, has_touched: bool) -> Held | Stopped:
    was_stolen = record.pin is not None and record.pin.kind is PinKind.UNLOCK
    if has_touched or was_stolen:
        return Stopped(reason=held.reason)
    return held
