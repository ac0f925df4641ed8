"""A verification that fails on a wrong answer, and only warns when there is none.

Seen in the pipeline of #2213: `/buildinfo` was not on the tenants' allow-list and answered a 404
page, so that stale tenants passed with a warning that nobody read. It misses every tenant that does
not name its release. This module must not look at the branch or the ledger.
"""

from release.core.assignment import Assignment
from release.core.outcome import Outcome, Word
from release.core.values import Release
from release.errors import HeadwayError
from release.ports import Ports
from simulator.mutants.steps import Red, find_release, move_pointers, outcome, roll_out, tell

__all__ = ["deploy"]


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Rolls out, asks every tenant once, promotes unless one names another release."""
    try:
        release = await find_release(ports, assignment)
        await roll_out(ports, assignment, release)
        warned = await _verify(ports, release)
        pointers = await move_pointers(ports, assignment, release)
    except HeadwayError as problem:
        return outcome(assignment, Word.FAILED, str(problem))
    said = f"verified, {warned} unreachable"
    return outcome(assignment, Word.DEPLOYED, said, pointers=pointers)


async def _verify(ports: Ports, release: Release) -> int:
    """Returns how many tenants named no release; raises Red for one that names another."""
    warned = 0
    listed = await ports.fleet.candidates(release, epoch=None)
    for sight in await ports.edge.observe(listed.tenants):
        if sight.sha is None:
            warned += 1
            tell(ports, "warning", f"{sight.tenant} is unreachable: {sight.reason}")
        elif sight.sha != release.sha:
            raise Red("serves another release", on=f"tenant {sight.tenant}", seen=sight.sha.short)
    return warned
