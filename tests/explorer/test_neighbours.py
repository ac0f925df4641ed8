"""What the explorer makes of a scenario: its jobs in their parts, its policy, and what is left."""

import json
from dataclasses import replace

import pytest

from release.core.policy import OnNewer, SupersededBy
from release.errors import Invalid
from simulator.control_plane import FenceKind
from simulator.explorer.neighbours import answer_neighbours
from simulator.explorer.picture import read_schedule
from simulator.explorer.replay import replay
from simulator.explorer.scenario_scopes import CHOICES, retell
from simulator.explorer.scope import JobKind, JobSpec, Kind
from simulator.scenario import load

NAMES = ("name", "release", "push", "after", "kind")


def parts(name: str) -> list[tuple[object, ...]]:
    """The part of each job of a scenario, and its recorded name."""
    return [
        (job.recorded.name, *(getattr(job.spec, field) for field in NAMES))
        for job in retell(load(name)).jobs
    ]


def test_deploys_stand_in_the_order_of_their_releases() -> None:
    """Whichever job was first on the day, A is that of the oldest release."""
    assert [
        ("275383", "A", 1, 1, None, JobKind.DEPLOY),
        ("275427", "B", 2, 2, None, JobKind.DEPLOY),
    ] == parts("incident-2213")


def test_a_run_again_begins_after_its_forerunner() -> None:
    """A second attempt of a run is the same commit, and never overlaps the first attempt."""
    assert [
        ("run-1", "A", 1, 1, None, JobKind.DEPLOY),
        ("run-2", "B", 2, 2, None, JobKind.DEPLOY),
        ("run-1-again", "A-again", 1, 1, 0, JobKind.DEPLOY),
    ] == parts("govuk-1946")


def test_a_rollback_goes_back_to_its_release_and_a_resume_is_left_out() -> None:
    """The rollback may begin as soon as something newer was pushed; the notes name the resume."""
    retold = retell(load("shipit-707"))

    assert ("rollback", "R", 0, 1, None, JobKind.ROLLBACK) == parts("shipit-707")[-1]
    assert [note for note in retold.notes if "resume" in note]
    assert JobSpec(name="B", release=1, push=1) in retold.scope.jobs


def test_fleet_policy_and_fence_are_those_of_the_scenario() -> None:
    """Many tenants are played as three, which is said; another policy takes its place."""
    scenario = replace(load("incident-2213"), fence=FenceKind.DOOR)
    policy = replace(
        scenario.policy(),
        superseded_by=SupersededBy.HEAD,
        on_newer=OnNewer.FINISH,
        batch_size=1,
    )

    retold = retell(scenario, policy)

    assert ("8 tenants are played as 3: tenants of one batch move alike.",) == retold.notes
    assert (3, 1, "door", SupersededBy.HEAD, OnNewer.FINISH) == (
        retold.scope.tenants,
        retold.scope.batch,
        retold.scope.fence,
        retold.scope.superseded_by,
        retold.scope.on_newer,
    )


def test_the_choices_are_none_and_then_one_fault_and_one_expiry() -> None:
    """The mildest comes first, each under the guard that is asked for."""
    calm, worse = retell(load("incident-2213")).scopes("lease").values()

    assert ["orders", "faults"] == list(CHOICES)
    assert {"lease"} == {calm.guard, worse.guard}
    assert (0, 0, frozenset()) == (calm.faults, calm.expiries, calm.kinds)
    assert (1, 1) == (worse.faults, worse.expiries)
    assert {Kind.TIMEOUT, Kind.LOST, Kind.CRASH} == worse.kinds


def test_five_jobs_are_refused_with_the_limit() -> None:
    """The error names how many there are and how many there may be."""
    with pytest.raises(Invalid, match="seen: 5 jobs; expected: 1 to 4"):
        retell(load("fleetdm-50806"))


def test_a_history_that_branches_is_refused() -> None:
    """Releases in one line are all that a scope has."""
    scenario = replace(load("incident-2213"), parents={"newer": "before"})

    with pytest.raises(Invalid, match="branches"):
        retell(scenario)


def test_a_broken_promise_is_drawn_and_its_token_replays() -> None:
    """The design that was in force on the day breaks in four events, without any fault."""
    answer = answer_neighbours("incident-2213", guard="as-it-happened")

    (found,) = json.loads(answer.document)["explorations"]
    replayed = replay(read_schedule(found["token"]))
    assert ("before-verify", "orders", "broken", 4) == tuple(
        found[name] for name in ("guard", "choices", "outcome", "depth")
    )
    assert found["breach"] == replayed.breach
    assert f"token   {found['token']}" in answer.text
    assert (False, "broken: before-verify breaks P1") == (
        answer.is_good,
        answer.text.splitlines()[-1],
    )


def test_too_little_time_leaves_it_unfinished() -> None:
    """No promise was broken in what was seen, and nobody says that it was kept."""
    told: list[str] = []

    answer = answer_neighbours("incident-2213", guard="headway", time_s=0.01, tell=told.append)

    document = json.loads(answer.document)
    assert "unfinished" == document["outcome"] == answer.text.splitlines()[-1].split(":")[0]
    assert {"unfinished"} == {one["outcome"] for one in document["explorations"]}
    assert [f"headway: {words}" for words in CHOICES.values()] == told
    assert not answer.is_good
