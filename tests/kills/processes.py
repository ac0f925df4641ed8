"""Real processes that start quickly: forked from one that has imported everything already.

Each child is a process of its own, which runs Invoke's own program on the tasks of this checkout,
or a simulated world on sockets. This module must not know what a job is for.
"""

import asyncio
import io
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import invoke
from invoke.main import program

import release.desk
import tasks
from simulator.process import Running
from simulator.serve import serve
from simulator.served import ServedState, ServeOptions
from tests.support.shell import ROOT

__all__ = ["FORK", "Ended", "JobProcess", "served_world"]

FORK = multiprocessing.get_context("fork")
PRELOADED = (invoke, release.desk, tasks)
"""What a child would otherwise import for longer than its whole deploy takes."""

_READY_S = 30.0
_STOP_S = 10.0
_JOB_MAX_S = 120.0
_FOREIGN = ("CI_", "FORGEJO_", "GITEA_", "GITHUB_", "GITLAB_", "HEADWAY_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a job's process ended; `code` is negative after a signal, None when it never did."""

    code: int | None
    out: str
    err: str

    @property
    def word(self) -> str:
        """The outcome: the first word of the last line of stdout."""
        last = (self.out.strip().splitlines() or [""])[-1]
        return last.partition(" ")[0].rstrip(":,")


class JobProcess:
    """One `invoke VERB` that runs; it begins as soon as it is made.

    folder: where it runs, and where it leaves what it prints.
    """

    def __init__(self, name: str, words: tuple[str, ...], *, folder: Path) -> None:
        self._out, self._err = folder / f"{name}.out", folder / f"{name}.err"
        self._process = FORK.Process(target=_run_invoke, args=(words, folder, self._out, self._err))
        self._process.start()

    def kill_after(self, life_s: float) -> Ended:
        """Kills it with SIGKILL when it has lived for so long, unless it has ended before."""
        self._process.join(life_s)
        self._process.kill()
        return self.finish()

    def finish(self) -> Ended:
        """Waits for its end; one that never ends is killed, and its code is None."""
        self._process.join(_JOB_MAX_S)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            self._process.join()
        self._process.close()
        return Ended(code=code, out=_read(self._out), err=_read(self._err))


def _run_invoke(words: tuple[str, ...], folder: Path, out: Path, err: Path) -> None:
    """Becomes what a shell starts: own streams, own folder, a clean environment."""
    os.setsid()
    _redirect(0, Path(os.devnull), os.O_RDONLY)
    _redirect(1, out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    _redirect(2, err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    sys.stdin = io.TextIOWrapper(io.FileIO(0))
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w"), line_buffering=True)
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w"), line_buffering=True)
    for name in list(os.environ):
        if name == "CI" or name.startswith(_FOREIGN):
            del os.environ[name]
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None
    os.chdir(folder)
    program.run(["invoke", "--search-root", str(ROOT), *words])


def _redirect(descriptor: int, path: Path, flags: int) -> None:
    opened = os.open(path, flags, 0o600)
    os.dup2(opened, descriptor)
    os.close(opened)


def _read(path: Path) -> str:
    return path.read_text("utf-8", errors="replace") if path.exists() else ""


@contextmanager
def served_world(folder: Path, options: ServeOptions) -> Iterator[Running]:
    """Serves a simulated world in a process of its own, and ends it in any case."""
    folder.mkdir(parents=True)
    mine, its = FORK.Pipe(duplex=False)
    process = FORK.Process(target=_serve, args=(folder, options, its))
    process.start()
    try:
        if not mine.poll(_READY_S):
            raise TimeoutError(f"the world did not come up within {_READY_S} s")
        yield Running(folder, mine.recv())
    finally:
        process.terminate()
        process.join(_STOP_S)
        process.kill()
        process.join()
        mine.close()
        its.close()


def _serve(folder: Path, options: ServeOptions, its: Connection) -> None:
    def tell(state: ServedState) -> None:
        its.send(state)

    asyncio.run(serve(folder, options, on_ready=tell))
