"""Gives each turn of a replay an instant that all the timeouts in play could have had.

The instants are the earliest ones that keep the order, what each job's own clock says has passed,
and how soon after its intent an effect is sent and lands. This module must not change the order.
"""

from collections.abc import Iterator

from simulator.explorer.cast import BOUND_S
from simulator.explorer.replay import Replay, Turn
from simulator.explorer.schedule import WORLD
from simulator.explorer.worlds import Flying, Window

__all__ = ["instants"]

_PATIENCE_S = BOUND_S / 2
"""How long a job waits for the answer to an effect that never comes."""

_GIVEN_UP = frozenset({"timeout", "answer lost"})
_SPACINGS_S = (1.0, 0.1)
_LOOK = (Window.NOTED, Window.CHECKED)

Edge = tuple[int, int, float]
"""The second turn is at least so long after the first; a negative length is a limit on how long."""


def instants(replay: Replay) -> tuple[float, ...]:
    """Seconds from the beginning to each turn; never falling, each job's clock kept to.

    Where no instants keep the limits on how late something may happen, those are left out: then
    only a job whose clock ran slow, or that was asleep, could have gone so.
    """
    owns, limits = list(_clock_edges(replay)), list(_limit_edges(replay))
    count = len(replay.turns)
    for spacing_s in _SPACINGS_S:
        found = _solve(count, [*_order_edges(count, spacing_s), *owns, *limits])
        if found is not None:
            return found
    found = _solve(count, [*_order_edges(count, _SPACINGS_S[0]), *owns])
    assert found is not None, "what only asks for more time can be had"
    return found


def _order_edges(count: int, spacing_s: float) -> Iterator[Edge]:
    for turn in range(1, count):
        yield turn - 1, turn, spacing_s


def _clock_edges(replay: Replay) -> Iterator[Edge]:
    """What passes for a job between two of its answers passes for everybody."""
    last: dict[str, int] = {}
    for at, turn in enumerate(replay.turns):
        actor = turn.step.actor
        if actor == WORLD:
            continue
        before = last.get(actor)
        known_s = replay.turns[before].answered_s if before is not None else 0.0
        yield before if before is not None else 0, at, _passed_s(turn, known_s)
        last[actor] = at


def _passed_s(turn: Turn, known_s: float) -> float:
    has_given_up = turn.step.flavour in _GIVEN_UP
    return turn.answered_s - known_s + (_PATIENCE_S if has_given_up else 0.0)


def _limit_edges(replay: Replay) -> Iterator[Edge]:
    """How soon after the swap of its intent an effect is sent, and lands."""
    margin_s = replay.model.cast.policy().send_margin_s
    swapped: dict[tuple[int, int], int] = {}
    newest: dict[int, int] = {}
    for at, turn in enumerate(replay.turns):
        for job, (before, after) in enumerate(zip(turn.before.jobs, turn.after.jobs, strict=True)):
            if after.intent > before.intent:
                swapped[job, after.intent] = newest[job] = at
            elif (before.window, after.window) == _LOOK and turn.step.flavour == "ok":
                yield at, newest[job], -margin_s
        if replay.scope.is_life_bounded:
            for request in _ended(turn):
                sent = swapped.get((request.job, request.intent))
                is_landing = turn.step.actor == WORLD
                if sent is not None and is_landing:
                    yield at, sent, -BOUND_S


def _ended(turn: Turn) -> list[Flying]:
    """The requests that are under way before a turn, and not after it."""
    return [one for one in turn.before.flying if one not in turn.after.flying]


def _solve(count: int, edges: list[Edge]) -> tuple[float, ...] | None:
    """The earliest instants that keep every edge; None when none do."""
    at_s = [0.0] * count
    for _ in range(count + 1):
        has_moved = False
        for first, second, least_s in edges:
            if at_s[second] < at_s[first] + least_s - 1e-9:
                at_s[second] = at_s[first] + least_s
                has_moved = True
        if not has_moved:
            return tuple(at_s)
    return None
