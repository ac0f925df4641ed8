"""The simulator as a process: started, moved, found again, stopped, and nothing left behind."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from release.adapters.git_command import GitCommand
from release.adapters.git_forge import GitForge
from release.adapters.git_mirror import GitMirror
from release.adapters.git_ref_ledger import GitRefLedger
from release.adapters.git_remote import GitRemote
from release.core.order import Order
from release.core.values import Secret, Sha
from release.errors import Invalid, OutcomeUnknown, Refused, Unavailable
from simulator.process import Running, load, simulation, start
from simulator.served import STATE_FILE, ServeOptions, git_of
from tests.support.clocks import StillClock
from tests.support.git_ledgers import nonces
from tests.support.ledger_records import small_record


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One process for the tests that only use it."""
    folder = tmp_path_factory.mktemp("simulation")
    options = ServeOptions(tenants=("acme", "globex"), actors=("older",), is_tied=True)
    with simulation(folder / "sim", options) as started:
        yield started


def mirror(running: Running, folder: Path, *, actor: str | None = None) -> GitMirror:
    """A mirror of its repository, as a job has one."""
    state = running.state
    url = state.url if actor is None else state.url_of(actor)
    remote = GitRemote(git_of(url, state.forge_repository), token=Secret(state.forge_token))
    git = GitCommand(os.environ)
    return GitMirror(git, remote, directory=folder / "mirror", clock=StillClock())


def test_process_comes_up_with_everything_on_its_first_release(running: Running) -> None:
    """Head, tenants and pointer agree; the commit is real."""
    state = running.ask("state")

    first = state["forge"]["commits"]
    (root,) = [sha for sha, parents in first.items() if not parents]
    assert {one["serving"] for one in state["tenants"].values()} == {root}
    assert state["pointers"]["acme/app"]["sha"] == root


def test_push_is_a_real_commit_with_images_and_ci(running: Running, tmp_path: Path) -> None:
    """Git sees what the forge's API and the registry see."""
    before = running.ask("state")["head"]

    pushed = running.move("push", {"ci": "red", "message": "Break it"})

    state = running.ask("state")
    forge = GitForge(mirror(running, tmp_path), branch="main")
    assert asyncio.run(forge.head()) == Sha(pushed["sha"])
    assert asyncio.run(forge.compare(Sha(before), Sha(pushed["sha"]))) is Order.OLDER
    assert state["head"] == pushed["sha"]
    assert state["forge"]["statuses"][pushed["sha"]] == {"ci / test (push)": "failure"}
    assert state["registry"]["acme/app"][pushed["tag"]]["sha"] == pushed["sha"]


def test_force_push_leads_away_from_the_former_head(running: Running) -> None:
    """A push onto an older parent makes the branch diverge."""
    root = running.ask("state")["pointers"]["acme/app"]["sha"]
    former = running.move("push", {})["sha"]

    stray = running.move("push", {"parent": root})["sha"]

    commits = running.ask("state")["forge"]["commits"]
    assert (running.ask("state")["head"], commits[stray]) == (stray, [root])
    assert former in commits


def test_push_over_http_becomes_a_release(running: Running, tmp_path: Path) -> None:
    """What a user pushes with git is pushed in the world too."""
    state = running.state
    remote = GitRemote(state.git, token=Secret(state.forge_token))
    header = next(text for _, text in remote.config if text.startswith("Authorization"))
    environment = {
        **os.environ,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": header,
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@localhost",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@localhost",
    }

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(tmp_path), *arguments]
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        ).stdout

    git("clone", "--quiet", state.git, "clone")
    git("-C", "clone", "commit", "--quiet", "--allow-empty", "-m", "By hand")
    git("-C", "clone", "push", "--quiet", "origin", "HEAD:main")

    sha = git("-C", "clone", "rev-parse", "HEAD").strip()
    found = running.ask("state")
    assert found["head"] == sha
    assert f"staging-{sha[:7]}" in found["registry"]["acme/app"]


def test_ledger_on_its_repository_keeps_records_and_loses_answers(
    running: Running, tmp_path: Path
) -> None:
    """A ref beside the branch is no release; a lost answer is an outcome unknown, and written."""
    ledger = GitRefLedger(
        mirror(running, tmp_path, actor="older"),
        "refs/headway/production",
        clock=StillClock(),
        nonce=nonces,
    )
    head = running.ask("state")["head"]
    version = asyncio.run(ledger.swap(None, small_record(epoch=1)))
    rule = {"kind": "lose_answer", "service": "git", "operation": "receive-pack", "times": 1}
    running.move("faults", {**rule, "actor": "older"})

    with pytest.raises(OutcomeUnknown):
        asyncio.run(ledger.swap(version, small_record(epoch=2)))

    assert asyncio.run(ledger.read()).record == small_record(epoch=2)
    state = running.ask("state")
    assert (state["head"], state["ledger"]["epoch"]) == (head, 2)


def test_git_without_the_token_is_refused(running: Running, tmp_path: Path) -> None:
    """The repository asks for a password, which is the forge token."""
    remote = GitRemote(running.state.git, token=Secret("wrong"))
    git = GitCommand(os.environ)
    forge = GitForge(
        GitMirror(git, remote, directory=tmp_path / "mirror", clock=StillClock()), branch="main"
    )

    with pytest.raises(Refused):
        asyncio.run(forge.head())


def test_wrong_lever_is_refused_with_its_reason(running: Running) -> None:
    """What the other side says is part of the error."""
    with pytest.raises(Invalid, match="ci must be one of"):
        running.move("push", {"ci": "purple"})


def test_state_file_is_private_and_found_again(running: Running) -> None:
    """It holds tokens, so only its owner may read it; nothing shows them by accident."""
    path = running.folder / STATE_FILE

    found = load(running.folder)

    assert found is not None
    assert found.state == running.state
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert running.state.forge_token not in repr(running)


def test_second_one_in_the_same_folder_is_refused(running: Running) -> None:
    """Two processes never share a folder."""
    with pytest.raises(Invalid, match="runs already"):
        start(running.folder)


def test_stopped_process_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither a process nor a file, also when somebody else than its starter stops it."""
    folder = tmp_path / "sim"
    started = start(folder, ServeOptions(tenants=("acme",)))
    found = load(folder)
    assert found is not None

    found.stop()

    started.stop()
    assert not folder.exists()
    assert load(folder) is None
    with pytest.raises(Unavailable):
        started.ask("state")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """A signal takes the state file and the repository away."""
    folder = tmp_path / "sim"
    started = start(folder, ServeOptions(tenants=("acme",)))
    os.kill(started.state.pid, number)

    started.stop()

    assert not folder.exists()


def test_killed_process_is_swept_up_by_the_next_look(tmp_path: Path) -> None:
    """After SIGKILL its files are there and nobody answers; the next start has the folder."""
    folder = tmp_path / "sim"
    killed = start(folder, ServeOptions(tenants=("acme",)))
    os.kill(killed.state.pid, signal.SIGKILL)
    killed.stop()
    assert load(folder) is None

    with simulation(folder, ServeOptions(tenants=("acme",))) as again:
        assert list(again.ask("state")["tenants"]) == ["acme"]


def test_tied_process_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    """Its standard input ends when its starter is killed, and that ends it."""
    folder = tmp_path / "sim"
    program = (
        "import sys, pathlib\n"
        f"from {start.__module__} import start\n"
        f"from {ServeOptions.__module__} import ServeOptions\n"
        "start(pathlib.Path(sys.argv[1]), ServeOptions(tenants=('acme',), is_tied=True))\n"
        "print('started', flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"started\n"
        assert load(folder) is not None
        starter.kill()

    ended = any(load(folder) is None for _ in range(5000))

    assert ended
    assert not folder.exists()


def test_idle_process_ends_by_itself(tmp_path: Path) -> None:
    """A forgotten simulation does not run for ever."""
    folder = tmp_path / "sim"
    started = start(folder, ServeOptions(tenants=("acme",), idle_s=0.0))

    started.stop()

    assert not folder.exists()


def test_process_that_cannot_come_up_says_why(tmp_path: Path) -> None:
    """Its log is part of the error, and nothing is left."""
    folder = tmp_path / "sim"

    with pytest.raises(Unavailable, match="did not come up") as caught:
        start(folder, ServeOptions(tenants=("acme",), repositories=()))

    assert "Traceback" in str(caught.value)
    assert not folder.exists()
