"""Deploys over a fleet that is a command: a tool that moves the simulated tenants over HTTP."""

import re
import sys
from pathlib import Path
from signal import SIGTERM

import pytest

from tests.support.live_world import TENANTS, LiveWorld

pytestmark = pytest.mark.slow

EFFECTS = {"landed", "pointed"}
SPREAD = {"low_s": 0.0, "high_s": 0.5}
MOVE_ONE = (
    'redeploy = ["python", "examples/fleetctl.py", "move", "--to", "{tag}", '
    '"--epoch", "{epoch}", "{tenant}"]'
)
ROOMY = {"HEADWAY_LEASE__REDEPLOY_BOUND_S": "25", "HEADWAY_FLEET__TIMEOUT_S": "15"}
"""Each tenant's command is a Python of its own, which a busy machine is slow to start."""


def over_commands(world: LiveWorld, checkout: Path, actor: str, *words: str) -> str:
    """Writes the actor's configuration anew, with the example's fleet; returns its path.

    words: lines of [fleet.command] in the place of those of the same key; `key =` takes one away.
    """
    plane = Path(world.config(actor))
    fleet = (checkout / "examples" / "fleet_command.toml").read_text()
    keys = {word.partition(" ")[0] for word in words}
    lines = [line for line in fleet.splitlines() if line.partition(" ")[0] not in keys]
    tool = f'"{sys.executable}", "{checkout}/examples/fleetctl.py", "--like", "{plane}"'
    kept = [word for word in words if not word.endswith("=")]
    text = "\n".join([*lines, *kept, "kill_after_s = 1.0", ""])
    text = text.replace('"python", "examples/fleetctl.py"', tool).replace("timeout_s = 15.0\n", "")
    whole = re.sub(r"^\[fleet\]\n.*?^$", "", plane.read_text(), flags=re.MULTILINE | re.DOTALL)
    path = plane.with_name("command.toml")
    path.write_text(whole + text)
    return str(path)


@pytest.mark.parametrize(
    ("words", "fencing"),
    [
        ((), "fenced: fleet"),
        (('fenced = "door"',), "fenced at the door: fleet"),
        (
            (
                'scope = "tenant"',
                MOVE_ONE,
            ),
            "fenced: fleet",
        ),
    ],
    ids=["landing", "door", "tenant"],
)
def test_deploy_over_commands_settles_every_tenant_and_says_how_it_is_fenced(
    world: LiveWorld, checkout: Path, words: tuple[str, ...], fencing: str
) -> None:
    """With one command for a batch or for each tenant, the deploy is the one that it always is."""
    newer = world.push()

    config = over_commands(world, checkout, "newer", *words)
    said = world.shell.invoke("deploy", "--config", config, "--commit", newer, **ROOMY)

    assert ("deployed", 0) == said.end, said.err
    assert fencing in said.last_line
    assert ({newer}, newer) == world.live()


def test_tool_that_fails_is_named_with_its_last_words(world: LiveWorld, checkout: Path) -> None:
    """Which command it was, how it ended and what it said; later tenants stay as they are."""
    before, newer = world.live(), world.push()
    script = '"sh", "-c", "echo no such image >&2; exit 4"'
    line = f'redeploy = [{script}, "{{tag}}", "{{epoch}}", "{{tenants}}"]'
    config = over_commands(world, checkout, "newer", line, 'answers = "exit_code"')

    said = world.shell.invoke("deploy", "--config", config, "--commit", newer, **ROOMY)

    assert ("failed", 1) == said.end
    assert "exit code 4, and said: no such image" in said.last_line
    assert before == world.live()


def test_first_signal_lets_the_command_end_and_hears_its_answer(
    world: LiveWorld, checkout: Path
) -> None:
    """The record holds no open intent behind it, so that the next job has nothing to wait for."""
    newer = world.push()
    config = over_commands(world, checkout, "newer")
    world.running.move("options", {"answer_s": 1.0})
    since = world.count()
    words = ["deploy", "--config", config, "--commit", newer]
    with world.shell.start(*words, **ROOMY) as job:
        world.wait_for(lambda one: one["kind"] == "landed", since)

        job.send(SIGTERM)
        said = job.finish()

    landed = [one["subject"] for one in world.happenings(since) if one["kind"] == "landed"]
    assert ("cancelled", 143) == said.end
    assert [TENANTS[0]] == landed
    assert (None, ()) == (world.record().holder, world.record().intents)


@pytest.mark.parametrize(("fence", "first"), [("landing", "older"), ("none", "newer")])
def test_overlapping_deploys_over_commands_never_go_backward(
    world: LiveWorld, checkout: Path, fence: str, first: str
) -> None:
    """The claim orders the two jobs, also where the commands compare no epoch at all."""
    commits = {"older": world.push(), "newer": world.push()}
    order = world.git("rev-list", "--reverse", "main").split()
    world.running.move("options", {"fence": fence, "landing_s": 0.3, "answer_s": 0.4})
    for slug in TENANTS:
        world.set_tenant(slug, lag=SPREAD)
    unfenced = () if fence == "landing" else ("fence =", 'fenced = "door"')
    configs = {actor: over_commands(world, checkout, actor, *unfenced) for actor in commits}
    since = world.count()

    second = "newer" if first == "older" else "older"
    jobs = {
        actor: world.shell.start(
            "deploy", "--config", configs[actor], "--commit", commits[actor], **ROOMY
        )
        for actor in (first, second)
    }
    with jobs["older"], jobs["newer"]:
        said = {actor: job.finish() for actor, job in jobs.items()}

    steps = [one for one in world.happenings(since) if one["kind"] in EFFECTS]
    ages = [(order.index(one["before"]), order.index(one["after"])) for one in steps]
    assert [] == [(before, after) for before, after in ages if after < before]
    assert said["newer"].word in {"deployed", "verified"}, said["newer"].err
    assert said["older"].end in {("superseded", 0), ("deployed", 0)}
    assert ({commits["newer"]}, commits["newer"]) == world.live()
