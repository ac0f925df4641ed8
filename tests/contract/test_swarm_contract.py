"""The contract of a Swarm fleet on a real engine with a swarm of one node."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from release.adapters.clock import SystemClock
from release.adapters.docker_endpoint import Endpoint
from release.adapters.http import HttpPool
from release.adapters.registry import OciRegistry
from release.adapters.swarm_engine import DockerEngine
from release.core.values import Digest, Image, Release, Sha
from simulator.swarm_orchestrator import Fate
from tests.contract.swarm_contract import SwarmContract, Under
from tests.support.real_swarm import SOCKET, RealSwarm, real_swarm, why_not
from tests.support.swarm_images import Running

pytestmark = [
    pytest.mark.engine,
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "a swarm can be had"),
]

T = TypeVar("T")
NOWHERE = Digest("sha256:" + "0" * 64)


@dataclass(frozen=True, slots=True)
class RealScene:
    """The real engine."""

    swarm: RealSwarm

    @property
    def repository(self) -> str:
        """The repository of the run's images."""
        return self.swarm.repository

    @property
    def label(self) -> str:
        """What selects this run's services."""
        return self.swarm.label

    @property
    def image(self) -> str:
        """The repository in the run's own registry."""
        return self.swarm.image

    def publish(self, sha: Sha, fate: Fate = Fate.RUNS, *, has_check: bool = True) -> Release:
        """Pushes a real image; a missing one is named and not pushed."""
        digest = NOWHERE
        if fate is not Fate.MISSING:
            how = Running(fate=fate, has_check=has_check, drain_s=0.5, label=str(sha))
            digest = Digest(self.swarm.push(str(sha), how))
        images = (Image(repository=self.repository, digest=digest),)
        return Release(sha=sha, tag=f"staging-{sha.short}", images=images)

    def create(self, slug: str, release: Release, **more: Any) -> str:  # noqa: ANN401 - parts of a specification
        """Makes a real service."""
        return self.swarm.create(slug, str(release.digest(self.repository)), **more)

    def play(self, story: Callable[[Under], Awaitable[T]]) -> T:
        """Runs a story through docker's SDK."""

        async def told() -> T:
            clock = SystemClock()
            here = Endpoint(name="here", url=SOCKET)
            async with HttpPool(clock=clock) as pool, DockerEngine(here, clock=clock) as engine:
                registry = OciRegistry(pool, self.swarm.registry.url)
                return await story(Under(engine=engine, registry=registry, clock=clock))

        return asyncio.run(told())


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSwarm]:
    """The swarm and the registry of this module."""
    with real_swarm(tmp_path_factory.mktemp("swarm")) as swarm:
        yield swarm


@pytest.fixture
def scene(swarm: RealSwarm) -> Iterator[RealScene]:
    """Services of the test's own; they are removed behind it."""
    yield RealScene(swarm)
    swarm.remove_all()


class TestRealSwarm(SwarmContract):
    """The contract on the real engine."""
