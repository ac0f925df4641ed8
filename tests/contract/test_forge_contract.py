"""The contract of a forge, on the Gitea adapter, on git itself and on the simulator's port."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from release.adapters.git_command import GitCommand
from release.adapters.git_forge import GitForge
from release.adapters.git_mirror import GitMirror
from release.adapters.git_remote import GitRemote
from release.adapters.gitea import GiteaForge, gitea_http
from release.adapters.http import HttpPool
from release.core.switch import Switch
from release.core.values import Secret, Sha
from release.ports import Forge
from simulator.direct import virtual_world
from simulator.line import Line
from simulator.sim_ports import SimForge
from simulator.world import Layout
from tests.contract.forge_contract import REQUIRED, CheckingForgeContract, ForgeContract
from tests.support.clocks import StillClock
from tests.support.git_repository import GitRepository
from tests.support.gitea_double import REPOSITORY, GiteaDouble
from tests.support.loopback import Loopback

OWN = "deploy / x (push)"
T = TypeVar("T")


class GiteaWorld:
    """A Gitea on loopback, started for each question."""

    def __init__(self) -> None:
        self.gitea = GiteaDouble()

    def commit(self, *parents: Sha) -> Sha:
        """Adds a commit under an id that nothing tells from a real one."""
        sha = Sha(f"{len(self.gitea.commits) + 1:x}".rjust(2, "a") + "5c" * 19)
        self.gitea.commits[str(sha)] = tuple(map(str, parents))
        return sha

    def push(self, branch: str, sha: Sha) -> None:
        """Moves a branch."""
        self.gitea.branches[branch] = str(sha)

    def tag(self, name: str, sha: Sha) -> None:
        """Sets a tag."""
        self.gitea.tags[name] = str(sha)

    def set_switch(self, text: str) -> None:
        """Sets the variable."""
        self.gitea.variables["DEPLOY_ENABLED"] = text

    def set_status(self, sha: Sha, context: str, state: str) -> None:
        """Adds a row."""
        self.gitea.add_status(str(sha), context, state)

    def ask(self, question: Callable[[Forge], Awaitable[T]]) -> T:
        """Asks the adapter."""

        async def run() -> T:
            async with (
                Loopback(react=self.gitea.react) as server,
                HttpPool(clock=StillClock()) as pool,
            ):
                forge = GiteaForge(
                    gitea_http(pool, server.url, Secret("t0ken")),
                    repository=REPOSITORY,
                    branch="main",
                    required_contexts=REQUIRED,
                    own_context=OWN,
                    switch=Switch(variable="DEPLOY_ENABLED"),
                )
                return await question(forge)

        return asyncio.run(run())


class GitWorld:
    """A bare repository on disk and, for each question, a mirror of it that starts empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._repository = GitRepository(folder / "remote.git")
        self._commits = 0

    def commit(self, *parents: Sha) -> Sha:
        """Adds a commit."""
        self._commits += 1
        return Sha(self._repository.commit(f"commit {self._commits}", *map(str, parents)))

    def push(self, branch: str, sha: Sha) -> None:
        """Moves a branch."""
        self._repository.git("update-ref", f"refs/heads/{branch}", str(sha))

    def tag(self, name: str, sha: Sha) -> None:
        """Sets a tag."""
        self._repository.git("update-ref", f"refs/tags/{name}", str(sha))

    def set_switch(self, text: str) -> None:
        """Commits the file to its branch."""
        self._repository.commit("switch", files={"enabled": text.encode()}, ref="refs/heads/ops")

    def ask(self, question: Callable[[Forge], Awaitable[T]]) -> T:
        """Asks the adapter."""
        mirror = GitMirror(
            GitCommand(os.environ),
            GitRemote(self._repository.url),
            directory=self._folder / "mirror",
            clock=StillClock(),
        )
        forge = GitForge(mirror, branch="main", switch=Switch(file="enabled", ref="ops"))

        async def run() -> T:
            return await question(forge)

        return asyncio.run(run())


class SimulatedWorld:
    """A world in virtual time; a question is a job in it."""

    def __init__(self) -> None:
        self._scheduler, self._world = virtual_world(Layout(required=REQUIRED))
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
        """Asks the port."""
        forge = SimForge(Line(self._world, self._scheduler, actor="job"), own_context=OWN)

        async def run() -> T:
            return await question(forge)

        job = self._scheduler.spawn("job", run())
        self._scheduler.run()
        return job.result()


class TestGiteaForge(ForgeContract, CheckingForgeContract):
    """The adapter, on a double with the documented oddities of a real one."""

    @pytest.fixture
    def world(self) -> GiteaWorld:
        """An empty repository."""
        return GiteaWorld()


class TestGitForge(ForgeContract):
    """The adapter, on git itself."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> GitWorld:
        """An empty repository."""
        return GitWorld(tmp_path)


class TestSimForge(ForgeContract, CheckingForgeContract):
    """The simulator's port."""

    @pytest.fixture
    def world(self) -> SimulatedWorld:
        """An empty repository."""
        return SimulatedWorld()
