"""Visits every state of a scope, shortest ways first, until all are seen or a limit is reached.

This module must not know what a state means; `territory` does.
"""

import gc
import resource
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from simulator.explorer.known import NOTHING, Known, Life, Moves, Part
from simulator.explorer.territory import Breach, Move, Territory
from simulator.explorer.worlds import NOBODY

__all__ = ["Exploration", "Limits", "explore"]

_COLLECTED = 200_000
_CHUNK = 1_000
"""After how many states the limits are looked at."""


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
    known: Known | None = None,
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

    def expand(self, frontier: list[int]) -> list[int]:  # noqa: C901, PLR0912 - it is fast
        """Visits every state of one depth; returns those of the next."""
        parents, cache, following = self._found.parents, self._known.moves, list[int]()
        worlds, world_mask = self._known.worlds, self._world_mask
        settle, older, transitions = self._settle, self._known.older, 0
        for state in frontier:
            moved = transitions
            key = state & world_mask
            life = worlds.get(key)
            if life is None:
                life = worlds[key] = Life(self._find_parts(state))
            parts = life.parts
            for job, key_mask, keep_mask in parts:
                key = state & key_mask
                found = cache.get(key)
                if found is None:
                    found = older.get(key) or self._find_moves(state, job, ~keep_mask)
                    cache[key] = found
                if found is NOTHING:
                    continue
                quiet, writing = found
                rest = state & keep_mask
                transitions += len(quiet) + len(writing)
                for target in quiet:
                    after = rest | target
                    if after not in parents:
                        parents[after] = state
                        following.append(after)
                for target in writing:
                    after = settle(rest | target, parts, job)
                    if after not in parents:
                        parents[after] = state
                        following.append(after)
            happening = life.events
            if happening is None:
                happening = life.events = self._find_events(state)
            transitions += len(happening)
            for keep_mask, target in happening:
                after = settle(state & keep_mask | target, parts, NOBODY)
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

    def _find_parts(self, state: int) -> tuple[Part, ...]:
        """The parts of those jobs that are, or may be, under way."""
        territory = self._territory
        world = territory.world(state)
        return tuple(part for part in self._parts if territory.model.is_up(world, part[0]))

    def _find_moves(self, state: int, job: int, changed: int) -> Moves:
        """Finds the moves of one job, for every state that agrees in the world and in the job.

        Apart come those that write the ledger, behind which a swap of another job may have lost.
        """
        territory = self._territory
        moves = territory.job_moves(state, job)
        if not moves:
            return NOTHING
        self._look(state, moves)
        record = territory.world(state).record
        targets = dict.fromkeys(move.target & changed for move in moves)
        writing = {one for one in targets if territory.world(one).record != record}
        quiet = tuple(one for one in targets if one not in writing)
        return quiet, tuple(one for one in targets if one in writing)

    def _settle(self, state: int, parts: tuple[Part, ...], mover: int) -> int:
        """The state once all lost or ended that can do nothing else, remembered by its parts.

        parts: of those who lived before the move. mover: who has settled already.
        """
        settled_jobs, after, over = self._known.settled, state, 0
        for job, key_mask, keep_mask in parts:
            if job == mover:
                continue
            key = state & key_mask
            found = settled_jobs.get(key)
            if found is None:
                bits, is_over = self._territory.settle_job(state, job)
                is_settled = bits == state & ~keep_mask & self._territory.all_nodes
                found = () if is_settled and not is_over else (bits, is_over << job)
                settled_jobs[key] = found
            if found:
                after = after & (keep_mask | self._world_mask) | found[0]
                over |= found[1]
        return self._retire(after, over) if over else after

    def _retire(self, state: int, over: int) -> int:
        """The state in which these jobs, a bit each, have ended besides."""
        world = state & self._world_mask
        key = world | over
        found = self._known.retired.get(key)
        if found is None:
            jobs = [job for job, _, _ in self._parts if over >> job & 1]
            found = self._known.retired[key] = self._territory.retire(world, jobs)
        return found | state & ~self._world_mask

    def _find_events(self, state: int) -> tuple[tuple[int, int], ...]:
        """Finds what may happen by itself, for every state of that world.

        An event leaves every job where it is, but for one that it kills.
        """
        territory = self._territory
        moves = territory.event_moves(state)
        self._look(state, moves)
        found = []
        for move in moves:
            kept = territory.all_nodes & ~territory.dead_nodes(move.target)
            found.append((kept, move.target & ~kept))
        return tuple(dict.fromkeys(found))

    def _look(self, state: int, moves: list[Move]) -> None:
        """Notes the first promise that a move breaks; the first ever is of a shortest schedule."""
        for move in moves:
            if move.breach and self._found.breach is None:
                target = self._territory.settle(move.target)
                self._found.breach = Breach(state, move.breach, target)

    def _rest(self, state: int) -> None:
        self._found.complete += 1
        promise = self._territory.at_rest(state)
        if promise and self._found.breach is None:
            self._found.breach = Breach(state, promise)
