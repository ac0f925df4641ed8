"""Starts, finds, moves and stops a simulator process.

This module must not hold a world; it talks to one over its loopback socket.
"""

import contextlib
import http.client
import json
import os
import selectors
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from release.core.codec import to_plain
from release.errors import Invalid, Unavailable
from simulator.served import STATE_FILE, ServedState, ServeOptions, read_state

__all__ = ["Running", "load", "simulation", "start"]

_READY_S = 20.0
_STOP_S = 10.0
_ANSWER_S = 120.0
_POLL_S = 0.02
_LOG_FILE = "simulator.log"
_LOG_SHOWN = 2000
_OK = 200
_FOLDERS = ("git",)


@dataclass(frozen=True, slots=True)
class Running:
    """A simulator process; whoever started it may wait for its end by its handle."""

    folder: Path
    state: ServedState
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def ask(self, path: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """Reads below `/sim/`, such as `state`; raises Unavailable and Invalid."""
        return self._send("GET", path, None)

    def move(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401 - as `ask`
        """Pulls a lever below `/sim/`, such as `push`; raises Unavailable and Invalid."""
        return self._send("POST", path, json.dumps(dict(body)).encode())

    def stop(self) -> None:
        """Ends the process, waits until it has ended, and leaves nothing behind.

        Raises Unavailable when it does not end in time.
        """
        is_reachable = True
        try:
            self.move("shutdown", {})
        except Unavailable:
            is_reachable = False
        process = self._process
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        elif is_reachable and not _wait_until_gone(self.folder):
            raise Unavailable(
                "did not end",
                on=f"simulator process {self.state.pid}",
                expected=f"within {_STOP_S} s",
                advice="Look at it, and end it by hand",
            )
        _sweep(self.folder)

    def _send(self, method: str, path: str, body: bytes | None) -> Any:  # noqa: ANN401 - JSON
        parts = urlsplit(self.state.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_ANSWER_S)
        headers = {"authorization": f"Bearer {self.state.control_token}"}
        try:
            connection.request(method, f"/sim/{path}", body, headers)
            reply = connection.getresponse()
            content = json.loads(reply.read())
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise Unavailable(
                "could not be reached",
                on=f"simulator at {self.state.url}",
                seen=type(exc).__name__,
                advice="Start one with sim.up",
            ) from exc
        finally:
            connection.close()
        if reply.status != _OK:
            said = content.get("error", content) if isinstance(content, dict) else content
            raise Invalid("the simulator refuses it", on=path, seen=str(said))
        return content


def start(folder: Path, options: ServeOptions | None = None) -> Running:
    """Starts a process whose files lie in `folder`, and waits until everything listens.

    Raises Invalid when one runs there already, and Unavailable when it does not come up.
    """
    found = load(folder)
    if found is not None:
        raise Invalid(
            "one runs already",
            on=f"simulator in {folder}",
            seen=f"process {found.state.pid} at {found.state.url}",
            advice="Use it, or stop it with sim.down",
        )
    folder.mkdir(parents=True, exist_ok=True)
    chosen = options or ServeOptions()
    process = _spawn(folder, chosen)
    try:
        _wait_until_ready(process, folder)
        state = read_state(folder)
        assert state is not None, "it writes its state before it says that it is ready"
    except BaseException:
        process.kill()
        process.wait()
        _close_pipes(process)
        _sweep(folder)
        raise
    return Running(folder, state, process)


def load(folder: Path) -> Running | None:
    """Finds the process whose files lie in `folder`; None when none answers there.

    What a dead process left behind is removed. Raises Unavailable for containers that are silent.
    """
    state = read_state(folder)
    if state is None:
        return None
    running = Running(folder, state)
    if state.project:
        _check_containers(running)
        return running
    try:
        running.ask("state")
    except (Unavailable, Invalid):
        _sweep(folder)
        return None
    return running


def _check_containers(running: Running) -> None:
    try:
        running.ask("race")
    except (Unavailable, Invalid) as exc:
        raise Unavailable(
            "do not answer",
            on=f"containers of {running.state.project}",
            seen=str(exc),
            advice="Look at them with docker, or remove them with sim.down",
        ) from exc


@contextlib.contextmanager
def simulation(folder: Path, options: ServeOptions | None = None) -> Iterator[Running]:
    """Starts one and stops it in any case."""
    running = start(folder, options)
    try:
        yield running
    finally:
        running.stop()


def _spawn(folder: Path, options: ServeOptions) -> "subprocess.Popen[bytes]":
    package = __name__.rpartition(".")[0]
    root = Path(__file__).resolve().parents[package.count(".") + 1]
    kept = os.environ.get("PYTHONPATH")
    paths = [str(root), *([kept] if kept else [])]
    command = [sys.executable, "-P", "-m", f"{package}.serve", "--folder", str(folder)]
    command += ["--options", json.dumps(to_plain(options))]
    with (folder / _LOG_FILE).open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own module, with arguments of our own
            command,
            stdin=subprocess.PIPE if options.is_tied else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,
        )


def _wait_until_ready(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    assert process.stdout is not None, "it was started with a pipe"
    with process.stdout as output, selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        if selector.select(_READY_S) and output.readline() == b"ready\n":
            return
    log = (folder / _LOG_FILE).read_text(encoding="utf-8", errors="replace")
    raise Unavailable(
        "did not come up",
        on="simulator process",
        seen=log[-_LOG_SHOWN:].strip() or "nothing in its log",
        expected=f"ready within {_READY_S} s",
    )


def _wait_until_gone(folder: Path) -> bool:
    """The state file is the last thing that a process removes."""
    deadline_s = time.monotonic() + _STOP_S
    while (folder / STATE_FILE).exists():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(_POLL_S)
    return True


def _close_pipes(process: "subprocess.Popen[bytes]") -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _sweep(folder: Path) -> None:
    """Removes what a process may have left, and the folder too when nothing else is in it."""
    for name in _FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in (STATE_FILE, _LOG_FILE):
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
