"""Measures the explorer on the shipped pipeline: its two engines, its memory, its replayer.

    python bench/explorer_speed.py

The named peer is the walker, the second engine, which steps and replays real jobs at every state
where the state engine looks an edge up; both visit the same scope in the same run. Times are
processor time of one core.
"""

import gc
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parents[1]))

from simulator.explorer.engine import explore
from simulator.explorer.known import Known
from simulator.explorer.replay import Replayer
from simulator.explorer.rows import ROWS
from simulator.explorer.sampling import sample
from simulator.explorer.schedule import Schedule, find_way
from simulator.explorer.scope import Kind, Scope
from simulator.explorer.territory import Territory
from simulator.explorer.walker import walk
from simulator.race import run_race
from simulator.scenario import load

T = TypeVar("T")

_COLD = ROWS["2 x 3, one fault, one expiry, fenced at landing"].scope
_TIMEOUT = replace(_COLD, kinds=frozenset({Kind.TIMEOUT}))
_SMALL = Scope(jobs=_COLD.jobs, tenants=2)
_REPLAYS = 20
_SAMPLES = 2_000


def main() -> int:
    """Prints one line for each measure."""
    _engines()
    _cold("one fault of three kinds, one expiry", _COLD)
    _cold("one timeout, one expiry", _TIMEOUT)
    _replays()
    _races()
    return 0


def _engines() -> None:
    ours_s, found = _timed(lambda: explore(Territory(_SMALL)))
    theirs_s, walked = _timed(lambda: walk(_SMALL, states_max=10**6))
    assert walked.states == found.states, "both engines see the same states"
    print(
        f"state engine against the walker, {found.states:,} states, cold: {ours_s:.1f} s against "
        f"{theirs_s:.1f} s, {theirs_s / ours_s:.0f} times as fast"
    )


def _cold(name: str, scope: Scope) -> None:
    """From nothing, and then once more with every move known."""
    territory, known = Territory(scope), Known()
    cold_s, found = _timed(lambda: explore(territory, known=known))
    warm_s, _ = _timed(lambda: explore(territory, known=known))
    print(
        f"2 x 3, {name}: {found.states:,} states in {cold_s:.1f} s from a cold start; with the "
        f"automaton compiled {found.transitions / warm_s:,.0f} transitions/s and "
        f"{found.states / warm_s:,.0f} states/s; {_bytes(territory, known):.0f} bytes a state"
    )
    warm_s, sampled = _timed(lambda: sample(territory, schedules=_SAMPLES, seed=1, depth=3))
    print(f"    PCT: {sampled.schedules / warm_s:,.0f} schedules/s")


def _bytes(territory: Territory, known: Known) -> float:
    """Memory of the visited states alone, as the allocator sees it."""
    gc.collect()
    tracemalloc.start()
    found = explore(territory, known=known)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used / found.states


def _replays() -> None:
    found = explore(Territory(_SMALL))
    schedule: Schedule = find_way(found)
    replayer = Replayer(_SMALL)
    spent_s, replays = _timed(lambda: [replayer.replay(schedule.steps) for _ in range(_REPLAYS)])
    calls = sum(one.calls for one in replays)
    print(
        f"replayer: {calls / spent_s:,.0f} port calls/s, {_REPLAYS / spent_s:,.0f} schedules of "
        f"{len(schedule.steps)} steps a second"
    )


def _races() -> None:
    scenario = load("incident-2213")
    run_race(scenario, "headway")
    spent_s, _ = _timed(lambda: run_race(scenario, "headway"))
    print(f"replay of incident-2213 in virtual time: {spent_s * 1000:.0f} ms")


def _timed(act: Callable[[], T]) -> tuple[float, T]:
    began_s = process_time()
    found = act()
    return process_time() - began_s, found


if __name__ == "__main__":
    sys.exit(main())
