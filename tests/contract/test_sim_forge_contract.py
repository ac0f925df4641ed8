"""The contract of a forge, on the Gitea adapter over the simulator's own forge face."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from release.adapters.gitea import GiteaForge, gitea_http
from release.adapters.http import HttpPool
from release.core.switch import Switch
from release.core.values import Secret, Sha
from release.ports import Forge
from simulator.choices import Choices
from simulator.clock import LoopClock
from simulator.sockets import Faces
from simulator.world import Layout, World
from tests.contract.forge_contract import REQUIRED, CheckingForgeContract, ForgeContract
from tests.support.clocks import StillClock

T = TypeVar("T")


class FaceWorld:
    """A world whose forge face is served anew for each question."""

    def __init__(self) -> None:
        self._world = World(LoopClock(), Choices(), Layout(required=REQUIRED))
        self._commits = 0

    def commit(self, *parents: Sha) -> Sha:
        """Adds a commit."""
        self._commits += 1
        sha = Sha(f"{self._commits:x}".rjust(2, "a") + "5c" * 19)
        self._world.forge.add_commit(str(sha), map(str, parents))
        return sha

    def push(self, branch: str, sha: Sha) -> None:
        """Moves a branch."""
        self._world.forge.push(branch, str(sha))

    def tag(self, name: str, sha: Sha) -> None:
        """Sets a tag."""
        self._world.forge.tags[name] = str(sha)

    def set_switch(self, text: str) -> None:
        """Sets the variable."""
        self._world.forge.set_variable("DEPLOY_ENABLED", text)

    def set_status(self, sha: Sha, context: str, state: str) -> None:
        """Adds a row."""
        self._world.forge.set_status(str(sha), context, state)

    def ask(self, question: Callable[[Forge], Awaitable[T]]) -> T:
        """Asks the adapter over the face."""

        async def run() -> T:
            async with Faces(self._world) as faces, HttpPool(clock=StillClock()) as pool:
                token = Secret(faces.setup.tokens.forge_owner)
                forge = GiteaForge(
                    gitea_http(pool, faces.url(), token),
                    repository="acme/app",
                    branch="main",
                    own_context="deploy / x (push)",
                    switch=Switch(variable="DEPLOY_ENABLED"),
                )
                return await question(forge)

        return asyncio.run(run())


class TestForgeFace(ForgeContract, CheckingForgeContract):
    """The face answers as the double with the documented oddities does."""

    @pytest.fixture
    def world(self) -> FaceWorld:
        """An empty repository."""
        return FaceWorld()
