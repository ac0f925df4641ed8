"""The simulator's faces on loopback sockets, within the event loop of a test, and adapters on them.

This module must not judge what the adapters do.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import httpx

from release.adapters.control_plane import ControlPlaneFleet
from release.adapters.edge import HttpEdge
from release.adapters.gitea import GiteaForge, gitea_http
from release.adapters.http import Http, HttpPool
from release.adapters.registry import OciRegistry
from release.adapters.registry_auth import Credentials
from release.core.switch import Switch
from release.core.values import Release, Secret, Sha
from simulator.apps.tokens import RegistryLogin
from simulator.choices import Choices
from simulator.clock import LoopClock
from simulator.served import edge_of
from simulator.sockets import Faces, FacesSetup
from simulator.world import World
from tests.support.clocks import StillClock
from tests.support.virtual import BASE, NEWER, OLDER

__all__ = ["Visit", "played", "visit"]

T = TypeVar("T")

SWITCH = Switch(variable="DEPLOY_ENABLED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A world with three tenants behind sockets, a pool for adapters and a plain client."""

    world: World
    faces: Faces
    pool: HttpPool
    client: httpx.AsyncClient

    def fleet(self, actor: str | None = None) -> ControlPlaneFleet:
        """The control plane's adapter, as one job has it."""
        token = Secret(f"Bearer {self.faces.setup.tokens.control_plane}")
        http = Http(
            self.pool, "control plane", self.faces.url(actor), headers={"authorization": token}
        )
        return ControlPlaneFleet(http, environment="production", timeout_s=5.0)

    def forge(self, *, token: str | None = None, actor: str | None = None) -> GiteaForge:
        """The forge's adapter, with an owner's token unless another is given."""
        secret = Secret(token or self.faces.setup.tokens.forge_owner)
        layout = self.world.layout
        return GiteaForge(
            gitea_http(self.pool, self.faces.url(actor), secret),
            repository=layout.forge_repository,
            branch=layout.branch,
            switch=SWITCH,
        )

    def registry(self, *, password: str | None = None) -> OciRegistry:
        """The registry's adapter, logged in."""
        tokens = self.faces.setup.tokens
        secret = Secret(password or tokens.registry_password)
        credentials = Credentials(username=tokens.registry_user, password=secret)
        return OciRegistry(self.pool, self.faces.url(), credentials=credentials)

    @asynccontextmanager
    async def edge(self, *, timeout_s: float = 5.0) -> AsyncIterator[HttpEdge]:
        """The edge's adapter."""
        edge = HttpEdge(edge_of(self.faces.url()), timeout_s=timeout_s)
        try:
            yield edge
        finally:
            await edge.aclose()

    def release(self, sha: str) -> Release:
        """A release as jobs call it."""
        return Release(sha=Sha(sha), tag=self.world.layout.image_tag(sha))


@asynccontextmanager
async def visit(setup: FacesSetup | None = None) -> AsyncIterator[Visit]:
    """Serves acme, globex and initech on BASE, with OLDER and NEWER released and no latency."""
    world = World(LoopClock(), Choices())
    world.found(BASE, ("acme", "globex", "initech"))
    world.release(OLDER)
    world.release(NEWER)
    world.control_plane.timing.landing_s = 0.0
    world.control_plane.timing.answer_s = 0.0
    chosen = setup or FacesSetup(actors=("older", "newer"), login=RegistryLogin.BEARER)
    async with (
        Faces(world, chosen) as faces,
        HttpPool(clock=StillClock()) as pool,
        httpx.AsyncClient(base_url=faces.url(), trust_env=False) as client,
    ):
        yield Visit(world=world, faces=faces, pool=pool, client=client)


async def played(tell: Callable[[Visit], Awaitable[T]], setup: FacesSetup | None = None) -> T:
    """Tells one story on a visit of its own."""
    async with visit(setup) as one:
        return await tell(one)
