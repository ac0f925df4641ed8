"""A schedule: a scope, and in it the names of the choices that lead to one end.

It holds names, never numbers of an exploration, so that it outlives the exploration. This module
must not run a job.
"""

from dataclasses import dataclass
from itertools import pairwise

from simulator.explorer.automaton import DEAD
from simulator.explorer.engine import Exploration
from simulator.explorer.scope import Scope
from simulator.explorer.territory import Breach, Move, Territory
from simulator.explorer.worlds import JobState

__all__ = ["WORLD", "Schedule", "Step", "find_schedule", "find_way"]

WORLD = "world"
"""The actor of what happens without a job's doing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One choice by its names.

    actor: the job whose call is answered, or WORLD. which: of the choices that share these names,
    how many come before this one.
    """

    actor: str
    operation: str
    flavour: str
    which: int = 0

    def __str__(self) -> str:
        number = f" ({self.which + 1})" if self.which else ""
        return f"{self.actor} {self.operation}: {self.flavour}{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What happens in a scope, choice by choice, and the promise that is broken at its end.

    promise: as the exploration said it; empty when nothing was broken.
    """

    scope: Scope
    steps: tuple[Step, ...]
    promise: str = ""

    @property
    def broken(self) -> str:
        """The number of the promise that is broken, such as `P1`; empty when none is."""
        return self.promise.partition(" ")[0]


def find_schedule(exploration: Exploration) -> Schedule | None:
    """The shortest way to the breach that an exploration found; None when it found none.

    It asks the territory for its moves again, which adds to the territory's counts of answers.
    """
    breach, territory = exploration.breach, exploration.territory
    if breach is None:
        return None
    steps = _steps_to(exploration, breach)
    return Schedule(scope=territory.scope, steps=tuple(steps), promise=breach.promise)


def find_way(exploration: Exploration) -> Schedule:
    """A shortest way to the state that was found last, whether or not anything broke there."""
    last = next(reversed(exploration.parents))
    breach = Breach(last, "")
    return Schedule(
        scope=exploration.territory.scope,
        steps=tuple(_steps_to(exploration, breach)),
        promise="",
    )


def _steps_to(exploration: Exploration, breach: Breach) -> list[Step]:
    territory = exploration.territory
    states = [breach.state]
    while states[-1] != territory.start:
        states.append(exploration.parents[states[-1]])
    states.reverse()
    steps: list[Step] = []
    for before, after in pairwise(states):
        steps += _find_steps(territory, before, after)
    if breach.target is not None:
        steps += _find_last(territory, breach)
    return steps


def _find_steps(territory: Territory, before: int, after: int) -> list[Step]:
    moves = territory.moves(before)
    for move in moves:
        if not move.breach and _is_same(territory, move.target, after):
            return [_name(territory, moves, move), *_implied(territory, move)]
    raise AssertionError("a state that was reached from another is behind one of its moves")


def _find_last(territory: Territory, breach: Breach) -> list[Step]:
    moves = territory.moves(breach.state)
    for move in moves:
        if move.breach == breach.promise and move.target == breach.target:
            return [_name(territory, moves, move), *_implied(territory, move)]
    raise AssertionError("a promise that was broken by a move is broken by it again")


def _implied(territory: Territory, move: Move) -> list[Step]:
    """What follows from a move without a choice, which a replay takes one by one."""
    return [
        Step(actor=territory.cast.jobs[job].name, operation=operation, flavour=flavour)
        for job, operation, flavour in move.implied
    ]


def _is_same(territory: Territory, one: int, other: int) -> bool:
    """Whether two states are one, as far as jobs that have died go: it matters not where."""
    world = territory.world(one)
    if world != territory.world(other):
        return False
    pairs = [
        (territory.node(one, job), territory.node(other, job)) for job in range(territory.jobs)
    ]
    return all(
        ours is theirs or cell.state == JobState.DEAD or {ours.number, theirs.number} == {DEAD}
        for (ours, theirs), cell in zip(pairs, world.jobs, strict=True)
    )


def _name(territory: Territory, moves: list[Move], move: Move) -> Step:
    names = move[:3]
    which = 0
    for other in moves:
        if other is move:
            break
        which += other[:3] == names
    job, operation, flavour = names
    actor = territory.cast.jobs[job].name if job >= 0 else WORLD
    return Step(actor=actor, operation=operation, flavour=flavour, which=which)
