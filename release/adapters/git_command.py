"""Runs git as a process of its own: no shell, no prompt, bounded in time and output.

This module must not know what a command is for, nor judge its exit code; `git_mirror` does.
"""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from release.adapters.git_remote import GitRemote
from release.errors import Invalid, Unavailable

__all__ = ["GitCommand", "GitRun"]

_ERRORS_BYTES_MAX = 64 * 2**10
_CHUNK_BYTES = 64 * 2**10
_TERMINATE_S = 1.0

# Everything else in the environment of a CI job stays out: git would obey it, or hand it on.
_INHERITED = (
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "HOME",
    "LOGNAME",
    "PATH",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "USER",
)
_FIXED = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_CONFIG = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", os.devnull),
    ("credential.helper", ""),
    ("gc.autoDetach", "false"),
    ("http.followRedirects", "false"),
    ("maintenance.autoDetach", "false"),
    ("protocol.allow", "never"),
    ("protocol.file.allow", "always"),
    ("protocol.http.allow", "always"),
    ("protocol.https.allow", "always"),
    ("protocol.ssh.allow", "always"),
    ("protocol.version", "2"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitRun:
    """How one git process ended.

    code: its exit code, negative when a signal ended it.
    err: the end of what it said for people, without the token.
    cut: why it was killed, such as `took longer than 30 s`; empty when it ended by itself.
    """

    code: int
    out: bytes
    err: str
    cut: str = ""

    @property
    def is_done(self) -> bool:
        """Whether it ended by itself, and well."""
        return self.code == 0 and not self.cut


class GitCommand:
    """The git of this machine.

    environment: of the job; only what git needs of it is handed on: paths, ssh and certificates.
    timeout_s: real seconds for one process, after which it and its children are killed.
    out_bytes_max: the longest output of one process, beyond which it is killed too.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        timeout_s: float = 60.0,
        out_bytes_max: int = 4 * 2**20,
        executable: str = "git",
    ) -> None:
        inherited = {name: environment[name] for name in _INHERITED if environment.get(name)}
        # Without a terminal, ssh must fail where it would ask.
        self._environment = {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes", **inherited, **_FIXED}
        self._timeout_s = timeout_s
        self._out_bytes_max = out_bytes_max
        self._executable = executable

    async def run(
        self,
        arguments: Sequence[str],
        *,
        directory: Path,
        remote: GitRemote | None = None,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> GitRun:
        """Runs `git ARGUMENTS` on the bare repository `directory`; any exit code is an answer.

        remote: is named `origin` for this one process, which alone learns its token.
        Raises Invalid when there is no git, and Unavailable when it could not be started. A caller
        that is cancelled leaves no process behind.
        """
        config = (*_CONFIG, *(remote.config if remote else ()))
        process = await self._start(
            arguments,
            directory,
            {
                **self._environment,
                "GIT_DIR": str(directory),
                **_as_environment(config),
                **(environment or {}),
            },
        )
        out, err, cut = b"", b"", "was interrupted"
        try:
            talk = _converse(process, stdin, self._out_bytes_max)
            out, err, cut = await asyncio.wait_for(talk, self._timeout_s)
        except TimeoutError:
            cut = f"took longer than {self._timeout_s:g} s"
        finally:
            if cut:
                await asyncio.shield(_kill(process))
        text = err.decode("utf-8", "replace").strip()
        return GitRun(
            code=process.returncode or 0,
            out=out,
            err=remote.redact(text) if remote else text,
            cut=cut,
        )

    async def _start(
        self, arguments: Sequence[str], directory: Path, environment: Mapping[str, str]
    ) -> Process:
        try:
            return await asyncio.create_subprocess_exec(
                self._executable,
                *arguments,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                cwd=str(directory),
                env=environment,
                # A group of its own can be killed as one: git works through children.
                start_new_session=True,
            )
        except FileNotFoundError as exc:
            if exc.filename == str(directory):
                raise Unavailable("the folder to run git in is gone", on=str(directory)) from exc
            raise Invalid(
                "git is not installed, or not on PATH",
                on=self._executable,
                advice="Install git 2.32 or later",
            ) from exc
        except OSError as exc:
            raise Unavailable("git could not be started", seen=str(exc)) from exc


def _as_environment(config: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Configuration by environment: it wins over every file, and no argument list shows it."""
    pairs = tuple(config)
    environment = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (key, value) in enumerate(pairs):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment


async def _converse(process: Process, stdin: bytes, out_bytes_max: int) -> tuple[bytes, bytes, str]:
    """Writes, reads both outputs and waits; stops early when the output is too long."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    feeding = asyncio.ensure_future(_feed(process.stdin, stdin))
    hearing = asyncio.ensure_future(_read_end(process.stderr))
    try:
        out = bytearray()
        while chunk := await process.stdout.read(_CHUNK_BYTES):
            out += chunk
            if len(out) > out_bytes_max:
                return b"", b"", f"said more than {out_bytes_max} bytes"
        err = await hearing
        await process.wait()
        return bytes(out), err, ""
    finally:
        feeding.cancel()
        hearing.cancel()
        await asyncio.gather(feeding, hearing, return_exceptions=True)


async def _feed(stream: asyncio.StreamWriter, data: bytes) -> None:
    # A process that ends early closes its end; its exit code says why.
    with suppress(BrokenPipeError, ConnectionResetError):
        stream.write(data)
        await stream.drain()
        stream.close()
        await stream.wait_closed()


async def _read_end(stream: asyncio.StreamReader) -> bytes:
    """Reads to the end, of which it keeps the last part."""
    kept = b""
    while chunk := await stream.read(_CHUNK_BYTES):
        kept = (kept + chunk)[-_ERRORS_BYTES_MAX:]
    return kept


async def _kill(process: Process) -> None:
    """Ends the whole group: git is asked first, so that it removes its locks, then all are killed.

    What the pipes still hold is read and dropped, for a process counts as gone only behind it.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    _signal(process, signal.SIGTERM)
    drained = asyncio.gather(_read_end(process.stdout), _read_end(process.stderr), process.wait())
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(drained), _TERMINATE_S)
    _signal(process, signal.SIGKILL)
    with suppress(TimeoutError):
        await asyncio.wait_for(drained, _TERMINATE_S)


def _signal(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
