"""Makes what people are shown of a breach: its simplest schedule, as a picture and as a token.

This module must not decide whether a promise was broken; `engine` finds that.
"""

from dataclasses import dataclass

from simulator.explorer.engine import Exploration, Limits
from simulator.explorer.picture import draw
from simulator.explorer.replay import confirm
from simulator.explorer.schedule import Schedule, find_schedule
from simulator.explorer.simplify import simplify
from simulator.explorer.token import to_token

__all__ = ["Counterexample", "find_counterexample"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterexample:
    """A schedule that breaks a promise, which was replayed for real."""

    schedule: Schedule
    picture: str
    token: str


def find_counterexample(found: Exploration, limits: Limits) -> Counterexample | None:
    """The simplest schedule that breaks what an exploration saw broken; None when nothing was.

    limits: of each search for a simpler one.
    """
    schedule = find_schedule(found)
    if schedule is None:
        return None
    simple = simplify(schedule, limits=limits)
    return Counterexample(
        schedule=simple, picture=draw(simple, confirm(simple)), token=to_token(simple)
    )
