"""Finds the simplest schedule that breaks the same promise: fewest faults, then switches of job.

What it returns was replayed for real. This module must not make a schedule longer.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from simulator.explorer.engine import Limits, explore
from simulator.explorer.replay import Diverged, Replay, Replayer, confirm
from simulator.explorer.schedule import WORLD, Schedule, Step, find_schedule
from simulator.explorer.scope import Scope
from simulator.explorer.territory import Territory
from simulator.guards import Deploy

__all__ = ["simplify"]

_ROUNDS_MAX = 50
"""How often in a row blocks are moved; every round has to gain something."""

Rank = tuple[int, int, int]


def simplify(
    schedule: Schedule, deploy: Deploy | None = None, *, limits: Limits | None = None
) -> Schedule:
    """The simplest schedule by (faults, preemptions, events) that breaks the same promise.

    limits: of each search with fewer faults; one that reaches them has found nothing simpler.
    deploy: what the jobs run, where it is not the guard that the scope names.
    """
    found = confirm(schedule, deploy)
    for scope in _milder(schedule.scope, found):
        milder = find_schedule(explore(Territory(scope, deploy), limits))
        if milder is not None and milder.broken == schedule.broken:
            schedule = milder
            break
    return _reorder(schedule, deploy)


def _milder(scope: Scope, found: Replay) -> Iterator[Scope]:
    """The same scope with fewer faults and expiries than were used, the mildest first."""
    used = found.faults + found.expiries
    pairs = [
        (faults, expiries)
        for faults in range(min(scope.faults, used) + 1)
        for expiries in range(min(scope.expiries, used) + 1)
        if faults + expiries < used
    ]
    for faults, expiries in sorted(pairs, key=lambda pair: (sum(pair), pair)):
        yield replace(scope, faults=faults, expiries=expiries)


def _reorder(schedule: Schedule, deploy: Deploy | None) -> Schedule:
    """Moves what one job does in a row next to what it does before or after, while that helps."""
    replayer = Replayer(schedule.scope, deploy)
    best, rank = schedule, _rank(schedule.steps, replayer.replay(schedule.steps))
    for _ in range(_ROUNDS_MAX):
        for steps in _variants(best.steps):
            found = _try(replayer, steps)
            if found is None or found.broken != schedule.broken:
                continue
            # A promise that breaks sooner leaves the rest of the steps unused.
            kept = steps[: len(found.turns)]
            if _rank(kept, found) < rank:
                best = replace(schedule, steps=kept, promise=found.breach)
                rank = _rank(kept, found)
                break
        else:
            return best
    return best


def _try(replayer: Replayer, steps: tuple[Step, ...]) -> Replay | None:
    try:
        return replayer.replay(steps)
    except Diverged:
        return None


def _rank(steps: tuple[Step, ...], found: Replay) -> Rank:
    switches = sum(1 for _ in groupby(step.actor for step in steps if step.actor != WORLD))
    return found.preemptions, len(steps), switches


def _variants(steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Every schedule in which a block has moved next to another one of the same actor.

    A block is what one actor does in a row; moving it is to commute it with each step that it
    passes, which keeps every actor's own order.
    """
    blocks = [tuple(steps) for _, steps in groupby(steps, key=lambda step: step.actor)]
    for early, first in enumerate(blocks):
        for late in range(early + 2, len(blocks)):
            if blocks[late][0].actor != first[0].actor:
                continue
            between = [one for block in blocks[early + 1 : late] for one in block]
            before = [one for block in blocks[:early] for one in block]
            after = [one for block in blocks[late + 1 :] for one in block]
            yield (*before, *first, *blocks[late], *between, *after)
            yield (*before, *between, *first, *blocks[late], *after)
            break
