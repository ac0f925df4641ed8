"""Visits every state of a scope, shortest ways first, until all are seen or a limit is reached.

This module must not know what a state means; `territory` does.
"""

import gc
import resource
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from simulator.explorer.territory import Breach, Move, Territory

__all__ = ["Exploration", "Known", "Limits", "explore"]

_CACHE_MAX = 400_000
_COLLECTED = 200_000
_CHUNK = 1_000
"""After how many states the limits are looked at."""

_Moves = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where an exploration gives up: states, resident memory, seconds."""

    states: int = 50_000_000
    memory_bytes: int = 4 << 30
    time_s: float = 600.0


@dataclass(slots=True, kw_only=True)
class Exploration:
    """What was found. parents: for each state the one that it was first reached from.

    stopped_by: the limit that ended it; empty when every state was seen, or a breach was found.
    """

    territory: Territory
    parents: dict[int, int] = field(default_factory=dict)
    transitions: int = 0
    depth: int = 0
    complete: int = 0
    breach: Breach | None = None
    stopped_by: str = ""
    spent_s: float = 0.0

    @property
    def states(self) -> int:
        """How many states were seen."""
        return len(self.parents)

    @property
    def is_exhausted(self) -> bool:
        """Whether every state was seen."""
        return not self.stopped_by and self.breach is None


def explore(
    territory: Territory,
    limits: Limits | None = None,
    *,
    progress: Callable[[Exploration], None] | None = None,
    known: "Known | None" = None,
) -> Exploration:
    """Visits every state breadth first, and stops at the first breach, which is a shortest one.

    known: the moves that an earlier exploration of the same territory has found; it grows.
    """
    found = Exploration(territory=territory)
    chosen, began_s = limits or Limits(), monotonic()
    # What an exploration makes it keeps, so that the collector would look at it in vain.
    thresholds = gc.get_threshold()
    gc.set_threshold(_COLLECTED, *thresholds[1:])
    try:
        search = _Search(territory, found, known or Known())
        _visit(search, found, chosen, progress=progress, began_s=began_s)
    finally:
        gc.set_threshold(*thresholds)
    return found


def _visit(
    search: "_Search",
    found: Exploration,
    limits: Limits,
    *,
    progress: Callable[[Exploration], None] | None,
    began_s: float,
) -> None:
    start = found.territory.start
    found.parents[start] = start
    frontier = [start]
    while frontier and found.breach is None and not found.stopped_by:
        frontier = _visit_depth(search, found, limits, frontier=frontier, began_s=began_s)
        found.depth += 1
        if progress is not None:
            progress(found)
    found.spent_s = monotonic() - began_s


def _visit_depth(
    search: "_Search", found: Exploration, limits: Limits, *, frontier: list[int], began_s: float
) -> list[int]:
    """Visits every state of one depth, unless a limit stops it; returns those of the next."""
    following = list[int]()
    for first in range(0, len(frontier), _CHUNK):
        following += search.expand(frontier[first : first + _CHUNK])
        found.spent_s = monotonic() - began_s
        is_done = not following and first + _CHUNK >= len(frontier)
        if found.breach is not None or is_done:
            break
        found.stopped_by = _exceeded(found, limits)
        if found.stopped_by:
            break
    return following


def _exceeded(found: Exploration, limits: Limits) -> str:
    if found.states > limits.states:
        return f"{limits.states} states"
    if found.spent_s > limits.time_s:
        return f"{limits.time_s:.0f} s"
    used_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if used_bytes > limits.memory_bytes:
        return f"{limits.memory_bytes >> 20} MiB of memory"
    return ""


@dataclass(slots=True)
class Known:
    """Moves that were found: those of (world, job) pairs, those of worlds, and swaps that lost."""

    moves: dict[int, _Moves] = field(default_factory=dict)
    events: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    lost: dict[int, int] = field(default_factory=dict)

    def shrink(self) -> None:
        """Forgets everything once it is more than memory should hold; it is found again."""
        if len(self.moves) > _CACHE_MAX:
            self.moves.clear()
            self.events.clear()
            self.lost.clear()


class _Search:
    """The inner loop."""

    def __init__(self, territory: Territory, found: Exploration, known: Known) -> None:
        self._territory = territory
        self._found = found
        all_nodes = territory.all_nodes
        self._world_mask = ~all_nodes
        self._parts = tuple(
            (job, self._world_mask | mask, all_nodes & ~mask)
            for job, mask in enumerate(territory.node_masks)
        )
        self._known = known

    def expand(self, frontier: list[int]) -> list[int]:  # noqa: C901 - it is fast
        """Visits every state of one depth; returns those of the next."""
        parents, cache, following = self._found.parents, self._known.moves, list[int]()
        events, world_mask, parts = self._known.events, self._world_mask, self._parts
        settle, transitions = self._settle, 0
        for state in frontier:
            moved = transitions
            for job, key_mask, keep_mask in parts:
                key = state & key_mask
                found = cache.get(key)
                if found is None:
                    found = cache[key] = self._find_moves(state, job, ~keep_mask)
                quiet, writing = found
                rest = state & keep_mask
                transitions += len(quiet) + len(writing)
                for target in quiet:
                    after = rest | target
                    if after not in parents:
                        parents[after] = state
                        following.append(after)
                for target in writing:
                    after = settle(rest | target)
                    if after not in parents:
                        parents[after] = state
                        following.append(after)
            key = state & world_mask
            happening = events.get(key)
            if happening is None:
                happening = events[key] = self._find_events(state)
            transitions += len(happening)
            for keep_mask, target in happening:
                after = settle(state & keep_mask | target)
                if after not in parents:
                    parents[after] = state
                    following.append(after)
            if moved == transitions:
                self._rest(state)
            if self._found.breach is not None:
                break
        self._found.transitions += transitions
        self._known.shrink()
        return following

    def _find_moves(self, state: int, job: int, changed: int) -> _Moves:
        """Finds the moves of one job, for every state that agrees in the world and in the job.

        Apart come those that write the ledger, behind which a swap of another job may have lost.
        """
        territory = self._territory
        moves = territory.job_moves(state, job)
        self._look(state, moves)
        record = territory.world(state).record
        targets = dict.fromkeys(move.target & changed for move in moves)
        writing = {one for one in targets if territory.world(one).record != record}
        quiet = tuple(one for one in targets if one not in writing)
        return quiet, tuple(one for one in targets if one in writing)

    def _settle(self, state: int) -> int:
        """The state once every swap has lost that can do nothing else, remembered by its parts."""
        lost, masks = self._known.lost, self._territory.node_masks
        settled = state & self._world_mask
        for job, key_mask, _ in self._parts:
            key = state & key_mask
            bits = lost.get(key)
            if bits is None:
                bits = lost[key] = self._territory.settle(state) & masks[job]
            settled |= bits
        return settled

    def _find_events(self, state: int) -> tuple[tuple[int, int], ...]:
        """Finds what may happen by itself, for every state of that world.

        An event leaves every job where it is, but for one that it kills.
        """
        territory = self._territory
        moves = territory.event_moves(state)
        self._look(state, moves)
        found = []
        for move in moves:
            dead = territory.dead_nodes(move.target)
            found.append(
                (territory.all_nodes & ~dead, move.target & ~(territory.all_nodes & ~dead))
            )
        return tuple(dict.fromkeys(found))

    def _look(self, state: int, moves: list[Move]) -> None:
        """Notes the first promise that a move breaks; the first ever is of a shortest schedule."""
        for move in moves:
            if move.breach and self._found.breach is None:
                self._found.breach = Breach(state, move.breach, move.target)

    def _rest(self, state: int) -> None:
        self._found.complete += 1
        promise = self._territory.at_rest(state)
        if promise and self._found.breach is None:
            self._found.breach = Breach(state, promise)
