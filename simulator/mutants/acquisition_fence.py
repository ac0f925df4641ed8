"""A lease and a fencing token, where the token counts who took the lock, not whose commit is newer.

The nonce of the machine leases of Fly, and the token of
martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html, stop a holder that outlived its
lease. They miss an older job whose look at the head was too early: it takes the lock after the
newer one, gets the higher token, and every fence lets it through. Pointers have no fence at all.
This module must not look at the head under the lock.
"""

from functools import partial

from release.core.assignment import Assignment
from release.core.outcome import Outcome
from release.ports import Ports
from simulator.mutants.locks import Hold, Terms, deploy_under
from simulator.mutants.steps import Manner, carry_out, heed_head

__all__ = ["deploy"]


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Reads the head once, takes the lease, and sends its number with every redeploy."""
    terms = Terms(is_lease=True, first=partial(heed_head, ports, assignment))
    return await deploy_under(ports, assignment, partial(_work, ports, assignment), terms=terms)


async def _work(ports: Ports, assignment: Assignment, hold: Hold) -> Outcome:
    return await carry_out(ports, assignment, Manner(epoch=hold.epoch))
