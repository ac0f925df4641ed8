"""`sim.up --docker` and the verbs that go with it, from the shell; nothing is left behind."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.compose_project import project_of
from tests.support.compose_image import image
from tests.support.compose_leftovers import note
from tests.support.engine import docker, until
from tests.support.shell import Said, Shell

pytestmark = [pytest.mark.engine, pytest.mark.slow]

TWO = ("--docker", "--tenants", "2")
SERVICES = 5
UNWANTED = shutil.ignore_patterns(".git", ".nox", ".venv", ".*_cache", "__pycache__", "dist")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell in an empty folder; what a test brings up in it goes down again."""
    image()  # An image that a verb built for a folder of one test would be left over.
    note(project_of(tmp_path / ".headway"))
    shell = Shell(folder=tmp_path)
    yield shell
    shell.invoke("sim.down")


def left(folder: Path) -> list[str]:
    """Every container, network and volume of the simulation whose folder that is."""
    label = f"label=com.docker.compose.project={project_of(folder / '.headway')}"
    kinds = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))
    return [one for kind in kinds for one in docker(*kind, "-q", "--filter", label).split()]


def test_verbs_work_on_containers_as_on_a_process(shell: Shell) -> None:
    """Up, moved, broken, deployed, mended, deployed, and down without a trace."""
    up = shell.invoke("sim.up", *TWO)
    config = str(shell.folder / ".headway" / "headway.toml")
    deploy = ("deploy", "--config", config, "--commit", "main")
    again = shell.invoke("sim.up", *TWO)
    pushed = shell.invoke("sim.push", "--message", "A better page", "--json")
    broken = shell.invoke("sim.fault", "--tenant", "acme", "--state", "wedged")
    red = shell.invoke(*deploy, HEADWAY_SETTLE__BUDGET_S="3")
    mended = shell.invoke("sim.fault", "--tenant", "acme", "--state", "healthy")
    green = shell.invoke(*deploy)
    status = shell.invoke("sim.status")
    down, repeated = shell.invoke("sim.down"), shell.invoke("sim.down")

    sha = pushed.document["sha"][:7]
    assert [("up", 0), ("invalid", 2)] == [up.end, again.end], up
    assert [("changed", 0)] * 2 == [broken.end, mended.end]
    assert [("exhausted", 1), ("deployed", 0)] == [red.end, green.end], green
    assert "acme" in red.last_line
    assert {f"tenant {slug}: {sha}" for slug in ("hongming", "acme")} <= {
        line.strip().partition(" (")[0] for line in status.out.splitlines()
    }
    assert [("down", 0)] * 2 == [down.end, repeated.end]
    assert [] == left(shell.folder)
    assert [] == list(shell.folder.iterdir())


def test_up_with_a_broken_setting_says_so_and_leaves_nothing(shell: Shell) -> None:
    """The last words of the container that ended are in the message."""
    said = shell.invoke("sim.up", *TWO, SIM_REGISTRY_LOGIN="by-hand")

    assert ("unavailable", 1) == said.end, said
    assert "by-hand" in said.last_line
    assert [] == left(shell.folder)
    assert [] == [path for path in shell.folder.rglob("*") if path.is_file()]


def test_interrupted_up_leaves_nothing(shell: Shell) -> None:
    """Control-C while the containers are being started takes away those that are there."""
    with shell.start("sim.up", *TWO) as job:
        until(lambda: left(shell.folder), "something of it is there")
        job.send(signal.SIGINT)
        said = job.finish()

    assert 0 != said.code
    assert [] == left(shell.folder)


def test_down_takes_away_what_a_killed_up_has_left(shell: Shell) -> None:
    """It goes by what the engine says, as nobody was there to write anything down."""
    project = project_of(shell.folder / ".headway")
    label = f"label=com.docker.compose.project={project}"
    with shell.start("sim.up", *TWO) as job:
        until(
            lambda: len(docker("ps", "-q", "--filter", label).split()) == SERVICES + 2,
            "all containers run",
        )
        job.send(signal.SIGKILL)
        job.finish()

    said = shell.invoke("sim.down")

    assert ("down", 0) == said.end
    assert [] == left(shell.folder)


def invoke_in(checkout: Path, *words: str) -> Said:
    """Runs a verb of a copy of the checkout, in that copy."""
    command = [sys.executable, "-m", "invoke", "--search-root", str(checkout), *words]
    done = subprocess.run(
        command,
        cwd=checkout,
        capture_output=True,
        check=False,
        text=True,
        env={**Shell(folder=checkout).environment, "PYTHONPATH": str(checkout)},
    )
    return Said(code=done.returncode, out=done.stdout, err=done.stderr)


def test_two_checkouts_at_once_do_not_collide(checkout: Path, tmp_path: Path) -> None:
    """Each has containers, a network and an address of its own; one goes down without the other."""
    copies = [tmp_path / name for name in ("one", "two")]
    for copy in copies:
        shutil.copytree(checkout, copy, ignore=UNWANTED)
        note(project_of(copy / ".headway"))
    try:
        ups = [invoke_in(copy, "sim.up", *TWO) for copy in copies]
        pushed = [invoke_in(copy, "sim.push", "--message", copy.name, "--json") for copy in copies]
        down = invoke_in(copies[0], "sim.down")
        status = invoke_in(copies[1], "sim.status", "--json")
    finally:
        for copy in copies:
            invoke_in(copy, "sim.down")

    assert [("up", 0)] * 2 == [up.end for up in ups], ups
    assert ("down", 0) == down.end
    assert pushed[1].document["sha"] == status.document["head"]
    assert [[], []] == [left(copy) for copy in copies]
