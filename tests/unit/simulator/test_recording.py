"""Journals of deploys become a scenario that replays them; what is no journal is refused."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from release.adapters.journal import JsonLinesJournal
from release.errors import Invalid, Unavailable
from simulator.race import RaceResult, run_race
from simulator.recording import record, write_whole
from simulator.scenario import Scenario, load, parse

Files = dict[str, Path]


def write_journals(result: RaceResult, folder: Path) -> Files:
    """Writes what each job of a race told, as a real job does: a file for each job."""
    files: Files = {}
    for told in result.told:
        if "job" in told.event.data:
            at = result.scenario.start + timedelta(seconds=told.at_s)
            path = files.setdefault(told.actor, folder / f"{told.actor}.jsonl")
            JsonLinesJournal(path, now=lambda at=at: at).tell(told.event)  # type: ignore[misc]
    return files


@pytest.fixture
def incident(tmp_path: Path) -> Files:
    """The journals of the incident's two jobs, as Headway would have written them."""
    return write_journals(run_race(load("incident-2213"), "headway"), tmp_path)


def recorded(*paths: Path) -> Scenario:
    """The scenario that is made of these journals."""
    return parse(record([str(path) for path in paths]), on="recorded")


def line(**changes: Any) -> str:  # noqa: ANN401 - any part of a line
    """One line of a journal."""
    data = {"job": "1#1-a", "release": "a" * 40, **changes.pop("data", {})}
    usual = {"at": "2026-06-04T10:00:00+00:00", "kind": "stage", "text": "gate", "data": data}
    return json.dumps(usual | changes) + "\n"


def claim(job: str, sha: str, epoch: int) -> str:
    """The lines of a deploy that claims and redeploys one tenant."""
    data = {"job": job, "release": sha * 40}
    stages = [
        line(data=data | {"stage": "wait_for_release"}),
        line(data=data | {"stage": "gate"}),
    ]
    claimed = line(kind="claimed", text=f"claimed epoch {epoch}", data=data | {"epoch": epoch})
    sent = line(kind="redeploy", text="canary: acme", data=data | {"tenants": ["acme"]})
    return "".join([*stages, claimed, sent])


def test_recorded_race_goes_as_the_jobs_told_it(incident: Files) -> None:
    """The same jobs end in the same words, at the same time to a few seconds."""
    scenario = recorded(*incident.values())

    result = run_race(scenario, "headway")

    assert ("before", "7a72516", "7f25373") == tuple(scenario.releases)
    assert ((), ()) == (result.departures, result.breaches)
    assert {"275427": "deployed", "275383": "superseded"} == result.words
    original = run_race(load("incident-2213"), "headway")
    taken = [
        max(end.at_s for end in one.ends) + one.scenario.start.timestamp()
        for one in (original, result)
    ]
    assert taken[0] == pytest.approx(taken[1], abs=5)


def test_recorded_race_has_the_pace_of_the_jobs(incident: Files) -> None:
    """Tenants, canary, batches, soak, polls and the time of an answer are read off the journals."""
    scenario = recorded(*incident.values())

    original = load("incident-2213")
    assert set(original.tenants) == set(scenario.tenants)
    assert original.canary == scenario.canary
    assert (3, 60.0, 20.0) == (scenario.batch_size, scenario.soak_s, scenario.settle_interval_s)
    answers = {job.name: job.answer_s for job in scenario.jobs}
    assert answers["275427"] == pytest.approx(18.25)
    assert {"275427": "green", "275383": "green"} == scenario.recorded.jobs  # type: ignore[union-attr]


def test_recorded_race_breaks_an_earlier_design(tmp_path: Path) -> None:
    """What a team has recorded can be replayed under every other guard."""
    result = run_race(load("push-during-soak"), "headway")

    scenario = recorded(*write_journals(result, tmp_path).values())

    backward = run_race(scenario, "before-verify").breaches
    assert backward
    assert () == run_race(scenario, "headway").breaches


def test_jobs_that_share_a_file_are_told_apart(incident: Files, tmp_path: Path) -> None:
    """One file of several jobs gives the same scenario as a file for each of them."""
    shared = tmp_path / "shared.jsonl"
    shared.write_text("".join(path.read_text("utf-8") for path in incident.values()), "utf-8")

    together, apart = recorded(shared), recorded(*incident.values())

    assert apart.jobs == together.jobs
    assert apart.recorded == together.recorded


def test_rollback_is_recorded_as_one(tmp_path: Path) -> None:
    """A job that goes back on purpose puts no release into a wrong order, and stays a rollback."""
    result = run_race(load("unkey-7152"), "headway")

    scenario = recorded(*write_journals(result, tmp_path).values())

    verbs = {job.name: job.verb.value for job in scenario.jobs}
    assert {"deploy-bad": "deploy", "rollback": "rollback", "deploy-next": "deploy"} == verbs
    assert result.words == run_race(scenario, "headway").words


def test_job_that_was_killed_is_killed_in_the_replay(incident: Files) -> None:
    """A journal that has no outcome is that of a killed job; a whole line is its last."""
    path = incident["275427"]
    lines = path.read_text("utf-8").splitlines(keepends=True)
    cut = next(index for index, text in enumerate(lines) if '"soak"' in text)
    path.write_text("".join(lines[:cut]), "utf-8")

    scenario = recorded(*incident.values())

    assert {"275427": "killed", "275383": "green"} == scenario.recorded.jobs  # type: ignore[union-attr]
    assert "killed" == run_race(scenario, "headway").words["275427"]


def test_job_that_no_scenario_plays_is_left_out_and_named(incident: Files) -> None:
    """A `ledger-init` in the same file is no deploy, and `assumed` says that it is left out."""
    path = incident["275427"]
    other = line(data={"job": "7#1-b", "stage": "initialise"})
    path.write_text(path.read_text("utf-8") + other, "utf-8")

    scenario = recorded(*incident.values())

    assert {"275427", "275383"} == {job.name for job in scenario.jobs}
    assert "no scenario plays their verb: 7" in scenario.assumed


OURS = {"job": "9#1-z", "release": "b" * 40}

# What stands in the last line of a journal, and what of the error says why that is none.
BAD: list[tuple[str, str]] = [
    ("{", "not JSON"),
    ("[]", "has `at`, `kind`, `text` and `data`"),
    (line(more=1), "has `at`, `kind`, `text` and `data`"),
    (line(kind=1), "`kind` and `text` are texts"),
    (line(data={"job": 1}), "data.job is no text"),
    (line(data={"job": "ada"}), "RUN#ATTEMPT-NONCE"),
    (line(data={"release": "abc"}), "no commit id"),
    (line(at="now"), "no instant"),
    (line(at="2026-06-04T10:00:00"), "no offset"),
    (line(kind="redeploy", data=OURS | {"tenants": "acme"}), "no list of texts"),
    (line(kind="claimed", data=OURS | {"epoch": "1"}), "without its epoch"),
]


@pytest.mark.parametrize(("text", "said"), BAD, ids=[said for _, said in BAD])
def test_line_that_is_none_of_a_journal_is_refused_by_file_and_line(
    text: str, said: str, tmp_path: Path
) -> None:
    """The error names the file and the line, and what is wrong there."""
    path = tmp_path / "bad.jsonl"
    path.write_text(claim("9#1-z", "b", 1) + text.rstrip("\n") + "\n", "utf-8")

    with pytest.raises(Invalid) as refused:
        recorded(path)

    assert f"{path}:5" in str(refused.value)
    assert said in str(refused.value)


def test_torn_journal_is_refused_by_file_and_line(incident: Files) -> None:
    """A last line without its end is torn, also where what is left of it is JSON."""
    path = incident["275383"]
    whole = path.read_text("utf-8")
    path.write_text(whole.removesuffix("\n"), "utf-8")

    with pytest.raises(Invalid, match="torn") as refused:
        recorded(*incident.values())

    assert f"{path}:{whole.count(chr(10))}" in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", line(data={"stage": "initialise"})], ids=["empty", "no deploy"]
)
def test_journals_without_a_deploy_are_refused(text: str, tmp_path: Path) -> None:
    """There is nothing to replay."""
    path = tmp_path / "empty.jsonl"
    path.write_text(text, "utf-8")

    with pytest.raises(Invalid):
        recorded(path)


def test_journals_that_contradict_one_another_are_refused(tmp_path: Path) -> None:
    """Two releases, each of which was claimed after the other, are of two histories."""
    path = tmp_path / "two.jsonl"
    epochs = [("a", 1), ("b", 2), ("a", 3)]
    lines = [claim(f"{epoch}#1-x", sha, epoch) for sha, epoch in epochs]
    path.write_text("".join(lines), "utf-8")

    with pytest.raises(Invalid, match="contradict"):
        recorded(path)


def test_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """A file that is there is replaced at once; where none can be written, nothing is left."""
    path = tmp_path / "mine.json"

    write_whole("one\n", str(path))
    write_whole("two\n", str(path))
    with pytest.raises(Unavailable):
        write_whole("three\n", str(tmp_path / "nowhere" / "mine.json"))

    assert [("mine.json", "two\n")] == [
        (one.name, one.read_text("utf-8")) for one in tmp_path.iterdir()
    ]


def test_instants_of_a_recorded_race_are_those_of_the_journals(incident: Files) -> None:
    """The first line that a job told is when it starts."""
    scenario = recorded(*incident.values())

    starts = {
        job.name: scenario.start + timedelta(seconds=scenario.at_s(job.starts))
        for job in scenario.jobs
    }
    assert datetime.fromisoformat("2026-06-04T05:38:55Z") == starts["275427"]
    assert datetime.fromisoformat("2026-06-04T05:39:21Z") == starts["275383"]
