"""What every test runs under: no network beyond loopback, no trace of the CI that runs it.

This file must not hold anything that only some tests need.
"""

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support.engine import REQUIRED, why_no_engine
from tests.support.network_guard import Guard

_CI_PREFIXES = ("CI_", "GITEA_", "GITHUB_", "GITLAB_", "HEADWAY_")

_guard = Guard()
sys.addaudithook(_guard.see)


@pytest.fixture
def network_guard() -> Guard:
    """The guard of this run, for tests of the guard itself."""
    return _guard


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test without the mark `network` that reaches for another machine.

    Processes that the test starts are out of its sight.
    """
    _guard.refused.clear()
    _guard.is_open = request.node.get_closest_marker("network") is not None
    yield
    _guard.is_open = True
    if _guard.refused:
        pytest.fail(f"reached for another machine: {'; '.join(_guard.refused)}")


@pytest.fixture(autouse=True)
def _no_ci_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides the variables of the CI that runs the tests, which the code under test would read."""
    for name in list(os.environ):
        if name == "CI" or name.startswith(_CI_PREFIXES):
            monkeypatch.delenv(name)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test with the mark `engine` where no Docker engine answers, and says why."""
    if item.get_closest_marker("engine") and (reason := why_no_engine()):
        pytest.skip(f"{reason}. Start a Docker engine; on Debian, .ci/docker installs one")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fails what was skipped for want of an engine, or of what belongs to it, where it may not."""
    report = yield
    if report.skipped and REQUIRED and item.get_closest_marker("engine"):
        report.outcome = "failed"
        report.longrepr = f"HEADWAY_REQUIRE_DOCKER forbids to skip it: {report.longreprtext}"
    return report


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder with the sources, also when the tests run against the built wheel elsewhere."""
    here = Path(__file__).resolve().parents[1]
    return Path(os.environ.get("SOURCES_UNDER_TEST", here))


def pytest_report_header() -> str:
    """Says which Headway the run tests."""
    wheel = os.environ.get("WHEEL_UNDER_TEST")
    return f"headway: {Path(wheel).name}, installed" if wheel else "headway: the checkout itself"
