"""The checks of this checkout, one session each; `nox` alone runs all that gate a change.

It must not import anything of ours: what is checked is installed into the session's environment.
"""

import os
import shutil
import sys
import tarfile
import time
from pathlib import Path

import nox

nox.needs_version = ">=2025.10.14"
nox.options.sessions = ["lint", "types", "tests", "docs", "package"]
nox.options.reuse_venv = "yes"
nox.options.default_venv_backend = "virtualenv"
nox.options.download_python = "never"
# CI tests on the interpreters that it has, as a developer does.
nox.options.error_on_missing_interpreters = False

ROOT = Path(__file__).parent
DIST = ROOT / "dist"
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
SUPPORTED_PYTHONS = ["3.11", "3.12", "3.13"]
THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# The one that runs Nox is there for certain, so that the tests never run on none at all.
PYTHONS = sorted({*SUPPORTED_PYTHONS, THIS_PYTHON}, key=lambda text: int(text.split(".")[1]))
SOURCES = ["release", "simulator", "tests", "bench", "distribution", "tasks.py", "noxfile.py"]
# What the tests read beside the packages.
TEST_DATA = ["tests", "docs", "examples", "bench", "distribution", "pyproject.toml"]
TEST_DATA += ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"]
# Where tests need a Docker engine; tests/compose comes first, as it has options of its own.
SWARM_TESTS = ["tests/contract", "tests/real"]
TASKS_OF_THE_WHEEL = '''"""Mounts the installed tasks, as `invoke` finds them here."""

from headway.tasks import namespace

__all__ = ["namespace"]
'''
# What `nox -s demo` shows: each is one command line of `invoke`, run in the checkout.
DEMO = [
    ["race"],
    ["sim.up"],
    ["sim.push"],
    ["deploy", "--config", ".headway/headway.toml", "--commit", "main"],
    ["sim.status"],
]
DEMO_CLEANUP = ["sim.down"]


@nox.session
def demo(session: nox.Session) -> None:
    """Replays the race of incident 2213 and deploys once to a simulated fleet."""
    session.install("-e", ".[simulator]")
    started_s = time.monotonic()
    try:
        for words in DEMO:
            session.run("invoke", *words)
    finally:
        session.run("invoke", *DEMO_CLEANUP)
    session.log(f"The demo took {time.monotonic() - started_s:.0f} s.")


@nox.session
def lint(session: nox.Session) -> None:
    """Checks style and formatting with Ruff; `nox -s lint -- --fix` mends what it can."""
    session.install(*_group("lint"))
    if "--fix" in session.posargs:
        session.run("ruff", "check", "--fix", *SOURCES)
        session.run("ruff", "format", *SOURCES)
    session.run("ruff", "check", *SOURCES)
    session.run("ruff", "format", "--check", *SOURCES)


@nox.session
def types(session: nox.Session) -> None:
    """Checks types with mypy in strict mode, tests and tasks included."""
    session.install("-e", ".[simulator]", *_group("types"))
    session.run("mypy", *SOURCES)


@nox.session
def build(session: nox.Session) -> None:
    """Builds the sdist and the wheel that the sessions `tests` and `package` work on."""
    session.install(*_group("build"))
    shutil.rmtree(DIST, ignore_errors=True)
    session.run("python", "-m", "hatchling", "build", "-d", str(DIST))


@nox.session(python=PYTHONS, requires=["build"])
def tests(session: nox.Session) -> None:
    """Runs the tests against the built wheel, on each supported Python that is here.

    Arguments after `--` go to pytest, as in `nox -s tests-3.12 -- -k ledger -n 0`, and say what is
    run. Without them the Python that runs Nox runs everything and measures coverage; the others
    leave out what is marked slow, most of which starts processes and waits for them.
    """
    wheel = _install_wheel(session, *_group("tests"))
    folder = _lay_out(session)
    # The session `package` runs its tests, once and not on every Python.
    arguments = session.posargs or [
        "--numprocesses=2",
        # By file: a file shares one world, and a group's mark is lost on this pytest.
        "--dist=loadfile",
        # A dead worker ends the run: with a new one in its place, the others may wait for ever.
        "--max-worker-restart=0",
        "--ignore=tests/package",
    ]
    if not session.posargs and session.python == THIS_PYTHON:
        arguments += ["--cov=headway.release.core", "--cov-report=term", "--cov-fail-under=100"]
    elif not session.posargs:
        arguments += ["-m", "not slow"]
    session.chdir(folder)
    session.run("pytest", *arguments, env=_test_environment(folder, wheel))


@nox.session
def docs(session: nox.Session) -> None:
    """Runs every example of the README and of docs/ that says that it runs."""
    session.install("-e", ".[simulator]", *_group("tests"))
    session.run("pytest", "tests/docs", *session.posargs)


@nox.session(requires=["build"])
def package(session: nox.Session) -> None:
    """Checks the wheel and the sdist, and uses the wheel as another repository would."""
    wheel = _install_wheel(session, *_group("tests"), *_group("build"))
    folder = _lay_out(session)
    _check_rebuild(session, wheel)
    session.chdir(folder)
    session.run("headway", "--list")
    session.run("pytest", "tests/package", *session.posargs, env=_test_environment(folder, wheel))


def _group(name: str) -> tuple[str, ...]:
    return nox.project.dependency_groups(PYPROJECT, name)


def _install_wheel(session: nox.Session, *requirements: str) -> Path:
    (wheel,) = DIST.glob("*.whl")
    # The version stays the same from one build to the next, so pip would keep the old one.
    session.install("--force-reinstall", "--no-deps", str(wheel))
    session.install(f"{wheel}[simulator,swarm]", *requirements)
    return wheel


def _lay_out(session: nox.Session) -> Path:
    """Copies the tests to where the packages of the checkout can't be imported."""
    folder = Path(session.create_tmp()).resolve() / "without_sources"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in TEST_DATA:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored)
        elif source.exists():
            shutil.copy(source, folder / name)
    (folder / "tasks.py").write_text(TASKS_OF_THE_WHEEL, "utf-8")
    return folder


def _test_environment(folder: Path, wheel: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": f"{folder / 'tests' / 'installed'}:{folder}",
        "SOURCES_UNDER_TEST": str(ROOT),
        "WHEEL_UNDER_TEST": str(wheel),
    }


def _check_rebuild(session: nox.Session, wheel: Path) -> None:
    """Builds the wheel again, from the sdist, and compares the two byte by byte."""
    (sdist,) = DIST.glob("*.tar.gz")
    folder = Path(session.create_tmp()).resolve() / "from_sdist"
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    with session.chdir(folder / sdist.name.removesuffix(".tar.gz")):
        session.run("python", "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    if (folder / wheel.name).read_bytes() != wheel.read_bytes():
        session.error(f"{sdist.name} builds another wheel than the checkout does")


@nox.session
def compose(session: nox.Session) -> None:
    """Runs the tests that need a Docker engine: the simulator in containers, and real swarms.

    They are skipped where no engine answers, and fail there when HEADWAY_REQUIRE_DOCKER is 1.
    `-- --rounds 10 -k races` replays every race between containers ten times in a row; arguments
    are for the tests of containers, and leave those of swarms out.
    """
    session.install("-e", ".[simulator,swarm]", *_group("tests"))
    # Most of a test is waiting for leases to run out, so two at once take little more than one.
    split = ["--numprocesses=2", "--dist=loadfile", "--max-worker-restart=0"]
    # Swarms come first and by themselves: while an engine joined and left one, containers of other
    # tests were seen not to find one another by name.
    if not session.posargs:
        session.run("pytest", "-m", "engine", *SWARM_TESTS)
    session.run("pytest", "-m", "engine", *split, "tests/compose", *session.posargs)


@nox.session
def explore(session: nox.Session) -> None:
    """Explores every scope of the published table; `-- "2 x 3"` those with it in their titles."""
    session.install("-e", ".[simulator]")
    session.run("python", "bench/explore.py", *session.posargs)


@nox.session
def kills(session: nox.Session) -> None:
    """Kills 500 deploys with SIGKILL at random moments and runs the next one behind each.

    Half of the worlds are fenced, half are not and apply what they are told late. `-- --count 60
    --seed 7` sets how many and which; `-- --seed 7 --only 17` replays one of them.
    """
    session.install("-e", ".[simulator]")
    session.run("python", "-m", "tests.kills.run", *session.posargs)


@nox.session(venv_backend="none")
def spin(session: nox.Session) -> None:
    """Lets SPIN check the Promela model of ledger and fence; `-- "FENCE=0 NO_DRAIN"` one row alone.

    Installs Debian's `spin` and `gcc` where they are missing and apt-get may be used.
    """
    missing = [name for name in ("spin", "gcc") if shutil.which(name) is None]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        anyhow = range(256)
        session.run("apt-get", "update", silent=True, success_codes=anyhow)
        session.run("apt-get", "install", "-y", *missing, silent=True, success_codes=anyhow)
        missing = [name for name in missing if shutil.which(name) is None]
    if missing:
        session.skip(
            f"SPIN was not asked, as {' and '.join(missing)} could not be found or installed; "
            "install Debian's packages of these names as root, then run the session again"
        )
    session.run(sys.executable, "tests/promela/run.py", *session.posargs)
