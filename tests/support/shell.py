"""Runs the verbs as processes of their own, as a user's shell or a CI does.

This module must not know what a verb does, and must not let a process outlive its test.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

__all__ = ["ROOT", "Job", "Said", "Shell"]

ROOT = Path(__file__).resolve().parents[2]
"""Where `tasks.py` lies: the checkout, or the folder that mounts the installed tasks."""

_JOB_MAX_S = 90.0
_CI_PREFIXES = ("CI_", "FORGEJO_", "GITEA_", "GITHUB_", "GITLAB_", "HEADWAY_")
_COMMAND = "from tasks import main; main()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a process printed, and how it left; `code` is negative after a signal."""

    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        """The last line of stdout."""
        return (self.out.strip().splitlines() or [""])[-1]

    @property
    def word(self) -> str:
        """The outcome: the first word of the last line of stdout."""
        return self.last_line.partition(" ")[0].rstrip(":,")

    @property
    def end(self) -> tuple[str, int]:
        """The outcome and the exit code, which have to go together."""
        return self.word, self.code

    @property
    def document(self) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """All of stdout, as JSON."""
        return json.loads(self.out)


class Job:
    """A process that runs; leaving its context kills it if it still does."""

    def __init__(self, command: list[str], *, folder: Path, variables: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None, "it was started with a pipe"
        assert self._process.stderr is not None, "it was started with a pipe"
        self._out, self._err = _Lines(self._process.stdout), _Lines(self._process.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.is_running:
            self._process.kill()
            self.finish()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the process, and to no child of it."""
        self._process.send_signal(number)

    def wait_until_told(self, text: str) -> None:
        """Waits for a line of progress; fails the test when it ends without one."""
        self._err.wait_for(text)

    def wait_until_printed(self, text: str) -> None:
        """Waits for a line of the answer; fails the test when it ends without one."""
        self._out.wait_for(text)

    def finish(self) -> Said:
        """Waits for the end; fails the test when it does not come."""
        code = self._process.wait(_JOB_MAX_S)
        return Said(code=code, out=self._out.all(), err=self._err.all())


class _Lines:
    """Takes what a process prints as it comes, so that its pipe is never full."""

    def __init__(self, pipe: IO[str]) -> None:
        self._pipe = pipe
        self._lines: list[str] = []
        self._has_ended = False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def all(self) -> str:
        """Everything, once the pipe is closed."""
        self._reader.join(_JOB_MAX_S)
        assert self._has_ended, "whoever holds the pipe has ended"
        return "".join(self._lines)

    def wait_for(self, text: str) -> None:
        """Waits for a line with the text in it; fails the test when none comes."""
        with self._news:
            self._news.wait_for(lambda: self._has_ended or self._has(text), _JOB_MAX_S)
            assert self._has(text), f"{text!r} was not told: {self._lines}"

    def _has(self, text: str) -> bool:
        return any(text in line for line in self._lines)

    def _read(self) -> None:
        with self._pipe:
            for line in self._pipe:
                with self._news:
                    self._lines.append(line)
                    self._news.notify_all()
        with self._news:
            self._has_ended = True
            self._news.notify_all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """Where commands are run, and with which variables over a clean environment.

    The variables of the CI that runs the tests, and HEADWAY_* of whoever runs them, are not passed
    on.
    """

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def invoke(self, *words: str, **variables: str) -> Said:
        """Runs `invoke WORDS` to its end."""
        with self.start(*words, **variables) as job:
            return job.finish()

    def headway(self, *words: str, **variables: str) -> Said:
        """Runs the command `headway WORDS`, as the wheel installs it, to its end."""
        with self._start([sys.executable, "-c", _COMMAND, *words], variables) as job:
            return job.finish()

    def start(self, *words: str, **variables: str) -> Job:
        """Starts `invoke WORDS`."""
        command = [sys.executable, "-m", "invoke", "--search-root", str(ROOT)]
        return self._start([*command, *words], variables)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of every command."""
        kept = {
            name: text
            for name, text in os.environ.items()
            if name != "CI" and not name.startswith(_CI_PREFIXES)
        }
        paths = [text for text in (kept.get("PYTHONPATH"), str(ROOT)) if text]
        return {**kept, "PYTHONPATH": os.pathsep.join(paths), **self.variables}

    def _start(self, command: list[str], variables: Mapping[str, str]) -> Job:
        return Job(command, folder=self.folder, variables={**self.environment, **variables})
