"""Runs single schedules by chance through scopes that are too large to be exhausted.

Every state on the way is looked at with all its moves, so that a breach one step aside is found
too. This module must not use any chance but that of the seed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import NamedTuple

from simulator.explorer.scope import JobKind
from simulator.explorer.steps import Steps
from simulator.explorer.territory import Breach, Move, Territory
from simulator.explorer.worlds import JobState, World

__all__ = ["Sample", "sample"]

_STEPS_MAX = 10_000
_FORKS_MAX = 500_000


@dataclass(slots=True, kw_only=True)
class Sample:
    """What was found by chance. parents: the way to the breach, as that of an exploration.

    depth: of the priority schedules; zero for plain random walks. steps: over all schedules.
    states: how many different ones were seen.
    """

    territory: Territory
    seed: int
    depth: int
    schedules: int = 0
    steps: int = 0
    states: int = 0
    longest: int = 0
    breach: Breach | None = None
    parents: dict[int, int] = field(default_factory=dict)


def sample(
    territory: Territory,
    *,
    schedules: int,
    seed: int,
    depth: int = 0,
    progress: Callable[[Sample], None] | None = None,
) -> Sample:
    """Runs that many schedules, or fewer when one meets a breach; the same ones for a seed.

    With a depth of zero every move is equally likely. From one on, every job and every event has a
    random priority and the highest one moves, but for `depth - 1` random steps, at which it falls
    behind all others (Burckhardt et al., 2010); faults strike at random steps, as many as there may
    be. A breach that needs so many steps in order is met with at least 1 / (n * k ** (depth - 1)),
    n jobs and events, k steps.
    """
    found = Sample(territory=territory, seed=seed, depth=depth)
    forks = _Forks(territory, Random(seed))  # noqa: S311 - chance that has to be repeatable
    run = forks.run_by_priority if depth else forks.run_at_random
    while found.schedules < schedules and found.breach is None:
        way = run(max(found.longest, 1), depth)
        found.schedules += 1
        found.steps += len(way) - 1
        found.longest = max(found.longest, len(way) - 1)
        if forks.breach is not None:
            found.breach = forks.breach
            found.parents = _parents(way)
        found.states = len(forks.seen)
        if progress is not None:
            progress(found)
    return found


class _Fork(NamedTuple):
    """Where a state leads: to each target, and by whose doing where nothing fails.

    calm: the targets of each job or event that cost no fault. worse: those that cost one.
    """

    targets: tuple[int, ...]
    calm: tuple[tuple[int, tuple[int, ...]], ...]
    worse: tuple[int, ...]


class _Forks:
    """The forks that were met so far, and how to go on from them."""

    def __init__(self, territory: Territory, chance: Random) -> None:
        self._territory = territory
        self._steps = Steps(territory)
        self._chance = chance
        self._known: dict[int, _Fork] = {}
        self._doers: dict[str, int] = {}
        self._heals = [one.kind is JobKind.HEAL for one in territory.cast.jobs]
        self._budget = territory.scope.faults + territory.scope.expiries
        self.seen: set[int] = set()
        self.breach: Breach | None = None

    def run_at_random(self, longest: int, depth: int) -> list[int]:  # noqa: ARG002 - as the other
        """One schedule in which every move is as likely as any other."""
        state, known, chance = self._territory.start, self._known, self._chance.random
        way = [state]
        while len(way) < _STEPS_MAX:
            fork = known.get(state)
            if fork is None:
                fork = self._look(state)
                if self.breach is not None:
                    return way
            targets = fork.targets
            count = len(targets)
            if not count:
                return way
            state = targets[int(chance() * count)] if count > 1 else targets[0]
            way.append(state)
        raise AssertionError(f"a schedule went on for {_STEPS_MAX} steps")

    def run_by_priority(self, longest: int, depth: int) -> list[int]:
        """One schedule in which the highest priority moves."""
        chance = self._chance
        falls = {chance.randrange(longest): lower for lower in range(1, depth)}
        strikes = sorted((chance.randrange(longest) for _ in range(self._budget)), reverse=True)
        ranks = _Ranks(chance)
        state, known = self._territory.start, self._known
        way = [state]
        for step in range(_STEPS_MAX):
            fork = known.get(state)
            if fork is None:
                fork = self._look(state)
                if self.breach is not None:
                    return way
            if not fork.targets:
                return way
            if fork.worse and (not fork.calm or (strikes and strikes[-1] <= step)):
                targets = fork.worse
                del strikes[-1:]
            else:
                doer, targets = ranks.first(fork.calm)
                if step in falls:
                    ranks[doer] = -falls[step]
                    doer, targets = ranks.first(fork.calm)
            state = targets[0] if len(targets) == 1 else chance.choice(targets)
            way.append(state)
        raise AssertionError(f"a schedule went on for {_STEPS_MAX} steps")

    def _look(self, state: int) -> _Fork:
        """Looks at everything that may happen in a state, and notes what it breaks."""
        moves = self._steps.moves(state)
        self.seen.add(state)
        for move in moves:
            if move.breach and self.breach is None:
                self.breach = Breach(state, move.breach, move.target)
        if not moves and (promise := self._territory.at_rest(state)):
            self.breach = Breach(state, promise)
        calm: dict[int, list[int]] = {}
        worse = []
        world = self._territory.world(state)
        for move in moves:
            if self._is_costly(world, move):
                worse.append(move.target)
            else:
                calm.setdefault(self._doer(move), []).append(move.target)
        groups = tuple((doer, tuple(targets)) for doer, targets in calm.items())
        fork = _Fork(tuple(move.target for move in moves), groups, tuple(worse))
        if len(self._known) > _FORKS_MAX:
            self._known.clear()
        self._known[state] = fork
        return fork

    def _doer(self, move: Move) -> int:
        """Whose priority a move has: that of its job, or of that one event."""
        name = str(move.job) if move.job >= 0 else move.flavour
        return self._doers.setdefault(name, len(self._doers))

    def _is_costly(self, world: World, move: Move) -> bool:
        """Whether a move takes from what may go wrong; that nothing may any more is no cost."""
        after = self._territory.world(move.target)
        pairs = zip(self._heals, world.jobs, after.jobs, strict=True)
        for is_heal, cell, cell_after in pairs:
            if is_heal and cell.state == JobState.WAITING != cell_after.state:
                return False
        return (after.faults, after.expiries) != (world.faults, world.expiries)


class _Ranks(dict[int, float]):
    """The priority of each job and event, drawn when it is first asked for."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self._chance = chance

    def __missing__(self, doer: int) -> float:
        rank = self[doer] = self._chance.random()
        return rank

    def first(self, calm: tuple[tuple[int, tuple[int, ...]], ...]) -> tuple[int, tuple[int, ...]]:
        """The one of the highest priority."""
        if len(calm) == 1:
            return calm[0]
        best, highest = calm[0], self[calm[0][0]]
        for one in calm[1:]:
            rank = self[one[0]]
            if rank > highest:
                best, highest = one, rank
        return best


def _parents(way: list[int]) -> dict[int, int]:
    """For each state of a way the one that it was first reached from."""
    parents = {way[0]: way[0]}
    for before, state in pairwise(way):
        parents.setdefault(state, before)
    return parents
