"""The number of schedules that a graph stands for is exact, and a circle has none."""

import pytest

from release.core.assignment import Assignment
from release.core.outcome import Outcome, Word
from release.core.values import Tenant
from release.ports import Ports
from simulator.explorer.counting import count_schedules
from simulator.explorer.engine import explore
from simulator.explorer.scope import JobSpec, Kind, Scope
from simulator.explorer.territory import Territory
from simulator.explorer.walker import walk_schedules
from tests.explorer.scopes import overlap, single


def _name(scope: Scope) -> str:
    """What tells a scope from the others here."""
    return "-".join([scope.guard, *scope.kinds])


_LONG = (Kind.LAG, Kind.LEDGER_LOST, Kind.CHURN)
_TINY = [
    *[single(kind, is_healed=False) for kind in Kind if kind not in _LONG],
    *[pytest.param(single(kind, is_healed=False), marks=pytest.mark.slow) for kind in _LONG],
    single(),
    overlap("lease"),
]


@pytest.mark.parametrize("scope", _TINY, ids=_name)
def test_as_many_schedules_are_counted_as_run_one_by_one(scope: Scope) -> None:
    """Counting the ways through the graph gives the number of schedules that a walk runs."""
    counted = count_schedules(explore(Territory(scope)))

    run = walk_schedules(scope)

    assert counted == run.complete
    assert not run.is_cut


def test_two_jobs_that_never_meet_interleave_in_every_way() -> None:
    """Two jobs of two calls each, A's a and B's b, have the schedules of a shuffle.

    aabb abab abba baab baba bbaa
    """
    jobs = (JobSpec(name="A", release=1), JobSpec(name="B", release=1))
    scope = Scope(jobs=jobs, tenants=1, batch=1, is_healed=False)

    counted = count_schedules(explore(Territory(scope, _look_twice)))

    assert 6 == counted


def test_a_job_without_end_is_named_and_not_counted() -> None:
    """A job that asks the same for ever goes round in a circle; the error says by which move."""
    found = explore(Territory(single(is_healed=False), _look_for_ever))

    with pytest.raises(AssertionError, match=r"round for ever: 0: edge\.observe ok"):
        count_schedules(found)


def test_a_graph_that_was_not_exhausted_is_not_counted() -> None:
    """An exploration that stopped at a breach has not seen every schedule."""
    found = explore(Territory(overlap("none")))

    with pytest.raises(AssertionError, match="every state was seen"):
        count_schedules(found)


async def _look_twice(assignment: Assignment, ports: Ports) -> Outcome:
    for _ in range(2):
        await ports.edge.observe((Tenant("tenant-1"),))
    return Outcome(
        word=Word.CANCELLED,
        environment=assignment.environment,
        release=assignment.release,
        job=assignment.job,
        reason="has seen enough",
    )


async def _look_for_ever(assignment: Assignment, ports: Ports) -> Outcome:
    while True:
        await ports.edge.observe((Tenant("tenant-1"),))
