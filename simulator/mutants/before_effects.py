"""The guard as upstream mended it (#2215): one check before redeploy, one before promote.

Each check is made once and acted on later: a newer commit that lands during the soak or a batch is
not seen until the promotion, and by then the older job has rolled its remaining batches over the
newer one's tenants. This module must not know the ledger.
"""

from release.core.assignment import Assignment
from release.core.outcome import Outcome, Word
from release.core.values import Sha
from release.errors import HeadwayError
from release.ports import Ports
from simulator.mutants.steps import (
    find_newer_head,
    find_release,
    move_pointers,
    outcome,
    roll_out,
    tell,
    verify_until_budget,
)

__all__ = ["deploy"]


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Checks, rolls out, verifies within a budget, checks again, promotes."""
    newer = await find_newer_head(ports, assignment)
    if newer is not None:
        tell(ports, "guard", f"superseded by {newer.short}: no effect")
        return outcome(assignment, Word.SUPERSEDED, f"{newer.short} owns the branch", by=newer)
    try:
        release = await find_release(ports, assignment)
        await roll_out(ports, assignment, release)
        tenants = await verify_until_budget(ports, assignment, release)
        newer = await find_newer_head(ports, assignment)
        if isinstance(tenants, Sha) or newer is not None:
            assert newer is not None, "a head that was newer stays newer"
            tell(ports, "guard", f"superseded by {newer.short}: not promoting")
            return outcome(assignment, Word.SUPERSEDED, f"{newer.short} owns the branch", by=newer)
        tell(ports, "verify", f"{len(tenants)} tenants verified")
        pointers = await move_pointers(ports, assignment, release)
    except HeadwayError as problem:
        return outcome(assignment, Word.FAILED, str(problem))
    said = f"{len(tenants)} tenants verified"
    return outcome(assignment, Word.DEPLOYED, said, tenants=tenants, pointers=pointers)
