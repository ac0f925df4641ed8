"""The forge as a process: commits, CI, git over HTTP, and the images that CI builds of a push.

This module must not keep images; it publishes them into whatever registry there is.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from release.errors import Unavailable
from simulator.apps.exchange import Exchange, Response, json_response
from simulator.containers.authority import control_body
from simulator.containers.oci import OciClient
from simulator.containers.service import Program, Service
from simulator.git_host import CiReport, GitHost, NewCommit
from simulator.happenings import Happening, Kind
from simulator.images import Document

__all__ = ["ForgeProgram", "make"]

T = TypeVar("T")

_FIRST_FILE = {"RELEASE": "1: First release\n"}
_REGISTRY_WAIT_S = 60.0
_RETRY_S = 0.2


class ForgeProgram:
    """Founds the world: makes the first commit, or what a scenario begins with, and its images."""

    paths = frozenset({"api", "git", "acme"})

    def __init__(self, service: Service) -> None:
        settings = service.settings
        self._service = service
        self._world = service.world
        self._registry = OciClient(
            url=settings.url("registry"),
            user=settings.tokens.registry_user,
            password=settings.tokens.registry_password,
        )
        self._publisher = _Publisher(service, self._registry)
        directory = service.keeping.folder / "git" / f"{self._world.layout.forge_repository}.git"
        kind = _LedgerHost if settings.scenario else _PublishingHost
        self.git: GitHost = kind(self._publisher.flush, self._world, directory)

    async def begin(self) -> None:
        """Founds what is not there yet, and publishes it; safe to repeat."""
        world, keeping = self._world, self._service.keeping
        if not self.git.directory.exists():
            self.git.directory.mkdir(parents=True)
            await self.git.create()
        if self._service.settings.scenario is None:
            if keeping.read("founded") is None:
                first = NewCommit(message="First release", files=_FIRST_FILE, ci=CiReport())
                await self.git.push(first)
                keeping.write("founded", {"sha": world.forge.head(world.layout.branch)})
            else:
                await self.git.take_pushes(actor="world")
        await self.git.take_record(actor="world")
        await self._publisher.flush()
        await _persist(self._found_pointers)

    async def answer(self, exchange: Exchange) -> Response | None:
        """Releases a commit of a scenario, as its push does."""
        match exchange.path:
            case ("sim", "release"):
                body = control_body(exchange, self._service.settings)
                self._world.release(body["sha"], ci_state=body.get("ci_state", "success"))
                await self._publisher.flush()
                return json_response({"sha": body["sha"]})
            case _:
                return None

    async def _found_pointers(self) -> None:
        """Points the promoted tags at what the world began with, where they name nothing yet."""
        world = self._world
        tag, head = world.layout.pointer_tag, world.forge.head(world.layout.branch)
        assert head is not None, "the forge is founded"
        for repository in world.layout.repositories:
            scenario = self._service.settings.scenario
            if await self._registry.find(repository, tag) is not None:
                continue
            if scenario is None:
                await self._registry.retag(repository, tag, world.layout.image_tag(head))
                continue
            for name in world.registry.tags(repository) or ():
                await self._publisher.publish(repository, name)


def make(service: Service) -> Program:
    """Makes the program of this service."""
    return ForgeProgram(service)


class _Publisher:
    """Publishes what the world has built, in the order in which it was built."""

    def __init__(self, service: Service, registry: OciClient) -> None:
        self._world = service.world
        self._registry = registry
        self._waiting: list[tuple[str, str]] = []
        self._lock = asyncio.Lock()
        service.world.log.subscribe(self._take)

    def _take(self, happening: Happening) -> None:
        if happening.kind is Kind.PUBLISHED:
            repository, _, tag = happening.subject.rpartition(":")
            self._waiting.append((repository, tag))

    async def flush(self) -> None:
        """Publishes all that waits; raises Unavailable when the registry stays away."""
        async with self._lock:
            while self._waiting:
                repository, tag = self._waiting[0]
                await _persist(lambda: self.publish(repository, tag))  # noqa: B023 - used at once
                del self._waiting[0]

    async def publish(self, repository: str, tag: str) -> None:
        """Publishes what a tag of the world names; does nothing when it is there already."""
        registry = self._world.registry
        image = registry.find(repository, tag)
        assert image is not None, "the world has built it"
        there = await self._registry.find(repository, tag)
        if there is None or there.digest != image.digest:
            await self._registry.publish(repository, tag, self._parts_of(repository, image))

    def _parts_of(self, repository: str, image: Document) -> tuple[Document, ...]:
        stored = self._world.registry.repositories[repository]
        return (*stored.blobs.values(), image)


class _PublishingHost(GitHost):
    """Ends a push when the images of what was pushed are in the registry."""

    def __init__(self, flush: Callable[[], Awaitable[None]], *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]  # handed on as they are
        self._flush = flush

    async def push(self, commit: NewCommit) -> str:
        """Pushes, and publishes what CI has built."""
        sha = await super().push(commit)
        await self._flush()
        return sha

    async def take_pushes(self, *, actor: str) -> None:
        """Looks where the branch is, and publishes what CI has built of it."""
        await super().take_pushes(actor=actor)
        await self._flush()


class _LedgerHost(_PublishingHost):
    """A repository for the ledger alone: the recorded commits can't be made anew in git."""

    async def take_pushes(self, *, actor: str) -> None:
        """Makes no release of what was pushed."""


async def _persist(act: Callable[[], Awaitable[T]]) -> T:
    """Repeats what may be repeated until the registry is there; raises Unavailable in the end."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + _REGISTRY_WAIT_S
    while True:
        try:
            return await act()
        except Unavailable:
            if loop.time() > deadline_s:
                raise
        await asyncio.sleep(_RETRY_S)
