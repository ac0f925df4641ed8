"""Finds what a write to the ledger must never do, whoever writes: the rules of one swap.

This module must not write anything.
"""

from release.core.ledger import Record
from release.core.order import Order
from simulator.explorer.cast import Cast
from simulator.explorer.scope import JobKind
from simulator.guards import SHIPPED

__all__ = ["find_seizure"]


def find_seizure(cast: Cast, job: int, *, before: Record, after: Record) -> str:
    """The promise that a job breaks by swapping `after` in for `before`; empty when none.

    Other designs keep records of their own kind, to which these rules say nothing.
    """
    if cast.scope.guard != SHIPPED:
        return ""
    ours, name = cast.job_id(job), cast.jobs[job].name
    held = before.holder.job if before.holder else None
    holds = after.holder.job if after.holder else None
    if after.epoch < before.epoch or (
        holds != held and holds == ours and after.epoch == before.epoch
    ):
        return f"P1 never backward: {name} claimed with epoch {after.epoch} behind {before.epoch}"
    if held not in (None, ours) and holds not in (held, ours):
        return f"P4 progress: {name} took the hold away from job {held}"
    is_claim = holds == ours and held != ours
    queued = before.next.job if before.next else None
    if queued not in (None, ours) and after.next is None and not is_claim:
        return f"P4 progress: {name} took its place away from job {queued}, which waits as next"
    is_rollback = cast.jobs[job].kind is JobKind.ROLLBACK
    if before.mark is None or after.mark is None or is_rollback:
        return ""
    if cast.compare(after.mark, before.mark) is Order.OLDER:
        return f"P1 never backward: {name} set the mark back to {after.mark.short}"
    return ""
