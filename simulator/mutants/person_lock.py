"""A lock whose owner is the person, so that two runs of one person share it.

Seen in github.com/github/branch-deploy/issues/504. In CI the person is the bot that every run
deploys as. It misses that one run releases what the other still works under; and neither waits for
the other. This module must not tell two runs apart.
"""

from functools import partial

from release.core.assignment import Assignment
from release.core.outcome import Outcome
from release.core.values import JobId
from release.ports import Ports
from simulator.mutants.locks import Hold, Terms, deploy_under
from simulator.mutants.steps import Manner, carry_out, heed_head

__all__ = ["deploy"]

_PERSON = JobId(run="deploy-bot", attempt=1, nonce="person")


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Takes the person's lock, or goes on when the person has it; reads the head, deploys."""
    terms = Terms(owner=_PERSON)
    return await deploy_under(ports, assignment, partial(_work, ports, assignment), terms=terms)


async def _work(ports: Ports, assignment: Assignment, _hold: Hold) -> Outcome:
    return await carry_out(ports, assignment, Manner(first=partial(heed_head, ports, assignment)))
