"""What the tests between containers share: a world for each file, and logs kept on failure."""

import os
import signal
from collections.abc import Generator, Iterator

import pytest

from tests.support.compose_leftovers import sweep
from tests.support.compose_world import OPEN, ComposeWorld, compose_world, keep_logs
from tests.support.engine import why_no_engine

_OURS = ("COMPOSE_", "SIM_", "TENANTS")
_THEIRS = "SIM_BASE"
"""What the image is made of is for whoever runs the tests to say."""


@pytest.fixture(scope="session", autouse=True)
def _own_settings() -> Iterator[None]:
    """Hides variables of whoever runs the tests, which compose would prefer to the world's own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(_OURS) and name != _THEIRS:
                patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def _heeds_interrupts() -> None:
    """Lets Control-C reach what the tests start, also where a script runs them unattended."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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


def pytest_configure(config: pytest.Config) -> None:
    """Takes away what a run that was killed has left."""
    if _is_in_charge(config):
        sweep()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Takes away what is left when a run is interrupted and its workers are ended."""
    if _is_in_charge(config):
        sweep()


def _is_in_charge(config: pytest.Config) -> bool:
    """Whether this process is no worker, and the tests that need an engine are asked for."""
    is_worker = hasattr(config, "workerinput")
    return not is_worker and config.getoption("markexpr") == "engine" and not why_no_engine()


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
