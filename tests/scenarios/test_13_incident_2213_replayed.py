"""The incident: two pushes two minutes apart, and every way in which the two jobs may overlap."""

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.control_plane import FenceKind
from simulator.race import RaceResult, run_race
from simulator.scenario import load
from tests.support.stage import Stage

LOST = [("", 5), ("redeploy", 5), ("point", 20), ("swap", 20)]
"""Which answer of the older job is lost, and how close the swept offsets lie."""

LATENCIES: tuple[dict[str, float], ...] = (
    {},
    {"ledger": 0.7, "edge": 0.4, "forge": 0.3, "control_plane": 0.6, "registry": 0.5},
    {"ledger": 0.1, "edge": 4.0, "forge": 2.0, "control_plane": 0.1, "registry": 2.0},
)


def replay(guard: str, scenario: str = "incident-2213") -> RaceResult:
    """The recorded race under a guard."""
    return run_race(load(scenario), guard)


def test_incident_goes_as_it_was_recorded_without_headway() -> None:
    """P1: the guard of the day moves hongming and `latest` from 7f25373 back to 7a72516."""
    result = replay("as-it-happened")

    assert () == result.departures
    assert result.tenants["hongming"].startswith("7a72516")
    assert result.pointer.startswith("7a72516")
    assert "P1 never backward" in {breach.promise for breach in result.breaches}


def test_incident_ends_on_the_newer_release_with_headway() -> None:
    """P1 to P4: under Headway fleet and pointer end on 7f25373, and every promise is kept."""
    result = replay("headway")

    assert () == result.breaches
    assert {"7f25373309eca54a36f08c371ff783c3a47c3f8d"} == {*result.tenants.values()}
    assert result.pointer.startswith("7f25373")
    assert {"275427": "deployed", "275383": "superseded"} == {
        end.job: end.outcome.word.value for end in result.ends
    }


def test_push_during_the_soak_breaks_upstreams_guard_and_not_headway() -> None:
    """P1: one check before the effects does not see a push that comes while the canary soaks."""
    upstream = replay("upstream", "push-during-soak")
    headway = replay("headway", "push-during-soak")

    assert "P1 never backward" in {breach.promise for breach in upstream.breaches}
    assert () == headway.breaches


def overlaps(offset_s: int, fault: str, **settings: Any) -> Iterator[Stage]:  # noqa: ANN401 - fields of Policy
    """The two jobs, the newer one so much later, over all fences, with latencies in turn."""
    for number, fence in enumerate(FenceKind):
        stage = Stage(**settings)
        stage.world.control_plane.fence_kind = fence
        stage.slow_down(**LATENCIES[(number + offset_s // 5) % len(LATENCIES)])
        stage.push("older")
        stage.start("old", "older")
        stage.push("newer", at_s=offset_s)
        stage.start("new", "newer", at_s=offset_s)
        if fault:
            stage.fault("lose_answer", fault, actor="old")
        stage.run()
        yield stage


@pytest.mark.parametrize(
    ("offset_s", "fault"),
    [(offset_s, fault) for fault, step_s in LOST for offset_s in range(0, 140, step_s)],
)
def test_promises_are_kept_whenever_the_newer_job_starts(offset_s: int, fault: str) -> None:
    """P1 to P4: at whatever instant the newer job starts, and whichever answer is lost."""
    for stage in overlaps(offset_s, fault):
        assert stage.word("old") in {"deployed", "superseded"}
        assert "deployed" == stage.word("new")
        stage.assert_promises("newer")


@pytest.mark.parametrize("settings", [{"on_newer": "finish"}, {"superseded_by": "head"}])
@pytest.mark.parametrize("offset_s", range(0, 140, 10))
def test_promises_are_kept_under_every_policy(offset_s: int, settings: dict[str, str]) -> None:
    """P1 to P4: under `finish` the older one is let finish, under `head` it stands aside sooner."""
    for stage in overlaps(offset_s, "", **settings):
        assert stage.word("old") in {"deployed", "superseded"}
        assert "deployed" == stage.word("new")
        stage.assert_promises("newer")


@pytest.mark.parametrize("offset_s", range(0, 130, 10))
def test_older_job_that_starts_last_stands_aside(offset_s: float) -> None:
    """P3: the order of starting decides nothing: the older release is superseded, whenever."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.start("new", "newer")
    stage.start("old", "older", at_s=offset_s + 1)

    stage.run()

    assert "superseded" == stage.word("old")
    stage.assert_promises("newer")
