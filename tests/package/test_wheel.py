"""What the wheel gives to whoever installs it: a command, and tasks to mount beside their own.

These tests install into fresh environments and so take seconds; the Nox session `package` runs
them, with the wheel that it has built.
"""

import email
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

THEIR_TASKS = '''
from headway.tasks import namespace as headway
from invoke import Collection, task

from release import version


@task
def theirs(context):
    """Runs a task of the repository itself."""
    import headway.release.errors

    print("their release", version, "and", headway.release.errors.Invalid.__module__)


namespace = Collection(theirs)
namespace.add_collection(headway, name="headway")
'''


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that Nox has built; without Nox, one that is built now."""
    if built := os.environ.get("WHEEL_UNDER_TEST"):
        return Path(built)
    dist = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(dist)]
    run(command, cwd=checkout)
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of a fresh environment that has the wheel and nothing else of ours."""
    folder = tmp_path_factory.mktemp("installed")
    run([sys.executable, "-m", "venv", str(folder)])
    run([str(folder / "bin" / "pip"), "install", "--quiet", str(wheel)])
    return folder / "bin"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that has a `release` package and tasks of its own, and mounts ours."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "release").mkdir()
    (folder / "release" / "__init__.py").write_text('version = "theirs-1"\n')
    (folder / "tasks.py").write_text(THEIR_TASKS)
    return folder


def run(command: list[str], *, cwd: Path | None = None) -> str:
    """Runs a command without the Python settings of this test run, and returns what it prints."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTHON")
    }
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_wheel_holds_everything_under_one_name(wheel: Path) -> None:
    """The wheel takes no name in site-packages but `headway`."""
    names = zipfile.ZipFile(wheel).namelist()

    top_level = {name.partition("/")[0] for name in names}
    assert {"headway", "headway-0.1.0.dist-info"} == top_level


def test_wheel_holds_every_source_and_data_file(wheel: Path, checkout: Path) -> None:
    """What the code reads from beside itself is shipped with it; caches are not."""
    shipped = set(zipfile.ZipFile(wheel).namelist())

    folders = [checkout / name for name in ("release", "simulator", "examples")]
    files = {
        f"headway/{path.relative_to(checkout).as_posix()}"
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert set() == files - shipped
    assert not [name for name in shipped if "__pycache__" in name]


def test_metadata_says_what_it_needs(wheel: Path) -> None:
    """The metadata names the oldest Python, the licence, and what only some parts need."""
    text = zipfile.ZipFile(wheel).read("headway-0.1.0.dist-info/METADATA").decode()

    metadata = email.message_from_string(text)
    required = metadata.get_all("Requires-Dist", [])
    assert ">=3.11" == metadata["Requires-Python"]
    assert "MIT" == metadata["License-Expression"]
    assert ["simulator", "swarm"] == metadata.get_all("Provides-Extra")
    assert any(line.startswith("invoke") and "extra" not in line for line in required)
    assert any(line.startswith("uvicorn") and "extra" in line for line in required)
    assert any(line.startswith("docker") and "extra" in line for line in required)


def test_command_lists_the_tasks(installed: Path, tmp_path: Path) -> None:
    """`headway --list` is the menu, wherever it is called and with no extra installed."""
    menu = run([str(installed / "headway"), "--list"], cwd=tmp_path)

    assert "plan" in menu
    assert "check-superseded" in menu


def test_package_runs_as_module(installed: Path, tmp_path: Path) -> None:
    """`python -m headway` is the same command."""
    menu = run([str(installed / "python"), "-m", "headway", "--list"], cwd=tmp_path)

    assert "plan" in menu


def test_other_repository_mounts_the_tasks(installed: Path, repository: Path) -> None:
    """A repository's own tasks and ours stand in one menu, ours below the name that it chose."""
    menu = run([str(installed / "invoke"), "--list"], cwd=repository)

    assert "theirs" in menu
    assert "headway.plan" in menu
    assert "headway.check-superseded" in menu


def test_mounted_task_shows_its_options(installed: Path, repository: Path) -> None:
    """A mounted task explains itself as it does in our own menu."""
    shown = run([str(installed / "invoke"), "--help", "headway.plan"], cwd=repository)

    assert "--config" in shown


def test_other_repository_keeps_its_own_release_package(installed: Path, repository: Path) -> None:
    """`release` is the repository's package and `headway.release` is ours, in one process."""
    said = run([str(installed / "invoke"), "theirs"], cwd=repository)

    assert "their release theirs-1 and headway.release.errors" == said.strip()
