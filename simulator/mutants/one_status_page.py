"""A wait for CI that reads the statuses of a commit from the first page of a list.

Seen in the pipeline of #2213, where the server capped the list and a required context was on the
next page. It misses that a status which is not on the page may exist: a green commit is never
deployed. This module must not read the branch or the ledger.
"""

from release.core.assignment import Assignment
from release.core.outcome import Outcome, Word
from release.core.sighting import ChecksState
from release.errors import HeadwayError
from release.ports import Ports
from simulator.mutants.steps import carry_out, outcome

__all__ = ["deploy"]

_PAGE = 30
"""How many statuses the server gives in one page."""


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Deploys when every required context is green on the first page."""
    try:
        checks = (await ports.forge.checks(assignment.release.sha)).checks
    except HeadwayError as problem:
        return outcome(assignment, Word.FAILED, str(problem))
    missing = [
        check.context
        for number, check in enumerate(checks)
        if number >= _PAGE or check.verdict is not ChecksState.GREEN
    ]
    if missing:
        return outcome(assignment, Word.FAILED, f"required and missing: {', '.join(missing)}")
    return await carry_out(ports, assignment)
