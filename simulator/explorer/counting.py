"""Counts the schedules that an exhausted graph stands for: its ways from the start to a rest.

Two schedules are different when they differ in a choice, even where both lead to the same state.
This module must not look for breaches.
"""

from itertools import pairwise

from simulator.explorer.engine import Exploration
from simulator.explorer.steps import Steps

__all__ = ["count_schedules", "count_small"]


def count_schedules(found: Exploration) -> int:
    """The exact number of complete schedules of a scope all of whose states were seen.

    It takes two more visits of every state. A graph with a circle in it has schedules without end,
    and is a bug of the pipeline or of the world: the error names the moves of the circle.
    """
    assert found.is_exhausted, "only where every state was seen the schedules can be counted"
    steps = Steps(found.territory)
    start = found.territory.start
    entries = _count_entries(steps, start)
    ways, schedules = {start: 1}, 0
    ready = [] if start in entries else [start]
    while ready:
        state = ready.pop()
        come = ways.pop(state)
        targets = steps.targets(state)
        if not targets:
            schedules += come
        for target in targets:
            ways[target] = ways.get(target, 0) + come
            entries[target] -= 1
            if not entries[target]:
                del entries[target]
                ready.append(target)
    assert not entries, f"a schedule may go round for ever: {_name_circle(steps, set(entries))}"
    return schedules


def count_small(found: Exploration, states_max: int) -> int | None:
    """The same where all states were seen and there are no more than that; None elsewhere."""
    is_small = found.is_exhausted and found.states <= states_max
    return count_schedules(found) if is_small else None


def _count_entries(steps: Steps, start: int) -> dict[int, int]:
    """For each state but the start how many moves lead to it."""
    entries: dict[int, int] = {}
    ahead = [start]
    while ahead:
        for target in steps.targets(ahead.pop()):
            if target not in entries:
                entries[target] = 0
                if target != start:
                    ahead.append(target)
            entries[target] += 1
    return entries


def _name_circle(steps: Steps, left: set[int]) -> str:
    """One circle among the states that are left: each of them lies on one, or behind one."""
    before = {move.target: state for state in left for move in steps.moves(state)}
    state, seen = next(iter(left)), list[int]()
    while state not in seen:
        seen.append(state)
        state = before[state]
    circle = [*seen[seen.index(state) :], state][::-1]
    taken = []
    for here, there in pairwise(circle):
        move = next(one for one in steps.moves(here) if one.target == there)
        taken.append(f"{move.job}: {move.operation} {move.flavour}")
    return " -> ".join(taken)
