"""Push storms: what each policy does while pushes come faster than deploys, and afterwards."""

import pytest

from release.core.policy import OnNewer, Policy, SupersededBy
from simulator.storm_figures import Figures, measure
from simulator.storms import BASE, Pace, Storm, run_storm

CANARY_S, DEPLOY_S, CI_AND_DEPLOY_S = 100, 190, 315


def play(
    every_s: float,
    pushes: int,
    *,
    on_newer: OnNewer = OnNewer.YIELD,
    superseded_by: SupersededBy = SupersededBy.CLAIMED,
    red: frozenset[int] = frozenset(),
) -> Figures:
    """Lets a storm pass over a fleet of seven; CI takes two minutes."""
    storm = Storm(every_s=every_s, pushes=pushes, red=red)
    return measure(run_storm(storm, Policy(on_newer=on_newer, superseded_by=superseded_by)))


@pytest.mark.parametrize("superseded_by", SupersededBy)
@pytest.mark.parametrize("on_newer", OnNewer)
@pytest.mark.parametrize("every_s", [10, 60, 150, 400])
def test_storm_breaks_no_promise_and_ends_on_the_newest(
    every_s: float, on_newer: OnNewer, superseded_by: SupersededBy
) -> None:
    """P1 to P4: nothing goes backward, no job ends red, and the last push is deployed."""
    found = play(every_s, 12, on_newer=on_newer, superseded_by=superseded_by)

    assert found.breaches == ()
    assert 0 == found.other + found.refused
    assert 12 == found.deployed + found.superseded
    assert frozenset({12}) == found.live
    assert found.converged_s is not None
    assert found.converged_s < CI_AND_DEPLOY_S + DEPLOY_S


def test_yield_completes_nothing_while_pushes_come_faster_than_a_canary_soaks() -> None:
    """Policies: under `yield` the canary alone moves, on and on; the others wait for the end."""
    pushes, every_s = 15, 60
    assert every_s < CANARY_S

    found = play(every_s, pushes)

    assert (1, 0) == (found.deployed, found.in_storm)
    assert found.stood_still_s < 2 * CANARY_S
    assert found.tenants.worst_s > (pushes - 1) * every_s
    assert pushes - 1 + 7 == found.redeploys


def test_yield_starves_the_pointer_while_pushes_come_faster_than_a_deploy() -> None:
    """Policies: under `yield` each job rolls some batches, and none comes as far as promote."""
    pushes, every_s = 10, 180
    assert CANARY_S < every_s < DEPLOY_S

    found = play(every_s, pushes)

    assert (1, 0) == (found.deployed, found.in_storm)
    assert found.tenants.worst_s < DEPLOY_S
    assert found.pointer.worst_s > (pushes - 1) * every_s


def test_yield_completes_every_deploy_when_pushes_come_slower_than_one() -> None:
    """Policies: a deploy that nobody overtakes within its own time completes under `yield`."""
    every_s = 240
    assert DEPLOY_S < every_s < CI_AND_DEPLOY_S

    found = play(every_s, 6)

    assert (6, 0) == (found.deployed, found.superseded)


@pytest.mark.parametrize("every_s", [15, 60, 120])
def test_finish_completes_deploys_in_the_storm(every_s: float) -> None:
    """Policies: under `finish` a deploy follows on the other, and none is wasted."""
    pushes = 900 // int(every_s)

    found = play(every_s, pushes, on_newer=OnNewer.FINISH)

    assert found.in_storm >= 3
    assert 0 == found.wasted
    assert found.pointer.worst_s < 2 * DEPLOY_S + 30


@pytest.mark.parametrize("on_newer", OnNewer)
def test_head_lets_nothing_move_while_pushes_come_faster_than_ci(on_newer: OnNewer) -> None:
    """Policies: under `head` whoever wants to claim is older than the branch already."""
    pushes, every_s = 15, 60

    found = play(every_s, pushes, on_newer=on_newer, superseded_by=SupersededBy.HEAD)

    assert (1, 0, 7) == (found.deployed, found.in_storm, found.redeploys)
    assert found.stood_still_s > (pushes - 1) * every_s


def test_head_lets_the_pointer_stand_until_ci_and_a_deploy_fit_between_pushes() -> None:
    """Policies: under `head` with `yield` the branch is read again before promote."""
    every_s = 240
    assert DEPLOY_S < every_s < CI_AND_DEPLOY_S

    found = play(every_s, 6, superseded_by=SupersededBy.HEAD)

    assert (1, 0) == (found.deployed, found.in_storm)
    assert found.tenants.worst_s < DEPLOY_S
    assert found.pointer.worst_s > 5 * every_s


@pytest.mark.parametrize("every_s", [180, 240])
def test_head_with_finish_completes_deploys_in_the_storm(every_s: float) -> None:
    """Policies: under `finish` whoever has claimed promotes, whatever is on the branch by then."""
    pushes = 6
    assert every_s < CI_AND_DEPLOY_S

    found = play(every_s, pushes, on_newer=OnNewer.FINISH, superseded_by=SupersededBy.HEAD)

    assert found.in_storm >= 2
    assert 0 == found.wasted
    assert found.pointer.worst_s < 2 * DEPLOY_S + 30
    assert found.breaches == ()


@pytest.mark.parametrize("on_newer", OnNewer)
def test_head_deploys_nothing_while_the_newest_commit_is_red(on_newer: OnNewer) -> None:
    """P4 does not hold under `head` when the newest commit never claims; nobody is at fault."""
    found = play(60, 6, on_newer=on_newer, superseded_by=SupersededBy.HEAD, red=frozenset({3, 6}))

    assert frozenset({BASE}) == found.live
    assert (0, 4, 2, 0) == (found.deployed, found.superseded, found.refused, found.other)
    assert 0 == found.redeploys
    assert ["P4 progress"] == [breach.promise for breach in found.breaches]


@pytest.mark.parametrize("on_newer", OnNewer)
def test_claimed_deploys_the_newest_green_commit_below_a_red_one(on_newer: OnNewer) -> None:
    """P4: under `claimed` a commit whose CI is red never claims, so it holds nobody up."""
    found = play(60, 6, on_newer=on_newer, red=frozenset({3, 6}))

    assert frozenset({5}) == found.live
    assert (2, 0) == (found.refused, found.other)
    assert found.breaches == ()


@pytest.mark.parametrize(
    ("every_s", "ledger_s", "on_newer"),
    [
        (1, 2.0, OnNewer.YIELD),
        (2, 1.0, OnNewer.FINISH),
        (3, 2.0, OnNewer.FINISH),
        (5, 2.0, OnNewer.FINISH),
    ],
)
def test_storm_that_is_faster_than_the_ledger_ends_no_job_red(
    every_s: float, ledger_s: float, on_newer: OnNewer
) -> None:
    """Sentence 5: a swap that lost to another's write is no failure, for somebody went on."""
    storm = Storm(every_s=every_s, pushes=100, pace=Pace(ledger_s=ledger_s))

    found = measure(run_storm(storm, Policy(on_newer=on_newer)))

    assert 0 == found.other + found.refused
    assert 100 == found.deployed + found.superseded
    assert found.breaches == ()
    assert frozenset({100}) == found.live
