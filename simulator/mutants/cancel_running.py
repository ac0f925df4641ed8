"""A newer job cancels the older one that runs, and goes on at once.

The `cancel-in-progress` of CI services; seen in github.com/archestra-ai/archestra/pull/6315 and
github.com/bikeindex/bike_index/pull/4313. It misses that a cancelled job does not call its requests
back: what it had under way lands after the newer one's. That the runner kills the older job is told
by the ledger, which that job reads before every effect. This module must not wait for what a
cancelled job left behind.
"""

from functools import partial

from release.core.assignment import Assignment
from release.core.ledger import Holder
from release.core.order import Order
from release.core.outcome import Outcome, Word
from release.ports import Ports
from release.stages.run import Ended
from simulator.mutants.locks import Hold, Terms, deploy_under, find_loss
from simulator.mutants.steps import Manner, carry_out, heed_head

__all__ = ["deploy"]


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Reads the head, takes the lock from an older job, or stands aside for a newer one."""
    terms = Terms(
        first=partial(heed_head, ports, assignment), cancel=partial(_cancel, ports, assignment)
    )
    return await deploy_under(ports, assignment, partial(_work, ports, assignment), terms=terms)


async def _cancel(ports: Ports, assignment: Assignment, holder: Holder) -> bool:
    theirs = holder.release.sha
    order = await ports.forge.compare(assignment.release.sha, theirs)
    if order is Order.OLDER:
        raise Ended(Word.SUPERSEDED, f"{theirs.short} is being deployed", by=theirs)
    return order is Order.NEWER


async def _work(ports: Ports, assignment: Assignment, hold: Hold) -> Outcome:
    return await carry_out(ports, assignment, Manner(before=partial(_check, ports, hold)))


async def _check(ports: Ports, hold: Hold) -> None:
    now = await find_loss(ports, hold)
    if now is not None:
        by = f"job {now.holder.job}" if now.holder else "a newer job"
        raise Ended(Word.CANCELLED, f"by {by}")
