"""A lease runs out when its holder's beat stands still, by the clock of whoever watches."""

import pytest

from release.core.lease import LeaseWatch, watch_lease
from tests.support.records import holder, job, waiting


def test_first_sight_of_a_holder_begins_the_watch() -> None:
    """A reader that comes late waits a whole lease: it can't know how old the record is."""
    watch = watch_lease(None, holder("a", beat=7), 1000.0)

    assert LeaseWatch(job=job(), beat=7, lease_s=60.0, since_s=1000.0) == watch
    assert 60.0 == watch.remaining_s(1000.0)


@pytest.mark.parametrize(
    ("now_s", "remaining_s"),
    [(1000.0, 60.0), (1059.5, 0.5), (1060.0, 0.0), (5000.0, 0.0), (999.0, 61.0)],
)
def test_lease_runs_out_after_its_length_of_silence(now_s: float, remaining_s: float) -> None:
    """The same beat for `lease_s` seconds of the reader's own clock, and never less than zero."""
    watch = watch_lease(None, holder("a"), 1000.0)

    assert remaining_s == watch.remaining_s(now_s)


def test_same_beat_goes_on_with_the_watch() -> None:
    """Reading the record again, however often, does not prolong a lease."""
    watch = watch_lease(None, holder("a", beat=7), 1000.0)

    for now_s in range(1001, 1060):
        watch = watch_lease(watch, holder("a", beat=7), float(now_s))

    assert 1.0 == watch.remaining_s(1059.0)


def test_another_beat_begins_the_watch_anew() -> None:
    """A renewal a moment before the end gives the holder a whole lease again."""
    watch = watch_lease(None, holder("a", beat=7), 1000.0)

    renewed = watch_lease(watch, holder("a", beat=8), 1059.9)

    assert 60.0 == renewed.remaining_s(1059.9)


def test_another_job_with_the_same_beat_begins_the_watch_anew() -> None:
    """Beats are counted by each job for itself, so equal numbers of two jobs say nothing."""
    watch = watch_lease(None, holder("a", "1", beat=7), 1000.0)

    other = watch_lease(watch, holder("a", "2", beat=7), 1059.9)

    assert (job("2"), 60.0) == (other.job, other.remaining_s(1059.9))


def test_job_that_waits_as_next_is_watched_as_a_holder_is() -> None:
    """`next` renews as a holder does, and runs out as one does."""
    watch = watch_lease(None, waiting("c", "2", beat=3), 1000.0)

    assert 0.0 == watch_lease(watch, waiting("c", "2", beat=3), 1060.0).remaining_s(1060.0)
    assert 60.0 == watch_lease(watch, waiting("c", "2", beat=4), 1060.0).remaining_s(1060.0)


def test_beat_that_went_back_begins_the_watch_anew() -> None:
    """A ledger that was set back shows a holder's earlier beat: that is a change like any other."""
    watch = watch_lease(None, holder("a", beat=7), 1000.0)

    assert 60.0 == watch_lease(watch, holder("a", beat=3), 1030.0).remaining_s(1030.0)
