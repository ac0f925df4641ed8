"""`invoke race` over the library: list, compare, record; by what the verbs print."""

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.scenario import names
from tests.support.live_world import LiveWorld
from tests.support.shell import Shell

pytestmark = pytest.mark.slow


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in a folder that has nothing in it: a race needs no configuration."""
    return Shell(folder=tmp_path)


def test_list_names_each_scenario_with_its_title_and_source(shell: Shell) -> None:
    """A line each; the same as data."""
    lines = shell.invoke("race", "--list").out.splitlines()
    told: list[Any] = shell.invoke("race", "--list", "--json").document["scenarios"]

    assert [f"{one['scenario']}: {one['title']} ({one['source']})" for one in told] == lines
    assert list(names()) == [one["scenario"] for one in told]
    assert "(https://github.com/Shopify/shipit-engine/issues/707)" in "\n".join(lines)


def test_all_shows_then_and_now_for_every_scenario(shell: Shell) -> None:
    """One row each, and at the end how many kept their promises and went as recorded."""
    said = shell.invoke("race", "--all")

    rows = said.out.splitlines()[2 : 2 + len(names())]
    assert ("kept", 0) == said.end
    assert list(names()) == [row.split()[0] for row in rows]
    assert len(names()) - 1 == sum("as recorded" in row for row in rows)
    assert "NOT AS RECORDED" not in said.out


def test_all_as_json_has_then_and_now_for_every_scenario(shell: Shell) -> None:
    """Design, broken promises, tenants, pointer and jobs, of then and of now."""
    said = shell.invoke("race", "--all", "--json")

    told = {one["scenario"]: one for one in said.document["scenarios"]}
    assert 0 == said.code
    assert set(names()) == set(told)
    incident = told["incident-2213"]
    assert ["P1", "P4"] == incident["then"]["promises_broken"]
    assert [] == incident["headway"]["promises_broken"]
    assert "newer" == incident["headway"]["pointer"]


def test_scenario_is_raced_under_the_design_of_its_day_and_headway(shell: Shell) -> None:
    """Without a guard the two that matter are shown, and the verdict is about Headway."""
    said = shell.invoke("race", "--scenario", "shipit-707", "--json")

    (told,) = said.document["scenarios"]
    assert ["none", "headway"] == list(told["guards"])


@pytest.mark.parametrize(
    "words",
    [
        ["--list", "--all"],
        ["--all", "--scenario", "incident-2213"],
        ["--output", "mine.json"],
        ["--record", "nowhere.jsonl"],
        ["--record", "nowhere.jsonl", "--output", "mine.txt"],
        ["--scenario", "nowhere.json"],
        ["--live", "--scenario", "shipit-707"],
        ["--neighbours"],
        ["--neighbours", "--all"],
        ["--neighbours", "--scenario", "fleetdm-50806"],
        ["--neighbours", "--scenario", "noop-redeploy", "--time", "0"],
        ["--time", "3"],
    ],
    ids=" ".join,
)
def test_words_that_do_not_go_together_are_refused(shell: Shell, words: list[str]) -> None:
    """It exits 2 and writes nothing."""
    said = shell.invoke("race", *words)

    assert ("invalid", 2) == said.end
    assert [] == list(shell.folder.iterdir())


def test_journals_of_real_deploys_are_recorded_and_replayed(world: LiveWorld) -> None:
    """Two overlapping `invoke deploy` processes become a file that `race` runs, and explores."""
    older, newer = world.push(), world.push()
    folder = world.shell.folder
    output = str(folder / "ours.json")
    commits = {"older": older, "newer": newer}
    jobs = {
        actor: world.shell.start("deploy", "--config", world.config(actor), "--commit", commit)
        for actor, commit in commits.items()
    }
    with jobs["older"], jobs["newer"]:
        said = {actor: job.finish() for actor, job in jobs.items()}
    journals = [
        word for actor in commits for word in ("--record", str(folder / actor / "journal.jsonl"))
    ]

    recorded = world.shell.invoke("race", *journals, "--output", output)
    replayed = world.shell.invoke("race", "--scenario", output, "--guard", "headway")
    around = world.shell.invoke("race", "--scenario", output, "--guard", "recheck", "--neighbours")

    assert ("recorded", 0) == recorded.end
    assert ("kept", 0) == replayed.end, replayed.out
    assert ("broken", 1) == around.end, around.out
    scenario = json.loads(Path(output).read_text("utf-8"))
    assert ["before", older[:7], newer[:7]] == list(scenario["releases"])
    assert 2 == len(scenario["jobs"])
    assert {0} == {one.code for one in said.values()}


def test_neighbours_of_a_scenario_are_explored_under_both_designs(shell: Shell) -> None:
    """The recorded design breaks a promise in one of them, and Headway keeps them in all."""
    said = shell.invoke("race", "--scenario", "noop-redeploy", "--neighbours")

    assert ("kept", 0) == said.end
    assert "believes-the-plane breaks P2; headway keeps every promise around it" in said.last_line
    assert 1 == sum(line.startswith("token ") for line in said.out.splitlines())
    assert "8 tenants are played as 3" in said.out


def test_neighbours_as_json_are_one_document(shell: Shell) -> None:
    """One exploration for each guard and kind of choices; a broken one has its token."""
    words = ("race", "--scenario", "noop-redeploy", "--neighbours", "--json")

    said = shell.invoke(*words, "--guard", "believes-the-plane")

    (found,) = said.document["explorations"]
    assert (1, "broken") == (said.code, said.document["outcome"])
    assert ("believes-the-plane", "orders", "broken") == tuple(
        found[name] for name in ("guard", "choices", "outcome")
    )
    assert found["token"].startswith("hw1.")


def test_torn_journal_leaves_the_file_that_is_there(shell: Shell) -> None:
    """The error names file and line, and what was recorded before stays as it was."""
    torn, output = shell.folder / "torn.jsonl", shell.folder / "ours.json"
    torn.write_text('{"at": "2026-06-04T10:', "utf-8")
    output.write_text("{}\n", "utf-8")

    said = shell.invoke("race", "--record", str(torn), "--output", str(output))

    assert ("invalid", 2) == said.end
    assert f"{torn}:1" in said.out
    assert "{}\n" == output.read_text("utf-8")
    assert {torn, output} == set(shell.folder.iterdir())
