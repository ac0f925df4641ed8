"""Storms and their figures: that they repeat, and that what is measured is what happened."""

import pytest

from release.core.policy import OnNewer, Policy
from release.errors import Invalid
from simulator.happenings import Kind
from simulator.storm_figures import measure
from simulator.storms import BASE, Pace, Storm, StormRun, run_storm


def test_same_storm_is_the_same_to_the_last_happening() -> None:
    """A storm has no clock and no chance of its own."""
    storm = Storm(every_s=30, pushes=6, red=frozenset({2}))

    one, other = run_storm(storm), run_storm(storm)

    assert one.course.happenings == other.course.happenings
    assert one.course.ends == other.course.ends


@pytest.mark.parametrize(("every_s", "pushes"), [(0, 3), (-1, 3), (10, 0)])
def test_storm_without_pushes_or_time_between_them_is_refused(every_s: float, pushes: int) -> None:
    """A storm has a push at least, and no two at one instant."""
    with pytest.raises(Invalid, match="no such storm"):
        Storm(every_s=every_s, pushes=pushes)


def one_push(drain_s: float = 0.0) -> StormRun:
    """A single push onto a fleet of one, whose services take no time."""
    pace = Pace(ci_s=60, drain_s=drain_s, ledger_s=0, service_s=0)
    return run_storm(Storm(every_s=1, pushes=1, tenants=1, pace=pace), Policy(soak_s=0))


def test_lag_grows_from_green_until_the_edge_answers() -> None:
    """A tenant's lag begins with CI's report and ends when the tenant before has drained."""
    run = one_push(drain_s=5)
    (landed,) = (one for one in run.course.happenings if one.kind is Kind.LANDED)

    found = measure(run)

    assert landed.at_s + 5 - run.tested_s(1) == found.tenants.worst_s
    assert found.tenants.worst_s == found.stood_still_s


def test_mean_lag_of_what_comes_last_is_half_of_its_worst() -> None:
    """It grows by a second each second until everything has converged, which ends the watch."""
    found = measure(one_push())

    assert found.pointer.worst_s == pytest.approx(2 * found.pointer.mean_s)
    assert found.converged_s == pytest.approx(60 + found.pointer.worst_s)


def test_redeploy_that_is_overtaken_before_it_settles_is_wasted() -> None:
    """Under `yield` a fast storm redeploys the canary for nothing; under `finish` never."""
    storm = Storm(every_s=10, pushes=12)

    hasty = measure(run_storm(storm))
    patient = measure(run_storm(storm, Policy(on_newer=OnNewer.FINISH)))

    assert 0 < hasty.wasted < hasty.redeploys
    assert 0 == patient.wasted


def test_storm_without_a_green_commit_measures_no_lag() -> None:
    """Where nothing is deployable nobody is behind, and every job says that its CI is red."""
    found = measure(run_storm(Storm(every_s=10, pushes=3, red=frozenset({1, 2, 3}))))

    assert (3, 0, 0) == (found.refused, found.deployed, found.redeploys)
    assert (0.0, 0.0) == (found.tenants.worst_s, found.tenants.mean_s)
    assert frozenset({BASE}) == found.live
    assert found.breaches == ()
