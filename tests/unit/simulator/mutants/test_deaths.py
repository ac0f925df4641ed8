"""What each earlier design dies of, and that Headway lives through the same."""

from collections.abc import Callable

import pytest

from simulator.faults import FaultKind
from tests.support.duel import Duel

Race = Callable[[Duel], None]


def out_of_order(duel: Duel) -> None:
    """The job of the older commit starts right after that of the newer one."""
    duel.start("newer", at_s=0, run="1")
    duel.start("older", at_s=1, run="2")


def re_run(duel: Duel) -> None:
    """The job of the older commit is run again when the newer one has ended long since."""
    duel.start("newer", at_s=0)
    duel.start("older", at_s=500)


def finished_in_between(duel: Duel) -> None:
    """The older job ends while the newer one waits for its turn; ids count the other way round."""
    duel.push_newer(10)
    duel.start("older", at_s=0, run="8")
    duel.start("newer", at_s=11, run="7")


def slow_request(duel: Duel) -> None:
    """The older job's first request is under way while the newer commit comes and is deployed."""
    duel.push_newer(10)
    duel.fault(FaultKind.DELAY, "redeploy", before_s=200)
    duel.start("older", at_s=0)
    duel.start("newer", at_s=11)


def push_in_soak(duel: Duel) -> None:
    """The newer commit comes while the older job soaks, whose control plane is slow from then."""
    duel.push_newer(10)
    duel.fault(FaultKind.DELAY, "redeploy", before_s=100, after=1)
    duel.start("older", at_s=0)
    duel.start("newer", at_s=11)


def lost_answer(duel: Duel) -> None:
    """The older job's first request times out, is still in flight, and lands after its end."""
    duel.push_newer(90)
    duel.fault(FaultKind.LOSE_ANSWER, "redeploy")
    duel.fault(FaultKind.LATE, "redeploy", late_s=200)
    duel.start("older", at_s=0)
    duel.start("newer", at_s=91)


def outlived_lease(duel: Duel) -> None:
    """The older job's request takes longer than the lease."""
    duel.push_newer(10)
    duel.fault(FaultKind.DELAY, "redeploy", before_s=2000)
    duel.start("older", at_s=0)
    duel.start("newer", at_s=11)


def slow_lock(duel: Duel) -> None:
    """The older job has read the head, and is slow to ask for the lock."""
    duel.push_newer(10)
    duel.fault(FaultKind.DELAY, "read", service="ledger", before_s=200)
    duel.start("older", at_s=0)
    duel.start("newer", at_s=11)


def stale_head(duel: Duel) -> None:
    """The newer job outlives its lease, and an older one that reads a stale head takes it."""
    duel.push_newer(10)
    duel.fault(FaultKind.DELAY, "redeploy", actor="newer", before_s=2000)
    duel.fault(FaultKind.STALE, "head", stale_s=5000)
    duel.start("newer", at_s=11)
    duel.start("older", at_s=20)


def lost_label(duel: Duel) -> None:
    """Nobody can read any more which release an image is."""
    for repository in duel.setting.world.registry.repositories.values():
        repository.blobs.clear()
    duel.start("newer", at_s=0)


def empty_promise(duel: Duel) -> None:
    """The registry says that it has moved the tag, and has not."""
    duel.fault(FaultKind.NO_EFFECT, "point", actor="newer")
    duel.start("newer", at_s=0)


def deaf_tenant(duel: Duel) -> None:
    """An older control plane, which does not look, says that it has moved acme, and has not."""
    duel.setting.world.fleet.has_inspection = False
    duel.fault(FaultKind.NO_EFFECT, "landing", actor="newer", subject="acme")
    duel.start("newer", at_s=0)


DEATHS: dict[str, tuple[Race, str]] = {
    "none": (out_of_order, "P1"),
    "before-verify": (out_of_order, "P1"),
    "before-effects": (push_in_soak, "P1"),
    "recheck": (slow_request, "P1"),
    "mutex": (out_of_order, "P1"),
    "lease": (lost_answer, "P1"),
    "lease-reread": (outlived_lease, "P1"),
    "person-lock": (push_in_soak, "P1"),
    "acquisition-fence": (slow_lock, "P1"),
    "timestamp-order": (finished_in_between, "P3"),
    "run-id-order": (finished_in_between, "P3"),
    "fail-closed-green": (lost_label, "P3"),
    "tag-without-read-back": (empty_promise, "P2"),
    "verify-any-200": (deaf_tenant, "P2"),
    "cancel-running": (slow_request, "P1"),
}


@pytest.mark.parametrize("guard", DEATHS)
def test_design_dies_of_the_race_that_it_stands_for(guard: str) -> None:
    """Each earlier design breaks a promise, alone by what its own docstring says that it misses."""
    race, promise = DEATHS[guard]
    duel = Duel(guard)

    race(duel)

    assert promise in duel.broken(), duel.words()


@pytest.mark.parametrize(
    ("guard", "race", "promise"),
    [
        ("timestamp-order", re_run, "P1"),
        ("run-id-order", out_of_order, "P1"),
        ("lease", outlived_lease, "P1"),
        ("lease-reread", stale_head, "P3"),
    ],
)
def test_design_dies_in_a_second_way(guard: str, race: Race, promise: str) -> None:
    """Clocks, ids and expired leases let the older job go last, or call it the newer one."""
    duel = Duel(guard)

    race(duel)

    assert promise in duel.broken(), duel.words()


@pytest.mark.parametrize("race", dict.fromkeys(race for race, _ in DEATHS.values()))
def test_headway_keeps_its_promises_where_the_others_die(race: Race) -> None:
    """P1 to P3 hold for the shipped pipeline; where it does not get on (P4), it ends red."""
    duel = Duel("headway")

    race(duel)

    broken = duel.broken()
    is_red = any(end.outcome.exit_code for end in duel.ends)
    assert broken in ((), ("P4",)), duel.words()
    assert bool(broken) == is_red
