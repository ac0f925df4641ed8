"""The two engines share the world's rules and nothing else, and find the same."""

import pytest

from simulator.explorer.engine import Exploration, explore
from simulator.explorer.scope import JobSpec, Kind, Scope, Start
from simulator.explorer.territory import Territory
from simulator.explorer.walker import walk
from tests.explorer.scopes import ALONE, overlap, single

_KEPT = {
    **{f"headway, {kind}": single(kind) for kind in Kind},
    "headway, nothing fails": single(),
    "headway, two tenants at once": single(
        Kind.PIECEMEAL, Kind.TIMEOUT, tenants=2, batch=2, faults=1
    ),
    "headway, a fence at the door": single(Kind.DEFERRED, fence="door"),
    "headway, effects without a bound": single(Kind.TIMEOUT, fence="none", is_life_bounded=False),
    "headway, no ledger yet": single(Kind.SWAP_UNKNOWN, start=Start.EMPTY),
    "headway, a ledger that is behind": single(Kind.TIMEOUT, start=Start.BEHIND),
    "headway, a bound in two parts": single(Kind.TIMEOUT, fence="none", renewals=2),
    "headway, run again": single(
        Kind.TIMEOUT, jobs=(ALONE, JobSpec(name="A2", release=1, after=0))
    ),
    "headway, no fence": single(Kind.TIMEOUT, fence="none"),
    "headway, seen twice": single(Kind.LAG, confirmations=2),
    "lease": overlap("lease"),
    "lease, two tenants": overlap("lease", tenants=2),
    "lease-reread": overlap("lease-reread"),
}
_BROKEN = {
    "none": overlap("none"),
    "before-verify": overlap("before-verify"),
    "before-effects": overlap("before-effects"),
    "recheck": overlap("recheck"),
    "recheck, no fence": overlap("recheck", fence="none"),
    "mutex": overlap("mutex"),
    "person-lock": overlap("person-lock"),
    "acquisition-fence": overlap("acquisition-fence"),
    "lease, a timeout, no fence": overlap("lease", Kind.TIMEOUT, fence="none"),
}


@pytest.mark.parametrize("scope", _KEPT.values(), ids=_KEPT)
def test_where_every_promise_is_kept_both_engines_count_the_same_states(scope: Scope) -> None:
    """States, moves and ends agree to the last one, and neither engine meets a breach."""
    explored = explore(Territory(scope))

    walked = walk(scope)

    assert explored.is_exhausted
    assert not walked.breaches
    assert (explored.states, explored.transitions, explored.complete) == (
        walked.states,
        walked.transitions,
        walked.complete,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "scope",
    [overlap("headway"), overlap("lease", Kind.TIMEOUT, expiries=1, fence="door")],
    ids=["headway", "lease, a timeout and an expiry"],
)
def test_in_a_larger_scope_both_engines_agree_too(scope: Scope) -> None:
    """Two jobs of the shipped pipeline, and a lease that runs out, are no exception."""
    explored = explore(Territory(scope))

    walked = walk(scope)

    assert (explored.breach is None) == (not walked.breaches)
    if explored.breach is None:
        assert (explored.states, explored.transitions) == (walked.states, walked.transitions)


@pytest.mark.parametrize("scope", _BROKEN.values(), ids=_BROKEN)
def test_where_a_promise_is_broken_both_engines_find_that_breach(scope: Scope) -> None:
    """The breach that one engine stops at is among those that the other one collects."""
    explored = explore(Territory(scope))

    walked = walk(scope)

    assert explored.breach is not None
    assert explored.breach.promise in walked.breaches


@pytest.mark.parametrize("scope", _BROKEN.values(), ids=_BROKEN)
def test_no_schedule_with_fewer_moves_breaks_a_promise(scope: Scope) -> None:
    """A breach that the exploration stops at is one of the nearest."""
    shortest = _moves(explore(Territory(scope)))

    before = walk(scope, moves_max=shortest - 1)
    there = walk(scope, moves_max=shortest)

    assert not before.breaches
    assert there.breaches


def _moves(explored: Exploration) -> int:
    """How many moves lead to the breach, that which breaks the promise included."""
    assert explored.breach is not None
    count, state = int(explored.breach.target is not None), explored.breach.state
    while explored.parents[state] != state:
        count, state = count + 1, explored.parents[state]
    return count
