"""The guard as it happened (#2194): one superseded check, in front of the verification alone.

It was made so that a job which finds the fleet AHEAD of it does not end red. It lets the mirror
case through: the job has rolled the fleet back before it looks, skips the verification that would
have shown it, and promotes. This module must not know the ledger.
"""

from release.core.assignment import Assignment
from release.core.outcome import Outcome, Word
from release.errors import HeadwayError
from release.ports import Ports
from simulator.mutants.steps import (
    find_newer_head,
    find_release,
    move_pointers,
    outcome,
    roll_out,
    tell,
    verify_once,
)

__all__ = ["deploy"]


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Rolls out, checks, verifies once unless superseded, and promotes in either case."""
    try:
        release = await find_release(ports, assignment)
        await roll_out(ports, assignment, release)
        newer = await find_newer_head(ports, assignment)
        if newer is None:
            tenants = await verify_once(ports, release)
            said = f"{len(tenants)} tenants verified"
        else:
            tenants, said = (), f"verification skipped: superseded by {newer.short}"
        tell(ports, "verify", said)
        pointers = await move_pointers(ports, assignment, release)
    except HeadwayError as problem:
        return outcome(assignment, Word.FAILED, str(problem))
    return outcome(assignment, Word.DEPLOYED, said, tenants=tenants, pointers=pointers)
