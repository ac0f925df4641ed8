"""One job at a time, and order by the clock: what started after the last deploy ended is newer.

Seen in github.com/grafana/plugin-ci-workflows/issues/1037, where the newer commit was rejected
because an older release had finished in between. It misses that neither when a job starts nor when
it ends says anything about its commit: a re-run of an old job counts as newer, as in
github.com/alphagov/govuk-design-system/issues/1946. This module must not look at the branch.
"""

from datetime import datetime
from functools import partial

from release.core.assignment import Assignment
from release.core.outcome import Outcome, Word
from release.ports import Ports
from release.stages.run import Ended
from simulator.mutants.locks import Hold, Terms, deploy_under
from simulator.mutants.steps import Manner, carry_out

__all__ = ["deploy"]


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Notes when it started, waits for its turn, and gives way to what has ended since."""
    started = await ports.clock.utc_now()
    work = partial(_work, ports, assignment, started)
    return await deploy_under(ports, assignment, work, terms=Terms(), is_kept=True)


async def _work(ports: Ports, assignment: Assignment, started: datetime, hold: Hold) -> Outcome:
    return await carry_out(ports, assignment, Manner(first=partial(_check, hold, started)))


async def _check(hold: Hold, started: datetime) -> None:
    for past in reversed(hold.record.past):
        if past.word == Word.DEPLOYED and past.at > started:
            reason = f"{past.release.sha.short} was deployed after this job had started"
            raise Ended(Word.SUPERSEDED, reason, by=past.release.sha)
