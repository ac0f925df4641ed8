"""A scenario's file: what it may say, and how what does not fit is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from release.errors import Invalid
from simulator.race import RaceResult, run_race
from simulator.scenario import Scenario, load, names, parse
from simulator.scenario_text import scenario_text

Plain = dict[str, Any]


def plain(**changes: Any) -> Plain:  # noqa: ANN401 - any part of the file
    """A scenario of two releases and one job, as the values of its file."""
    return {
        "name": "mine",
        "title": "A race of our own",
        "story": "One deploy.",
        "source": "made up",
        "start": "2026-06-04T10:00:00Z",
        "tenants": ["acme", "globex"],
        "canary": "acme",
        "repository": "app",
        "promoted_tag": "latest",
        "soak_s": 10,
        "batch_size": 2,
        "releases": {"old": "a" * 40, "new": "b" * 40},
        "pushes": [{"at": "10:01:00Z", "release": "new"}],
        "jobs": [job()],
        **changes,
    }


def job(**changes: Any) -> Plain:  # noqa: ANN401 - any part of a job
    """A job that deploys the new release."""
    usual = {"name": "deploy", "release": "new", "starts": "10:05:00Z"}
    return {**usual, "landing_s": 5, "answer_s": 6, **changes}


def read(found: Plain) -> Scenario:
    """The scenario as it is read from a file's text."""
    return parse(json.dumps(found), on="mine.json")


def race(guard: str = "headway", **changes: Any) -> RaceResult:  # noqa: ANN401 - as in `plain`
    """What came of it."""
    return run_race(read(plain(**changes)), guard)


# What is changed in a file that is good, and what of the error names it.
BAD: list[tuple[Plain, str]] = [
    ({"tenants": []}, "mine.tenants"),
    ({"tenants": ["acme", "acme"]}, "mine.tenants"),
    ({"tenants": ["not a label"]}, "tenants[0]"),
    ({"canary": "initech"}, "canary: initech"),
    ({"batch_size": 0}, "batch_size"),
    ({"soak_s": -1}, "soak_s"),
    ({"drain_s": -1}, "mine.drain_s"),
    ({"settle_interval_s": 0}, "settle_interval_s"),
    ({"start": "2026-06-04T10:00:00"}, "start"),
    ({"releases": {}}, "mine.releases"),
    ({"releases": {"old": "a" * 40, "new": "a" * 40}}, "mine.releases"),
    ({"releases": {"old": "a" * 40, "new": "abc"}}, "releases.new"),
    ({"parents": {"old": "new"}}, "mine.parents.old"),
    ({"parents": {"new": "other"}}, "parents: other"),
    ({"unlabelled": ["old"]}, "mine.unlabelled"),
    ({"newest": "other"}, "newest: other"),
    ({"began": {"tenants": {"initech": "old"}}}, "began.tenants: initech"),
    ({"began": {"pointer": "other"}}, "began.pointer: other"),
    ({"pushes": [{"at": "10:01", "release": "new"}]}, "mine.pushes[0].at"),
    ({"pushes": [{"at": "09:01:00Z", "release": "new"}]}, "mine.pushes[0].at"),
    ({"pushes": [{"at": "10:01:00Z", "release": "new", "ci": "blue"}]}, "pushes[0].ci"),
    ({"jobs": []}, "mine.jobs"),
    ({"jobs": [job(), job()]}, "mine.jobs"),
    ({"jobs": [job(release="other")]}, "jobs.deploy: other"),
    ({"jobs": [job(starts="soon")]}, "mine.jobs.deploy.starts"),
    ({"jobs": [job(starts="")]}, "mine.jobs.deploy.starts"),
    ({"jobs": [job(verb="undo")]}, "jobs[0].verb"),
    ({"jobs": [job(attempt=0)]}, "mine.jobs.deploy"),
    ({"jobs": [job(landing_s=-1)]}, "mine.jobs.deploy.landing_s"),
    ({"jobs": [job(killed="10:04:00Z")]}, "mine.jobs.deploy"),
    ({"jobs": [job(colour="red")]}, "jobs[0].colour"),
    ({"changes": [{"at": "10:02:00Z", "what": "weather"}]}, "changes[0].what"),
    ({"changes": [{"at": "10:02:00Z", "what": "ci", "subject": "x"}]}, "mine.changes[0].subject"),
    (
        {"changes": [{"at": "10:02:00Z", "what": "tenant", "subject": "acme", "value": "sad"}]},
        "mine.changes[0].value",
    ),
    ({"faults": [{"rule": {"kind": "refuse", "status": 99}}]}, "faults[0].rule"),
    ({"faults": [{"rule": {"kind": "delay"}, "until": "late"}]}, "mine.faults[0].until"),
    ({"recorded": {"guard": "luck"}}, "recorded.guard: luck"),
    ({"recorded": {"guard": "none", "pointer": "other"}}, "recorded.pointer: other"),
    ({"recorded": {"guard": "none", "jobs": {"other": "green"}}}, "recorded.jobs: other"),
    ({"recorded": {"guard": "none", "jobs": {"deploy": "blue"}}}, "recorded.jobs.deploy: blue"),
]


@pytest.mark.parametrize(
    ("changes", "path"), BAD, ids=[f"{path} {n}" for n, (_, path) in enumerate(BAD)]
)
def test_scenario_that_does_not_fit_is_refused_with_the_path_of_what_does_not(
    changes: Plain, path: str
) -> None:
    """The error names the part, also in a file whose every other part is good."""
    with pytest.raises(Invalid) as refused:
        read(plain(**changes))

    assert path in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", '{"name": "a", "name": "b"}', "[" * 100_000])
def test_text_that_is_no_json_is_refused(text: str) -> None:
    """So is an object that has one name twice, of which the first would not be seen."""
    with pytest.raises(Invalid, match="not JSON"):
        parse(text, on="mine.json")


@pytest.mark.parametrize("name", names())
def test_scenario_written_as_text_is_read_as_the_same(name: str) -> None:
    """Nothing is lost or added when a scenario is written, whatever it has."""
    scenario = load(name)

    assert scenario == parse(scenario_text(scenario), on=name)


def test_scenario_is_loaded_from_a_file_by_its_path(tmp_path: Path) -> None:
    """A path does where a name does; the library's names come first."""
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(plain()), encoding="utf-8")

    assert "mine" == load(str(path)).name


@pytest.mark.parametrize("name", ["nowhere", "nowhere.json", "./nowhere"])
def test_scenario_that_is_nowhere_is_refused(name: str) -> None:
    """A name that is none says which there are, a path why it can't be read."""
    with pytest.raises(Invalid):
        load(name)


def test_job_waits_for_ci_that_turns_green_late() -> None:
    """A push with pending CI is deployed once a change of the scenario makes it green."""
    pushes = [{"at": "10:01:00Z", "release": "new", "ci": "pending"}]
    green = {"at": "10:30:00Z", "what": "ci", "subject": "new", "value": "success"}

    result = race(pushes=pushes, changes=[green])

    assert {"deploy": "deployed"} == result.words
    assert result.ends[0].at_s > result.scenario.at_s("10:30:00Z")


def test_job_is_refused_when_ci_turns_red_late() -> None:
    """The release before stays, which is what everything is to be on then."""
    pushes = [{"at": "10:01:00Z", "release": "new", "ci": "pending"}]
    red = {"at": "10:10:00Z", "what": "ci", "subject": "new", "value": "failure"}

    result = race(pushes=pushes, changes=[red], newest="old")

    assert {"deploy": "refused"} == result.words
    assert () == result.breaches


def test_switch_holds_a_job() -> None:
    """The kill switch is a change of the world like any other."""
    switched = {"at": "10:02:00Z", "what": "switch", "value": "off"}

    result = race(changes=[switched], newest="old")

    assert {"deploy": "held"} == result.words


def test_fault_acts_between_its_times() -> None:
    """A forge that refuses for a while delays a job, and no longer than that."""
    rule = {"kind": "refuse", "service": "forge", "status": 503}
    outage = {"at": "10:04:00Z", "until": "10:20:00Z", "rule": rule}

    result = race(faults=[outage])

    assert {"deploy": "deployed"} == result.words
    assert result.ends[0].at_s > result.scenario.at_s("10:20:00Z")


def test_releases_of_two_branches_are_diverged() -> None:
    """A release descends from the parent that is named, else from the one before it."""
    releases = {"old": "a" * 40, "new": "b" * 40, "side": "c" * 40}
    jobs = [job(), job(name="aside", release="side", starts="10:30:00Z")]

    result = race(releases=releases, parents={"side": "old"}, jobs=jobs, newest="new")

    assert {"deploy": "deployed", "aside": "failed"} == result.words
    assert () == result.breaches


def test_job_that_never_ends_breaks_the_promise_of_progress() -> None:
    """P4: when the replay is over, a job that still waits has broken it."""
    pushes = [{"at": "10:01:00Z", "release": "new", "ci": "pending"}]

    result = race(pushes=pushes, until="10:06:00Z")

    assert {"deploy": "waits"} == result.words
    assert ["P4 progress"] == [breach.promise for breach in result.breaches]


def test_replay_is_the_same_each_time() -> None:
    """The same scenario under the same guard gives the same happenings, to the instant."""
    first, second = race(), race()

    assert first.course.happenings == second.course.happenings
