"""The simulated world that the live tests share, one for each module."""

import os
from collections.abc import Iterator

import pytest

from tests.support.live_world import LiveWorld, live_world

_OURS = ("CI_", "FORGEJO_", "GITEA_", "GITHUB_", "GITLAB_", "HEADWAY_")


@pytest.fixture(scope="module")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWorld]:
    """A world on sockets whose first use is declared."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name == "CI" or name.startswith(_OURS):
                patch.delenv(name)
        with live_world(tmp_path_factory.mktemp("live")) as world:
            yield world


@pytest.fixture
def world(shared_world: LiveWorld) -> Iterator[LiveWorld]:
    """The module's world; whatever a test has broken in it is mended behind it."""
    yield shared_world
    shared_world.calm()
