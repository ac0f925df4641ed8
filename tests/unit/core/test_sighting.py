"""What adapters bring back: answers of a redeploy, and what CI says of a commit."""

import itertools

import pytest

from release.core.sighting import Check, Checks, ChecksState, Fencing, Redeployed, Row, RowState
from release.core.values import Tenant

GREEN, RED, WAITING = ChecksState.GREEN, ChecksState.RED, ChecksState.PENDING


def redeployed(*states: RowState) -> Redeployed:
    """The answer to a redeploy with a tenant in each of these states."""
    rows = tuple(
        Row(tenant=Tenant(f"tenant-{number}"), state=state) for number, state in enumerate(states)
    )
    return Redeployed(rows=rows, fencing=Fencing.NONE)


def checks(*verdicts: ChecksState) -> Checks:
    """Required contexts with these verdicts."""
    found = tuple(
        Check(context=f"ci/{number}", state="x", verdict=verdict)
        for number, verdict in enumerate(verdicts)
    )
    return Checks(checks=found)


@pytest.mark.parametrize("others", [(), (RowState.DONE,), (RowState.DONE, RowState.FAILED)])
@pytest.mark.parametrize("place", [0, -1])
def test_one_unanswered_tenant_leaves_the_redeploy_unanswered(
    others: tuple[RowState, ...], place: int
) -> None:
    """An intent is acknowledged only when every tenant that it named has a final state."""
    states = list(others)
    states.insert(place, RowState.UNANSWERED)

    assert not redeployed(*states).is_answered


@pytest.mark.parametrize(
    "states", list(itertools.product([RowState.DONE, RowState.FAILED], repeat=2))
)
def test_redeploy_with_final_states_is_answered(states: tuple[RowState, ...]) -> None:
    """A failure is an answer too: nothing more will land behind it."""
    assert redeployed(*states).is_answered


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ((), GREEN),
        ((GREEN,), GREEN),
        ((GREEN, WAITING), WAITING),
        ((WAITING, RED), RED),
        ((RED, GREEN), RED),
        ((RED, WAITING, GREEN), RED),
    ],
)
def test_worst_required_context_decides(
    verdicts: tuple[ChecksState, ...], expected: ChecksState
) -> None:
    """Red as soon as one is red, green only when all are; nothing required is green."""
    assert expected is checks(*verdicts).state
