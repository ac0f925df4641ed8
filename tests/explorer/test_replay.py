"""A schedule that was found is replayed with real jobs, and made as simple as it can be."""

from dataclasses import replace

import pytest

from release.errors import Invalid
from simulator.explorer.engine import explore
from simulator.explorer.replay import Diverged, confirm, replay
from simulator.explorer.schedule import Schedule, Step, find_schedule
from simulator.explorer.scope import JobSpec, Kind
from simulator.explorer.simplify import simplify
from simulator.explorer.territory import Territory
from tests.explorer.counterexamples import SCOPES, find, pair

PUSH_1 = Step(actor="world", operation="event", flavour="push of r1")
PUSH_2 = Step(actor="world", operation="event", flavour="push of r2")


def read(actor: str) -> Step:
    """The job reads the tip of the branch."""
    return Step(actor=actor, operation="forge.head", flavour="ok")


def effect(actor: str) -> Step:
    """The job redeploys, and is answered."""
    return Step(actor=actor, operation="fleet.redeploy", flavour="ok")


@pytest.mark.parametrize("name", SCOPES)
def test_schedule_that_was_found_breaks_the_same_promise_with_real_jobs(name: str) -> None:
    """What the automaton says happens to the shipped code, which is run anew to show it."""
    schedule = find(name)

    found = confirm(schedule)

    assert schedule.promise == found.breach
    assert len(schedule.steps) == len(found.turns)


@pytest.mark.parametrize("name", SCOPES)
def test_two_replays_go_alike(name: str) -> None:
    """A replay has no chance in it and leaves nothing behind for the next."""
    first, second = replay(find(name)), replay(find(name))

    assert first.turns == second.turns
    assert first.calls == second.calls


def test_shortest_schedule_against_a_recheck_is_known_by_name() -> None:
    """Both jobs read the branch before the newer one writes; the older one writes last."""
    schedule = find("recheck")

    assert schedule.steps == (PUSH_1, read("A"), PUSH_2, read("B"), effect("B"), effect("A"))
    assert schedule.promise == "P1 never backward: tenant-1 from r2 back to r1"


def test_turns_hold_call_and_worlds() -> None:
    """Each turn knows what was called, and the world before it is the world after the last one."""
    found = replay(find("recheck"))

    last = found.turns[-1]
    assert last.call is not None
    assert last.call.operation == "fleet.redeploy"
    assert [2, 1] == [last.before.tenants[0].serving, last.after.tenants[0].serving]
    assert [one.after for one in found.turns[:-1]] == [one.before for one in found.turns[1:]]


def test_choice_that_is_not_there_is_named_with_those_that_are() -> None:
    """A schedule that no longer fits says where, what it wanted and what there is."""
    steps = (PUSH_1, read("A"), effect("B"))

    with pytest.raises(Diverged) as problem:
        replay(Schedule(scope=SCOPES["recheck"], steps=steps))

    said = str(problem.value)
    assert "diverged at event 3: expected B fleet.redeploy: ok, enabled are " in said
    assert "A fleet.redeploy: ok; world event: push of r2" in said


def test_job_that_the_scope_lacks_is_a_divergence() -> None:
    """An actor that is nobody's name has no choices."""
    with pytest.raises(Diverged, match=r"event 1: expected C forge\.head: ok"):
        replay(Schedule(scope=SCOPES["recheck"], steps=(read("C"),)))


def test_equal_choice_beyond_the_last_is_a_divergence() -> None:
    """Of choices with equal names there are only so many."""
    step = replace(PUSH_1, which=1)

    with pytest.raises(Diverged, match=r"expected world event: push of r1 \(2\)"):
        replay(Schedule(scope=SCOPES["recheck"], steps=(step,)))


def test_breach_that_does_not_come_again_is_an_internal_error() -> None:
    """An exploration and its replay that disagree are a bug of the explorer, and said to be."""
    schedule = replace(find("recheck"), promise="P2 no false green")

    with pytest.raises(AssertionError, match="internal error: the exploration found 'P2"):
        confirm(schedule)


def test_schedule_that_stops_early_breaks_nothing() -> None:
    """A breach belongs to its last step: without it nothing is broken, and nothing is at rest."""
    schedule = find("recheck")

    found = replay(replace(schedule, steps=schedule.steps[:-1]))

    assert found.breach == ""


def test_unknown_guard_is_refused() -> None:
    """A schedule of a guard that this checkout lacks is the caller's mistake."""
    scope = replace(SCOPES["none"], guard="hope")

    with pytest.raises(Invalid, match="no such guard"):
        replay(Schedule(scope=scope, steps=()))


def test_fault_that_is_not_needed_is_left_out() -> None:
    """The simplest schedule has the fewest faults, also where one with a fault is found first."""
    scope = pair("recheck", Kind.TIMEOUT, faults=1)
    head = (PUSH_1, read("A"), PUSH_2, read("B"), effect("B"))
    late = Step(actor="A", operation="fleet.redeploy", flavour="timeout")
    lands = Step(actor="world", operation="event", flavour="A's r1 lands at tenant-1")
    promise = "P1 never backward: tenant-1 from r2 back to r1"

    simple = simplify(Schedule(scope=scope, steps=(*head, late, lands), promise=promise))

    assert simple.scope.faults == 0
    assert (*head, effect("A")) == simple.steps


def test_switch_of_job_that_is_not_needed_is_left_out() -> None:
    """What another job does in between goes where it preempts nobody, and then goes unused."""
    schedule = find("believes-the-plane")
    first, second = schedule.steps[:2], schedule.steps[2:]
    tangled = replace(schedule, steps=(*first, PUSH_2, effect("B"), *second))

    simple = simplify(tangled)

    assert [2, 0] == [replay(tangled).preemptions, replay(simple).preemptions]
    assert schedule == simple


@pytest.mark.parametrize("name", SCOPES)
def test_simplest_schedule_breaks_the_same_promise_and_is_no_longer(name: str) -> None:
    """Simplifying never trades a promise for another one or a fault for a shorter way."""
    schedule = find(name)

    simple = simplify(schedule)

    before, after = replay(schedule), confirm(simple)
    assert schedule.broken == simple.broken
    assert after.faults + after.expiries <= before.faults + before.expiries
    assert len(simple.steps) <= len(schedule.steps)


def test_standing_still_can_break_a_promise_too() -> None:
    """A job that waits for what never comes breaks a promise by no step of anybody."""
    waits = JobSpec(name="A", release=1, push=1, after=0)
    schedule = find_schedule(explore(Territory(replace(SCOPES["none"], jobs=(waits,)))))

    assert schedule is not None
    assert (PUSH_1,) == schedule.steps
    assert "P4 progress: a job waits for ever" == confirm(schedule).breach


def test_exploration_without_breach_has_no_schedule() -> None:
    """There is a schedule only where a promise was broken."""
    scope = replace(pair("headway"), jobs=pair("headway").jobs[:1], tenants=1)

    assert find_schedule(explore(Territory(scope))) is None
