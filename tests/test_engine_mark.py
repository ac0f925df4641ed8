"""The mark `engine`: what needs a Docker engine is skipped without one, or fails where it may not.

The tests of a file between containers are run for that, against an engine that is not there.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.shell import ROOT

pytestmark = pytest.mark.slow

SKIPPED, FAILED = 0, 1


def run_without_engine(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Runs one file of such tests where no engine answers."""
    command = [sys.executable, "-m", "pytest", "-m", "engine", "-p", "no:randomly"]
    nowhere = {"DOCKER_HOST": f"unix://{folder}/docker.sock", "DOCKER_CONTEXT": ""}
    return subprocess.run(
        [*command, "tests/compose/test_deploys.py"],
        cwd=ROOT,
        env={**os.environ, **nowhere, **variables},
        capture_output=True,
        check=False,
        text=True,
    )


def test_tests_that_need_an_engine_are_skipped_without_one_and_say_why(tmp_path: Path) -> None:
    """The reason names what failed, and how to come by an engine."""
    done = run_without_engine(tmp_path)

    assert SKIPPED == done.returncode, done.stdout
    assert " skipped" in done.stdout.splitlines()[-1]
    assert "passed" not in done.stdout.splitlines()[-1]
    assert ".ci/docker installs one" in done.stdout


def test_missing_engine_is_a_failure_where_one_is_required(tmp_path: Path) -> None:
    """CI asks for it, so that these tests never pass by being skipped."""
    done = run_without_engine(tmp_path, HEADWAY_REQUIRE_DOCKER="1")

    assert FAILED == done.returncode, done.stdout
    assert "HEADWAY_REQUIRE_DOCKER forbids to skip it" in done.stdout
    assert "skipped" not in done.stdout.splitlines()[-1]
