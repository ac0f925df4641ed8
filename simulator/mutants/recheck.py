"""The head of the branch, read again right before every effect; no lock, no ledger.

Seen in github.com/apache/superset/pull/42488, where the review accepted that it only narrows the
window. It misses what happens between the reading and the landing: the older job reads its own
commit as the head, the newer one comes and lands, and then the older effect lands on top of it.
This module must not know the ledger.
"""

from functools import partial

from release.core.assignment import Assignment
from release.core.outcome import Outcome
from release.ports import Ports
from simulator.mutants.steps import Manner, carry_out, heed_head

__all__ = ["deploy"]


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Reads the head before each batch and each pointer, and stops when it is newer."""
    return await carry_out(ports, assignment, Manner(before=partial(heed_head, ports, assignment)))
