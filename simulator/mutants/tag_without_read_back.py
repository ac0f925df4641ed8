"""The shipped pipeline, but for a registry whose answer to a move is believed.

Seen in github.com/CopilotKit/CopilotKit/pull/6174 and github.com/kaito-project/aikit/pull/843: a
registry has no compare-and-swap on tags. It misses a move that was answered and did not happen, and
another writer of the tag: the job says that it promoted, and the tag names something else. This
module must not change anything but what is read back.
"""

from dataclasses import dataclass, replace

from release.core.assignment import Assignment
from release.core.outcome import Outcome
from release.core.values import Digest, Pointer, Sha
from release.pipeline import DEPLOY, run_job, start
from release.ports import Ports, Registry

__all__ = ["deploy"]


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Deploys as shipped, and never reads a pointer again that it was told it has moved."""
    # What the job remembers is a variable of its own, where the explorer looks for its state.
    moved: dict[Pointer, Digest] = {}
    believing = replace(ports, registry=_BelievedRegistry(registry=ports.registry, moved=moved))
    return await run_job(start(assignment, believing), DEPLOY)


@dataclass(slots=True, kw_only=True)
class _BelievedRegistry:
    """A registry, and which pointers this job was told it has moved."""

    registry: Registry
    moved: dict[Pointer, Digest]

    async def resolve(self, repository: str, reference: str) -> Digest | None:
        """Asks, but for a pointer that was moved."""
        believed = self.moved.get(Pointer(repository=repository, tag=reference))
        return believed or await self.registry.resolve(repository, reference)

    async def revision(self, repository: str, digest: Digest) -> Sha | None:
        """Asks."""
        return await self.registry.revision(repository, digest)

    async def point(self, pointer: Pointer, digest: Digest) -> None:
        """Moves the pointer, and believes an answer that is no error."""
        await self.registry.point(pointer, digest)
        self.moved[pointer] = digest

    async def late_answer(self, within_s: float) -> bool:
        """Waits for the answer to a move."""
        return await self.registry.late_answer(within_s)
