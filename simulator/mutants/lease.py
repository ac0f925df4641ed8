"""A lock with a lease, and the head read once under it; nothing at the resources knows the lock.

The usual lock of a deploy tool; how it fails is told in
martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html. It misses a holder that outlives
its lease and goes on, and, even where no lease runs out, a request that timed out, was sent again,
and lands after the lock was released. This module must not look at the lock again once it has it.
"""

from functools import partial

from release.core.assignment import Assignment
from release.core.outcome import Outcome
from release.ports import Ports
from simulator.mutants.locks import Hold, Terms, deploy_under
from simulator.mutants.steps import Manner, carry_out, heed_head

__all__ = ["deploy"]


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Takes the lease, reads the head under it, deploys; a lost answer is asked for once more."""
    terms = Terms(is_lease=True)
    return await deploy_under(ports, assignment, partial(_work, ports, assignment), terms=terms)


async def _work(ports: Ports, assignment: Assignment, _hold: Hold) -> Outcome:
    manner = Manner(first=partial(heed_head, ports, assignment), has_retry=True)
    return await carry_out(ports, assignment, manner)
