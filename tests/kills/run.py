"""Kills so many deploys, several at once, and tells what became of them; exits 1 on any failure.

`python -m tests.kills.run --count 500 --seed 1`, or `--only 17` to replay one of them. This module
must not know how one is killed.
"""

import argparse
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait

from tests.kills.killing import Kill, kill_once
from tests.kills.processes import FORK

__all__ = ["main"]

COUNT = 500
_TOLD_EVERY = 50
_LIFE_ORDER = (
    "start",
    "wait_for_release",
    "gate",
    "observe",
    "claim",
    "take_over",
    "roll_out",
    "verify",
    "promote",
    "after its outcome",
)
Answer = tuple[int, Kill | None, str]
"""An index, what became of it, and the traceback when it could not be played."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of all of them so far."""

    kills: list[Kill] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def take(self, answer: Answer, *, replay: str) -> None:
        """Counts one in; what failed is kept with how to replay it."""
        index, kill, trouble = answer
        said = trouble
        if kill is not None:
            self.kills.append(kill)
            said = _complaint(kill)
        if said:
            self.failures.append(f"index {index}: {said}\n  replay: {replay} --only {index}")

    def line(self) -> str:
        """How it stands, in one line."""
        converged = sum(not kill.unconverged for kill in self.kills)
        backward = sum(bool(kill.backward) for kill in self.kills)
        blocked = sum(kill.is_blocked for kill in self.kills)
        worst_s = max((kill.waited_s for kill in self.kills), default=0.0)
        return (
            f"{len(self.kills)} killed: {converged} converged, {backward} moved backward, "
            f"{blocked} blocked too long; longest wait {worst_s:.2f} s"
        )

    def report(self) -> Iterator[str]:
        """The end of it, line by line."""
        fenced = sum(kill.plan.is_fenced for kill in self.kills)
        newer = sum(kill.plan.is_newer_next for kill in self.kills)
        left_open = sum(kill.open_s > 0 for kill in self.kills)
        yield self.line()
        yield f"  fenced {fenced}, unfenced with late landings {len(self.kills) - fenced}"
        yield f"  then a newer commit {newer}, the same one {len(self.kills) - newer}"
        yield f"  died with an effect noted and not yet acknowledged: {left_open}"
        stages = Counter(kill.stage for kill in self.kills)
        for stage in sorted(stages, key=lambda name: (*_LIFE_ORDER, name).index(name)):
            yield f"  died in {stage.replace('_', ' ')}: {stages[stage]}"
        tight = max(self.kills, key=lambda kill: kill.waited_s - kill.limit_s, default=None)
        if tight is not None:
            near = f"{tight.waited_s:.2f} s of {tight.limit_s:.2f} s"
            yield f"  nearest to its limit: index {tight.plan.index}, {near}"
        redrawn = Counter(text.partition(":")[0] for kill in self.kills for text in kill.redrawn)
        for why, count in sorted(redrawn.items()):
            yield f"  drawn anew {count} times: {why}"


def _complaint(kill: Kill) -> str:
    said = [*kill.unconverged, *(f"backward: {move}" for move in kill.backward)]
    if kill.is_blocked:
        said.append(f"blocked for {kill.waited_s:.2f} s, at most {kill.limit_s:.2f} s")
    return "; ".join(said) and f"{'; '.join(said)}\n  {kill.plan}, died in {kill.stage}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Kills them all; returns the exit code."""
    given = _parse(arguments)
    indices = range(given.count) if given.only is None else [given.only]
    tally, began_s = Tally(), time.monotonic()
    replay = f"nox -s kills -- --seed {given.seed}"
    if given.beyond_s:
        replay += f" --beyond-s {given.beyond_s:g}"
    for number, answer in enumerate(_play_all(given, indices), start=1):
        tally.take(answer, replay=replay)
        if number % _TOLD_EVERY == 0:
            _tell(f"{time.monotonic() - began_s:5.0f} s  {tally.line()}")
    for line in tally.report():
        _tell(line)
    for failure in tally.failures:
        _tell(f"FAILED {failure}")
    _tell(f"seed {given.seed}, {time.monotonic() - began_s:.0f} s")
    return 1 if tally.failures or not tally.kills else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)))
    parser.add_argument("--only", type=int, help="plays this index alone")
    parser.add_argument("--at-once", type=int, default=6, help="how many worlds at the same time")
    parser.add_argument(
        "--beyond-s", type=float, default=0.0, help="lets the dead job's effects land later by this"
    )
    return parser.parse_args(arguments)


def _play_all(given: argparse.Namespace, indices: Iterable[int]) -> Iterator[Answer]:
    """Hands the indices out to workers, and yields what they answer as it comes."""
    left, busy, workers = iter(indices), list[Connection](), []
    try:
        for index in _first(left, given.at_once):
            mine, its = FORK.Pipe()
            worker = FORK.Process(target=_work, args=(its, given.seed, given.beyond_s))
            worker.start()
            workers.append(worker)
            mine.send(index)
            busy.append(mine)
        while busy:
            for ready in wait(busy):
                assert isinstance(ready, Connection), "only connections are waited for"
                yield ready.recv()
                following = next(left, None)
                ready.send(following)
                if following is None:
                    busy.remove(ready)
    finally:
        for worker in workers:
            if busy:
                worker.terminate()
            worker.join()


def _first(left: Iterator[int], count: int) -> Iterator[int]:
    for _ in range(count):
        index = next(left, None)
        if index is None:
            return
        yield index


def _work(orders: Connection, seed: int, beyond_s: float) -> None:
    """Plays what it is handed, until it is handed nothing more."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with suppress(EOFError, KeyboardInterrupt):
        while (index := orders.recv()) is not None:
            try:
                kill: Kill | None = kill_once(seed, index, beyond_s=beyond_s)
                trouble = ""
            except Exception:  # noqa: BLE001 - told with its index, and the others go on
                kill, trouble = None, traceback.format_exc()
            orders.send((index, kill, trouble))


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
