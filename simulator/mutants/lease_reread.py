"""The lease, read again before every effect: a holder that has lost it stops.

The usual mending of `lease`, told in
martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html. It misses what happens between
the reading and the landing; and who has the lock now need not be newer, so that a job which says
`superseded` because its lease ran out may leave the fleet to an older one. This module must not
offer a fence anything.
"""

from functools import partial

from release.core.assignment import Assignment
from release.core.outcome import Outcome, Word
from release.ports import Ports
from release.stages.run import Ended
from simulator.mutants.locks import Hold, Terms, deploy_under, find_loss
from simulator.mutants.steps import Manner, carry_out, heed_head

__all__ = ["deploy"]


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Takes the lease, reads the head under it, and the lease again before each effect."""
    terms = Terms(is_lease=True)
    return await deploy_under(ports, assignment, partial(_work, ports, assignment), terms=terms)


async def _work(ports: Ports, assignment: Assignment, hold: Hold) -> Outcome:
    manner = Manner(
        first=partial(heed_head, ports, assignment), before=partial(_check_lease, ports, hold)
    )
    return await carry_out(ports, assignment, manner)


async def _check_lease(ports: Ports, hold: Hold) -> None:
    now = await find_loss(ports, hold)
    if now is not None:
        by = now.holder.release.sha if now.holder else None
        raise Ended(Word.SUPERSEDED, "another job has taken the lock", by=by)
