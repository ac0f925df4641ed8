"""No guard, and no commit either: what is deployed is whatever a floating tag names by now.

Seen in github.com/kortix-ai/suna/pull/3352 and github.com/shepherdjerred/monorepo/pull/2560, and as
a default in the pipeline of #2213. It misses that a tag which somebody else is to move may not have
been moved yet, or not for weeks: the old image gets the new release's name, and any healthy answer
verifies it. This module must not look at the branch or the ledger.
"""

from dataclasses import replace

from release.core.assignment import Assignment
from release.core.outcome import Outcome, Word
from release.core.values import Image, Release
from release.errors import HeadwayError
from release.ports import Ports
from simulator.mutants.steps import Red, move_pointers, outcome, roll_out, tell

__all__ = ["deploy"]

_FLOATING = "floating"
"""The tag that builds move; without one the promoted tag is the default."""


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Looks the tag up, rolls out what it names, promotes the same, and says that it is ours."""
    try:
        release = await _find_release(assignment, ports)
        await roll_out(ports, assignment, release)
        listed = await ports.fleet.candidates(release, epoch=None)
        sights = await ports.edge.observe(listed.tenants)
        pointers = await move_pointers(ports, assignment, release)
    except HeadwayError as problem:
        return outcome(assignment, Word.FAILED, str(problem))
    said = f"{sum(sight.is_reachable for sight in sights)} tenants are healthy"
    return outcome(assignment, Word.DEPLOYED, said, pointers=pointers)


async def _find_release(assignment: Assignment, ports: Ports) -> Release:
    images, tag = [], _FLOATING
    for repository in assignment.repositories:
        digest = await ports.registry.resolve(repository, tag)
        if digest is None:
            tag = assignment.promoted_tag
            digest = await ports.registry.resolve(repository, tag)
        if digest is None:
            raise Red("no such image", on=f"{repository}:{tag}")
        tell(ports, "guard", f"no commit is asked for: {repository}:{tag}")
        images.append(Image(repository=repository, digest=digest))
    return replace(assignment.release, tag=tag, images=tuple(images))
