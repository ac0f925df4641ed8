"""Git runs bounded, closed off from the machine's settings, and never shows a token."""

import asyncio
import fcntl
import os
from pathlib import Path

import pytest

from release.adapters.git_command import GitCommand, GitRun
from release.adapters.git_remote import GitRemote
from release.core.values import Secret
from release.errors import Invalid, Unavailable

TOKEN = Secret("t0ken-of-a-test")


def _program(folder: Path, script: str) -> str:
    """A program that stands in for git."""
    program = folder / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


def _run(folder: Path, script: str, *, timeout_s: float = 60.0, stdin: bytes = b"") -> GitRun:
    command = GitCommand(os.environ, timeout_s=timeout_s, executable=_program(folder, script))
    return asyncio.run(command.run(("push",), directory=folder, stdin=stdin))


def _is_locked(path: Path) -> bool:
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_output_errors_and_exit_code_are_told_apart(tmp_path: Path) -> None:
    """A run holds what the process said, what it said for people, and how it ended."""
    run = _run(tmp_path, "cat; echo '  it failed ' >&2; exit 128", stdin=b"\x00bytes")

    assert run == GitRun(code=128, out=b"\x00bytes", err="it failed")
    assert not run.is_done


def test_process_that_ends_by_a_signal_is_not_done(tmp_path: Path) -> None:
    """A signal is a negative code."""
    run = _run(tmp_path, "kill -9 $$")

    assert run.code == -9
    assert not run.is_done


def test_process_that_reads_nothing_is_no_error(tmp_path: Path) -> None:
    """A process may end before it has read what it was given."""
    run = _run(tmp_path, "exit 3", stdin=b"x" * 2**20)

    assert run.code == 3


@pytest.mark.slow
def test_process_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    """Nothing outlives the bound, also not a child that would not be asked to end."""
    lock = tmp_path / "lock"
    script = f"""trap '' TERM
exec 9>{lock}
flock 9 || exit 1
(trap '' TERM; while :; do sleep 0.1; done) &
while :; do sleep 0.1; done"""

    run = _run(tmp_path, script, timeout_s=0.5)

    assert run.cut == "took longer than 0.5 s"
    assert not run.is_done
    assert not _is_locked(lock)


def test_process_that_says_too_much_is_cut(tmp_path: Path) -> None:
    """Output is bounded too, and a cut output is not handed out as if it were whole."""
    program = _program(tmp_path, "exec cat /dev/zero")
    command = GitCommand(os.environ, executable=program, out_bytes_max=100_000)

    run = asyncio.run(command.run(("x",), directory=tmp_path))

    assert run.cut == "said more than 100000 bytes"
    assert run.out == b""


def test_of_a_long_complaint_the_end_is_kept(tmp_path: Path) -> None:
    """What git says last is what it failed by."""
    run = _run(tmp_path, "yes filler | head -c 300000 >&2; echo the reason >&2; exit 1")

    assert run.err.endswith("the reason")
    assert len(run.err) <= 64 * 1024


def test_cancelled_caller_leaves_no_process(tmp_path: Path) -> None:
    """A job that is told to end does not leave a push behind that it knows nothing of."""
    ready, lock = tmp_path / "ready", tmp_path / "lock"
    os.mkfifo(ready)
    script = f"exec 9>{lock}; flock 9; echo > {ready}; while :; do sleep 0.1; done"
    command = GitCommand(os.environ, executable=_program(tmp_path, script))

    async def cancel() -> None:
        running = asyncio.create_task(command.run(("push",), directory=tmp_path))
        await asyncio.to_thread(ready.read_bytes)
        assert _is_locked(lock)
        running.cancel()
        await running

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel())

    assert not _is_locked(lock)


def test_machine_without_git_is_told_what_to_do(tmp_path: Path) -> None:
    """A missing git is a matter of set-up, not of the network."""
    command = GitCommand(os.environ, executable="git-that-is-not-there")

    with pytest.raises(Invalid, match="Install git"):
        asyncio.run(command.run(("version",), directory=tmp_path))


def test_missing_folder_is_unavailable(tmp_path: Path) -> None:
    """A cache that somebody cleaned away is not taken for a missing git."""
    with pytest.raises(Unavailable, match="folder"):
        asyncio.run(GitCommand(os.environ).run(("version",), directory=tmp_path / "gone"))


def test_only_what_git_needs_is_handed_on(tmp_path: Path) -> None:
    """Tokens of the job, traces and proxies in its environment never reach git or its children."""
    given = {
        "PATH": os.environ["PATH"],
        "HOME": "/home/ada",
        "HEADWAY_TOKEN": "secret",
        "GIT_TRACE_CURL": "1",
        "GIT_DIR": "/elsewhere",
        "https_proxy": "http://proxy",
    }
    command = GitCommand(given, executable=_program(tmp_path, "env"))

    run = asyncio.run(command.run((), directory=tmp_path))

    seen = dict(line.split("=", 1) for line in run.out.decode().splitlines())
    assert not seen.keys() & {"HEADWAY_TOKEN", "GIT_TRACE_CURL", "https_proxy"}
    assert (seen["HOME"], seen["GIT_DIR"]) == ("/home/ada", str(tmp_path))
    assert (seen["LC_ALL"], seen["GIT_TERMINAL_PROMPT"]) == ("C", "0")
    assert "BatchMode=yes" in seen["GIT_SSH_COMMAND"]


def test_settings_of_user_and_machine_have_no_say(tmp_path: Path) -> None:
    """A helper, rewrite rule or hook that somebody configured is not followed."""
    (tmp_path / ".gitconfig").write_text("[credential]\n helper = evil\n[user]\n name = ada\n")
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    command = GitCommand(environment)

    run = asyncio.run(command.run(("config", "--list"), directory=tmp_path))

    assert "evil" not in run.out.decode()
    assert "user.name" not in run.out.decode()
    assert "http.followredirects=false" in run.out.decode()


def test_token_goes_by_environment_to_one_origin(tmp_path: Path) -> None:
    """The token stands in no argument, and git sends it to the remote's own origin alone."""
    remote = GitRemote("https://git.example.com:8443/acme/app.git", token=TOKEN)
    program = _program(tmp_path, 'echo "$@"; env')

    run = asyncio.run(
        GitCommand(os.environ, executable=program).run(
            ("fetch", "origin"), directory=tmp_path, remote=remote
        )
    )

    arguments, *environment = run.out.decode().splitlines()
    assert arguments == "fetch origin"
    assert any(
        line.endswith("=http.https://git.example.com:8443/.extraHeader") for line in environment
    )
    assert sum("Authorization: Basic " in line for line in environment) == 1


def test_token_is_taken_out_of_what_is_said(tmp_path: Path) -> None:
    """A remote that repeats the token, plain or encoded, does not bring it into our log."""
    remote = GitRemote("https://git.example.com/acme/app.git", token=TOKEN)
    header = dict(remote.config)["http.https://git.example.com/.extraHeader"]
    encoded = header.split()[-1]
    program = _program(tmp_path, f"echo 'no: {encoded} {TOKEN.reveal()}' >&2; exit 1")

    run = asyncio.run(
        GitCommand(os.environ, executable=program).run(
            ("fetch",), directory=tmp_path, remote=remote
        )
    )

    assert run.err == "no: redacted redacted"


def test_remote_shows_its_address_and_no_token() -> None:
    """Neither the text nor the repr of a remote holds the token."""
    remote = GitRemote("https://git.example.com/acme/app.git?x=1", token=TOKEN)

    assert str(remote) == "https://git.example.com/acme/app.git"
    assert TOKEN.reveal() not in repr(remote)


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.com/acme/app.git",
        "http://127.0.0.1:3000/acme/app.git",
        "http://git.internal/acme/app.git",
        "ssh://git@git.example.com:2222/acme/app.git",
        "git@git.example.com:acme/app.git",
        "file:///srv/git/app.git",
        "/srv/git/app.git",
    ],
)
def test_address_that_git_may_be_given(url: str) -> None:
    """Web, ssh and absolute paths are remotes; plain http on loopback or where it is allowed."""
    assert GitRemote(url, insecure_hosts=("git.internal",)).url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://git.example.com/acme/app.git",
        "https://ada:secret@git.example.com/acme/app.git",
        "https://secret@git.example.com/acme/app.git",
        "ssh://ada:secret@git.example.com/acme/app.git",
        "ssh://-oProxyCommand=touch/x",
        "-oProxyCommand=touch:x",
        "--upload-pack=touch",
        "ext::sh -c touch% x",
        "ftp://git.example.com/x",
        "../app.git",
        "app.git",
        "git@host:x\ny",
        "",
    ],
)
def test_address_that_git_must_not_be_given(url: str) -> None:
    """Plain http, passwords in addresses, options, commands and relative paths are refused."""
    with pytest.raises(Invalid) as caught:
        GitRemote(url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "two\nlines", "ümlaut"])
def test_token_that_is_no_token_is_refused(token: str) -> None:
    """A line break in a token would be a header of its own."""
    with pytest.raises(Invalid, match="token"):
        GitRemote("https://git.example.com/x", token=Secret(token))
