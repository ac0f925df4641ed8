"""The contract of a Swarm fleet on the simulated engine, which is trusted for that."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeVar

import pytest

from release.core.values import Digest, Image, Pointer, Release, Sha
from simulator.swarm import SimSwarm
from simulator.swarm_orchestrator import Fate, SimImage
from tests.contract.swarm_contract import SwarmContract, Under
from tests.support.clocks import StillClock

T = TypeVar("T")


class LabelledImages:
    """A registry that knows the release of each image by its label, and nothing else."""

    def __init__(self) -> None:
        self.revisions: dict[Digest, Sha] = {}

    async def resolve(self, repository: str, reference: str) -> Digest | None:
        """There are no tags."""
        return None

    async def revision(self, repository: str, digest: Digest) -> Sha | None:
        """What the label says."""
        return self.revisions.get(digest)

    async def point(self, pointer: Pointer, digest: Digest) -> None:
        """Moves nothing."""
        raise NotImplementedError

    async def late_answer(self, within_s: float) -> bool:
        """Has nothing to wait for."""
        return False


@dataclass(slots=True)
class SimScene:
    """A simulated engine, and the three ports."""

    engine: SimSwarm = field(default_factory=SimSwarm)
    registry: LabelledImages = field(default_factory=LabelledImages)
    clock: StillClock = field(default_factory=StillClock)
    label: str = "headway.tenant"
    image: str = "registry.test/acme/app"
    repository: str = "acme/app"

    def publish(self, sha: Sha, fate: Fate = Fate.RUNS, *, has_check: bool = True) -> Release:
        """Makes an image known to the engine, and its label to the registry."""
        digest = Digest(f"sha256:{sha256(str(sha).encode()).hexdigest()}")
        reference = f"{self.image}@{digest}"
        self.engine.add_image(SimImage(reference=reference, fate=fate, has_check=has_check))
        self.registry.revisions[digest] = sha
        images = (Image(repository=self.repository, digest=digest),)
        return Release(sha=sha, tag=f"staging-{sha.short}", images=images)

    def create(self, slug: str, release: Release, **more: Any) -> str:  # noqa: ANN401 - parts of a specification
        """Makes a service with the same specification as on a real engine."""
        container = {"Image": f"{self.image}@{release.digest(self.repository)}"}
        update = {"Parallelism": 1, "Order": "start-first", "FailureAction": "rollback"}
        return self.engine.create(
            {
                "Name": slug,
                "Labels": {self.label: slug, **more.get("labels", {})},
                "TaskTemplate": {"ContainerSpec": container | more.get("container", {})},
                "Mode": {"Replicated": {"Replicas": more.get("replicas", 1)}},
                "UpdateConfig": update | more.get("update", {}),
            }
        )

    def play(self, story: Callable[[Under], Awaitable[T]]) -> T:
        """Runs a story; time passes only as it is asked for."""

        async def told() -> T:
            under = Under(engine=self.engine, registry=self.registry, clock=self.clock)
            return await story(under)

        return asyncio.run(told())


@pytest.fixture
def scene() -> SimScene:
    """An engine of the test's own."""
    return SimScene()


class TestSimulatedSwarm(SwarmContract):
    """The contract on the simulated engine."""
