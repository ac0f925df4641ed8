"""Claims the environment for a release, or waits, or ends: as the record says that is swapped.

The order of releases is compared inside the swap that takes the epoch, so the order of epochs is
the order of commits. This module must not send effects.
"""

from dataclasses import dataclass, replace
from functools import partial
from math import inf

from release.core.claim import decide_claim
from release.core.decisions import (
    Await,
    ClaimDecision,
    Held,
    Impossible,
    Overtaken,
    Proceed,
    Queue,
)
from release.core.lease import LeaseWatch, watch_lease
from release.core.ledger import Record
from release.core.outcome import Word
from release.core.rollback import decide_rollback, roll_back
from release.core.transitions import claim as claimed
from release.core.transitions import credit_waited, drop_waited_out, queue
from release.core.values import JobId
from release.stages.gate import check_head
from release.stages.relate import relate
from release.stages.run import ClaimLost, Ended, Run
from release.stages.write import Change, amend, try_swap

__all__ = ["claim"]


async def claim(run: Run) -> None:
    """Takes the record with a new epoch, or ends the job (sentence 3).

    The head is read first and the ledger last. Waiting for another attempt of the same release, or
    under `finish` for an older one, ends after `claim_wait_s`. So does losing swaps to others'
    writes, which is no failure: somebody went on. Those that fail although nobody else wrote end
    the job after `swap_attempts_max`.
    """
    run.epoch = None
    if run.assignment.rollback is None:
        await check_head(run)
    run.reading = await run.ports.ledger.read()
    if run.answered:
        # Who took the record from us waits for what we can acknowledge.
        await amend(run, lambda record: record)
    began_s, vigil = await run.ports.clock.now_s(), _Vigil()
    while await run.ports.clock.now_s() - began_s <= run.assignment.policy.claim_wait_s:
        record = run.reading.record
        if record is None:
            run.warn("the ledger's record is missing again: observing and claiming again")
            raise ClaimLost
        now_s = await run.ports.clock.now_s()
        decision = await _decide(run, record, vigil.look(record, now_s), now_s)
        if await _act_on(run, decision, vigil, now_s):
            return
        if vigil.lost_swaps >= run.assignment.policy.swap_attempts_max:
            raise Ended(
                Word.UNAVAILABLE,
                f"the ledger did not take our claim in {vigil.lost_swaps} attempts",
            )
    raise Ended(Word.EXHAUSTED, "another job held the environment for as long as we may wait")


@dataclass(slots=True, kw_only=True)
class _Vigil:
    """What a job that wants to claim has seen of the others' lives, and of its own swaps.

    is_next_alive: whether the job that waits as next has written since we first saw it.
    lost_swaps: those that did not go through although nobody else wrote.
    due_s: when a job that waits as next has to renew itself.
    """

    holder: LeaseWatch | None = None
    next: LeaseWatch | None = None
    is_next_alive: bool = False
    lost_swaps: int = 0
    due_s: float = inf

    def is_due(self, record: Record, job: JobId, now_s: float) -> bool:
        """Whether a job has to write itself as next: it is not, or its lease has to be renewed."""
        return record.next is None or record.next.job != job or now_s >= self.due_s

    def look(self, record: Record, now_s: float) -> "_Vigil":
        """Takes one more reading of the record into account."""
        before = self.next
        self.holder = (
            watch_lease(self.holder, record.holder, now_s, intents=record.intents)
            if record.holder
            else None
        )
        self.next = watch_lease(before, record.next, now_s) if record.next else None
        self.is_next_alive = before is not None and self.next is not before
        return self


async def _decide(run: Run, record: Record, vigil: _Vigil, now_s: float) -> ClaimDecision:
    is_next_dead = vigil.next is not None and vigil.next.remaining_s(now_s) <= 0
    considered = replace(record, next=None) if is_next_dead else record
    has_run_out = vigil.holder is not None and vigil.holder.remaining_s(now_s) <= 0
    orders, order = await relate(run, considered), run.assignment.rollback
    if order is not None:
        return decide_rollback(
            considered, orders, job=run.job, order=order, has_run_out=has_run_out
        )
    return decide_claim(
        considered,
        orders,
        job=run.job,
        on_newer=run.assignment.policy.on_newer,
        utc=await run.ports.clock.utc_now(),
        has_run_out=has_run_out,
        is_by_hand=run.assignment.is_by_hand,
    )


async def _act_on(run: Run, decision: ClaimDecision, vigil: _Vigil, now_s: float) -> bool:
    """Does what was decided; True once the record is ours."""
    match decision:
        case Proceed():
            return await _swap_claim_in(run, vigil, now_s)
        case Overtaken(by=by) if by != run.record.mark and not vigil.is_next_alive:
            assert vigil.next is not None, "whoever is newer than the mark waits as next"
            await _wait(run, vigil.next, now_s)
            return False
        case Overtaken(by=by, seen=seen):
            raise Ended(Word.SUPERSEDED, f"{by.short} is newer, read {seen}", by=by)
        case Held(reason=reason):
            raise Ended(Word.HELD, reason)
        case Impossible(order=order, mark=mark):
            raise Ended(
                Word.FAILED,
                f"ours is {order} to the mark {mark.short}; nothing was touched. {_advise(run)}",
            )
        case Await() | Queue():
            await _wait_for_holder(run, decision, vigil, now_s)
            return False


def _advise(run: Run) -> str:
    if run.assignment.rollback is not None:
        return "A rollback goes to a release that is older than the mark; forward goes deploy"
    return "If the branch was rewritten on purpose, run accept-rewrite --to REF --reason TEXT"


async def _swap_claim_in(run: Run, vigil: _Vigil, now_s: float) -> bool:
    """Claims; what a dead holder left open has been waited for since its last beat was seen."""
    change, dead = await _claim_change(run), vigil.holder

    def change_and_credit(record: Record) -> Record:
        if dead is None:
            return change(record)
        waited_s = now_s - dead.since_s
        return drop_waited_out(credit_waited(change(record), job=dead.job, waited_s=waited_s))

    if not await _try_swap(run, change_and_credit, vigil):
        return False
    release = run.release
    run.epoch = run.record.epoch
    run.tell("claimed", f"claimed epoch {run.epoch} for {release.sha.short}", epoch=run.epoch)
    if run.assignment.rollback is not None:
        run.warn("pinned: automatic deploys are held until resume --fixed-in REF")
    return True


async def _try_swap(run: Run, change: Change, vigil: _Vigil) -> bool:
    expected = run.reading.version
    is_taken = await try_swap(run, change)
    vigil.lost_swaps += not is_taken and run.reading.version == expected
    return is_taken


async def _claim_change(run: Run) -> Change:
    """The transition by which this job takes the record as it was just read."""
    change = partial(
        claimed, job=run.job, release=run.release, lease_s=run.assignment.policy.lease_s
    )
    order = run.assignment.rollback
    if order is None:
        return change
    return partial(
        roll_back,
        **change.keywords,
        order=order,
        orders=await relate(run, run.record),
        at=await run.ports.clock.utc_now(),
    )


async def _wait_for_holder(run: Run, decision: Await | Queue, vigil: _Vigil, now_s: float) -> None:
    """Waits until the record changes or the holder's lease runs out; as `next`, renews itself."""
    assert vigil.holder is not None, "only a holder is waited for"
    holder = decision.holder
    if isinstance(decision, Queue) and vigil.is_due(run.record, run.job, now_s):
        lease_s = run.assignment.policy.lease_s
        queued = partial(queue, job=run.job, release=run.release, lease_s=lease_s)
        if not await _try_swap(run, queued, vigil):
            return
        vigil.look(run.record, now_s)
        vigil.due_s = now_s + run.assignment.policy.renew_s
    run.tell("waiting", f"waiting for job {holder.job}, which holds {holder.release.sha.short}")
    before = run.record
    await _wait(run, vigil.holder, now_s, due_s=vigil.due_s)
    after = run.reading.record
    if run.assignment.is_by_hand and after is not None and after.holder is not None:
        lives = before.holder is not None and after.holder.beat != before.holder.beat
        if lives and after.holder.job == holder.job:
            raise Ended(
                Word.FAILED,
                f"refused: job {holder.job} holds the environment and its lease lives; nothing was "
                f"touched. Wait for it, or take the record from it with {_stealing(run)}",
            )


def _stealing(run: Run) -> str:
    return "--steal" if run.assignment.rollback is not None else "unlock --reason TEXT"


async def _wait(run: Run, watch: LeaseWatch, now_s: float, *, due_s: float = inf) -> None:
    """Waits until the record changes, that lease runs out or our own place is due."""
    within_s = max(0.0, min(watch.remaining_s(now_s), due_s - now_s))
    run.reading = await run.ports.ledger.changed(run.reading.version, within_s)
