"""`invoke race`: the verdicts in virtual time, as text and as data, and the same of live jobs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.shell import Said, Shell

pytestmark = pytest.mark.slow

SCENARIOS = ("incident-2213", "push-during-soak")
GUARDS = ("before-verify", "before-effects", "headway")
KEPT, BROKEN = "every promise kept", "BROKEN"
VERDICTS = {
    ("incident-2213", "before-verify"): BROKEN,
    ("incident-2213", "before-effects"): KEPT,
    ("incident-2213", "headway"): KEPT,
    ("push-during-soak", "before-verify"): BROKEN,
    ("push-during-soak", "before-effects"): BROKEN,
    ("push-during-soak", "headway"): KEPT,
}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in a folder that has nothing in it: a race needs no configuration."""
    return Shell(folder=tmp_path)


@pytest.fixture(scope="module")
def virtual(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """What `invoke race --json` says in virtual time."""
    return Shell(folder=tmp_path_factory.mktemp("virtual")).invoke("race", "--json")


def verdict(said: Said, scenario: str, guard: str) -> Mapping[str, Any]:
    """What came of one scenario under one guard, without what depends on the machine's speed."""
    (found,) = [one for one in said.document["scenarios"] if one["scenario"] == scenario]
    result = found["guards"][guard]
    jobs = result["end"]["jobs"]
    return {
        "verdict": result["verdict"],
        "promises": sorted({breach["promise"] for breach in result["breaches"]}),
        "by": sorted({breach["job"] for breach in result["breaches"]}),
        "jobs": {name: (one["outcome"], one["colour"]) for name, one in jobs.items()},
        "tenants": result["end"]["tenants"],
        "pointer": result["end"]["pointer"],
    }


def test_race_tells_both_scenarios_under_three_guards(shell: Shell) -> None:
    """A timeline and a verdict table for each; the last line is about the shipped guard."""
    said = shell.invoke("race")

    assert ("kept", 0) == said.end
    rows = [line for line in said.out.splitlines() if line.startswith(GUARDS)]
    found = [tuple(row.split("  ")[0].split()[:1]) for row in rows if KEPT in row or BROKEN in row]
    assert [(guard,) for _ in SCENARIOS for guard in GUARDS] == found
    assert "<< BACKWARD" in said.out
    assert "P1 never backward: broken at" in said.out


def test_race_as_json_gives_the_verdicts_as_data(virtual: Said) -> None:
    """The recorded end of the incident comes out as it was recorded."""
    scenarios = {one["scenario"]: one for one in virtual.document["scenarios"]}

    assert VERDICTS == {
        (name, guard): result["verdict"]
        for name, scenario in scenarios.items()
        for guard, result in scenario["guards"].items()
    }
    incident = scenarios["incident-2213"]
    recorded = incident["guards"]["before-verify"]["end"]
    older = incident["releases"]["older"]
    assert (older, older) == (recorded["tenants"]["hongming"], recorded["pointer"])
    assert {"275383": "green", "275427": "red"} == {
        job: one["colour"] for job, one in recorded["jobs"].items()
    }


def test_race_of_one_scenario_under_one_broken_guard_says_broken(shell: Shell) -> None:
    """The word is about what was asked for; that an earlier guard breaks is no failure."""
    said = shell.invoke("race", "--scenario", "push-during-soak", "--guard", "upstream")

    assert ("broken", 0) == said.end
    assert "headway" not in said.last_line


def test_list_names_the_scenarios(shell: Shell) -> None:
    """Each has a line with its title."""
    said = shell.invoke("race", "--list")

    assert 0 == said.code
    assert set(SCENARIOS) <= {line.partition(":")[0] for line in said.out.splitlines()}


@pytest.mark.parametrize(
    "words",
    [["--scenario", "nowhere"], ["--guard", "nobody"], ["--speed", "fast"]],
    ids=" ".join,
)
def test_race_of_an_unknown_name_is_refused(shell: Shell, words: list[str]) -> None:
    """It exits 2, and says which names there are."""
    said = shell.invoke("race", *words)

    assert ("invalid", 2) == said.end


@pytest.mark.parametrize(("scenario", "guard"), VERDICTS)
def test_live_race_gives_the_verdict_of_virtual_time(
    shell: Shell, virtual: Said, scenario: str, guard: str
) -> None:
    """Real processes on sockets, in the recorded order: the same promises, colours and end."""
    words = ["race", "--scenario", scenario, "--guard", guard, "--json"]

    live = shell.invoke(*words, "--live", "--speed", "300")

    assert 0 == live.code, live.out + live.err
    assert verdict(virtual, scenario, guard) == verdict(live, scenario, guard)
