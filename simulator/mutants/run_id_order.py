"""One job at a time, and order by the run's id: the higher one is newer.

Seen in github.com/webfactory/create-aws-codedeploy-deployment/pull/3. It misses that ids count
triggers, not commits: a run that waited for its CI, or was started by hand, has the higher id and
the older commit, as in github.com/dynamical-org/reformatters/pull/1077; and a re-run keeps its old
id, so that the newer commit is refused when an older one was triggered after it. This module must
not look at the branch.
"""

from functools import partial

from release.core.assignment import Assignment
from release.core.outcome import Outcome, Word
from release.ports import Ports
from release.stages.run import Ended
from simulator.mutants.locks import Hold, Terms, deploy_under
from simulator.mutants.steps import Manner, carry_out

__all__ = ["deploy"]


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Waits for its turn, and gives way where a higher id has been deployed."""
    work = partial(_work, ports, assignment)
    return await deploy_under(ports, assignment, work, terms=Terms(), is_kept=True)


async def _work(ports: Ports, assignment: Assignment, hold: Hold) -> Outcome:
    return await carry_out(ports, assignment, Manner(first=partial(_check, assignment, hold)))


async def _check(assignment: Assignment, hold: Hold) -> None:
    for past in reversed(hold.record.past):
        if past.word == Word.DEPLOYED and _is_higher(past.job.run, assignment.job.run):
            reason = f"run {past.job.run} has the higher id"
            raise Ended(Word.SUPERSEDED, reason, by=past.release.sha)


def _is_higher(theirs: str, ours: str) -> bool:
    if theirs.isdecimal() and ours.isdecimal():
        return int(theirs) > int(ours)
    return theirs > ours
