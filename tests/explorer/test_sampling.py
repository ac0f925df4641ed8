"""Schedules by chance: repeatable, and they find what is there to be found."""

from dataclasses import replace

import pytest

from simulator.explorer.engine import explore
from simulator.explorer.sampling import Sample, sample
from simulator.explorer.scope import Kind
from simulator.explorer.territory import Territory
from tests.explorer.scopes import overlap, single


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_the_same_seed_runs_the_same_schedules(depth: int) -> None:
    """Two runs with a seed agree in every step, also where the territory is known already."""
    territory = Territory(overlap("lease", Kind.TIMEOUT))

    first = _facts(sample(territory, schedules=50, seed=7, depth=depth))
    again = _facts(sample(territory, schedules=50, seed=7, depth=depth))
    afresh = _facts(
        sample(Territory(overlap("lease", Kind.TIMEOUT)), schedules=50, seed=7, depth=depth)
    )

    assert first == again == afresh


def test_another_seed_runs_other_schedules() -> None:
    """The seed is what the schedules hang on."""
    territory = Territory(overlap("lease"))

    steps = {sample(territory, schedules=5, seed=seed).steps for seed in range(10)}

    assert len(steps) > 1


@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize("guard", ["none", "before-verify", "recheck", "mutex", "person-lock"])
def test_a_broken_guard_is_caught_and_the_way_there_can_be_told(guard: str, depth: int) -> None:
    """The breach comes with a way from the start on which every step is a move that there is."""
    territory = Territory(overlap(guard))

    found = sample(territory, schedules=2_000, seed=1, depth=depth)

    assert found.breach is not None
    state = found.breach.state
    while state != territory.start:
        before = found.parents[state]
        assert state in {move.target for move in territory.moves(before)}
        state = before
    last = {(move.target, move.breach) for move in territory.moves(found.breach.state)}
    assert (found.breach.target, found.breach.promise) in last


@pytest.mark.parametrize("depth", [0, 3])
def test_many_schedules_see_every_state_of_a_small_scope(depth: int) -> None:
    """Chance leaves out nothing that may happen: not more than there is, and not less."""
    scope = overlap("lease")
    explored = explore(Territory(scope))

    found = sample(Territory(scope), schedules=4_000, seed=2, depth=depth)

    assert found.breach is None
    assert explored.states == found.states


def test_priority_schedules_spend_every_fault_in_the_end() -> None:
    """Schedules with faults see what those without can't, and no state that isn't there."""
    scope = single(Kind.TIMEOUT)
    explored = explore(Territory(scope))

    calm = sample(Territory(replace(scope, faults=0)), schedules=500, seed=1, depth=3)
    faulty = sample(Territory(scope), schedules=500, seed=1, depth=3)

    assert calm.states < faulty.states <= explored.states


def test_the_shipped_pipeline_keeps_its_promises_by_chance() -> None:
    """Where nothing can be found, all the schedules that were asked for are run."""
    found = sample(Territory(single(Kind.LOST, Kind.DEFERRED)), schedules=300, seed=1, depth=3)

    assert (None, 300) == (found.breach, found.schedules)


def _facts(found: Sample) -> tuple[object, ...]:
    breach = found.breach.promise if found.breach else ""
    return found.schedules, found.steps, found.states, found.longest, breach, len(found.parents)
