"""The simulator from the shell: up, moved, looked at, and down without a trace."""

import json
from pathlib import Path

import pytest

from tests.support.shell import Shell

pytestmark = pytest.mark.slow


def test_simulation_comes_up_is_moved_and_goes_down_without_a_trace(tmp_path: Path) -> None:
    """Every verb finds it by its folder, a second one is refused, and `sim.down` repeats."""
    shell = Shell(folder=tmp_path)
    try:
        up = shell.invoke("sim.up", "--tenants", "2", "--lag", "flapping:1", "--env", "staging")
        again = shell.invoke("sim.up")
        pushed = shell.invoke("sim.push", "--json")
        fault = shell.invoke("sim.fault", "--kind", "delay", "--seconds", "1", "--service", "edge")
        status = shell.invoke("sim.status")
        mended = shell.invoke("sim.fault", "--end", "all")
        with shell.start("sim.status", "--follow") as following:
            following.wait_until_printed('{"index"')
            down = shell.invoke("sim.down")
            followed = following.finish()
    finally:
        last = shell.invoke("sim.down")

    assert [("up", 0), ("invalid", 2)] == [up.end, again.end]
    assert pushed.document["tag"] == f"staging-{pushed.document['sha'][:7]}"
    assert [("broken", 0), ("mended", 0)] == [fault.end, mended.end]
    assert {"fault 1: delay", "tenant acme: " + status.out.split("tenant acme: ")[1][:7]} <= {
        line.strip().partition(" (")[0] for line in status.out.splitlines()
    }
    events = [json.loads(line) for line in followed.out.splitlines() if line.startswith("{")]
    assert (0, "pushed") == (followed.code, events[0]["kind"])
    assert [("down", 0), ("down", 0)] == [down.end, last.end]
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ["sim.status"],
        ["sim.up", "--fence", "wooden"],
        ["sim.up", "--lag", "long"],
        ["sim.push", "--ci-after", "soon"],
    ],
    ids=" ".join,
)
def test_simulator_verb_that_makes_no_sense_is_refused(tmp_path: Path, words: list[str]) -> None:
    """It exits 2 with a sentence, and starts nothing."""
    said = Shell(folder=tmp_path).invoke(*words)

    assert ("invalid", 2) == said.end
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "words",
    [
        ["sim.up", "--tenants", "many"],
        ["sim.up", "--tenants", "0"],
        ["sim.fault", "--kind", "refuse", "--status", "teapot"],
        ["sim.fault", "--kind", "refuse", "--status", "503", "--times", "1.5"],
        ["sim.fault", "--kind", "clamp_page", "--page", "0"],
        ["sim.fault", "--end", "first"],
    ],
    ids=" ".join,
)
def test_number_that_is_none_is_refused_by_its_option(tmp_path: Path, words: list[str]) -> None:
    """It exits 2 and names the option, what it was given and what it takes; nothing starts."""
    said = Shell(folder=tmp_path).invoke(*words)

    assert ("invalid", 2) == said.end
    assert f"{words[-2]} {words[-1]}: is no count" in said.last_line
    assert "a whole number from 1 to" in said.last_line
    assert [] == list(tmp_path.iterdir())


def test_containers_without_an_engine_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    """The error says what is missing: the engine, or the checkout that an image is built from."""
    shell = Shell(folder=tmp_path, variables={"DOCKER_HOST": "tcp://127.0.0.1:1"})

    said = shell.invoke("sim.up", "--docker")

    assert said.end in {("unavailable", 1), ("invalid", 2)}
    assert "nothing was started" in said.last_line or "checkout" in said.last_line
    assert [] == list(tmp_path.iterdir())
