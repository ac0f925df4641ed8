"""A mutex, as a concurrency group of CI is one: one job at a time, in the order of their coming.

Seen in github.com/dynamical-org/reformatters/pull/1077, github.com/hikariming/ghfind/pull/181 and
github.com/ontola/openbesluitvorming/pull/283. It misses the order of commits: the older job waits
its turn and then deploys over the newer one. This module must not look at the branch.
"""

from functools import partial

from release.core.assignment import Assignment
from release.core.outcome import Outcome
from release.ports import Ports
from simulator.mutants.locks import Hold, Terms, deploy_under
from simulator.mutants.steps import Manner, carry_out

__all__ = ["deploy"]


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Waits for its turn, for as long as a CI service keeps it, and deploys."""
    return await deploy_under(ports, assignment, partial(_work, ports, assignment), terms=Terms())


async def _work(ports: Ports, assignment: Assignment, _hold: Hold) -> Outcome:
    return await carry_out(ports, assignment, Manner(has_retry=True))
