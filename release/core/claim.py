"""Decides whether a job may claim an environment, on the very record that it would swap.

This module must not read the forge or the ledger; the head never decides here.
"""

from datetime import UTC, datetime

from release.core.decisions import (
    Await,
    ClaimDecision,
    Held,
    Impossible,
    Overtaken,
    Proceed,
    Queue,
)
from release.core.ledger import Next, Record
from release.core.order import Order, Orders
from release.core.policy import OnNewer
from release.core.values import JobId, Sha

__all__ = ["decide_claim", "find_denial", "find_hold", "find_pin", "find_unread"]


def find_hold(record: Record, orders: Orders, utc: datetime) -> Held | None:
    """Says whether a pin or the deny-list holds an automatic deploy of the release.

    orders: how the release stands to every commit of `record.shas()`.
    """
    return find_pin(record, utc) or find_denial(record, orders)


def find_pin(record: Record, utc: datetime) -> Held | None:
    """Says whether a pin stands, which holds automatic deploys of any release."""
    pin = record.pin
    if pin is None or not pin.is_active(utc):
        return None
    until = f" until {pin.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if pin.until else ""
    return Held(reason=f"pinned by {pin.by}{until} ({pin.kind}): {pin.reason}")


def find_denial(record: Record, orders: Orders) -> Held | None:
    """Says whether the deny-list holds the release, whoever deploys it."""
    denial = record.denial(orders)
    if denial is None:
        return None
    return Held(reason=f"denied ({denial.span}): {denial.reason}")


def find_unread(record: Record, orders: Orders) -> Sha | None:
    """The first commit of a denial to which the release's order is unknown.

    Such a release may be denied or not: to hold it in silence would look like a pin.
    """
    named = [sha for denial in record.denied for sha in (denial.after, denial.upto)]
    unread = (sha for sha in named if orders.get(sha, Order.UNKNOWN) is Order.UNKNOWN)
    return next(unread, None)


def decide_claim(  # noqa: PLR0913 - each argument is one fact that the decision needs
    record: Record,
    orders: Orders,
    *,
    job: JobId,
    on_newer: OnNewer,
    utc: datetime,
    has_run_out: bool = False,
    is_by_hand: bool = False,
) -> ClaimDecision:
    """Decides what a job that wants to claim does about this record.

    orders: how the job's release stands to every commit of `record.shas()`; what is missing counts
        as unknown. Older than the mark is overtaken, whoever holds the record and whether or not
        anybody does, so that the order of epochs is the order of commits.
    has_run_out: whether the holder's lease has run out, by this job's own clock.
    is_by_hand: a person is not held by a pin, and waits for any lease that lives.
    """
    return (
        _find_obstacle(record, orders, utc=utc, is_by_hand=is_by_hand)
        or _find_overtaker(record, orders)
        or _decide_against_holder(
            record,
            orders,
            job=job,
            on_newer=on_newer,
            has_run_out=has_run_out,
            is_by_hand=is_by_hand,
        )
    )


def _find_obstacle(
    record: Record, orders: Orders, *, utc: datetime, is_by_hand: bool
) -> Impossible | Held | None:
    unread = find_unread(record, orders)
    if unread is not None:
        return Impossible(order=Order.UNKNOWN, mark=unread)
    return find_denial(record, orders) if is_by_hand else find_hold(record, orders, utc)


def _find_overtaker(record: Record, orders: Orders) -> Overtaken | Impossible | None:
    order = Order.SAME if record.mark is None else orders.get(record.mark, Order.UNKNOWN)
    if record.mark is not None and order is Order.OLDER:
        return Overtaken(by=record.mark, seen="in the ledger")
    if record.mark is not None and order in {Order.DIVERGED, Order.UNKNOWN}:
        return Impossible(order=order, mark=record.mark)
    waiting = record.next
    if waiting is not None and orders.get(waiting.release.sha) is Order.OLDER:
        return Overtaken(by=waiting.release.sha, seen="in the ledger, as next")
    return None


def _decide_against_holder(  # noqa: PLR0913 - as `decide_claim`
    record: Record,
    orders: Orders,
    *,
    job: JobId,
    on_newer: OnNewer,
    has_run_out: bool,
    is_by_hand: bool,
) -> ClaimDecision:
    waiting, holder = record.next, record.holder
    if holder is None or has_run_out or holder.job.is_same_attempt(job):
        return Proceed()
    order = orders.get(holder.release.sha, Order.UNKNOWN)
    if order is Order.SAME or is_by_hand:
        return Await(holder=holder)
    if on_newer is OnNewer.FINISH:
        is_taken = waiting is not None and _is_twin(waiting, orders, job)
        return Await(holder=holder) if is_taken else Queue(holder=holder)
    return Proceed()


def _is_twin(waiting: Next, orders: Orders, job: JobId) -> bool:
    """Whether another attempt of our release is next: replacing one another would never end."""
    is_ours = waiting.job.is_same_attempt(job)
    return orders.get(waiting.release.sha) is Order.SAME and not is_ours
