"""What a person runs in a race: a rollback and a resume, as shipped and as it was without Headway.

This module must not decide when they run; the scenario says so.
"""

from dataclasses import replace

from release.core.assignment import Assignment
from release.core.outcome import Outcome, Word
from release.core.rollback import RollbackOrder
from release.errors import HeadwayError
from release.pipeline import ROLLBACK, run_job, start
from release.ports import Ports
from release.stages import hand
from simulator.mutants.steps import carry_out, outcome, tell

__all__ = ["resume", "roll_back"]

_WHO = "somebody"


async def roll_back(assignment: Assignment, ports: Ports, *, is_shipped: bool) -> Outcome:
    """Goes back to the release: `invoke rollback`, or the same deploy by hand as of every other."""
    if not is_shipped:
        return await carry_out(ports, assignment)
    order = RollbackOrder(reason="the release is bad", by=_WHO)
    ordered = replace(assignment, rollback=order, is_by_hand=True)
    return await run_job(start(ordered, ports), ROLLBACK)


async def resume(assignment: Assignment, ports: Ports, *, is_shipped: bool) -> Outcome:
    """Lets deploys go on with the release that mends: `invoke resume --fixed-in`, or a nod."""
    if not is_shipped:
        return outcome(assignment, Word.HELD, "deploys go on")
    run = start(assignment, ports)
    try:
        said = await hand.resume(run, fixed_in=assignment.release.sha, by=_WHO)
    except HeadwayError as problem:
        return outcome(assignment, Word.FAILED, str(problem))
    tell(ports, "outcome", f"resumed: {said}")
    return outcome(assignment, Word.HELD, said)
