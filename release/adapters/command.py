"""Runs a command as a process of its own: no shell, no input, bounded in time and output.

This module must not know what a command is for, nor judge its exit code; `command_fleet` does.
"""

import asyncio
import errno
import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from subprocess import DEVNULL, PIPE

from release.adapters.exchange import redact
from release.core.printable import printable
from release.core.values import Secret
from release.errors import Refused, Unavailable

__all__ = ["CommandRun", "CommandRunner"]

_LINE_MAX = 200
_ERR_BYTES_MAX = 16 * 2**10
_ERR_LINES_MAX = 3
_ERR_LINE_MAX = 160
_PIPES_S = 1.0
"""How long the output of a command that has ended is waited for, should a child hold it open."""

_KILLED_S = 2.0
_STDOUT = 1
_PASSING = frozenset({errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM})


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRun:
    """How one command ended.

    line: the program and its arguments, for messages.
    code: its exit code, negative when a signal ended it.
    out: its stdout as it came; `is_out_whole` is False when more came than is read.
    err: the last lines that it said on stderr, printable.
    cut: why it was ended, such as `took longer than 30 s`; empty when it ended by itself.
    """

    line: str
    code: int
    out: bytes
    err: str = ""
    cut: str = ""
    is_out_whole: bool = True

    @property
    def is_final(self) -> bool:
        """Whether it ended by itself, so that its exit code is its own word."""
        return not self.cut and self.code >= 0

    @property
    def end(self) -> str:
        """How it ended and what it said last, for messages."""
        by_itself = f"exit code {self.code}" if self.code >= 0 else _name_signal(-self.code)
        said = f", and said: {self.err}" if self.err else ", and said nothing on stderr"
        return (self.cut or by_itself) + said


class CommandRunner:
    """Starts commands, each in a process group of its own, which is ended as one.

    environment: what every command inherits.
    secrets: are blotted out wherever a command repeats one of them to us.
    kill_after_s: how long a command that took too long may take to end after SIGTERM.
    out_bytes_max: how much of its stdout is kept; the rest is read and dropped.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        secrets: Sequence[Secret] = (),
        kill_after_s: float = 5.0,
        out_bytes_max: int = 2**20,
    ) -> None:
        self._environment = dict(environment)
        self._secrets = tuple(secret.reveal() for secret in secrets)
        self._kill_after_s = kill_after_s
        self._out_bytes_max = out_bytes_max

    def show(self, words: Sequence[str]) -> str:
        """The program and its arguments as a message shows them."""
        return printable(self.redact(shlex.join(words)), _LINE_MAX)

    def redact(self, text: str) -> str:
        """The text without any of the secrets."""
        return redact(text, self._secrets)

    async def run(self, words: Sequence[str], *, timeout_s: float) -> CommandRun:
        """Runs the command to its end; any exit code is an answer.

        timeout_s: real seconds, after which it and all that it started is sent SIGTERM, and after
            `kill_after_s` more SIGKILL.

        Raises Refused when it can't be started, and Unavailable when this machine could not start
        it just now: nothing ran. A caller that is cancelled ends the command in the same way.
        """
        transport, heard = await self._start(words)
        cut = ""
        try:
            done, _ = await asyncio.wait({heard.exited}, timeout=timeout_s)
            if not done:
                cut = f"took longer than {timeout_s:g} s and was ended"
                await self._end(transport, heard)
            await asyncio.wait({heard.closed}, timeout=_PIPES_S)
        except asyncio.CancelledError:
            await asyncio.shield(self._end(transport, heard))
            raise
        finally:
            transport.close()
        code = transport.get_returncode()
        return CommandRun(
            line=self.show(words),
            code=-signal.SIGKILL if code is None else code,
            out=bytes(heard.out),
            err=self._last_words(heard),
            cut=cut,
            is_out_whole=heard.is_out_whole,
        )

    async def _start(self, words: Sequence[str]) -> "tuple[asyncio.SubprocessTransport, _Heard]":
        try:
            return await asyncio.get_running_loop().subprocess_exec(
                lambda: _Heard(self._out_bytes_max),
                *words,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
                env=self._environment,
                # A group of its own can be ended as one, and a CI that signals its job's group
                # does not reach it: how the job ends is the job's to say.
                start_new_session=True,
            )
        except OSError as exc:
            if exc.errno in _PASSING:
                raise Unavailable(
                    "this machine could not start the command just now",
                    on=self.show(words),
                    seen=exc.strerror or str(exc),
                    safe="nothing was started",
                ) from exc
            raise self._unstartable(words, exc.strerror or str(exc)) from exc
        except ValueError as exc:
            raise self._unstartable(words, str(exc)) from exc

    def _unstartable(self, words: Sequence[str], seen: str) -> Refused:
        return Refused(
            "the command can't be started",
            on=self.show(words),
            seen=seen,
            safe="nothing was started",
            advice="Its first word has to be a program on PATH, or the path of one",
        )

    async def _end(self, transport: asyncio.SubprocessTransport, heard: "_Heard") -> None:
        """Asks the whole group to end, then kills what is left of it."""
        group = transport.get_pid()
        _signal(group, signal.SIGTERM)
        # The pipes close behind the last of the group, who may still be tidying up.
        await asyncio.wait({heard.exited, heard.closed}, timeout=self._kill_after_s)
        _signal(group, signal.SIGKILL)
        await asyncio.wait({heard.exited}, timeout=_KILLED_S)

    def _last_words(self, heard: "_Heard") -> str:
        text = heard.err.decode("utf-8", "replace")
        if not heard.is_err_whole:
            # The cut may have left the end of a secret, which nothing would recognise any more.
            first, _, rest = text.partition("\n")
            text = rest or first[max((len(secret) for secret in self._secrets), default=0) :]
        lines = [line for line in self.redact(text).splitlines() if line.strip()]
        return " / ".join(printable(line, _ERR_LINE_MAX) for line in lines[-_ERR_LINES_MAX:])


class _Heard(asyncio.SubprocessProtocol):
    """What a process has said so far, and whether it has ended.

    exited: it has ended. closed: so have all others that could write to its pipes.
    """

    def __init__(self, out_bytes_max: int) -> None:
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.out = bytearray()
        self.err = b""
        self.is_out_whole = True
        self.is_err_whole = True
        self._out_bytes_max = out_bytes_max

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Keeps the beginning of stdout and the end of stderr."""
        if fd == _STDOUT:
            room = self._out_bytes_max - len(self.out)
            self.is_out_whole = self.is_out_whole and len(data) <= room
            self.out += data[: max(room, 0)]
            return
        self.is_err_whole = self.is_err_whole and len(self.err) + len(data) <= _ERR_BYTES_MAX
        self.err = (self.err + data)[-_ERR_BYTES_MAX:]

    def process_exited(self) -> None:
        """Notes the end of the process."""
        if not self.exited.done():
            self.exited.set_result(None)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Notes that the process has ended and its pipes are closed."""
        if not self.closed.done():
            self.closed.set_result(None)


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _name_signal(number: int) -> str:
    try:
        return f"was ended by {signal.Signals(number).name}"
    except ValueError:
        return f"was ended by signal {number}"
