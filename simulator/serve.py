"""The simulator as a process of its own: one world on loopback sockets, until it is told to end.

This module must not be imported by anything that only wants to talk to such a process; `process`
starts, finds and stops them.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from release.core.codec import from_plain
from simulator.choices import Choices
from simulator.clock import LoopClock
from simulator.control_plane import FenceKind
from simulator.git_host import CiReport, GitHost, NewCommit
from simulator.served import STATE_FILE, ServedState, ServeOptions, write_state
from simulator.sockets import Faces, FacesSetup
from simulator.tenants import Lag
from simulator.wire import Script
from simulator.world import Layout, World

__all__ = ["main", "serve"]

_IDLE_CHECK_S = 0.5
_GIT_FOLDER = "git"
_FIRST_FILE = {"RELEASE": "1: First release\n"}

MakeScript = Callable[[World], Script]


async def serve(
    folder: Path,
    options: ServeOptions,
    *,
    make_script: MakeScript | None = None,
    on_ready: Callable[[ServedState], None] = lambda _: None,
) -> None:
    """Serves until SIGTERM, SIGINT, `/sim/shutdown`, the idle bound or the end of stdin.

    folder: takes the state file, mode 0600, once everything listens, and the git repository; both
    are removed at the end.
    """
    clock = LoopClock(speed=options.speed)
    world = World(clock, Choices(options.seed), _layout_of(options))
    git = GitHost(world, folder / _GIT_FOLDER / f"{world.layout.forge_repository}.git")
    try:
        await _found(world, git, options)
        if make_script is not None:
            world.script = make_script(world)
        watch = _Watch(clock, options)
        setup = FacesSetup(
            actors=options.actors, login=options.login, git=git, on_request=watch.touch
        )
        async with Faces(world, setup) as faces:
            state = ServedState.of(world, faces, pid=os.getpid(), actors=options.actors)
            write_state(folder, state)
            on_ready(state)
            await watch.wait(faces.stopped)
    finally:
        shutil.rmtree(folder / _GIT_FOLDER, ignore_errors=True)
        (folder / STATE_FILE).unlink(missing_ok=True)


class _Watch:
    """Waits for whichever end comes first."""

    def __init__(self, clock: LoopClock, options: ServeOptions) -> None:
        self._clock = clock
        self._options = options
        self._touched_s = clock.reading_s()

    def touch(self) -> None:
        self._touched_s = self._clock.reading_s()

    async def wait(self, stopped: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        if self._options.is_tied:
            loop.add_reader(sys.stdin.fileno(), self._read_stdin, stopped)
        while not stopped.is_set():
            idle_s = (self._clock.reading_s() - self._touched_s) / self._options.speed
            if idle_s > self._options.idle_s:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _IDLE_CHECK_S)

    @staticmethod
    def _read_stdin(stopped: asyncio.Event) -> None:
        if not os.read(sys.stdin.fileno(), 1024):
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            stopped.set()


def _layout_of(options: ServeOptions) -> Layout:
    return Layout(
        environment=options.environment,
        branch=options.branch,
        repositories=options.repositories,
        required=options.required,
    )


async def _found(world: World, git: GitHost, options: ServeOptions) -> None:
    world.control_plane.fence_kind = FenceKind(options.fence)
    world.control_plane.timing.landing_s = options.landing_s
    world.control_plane.timing.answer_s = options.answer_s
    git.directory.mkdir(parents=True)
    await git.create()
    first = NewCommit(message="First release", files=_FIRST_FILE, ci=CiReport())
    sha = await git.push(first)
    lag = Lag(low_s=options.lag_low_s, high_s=options.lag_high_s, flaps=options.lag_flaps)
    world.begin_on(sha, options.tenants, lag=lag)


def main(arguments: Sequence[str] | None = None, make_script: MakeScript | None = None) -> int:
    """Runs the process; prints one line, the word `ready`, when everything listens."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--options", default="{}")
    given = parser.parse_args(arguments)
    options: ServeOptions = from_plain(ServeOptions, json.loads(given.options))

    def tell(_: ServedState) -> None:
        sys.stdout.write("ready\n")
        sys.stdout.flush()

    asyncio.run(serve(given.folder, options, make_script=make_script, on_ready=tell))
    return 0


if __name__ == "__main__":
    sys.exit(main())
