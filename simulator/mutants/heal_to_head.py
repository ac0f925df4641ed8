"""A repair job: what is not on the tip of the branch is brought there, whatever it is on.

Seen in github.com/devantler-tech/platform/issues/2838. It misses that the fleet may be ahead of the
branch, on a release that a merge queue has deployed and is about to merge: the repair goes
backward, and after the merge nobody deploys. This module must not compare commits.
"""

from dataclasses import replace

from release.core.assignment import Assignment
from release.core.outcome import Outcome, Word
from release.core.values import Release
from release.errors import HeadwayError
from release.ports import Ports
from simulator.mutants.steps import (
    find_release,
    move_pointers,
    outcome,
    roll_out,
    tell,
    verify_once,
)

__all__ = ["deploy"]


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Reads the tip, and deploys it when a tenant serves anything else."""
    try:
        tip = await ports.forge.head()
        aimed = replace(assignment, release=Release(sha=tip, tag=f"staging-{tip.short}"))
        release = await find_release(ports, aimed)
        listed = await ports.fleet.candidates(release, epoch=None)
        sights = await ports.edge.observe(listed.tenants)
        drifted = [sight.tenant.slug for sight in sights if sight.sha != tip]
        if not drifted:
            return outcome(aimed, Word.VERIFIED, "nothing has drifted")
        tell(ports, "guard", f"drifted from {tip.short}: {', '.join(drifted)}")
        await roll_out(ports, aimed, release)
        tenants = await verify_once(ports, release)
        pointers = await move_pointers(ports, aimed, release)
    except HeadwayError as problem:
        return outcome(assignment, Word.FAILED, str(problem))
    said = f"{len(drifted)} tenants healed"
    return outcome(aimed, Word.DEPLOYED, said, tenants=tenants, pointers=pointers)
