"""Services that go away and come back: the job says so, and the next one completes it."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.git_http import GitRequest
from tests.support.independent import Job, World
from tests.support.independent_registry import RealRegistry

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not RealRegistry.is_installed(), reason="docker-registry is not installed"),
]


SHORT = {
    "HEADWAY_LEASE__LEASE_S": "2",
    "HEADWAY_LEASE__SEND_MARGIN_S": "1.5",
    "HEADWAY_LEASE__REDEPLOY_BOUND_S": "3",
    "HEADWAY_LEASE__POINTER_BOUND_S": "4",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Three tenants."""
    with World(tmp_path, "alpha", "beta", "HongMing") as world:
        yield world


def test_registry_that_goes_away_while_promoting_fails_the_job_and_not_the_next(
    world: World,
) -> None:
    """The tenants stay, the pointer stays, the outcome says so; a re-run completes it."""
    newer, gone = world.push(), list[bool]()

    def stops_the_registry(request: GitRequest) -> bool:
        intents = world.record()["intents"] if request.is_push else []
        if not gone and any(intent["effect"] == "promote" for intent in intents):
            gone.append(True)
            world.registry.stop()
        return False

    world.git.cuts = stops_the_registry
    failed = world.deploy(newer)
    world.registry.restart()
    again = world.deploy(newer)

    assert ("failed", 1) == (failed.outcome, failed.code)
    assert "not promoted" in failed.last
    assert "3 tenants settled" in failed.last
    assert ("deployed", 0) == (again.outcome, again.code)
    assert world.is_wholly_on(newer)


def test_ledger_that_is_down_for_a_moment_costs_nothing(world: World) -> None:
    """A read is tried again, and so is a swap that was not taken."""
    newer, left = world.push(), [0, 2, 2]

    def is_down_for_two_requests(request: GitRequest) -> int | None:
        left[0] += request.is_push
        phase = 1 if left[0] == 1 else 2 if left[0] > 4 else 0
        if phase and left[phase]:
            left[phase] -= 1
            return 503
        return None

    world.git.refusal = is_down_for_two_requests
    done = world.deploy(newer)

    assert [0, 0] == left[1:]
    assert ("deployed", 0) == (done.outcome, done.code), done.out + done.err
    assert world.is_wholly_on(newer)


def test_ledger_that_goes_away_in_mid_rollout_stops_the_job_where_it_is(world: World) -> None:
    """Without the ledger no further effect is sent; what was touched is told, the next goes on."""
    newer, is_down = world.push(), list[str]()

    def goes_away(kind: str) -> None:
        if kind == "after-redeploy":
            is_down.append(kind)

    world.fleet.tick = goes_away
    world.git.refusal = lambda _: 503 if is_down else None
    stopped = world.deploy(newer, **SHORT)
    landed = [landing.slug for landing in world.fleet.landings]
    world.fleet.tick, world.git.refusal = lambda _: None, lambda _: None
    again = world.deploy(newer, **SHORT)

    assert ("unavailable", 1) == (stopped.outcome, stopped.code)
    assert ["alpha"] == landed
    assert "unsettled (alpha), 2 untouched (beta, HongMing)" in stopped.last
    assert "returned error: 503" in stopped.last
    assert ("deployed", 0) == (again.outcome, again.code)
    assert world.is_wholly_on(newer)


def test_signal_in_the_middle_of_a_redeploy_does_not_call_its_tenant_untouched(
    world: World,
) -> None:
    """`cancelled` lists a tenant whose redeploy had been sent as unsettled."""
    newer, jobs = world.push(), list[Job]()

    def is_cancelled(kind: str) -> None:
        if kind == "after-redeploy":
            jobs[0].process.send_signal(signal.SIGTERM)
            assert jobs[0].has_told("SIGTERM")

    world.fleet.tick = is_cancelled
    jobs.append(world.start("deploy", "--json", "--commit", newer))
    done = jobs[0].wait()

    document = json.loads(done.out)
    states = {row["tenant"]: row["state"] for row in document["tenants"]}
    assert ("cancelled", 143) == (document["outcome"], done.code)
    assert {"alpha": "unsettled", "beta": "untouched", "HongMing": "untouched"} == states


def test_signal_ends_a_verb_that_only_looks_without_a_trace(world: World) -> None:
    """`status` leaves with the code of the signal and one word, as a deploy does."""
    jobs, signals = list[Job](), list[str]()

    def is_cancelled(kind: str) -> None:
        if kind == "edge" and not signals:
            signals.append(kind)
            jobs[0].process.send_signal(signal.SIGTERM)
            jobs[0].process.wait()

    world.fleet.tick = is_cancelled
    jobs.append(world.start("status"))
    done = jobs[0].wait()

    assert ("cancelled", 143) == (done.outcome, done.code)
    assert "Traceback" not in done.err
