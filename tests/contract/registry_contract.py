"""What every registry must do for the pipeline, the simulator's and the real ones alike.

A subclass in a test module runs it; that module has the fixture `open_registry`, with a parameter
for each implementation. This module must not know any of them.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import pytest

from release.core.values import Digest, Pointer, Sha
from release.errors import Refused
from release.ports import Registry

__all__ = ["OpenRegistry", "PushImage", "RegistryContract", "UnderTest", "play"]

OLDER = Sha("7a72516" + "0" * 33)
NEWER = Sha("7f25373" + "0" * 33)
NOWHERE = Digest("sha256:" + "0" * 64)

T = TypeVar("T")


class PushImage(Protocol):
    """Does what CI does: builds an image, other bytes for another tag or revision, pushes it."""

    async def __call__(self, repository: str, tag: str, *, revision: Sha | None) -> Digest:
        """Returns the digest; revision: goes into our own label, None leaves that out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderTest:
    """A registry, and the way to put images into it."""

    registry: Registry
    push_image: PushImage


OpenRegistry = Callable[[], AbstractAsyncContextManager[UnderTest]]


def play(open_registry: OpenRegistry, story: Callable[[UnderTest], Awaitable[T]]) -> T:
    """Runs a story on a registry to its end."""

    async def run() -> T:
        async with open_registry() as under_test:
            return await story(under_test)

    return asyncio.run(run())


class RegistryContract:
    """The contract of `ports.Registry`."""

    @pytest.fixture
    def repository(self, request: pytest.FixtureRequest) -> str:
        """A repository of the test's own, as the registry behind it may be shared."""
        return "acme/" + re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")

    def test_pushed_tag_resolves_to_the_digest_of_its_bytes(
        self, open_registry: OpenRegistry, repository: str
    ) -> None:
        """A tag names the manifest that was pushed under it, and a digest names itself."""

        async def story(it: UnderTest) -> tuple[Digest, Digest | None, Digest | None]:
            pushed = await it.push_image(repository, "v1", revision=OLDER)
            by_tag = await it.registry.resolve(repository, "v1")
            return pushed, by_tag, await it.registry.resolve(repository, str(pushed))

        pushed, by_tag, by_digest = play(open_registry, story)

        assert (by_tag, by_digest) == (pushed, pushed)

    def test_what_the_registry_does_not_hold_resolves_to_none(
        self, open_registry: OpenRegistry, repository: str
    ) -> None:
        """An unknown tag, digest and repository are absent, which is no error."""

        async def story(it: UnderTest) -> list[Digest | None]:
            await it.push_image(repository, "v1", revision=OLDER)
            return [
                await it.registry.resolve(repository, "v2"),
                await it.registry.resolve(repository, str(NOWHERE)),
                await it.registry.resolve(f"{repository}-unknown", "v1"),
            ]

        assert play(open_registry, story) == [None, None, None]

    def test_revision_is_the_one_that_our_label_names(
        self, open_registry: OpenRegistry, repository: str
    ) -> None:
        """The release of an image is read from the image itself."""

        async def story(it: UnderTest) -> tuple[Sha | None, Sha | None]:
            older = await it.push_image(repository, "v1", revision=OLDER)
            newer = await it.push_image(repository, "v2", revision=NEWER)
            revision = it.registry.revision
            return await revision(repository, older), await revision(repository, newer)

        assert play(open_registry, story) == (OLDER, NEWER)

    def test_image_without_our_label_has_no_revision(
        self, open_registry: OpenRegistry, repository: str
    ) -> None:
        """An image that CI did not label belongs to no release that we know."""

        async def story(it: UnderTest) -> Sha | None:
            digest = await it.push_image(repository, "v1", revision=None)
            return await it.registry.revision(repository, digest)

        assert play(open_registry, story) is None

    def test_pointer_that_moves_resolves_to_the_same_digest(
        self, open_registry: OpenRegistry, repository: str
    ) -> None:
        """A pointer is made, then moved, to the very manifest; the tags beside it stay."""

        async def story(it: UnderTest) -> tuple[list[Digest | None], list[Digest]]:
            older = await it.push_image(repository, "v1", revision=OLDER)
            newer = await it.push_image(repository, "v2", revision=NEWER)
            seen = []
            for digest in (older, newer, newer):
                await it.registry.point(Pointer(repository=repository, tag="latest"), digest)
                seen.append(await it.registry.resolve(repository, "latest"))
            seen.append(await it.registry.resolve(repository, "v1"))
            return seen, [older, newer, newer, older]

        seen, expected = play(open_registry, story)

        assert seen == expected

    def test_pointer_to_a_manifest_that_is_not_there_is_refused(
        self, open_registry: OpenRegistry, repository: str
    ) -> None:
        """A manifest that the repository does not hold is refused, and the pointer stays."""

        async def story(it: UnderTest) -> tuple[Digest, Digest | None]:
            pushed = await it.push_image(repository, "latest", revision=OLDER)
            with pytest.raises(Refused):
                await it.registry.point(Pointer(repository=repository, tag="latest"), NOWHERE)
            return pushed, await it.registry.resolve(repository, "latest")

        pushed, seen = play(open_registry, story)

        assert seen == pushed

    def test_one_registry_serves_several_repositories(
        self, open_registry: OpenRegistry, repository: str
    ) -> None:
        """Pointers of the same name in two repositories do not touch each other."""

        async def story(it: UnderTest) -> tuple[Digest | None, Digest | None]:
            one, other = f"{repository}/one", f"{repository}/other"
            digest = await it.push_image(one, "v1", revision=OLDER)
            await it.push_image(other, "v1", revision=NEWER)
            await it.registry.point(Pointer(repository=one, tag="latest"), digest)
            seen = await it.registry.resolve(one, "latest")
            return (seen if seen == digest else None), await it.registry.resolve(other, "latest")

        moved, untouched = play(open_registry, story)

        assert moved is not None
        assert untouched is None
