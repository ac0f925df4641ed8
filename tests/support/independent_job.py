"""Runs `invoke` verbs as processes of their own, as CI does.

This module must not use anything of Headway but its command line.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Done", "Job"]

_LIMIT_S = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line of its answer."""
        return self.out.strip().splitlines()[-1] if self.out.strip() else ""

    @property
    def outcome(self) -> str:
        """The first word of the last line."""
        return self.last.partition(":")[0].partition(" with ")[0].partition(",")[0]


class Job:
    """A running `invoke` process."""

    def __init__(self, words: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "invoke", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        self._read = b""

    def kill(self) -> None:
        """Ends it at once; one that has ended already stays as it ended."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)

    def read_error_line(self, part: str) -> str:
        """Reads progress until a line holds this part; what was read is kept for the end."""
        assert self.process.stderr is not None
        while line := self.process.stderr.readline():
            self._read += line
            if part.encode() in line:
                return line.decode()
        return ""

    def wait(self) -> Done:
        """Waits for its end; a process that never ends fails the test."""
        try:
            out, err = self.process.communicate(timeout=_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            out, err = self.process.communicate()
            message = f"it never ended: {out.decode()[-1000:]}{err.decode()[-3000:]}"
            raise AssertionError(message) from None
        return Done(code=self.process.returncode, out=out.decode(), err=(self._read + err).decode())
