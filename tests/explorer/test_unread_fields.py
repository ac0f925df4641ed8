"""What of a record no job can tell apart may be left out: the same is reached, and the same breaks.

This guards that records count as one although their stamps, or the outcomes in them, differ.
"""

from dataclasses import replace

import pytest

from simulator.explorer.engine import Exploration, explore
from simulator.explorer.records import Records, find_unread
from simulator.explorer.scope import JobSpec, Kind, Scope, Start
from simulator.explorer.stories import cast_story
from simulator.explorer.territory import Territory
from simulator.explorer.worlds import World
from tests.explorer.scopes import ALONE, overlap, single

_AGAIN = JobSpec(name="A2", release=1, after=0)
_LONG = (Kind.LAG, Kind.LEDGER_LOST, Kind.CHURN)
_SHORT = {
    **{kind.value: single(kind) for kind in Kind if kind not in _LONG},
    "run again": single(Kind.TIMEOUT, jobs=(ALONE, _AGAIN)),
    "no ledger yet": single(Kind.TIMEOUT, start=Start.EMPTY),
}
_LARGE = {
    **{kind.value: single(kind) for kind in _LONG},
    "two jobs": overlap("headway"),
    "two jobs, a crash": overlap("headway", Kind.CRASH),
    "two jobs, a timeout and an expiry": overlap("headway", Kind.TIMEOUT, expiries=1, fence="none"),
}
_KEPT = [
    *[pytest.param(scope, id=name) for name, scope in _SHORT.items()],
    *[pytest.param(scope, id=name, marks=pytest.mark.slow) for name, scope in _LARGE.items()],
]
_BROKEN = {
    "answered before it landed": overlap("headway", Kind.DEFERRED, fence="none"),
    "lands a second time": overlap("headway", Kind.TWICE, fence="none"),
    "lands beyond its bound": overlap(
        "headway", Kind.TIMEOUT, fence="none", expiries=1, is_life_bounded=False
    ),
    "the ledger is set back": overlap("headway", Kind.LEDGER_LOST, fence="none"),
}


@pytest.mark.parametrize("scope", _KEPT)
def test_same_worlds_are_reached_where_every_field_counts(scope: Scope) -> None:
    """Leaving out what nobody sees loses no world and no ending, and makes none up."""
    short = explore(Territory(scope))
    literal = explore(Territory(replace(scope, is_literal=True)))

    left, expected = _worlds(short), _worlds(literal)

    assert short.is_exhausted
    assert literal.is_exhausted
    assert set(short.territory.words) == set(literal.territory.words)
    assert set(left) == set(expected)
    assert all(left[world] == budgets for world, budgets in expected.items())


@pytest.mark.slow
@pytest.mark.parametrize("scope", _BROKEN.values(), ids=_BROKEN)
def test_same_promise_breaks_in_as_few_events_where_every_field_counts(scope: Scope) -> None:
    """A breach outside an assumption is found with and without, by a schedule of one length."""
    short = explore(Territory(scope))
    literal = explore(Territory(replace(scope, is_literal=True)))

    assert short.breach is not None
    assert literal.breach is not None
    assert (short.breach.promise, short.depth) == (literal.breach.promise, literal.depth)


@pytest.mark.slow
def test_there_is_less_to_see_where_fewer_fields_count() -> None:
    """Two jobs of the shipped pipeline write many records that say the same.

    The numbers change with every step that the pipeline takes, and with nothing else.
    """
    scope = Scope(jobs=cast_story("deploys", 2), tenants=1, expiries=1)
    short = explore(Territory(scope))
    literal = explore(Territory(replace(scope, is_literal=True)))

    assert (1_955, 2_961) == (short.states, literal.states)


def _worlds(found: Exploration) -> dict[object, set[tuple[int, int]]]:
    """Every world that was reached, as those see it who are not too late, and the best budgets.

    What its record says stands in place of its number. Of two budgets that one world is reached
    with, all that can happen with the smaller one can happen with the larger one.
    """
    territory = found.territory
    records = territory.model.records
    short = Records(find_unread(replace(territory.scope, is_literal=False)))
    seen: dict[object, set[tuple[int, int]]] = {}
    for world in {territory.world(state) for state in found.parents}:
        said = [
            short.reading(short.number(record)).record if record else None
            for record in map(records.record, (world.record, *_under_way(world)))
        ]
        flying = [one._replace(record=bool(one.record), expected=0) for one in world.flying]
        plain = world._replace(record=0, flying=tuple(flying), jobs=(), faults=0, expiries=0)
        seen.setdefault((plain, *said), set()).add((world.faults, world.expiries))
    return {one: _best(budgets) for one, budgets in seen.items()}


def _best(budgets: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """The budgets that no other one has at least as much of both of."""
    return {
        one
        for one in budgets
        if not any(
            other != one and min(one[0] <= other[0], one[1] <= other[1]) for other in budgets
        )
    }


def _under_way(world: World) -> list[int]:
    """The records of swaps that may still land, and what they compare with."""
    swaps = [one for one in world.flying if one.record]
    return [number for one in swaps for number in (one.record, one.expected)]
