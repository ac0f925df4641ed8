"""Runs `invoke` verbs as processes of their own, as CI does.

This module must not use anything of Headway but its command line.
"""

import os
import signal
import subprocess
import sys
import threading
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
        self._errors: list[bytes] = []
        self._is_told_all = False
        self._has_news = threading.Condition()
        # One thread alone reads, as whoever waits for a line and whoever waits for the end may be
        # two, and each would take lines from the other.
        self._reader = threading.Thread(target=self._collect_errors, daemon=True)
        self._reader.start()

    def _collect_errors(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stderr:
            for line in stderr:
                with self._has_news:
                    self._errors.append(line)
                    self._has_news.notify_all()
        with self._has_news:
            self._is_told_all = True
            self._has_news.notify_all()

    def kill(self) -> None:
        """Ends it at once; one that has ended already stays as it ended."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)

    def has_told(self, part: str) -> bool:
        """Waits until a line of its progress holds this part; False when it ends without one."""

        def is_there() -> bool:
            return any(part.encode() in line for line in self._errors)

        with self._has_news:
            self._has_news.wait_for(lambda: self._is_told_all or is_there(), _LIMIT_S)
            return is_there()

    def wait(self) -> Done:
        """Waits for its end; a process that never ends fails the test."""
        assert self.process.stdout is not None
        expired: list[int] = []

        def expire() -> None:
            expired.append(self.process.pid)
            self.kill()

        watch = threading.Timer(_LIMIT_S, expire)
        watch.start()
        try:
            with self.process.stdout as stdout:
                out = stdout.read().decode()
            self._reader.join()
            code = self.process.wait()
        finally:
            watch.cancel()
        err = b"".join(self._errors).decode()
        assert not expired, f"it never ended: {out[-1000:]}{err[-3000:]}"
        return Done(code=code, out=out, err=err)
