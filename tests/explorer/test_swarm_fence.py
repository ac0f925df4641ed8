"""Tenants that are services of a swarm: each has a fence of its own, compared at its landing."""

from dataclasses import replace

import pytest

from simulator.explorer.engine import Limits, explore
from simulator.explorer.scope import Kind, Scope
from simulator.explorer.stories import cast_story
from simulator.explorer.territory import Territory
from simulator.explorer.walker import walk
from tests.explorer.scopes import single

pytestmark = pytest.mark.slow

_TWO = Scope(jobs=cast_story("deploys", 2), tenants=2, batch=2, fence="swarm", faults=1)
_BEYOND = {
    "answered before it landed": replace(_TWO, kinds=frozenset({Kind.DEFERRED})),
    "lands a second time": replace(_TWO, kinds=frozenset({Kind.TWICE})),
}
_WITHIN = {
    "services land one by one": replace(
        _TWO, kinds=frozenset({Kind.PIECEMEAL, Kind.TIMEOUT}), expiries=1
    ),
    "a tenant joins": replace(_TWO, kinds=frozenset({Kind.CHURN, Kind.TIMEOUT})),
    "the raising job dies": replace(_TWO, kinds=frozenset({Kind.CRASH})),
}


@pytest.mark.parametrize("scope", _WITHIN.values(), ids=list(_WITHIN))
def test_promises_hold_with_a_fence_for_each_service(scope: Scope) -> None:
    """Fences that are raised one by one keep what one fence for all keeps."""
    found = explore(Territory(scope), Limits())

    assert found.breach is None
    assert found.is_exhausted


@pytest.mark.parametrize("scope", _BEYOND.values(), ids=list(_BEYOND))
def test_service_refuses_what_lands_too_late(scope: Scope) -> None:
    """P1 holds although an answer was not final, and breaks as soon as nobody compares."""
    fenced = explore(Territory(scope), Limits())
    unfenced = explore(Territory(replace(scope, fence="none")), Limits())

    assert fenced.breach is None
    assert fenced.is_exhausted
    assert unfenced.breach is not None
    assert unfenced.breach.promise.startswith("P1")


def test_both_engines_see_the_same_worlds() -> None:
    """The walker steps and replays real jobs, and comes to the same states."""
    scope = single(Kind.DEFERRED, fence="swarm")

    found, walked = explore(Territory(scope)), walk(scope)

    assert found.breach is None
    assert found.states == walked.states
