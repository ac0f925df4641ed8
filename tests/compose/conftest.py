"""What the tests between containers share: a world for each file, and logs kept on failure."""

import os
from collections.abc import Generator, Iterator

import pytest

from tests.support.compose_world import OPEN, ComposeWorld, compose_world, keep_logs

_OURS = ("COMPOSE_", "SIM_")


@pytest.fixture(scope="session", autouse=True)
def _own_settings() -> Iterator[None]:
    """Hides variables of whoever runs the tests, which compose would prefer to the world's own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name == "TENANTS" or name.startswith(_OURS):
                patch.delenv(name)
        yield


@pytest.fixture(scope="module")
def shared_world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ComposeWorld]:
    """A world of three tenants for one file of tests."""
    name = request.module.__name__.rpartition("test_")[2].replace("_", "-")
    with compose_world(name, tmp_path_factory.mktemp(name)) as world:
        yield world


@pytest.fixture
def world(shared_world: ComposeWorld) -> Iterator[ComposeWorld]:
    """The file's world; whatever a test has broken in it is mended behind it."""
    yield shared_world
    shared_world.calm()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Lets races be replayed several times in a row."""
    parser.addoption("--rounds", type=int, default=1, help="how often each race is replayed")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test that asks for the number of its round once in each of them."""
    if "round_number" in metafunc.fixturenames:
        rounds = metafunc.config.getoption("--rounds", 1)
        metafunc.parametrize("round_number", range(1, rounds + 1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keeps the logs of every container that is there when a test fails, and says where."""
    report = yield
    if report.failed:
        for world in OPEN:
            kept = keep_logs(world.project, world.folder / "logs")
            report.sections.append((f"containers of {world.project}", f"their logs: {kept}"))
    return report
