"""The contract of a registry, on the simulator's direct port and on its face by the adapter."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from release.core.values import Digest, Pointer, Sha
from simulator.apps.tokens import RegistryLogin
from simulator.line import Line
from simulator.scheduler import Scheduler
from simulator.sim_ports import SimRegistry
from simulator.sockets import FacesSetup
from simulator.world import World
from tests.contract.registry_contract import OpenRegistry, RegistryContract, UnderTest
from tests.support.faces import visit
from tests.support.virtual import Setting


@dataclass(frozen=True, slots=True)
class Publisher:
    """Builds images as the world's CI does."""

    world: World

    async def push_image(self, repository: str, tag: str, *, revision: Sha | None) -> Digest:
        """Publishes one image."""
        sha = None if revision is None else str(revision)
        return Digest(self.world.registry.publish(repository, tag, sha))


@dataclass(frozen=True, slots=True)
class SteppedRegistry:
    """The direct port, each call of which is played in virtual time to its end."""

    port: SimRegistry
    scheduler: Scheduler

    async def resolve(self, repository: str, reference: str) -> Digest | None:
        """Plays one call."""
        job = self.scheduler.spawn("job", self.port.resolve(repository, reference))
        self.scheduler.run()
        return job.result()

    async def revision(self, repository: str, digest: Digest) -> Sha | None:
        """Plays one call."""
        job = self.scheduler.spawn("job", self.port.revision(repository, digest))
        self.scheduler.run()
        return job.result()

    async def point(self, pointer: Pointer, digest: Digest) -> None:
        """Plays one call."""
        job = self.scheduler.spawn("job", self.port.point(pointer, digest))
        self.scheduler.run()
        job.result()

    async def late_answer(self, within_s: float) -> bool:
        """Plays one call."""
        job = self.scheduler.spawn("job", self.port.late_answer(within_s))
        self.scheduler.run()
        return job.result()


@asynccontextmanager
async def open_direct() -> AsyncIterator[UnderTest]:
    """The direct port on a world in virtual time."""
    setting = Setting.make()
    port = SimRegistry(Line(setting.world, setting.scheduler, actor="job"))
    registry = SteppedRegistry(port, setting.scheduler)
    yield UnderTest(registry=registry, push_image=Publisher(setting.world).push_image)


@asynccontextmanager
async def open_face() -> AsyncIterator[UnderTest]:
    """The shipped adapter on the registry's face."""
    async with visit(FacesSetup(login=RegistryLogin.BEARER)) as it:
        yield UnderTest(registry=it.registry(), push_image=Publisher(it.world).push_image)


class TestSimRegistry(RegistryContract):
    """Both keep the promise of `ports.Registry`."""

    @pytest.fixture(params=[open_direct, open_face], ids=["direct", "face"])
    def open_registry(self, request: pytest.FixtureRequest) -> OpenRegistry:
        """Opens one of both."""
        chosen: OpenRegistry = request.param
        return chosen
