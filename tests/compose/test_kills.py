"""A job's container killed with SIGKILL at each stage of a deploy: the next deploy converges.

What is killed, and when, is picked from what has happened and from requests that are held.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.support.compose_world import ComposeWorld
from tests.support.simulated_world import Happened

pytestmark = [pytest.mark.engine, pytest.mark.slow]

KILLED = 137
HELD_S = 20.0
"""Longer than a kill takes, so that what is held comes behind it, and behind the next claim."""

SOON_S = 4.0
"""Long enough for a kill, and within the bound of an effect on the pointer."""


def is_held(one: Happened) -> bool:
    """A fault rule holds a request of the job."""
    return bool(one["kind"] == "fault" and one["actor"] == "older")


def is_taken(slugs: str) -> Callable[[Happened], bool]:
    """The control plane has taken a request for these tenants on."""
    return lambda one: one["kind"] == "accepted" and one["subject"].startswith(f"{slugs} to ")


def is_soaking(one: Happened) -> bool:
    """The job has written down that it soaks."""
    return one["kind"] == "ledger" and "soaking, 0 open" in one["note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a job is killed. held: the request that is held then, as a fault rule.

    phase, open_intents: what the record says of the dead job.
    """

    moment: Callable[[Happened], bool] = is_held
    held: dict[str, object] = field(default_factory=dict)
    landing_s: float = 0.05
    soak_s: float = 0.2
    phase: str
    open_intents: int = 0


def write(number: int) -> dict[str, object]:
    """The rule that holds the job's write of that number to the ledger, counted from one."""
    return {"service": "git", "operation": "receive-pack", "after": number - 1}


STAGES = {
    "claimed": Stage(held=write(2), phase="claimed"),
    "canary-in-flight": Stage(
        moment=is_taken("hongming"), landing_s=2.0, phase="claimed", open_intents=1
    ),
    "soaking": Stage(moment=is_soaking, soak_s=60.0, phase="soaking"),
    "batch-in-flight": Stage(
        moment=is_taken("acme,globex"), landing_s=2.0, phase="soaking", open_intents=1
    ),
    "verifying": Stage(held=write(8), phase="settling"),
    "before-promote": Stage(held=write(9), phase="promoting"),
    "pointer-in-flight": Stage(
        held={"service": "registry", "operation": "point", "before_s": SOON_S},
        phase="promoting",
        open_intents=1,
    ),
}


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_deploy_behind_a_killed_job_converges(world: ComposeWorld, stage: Stage) -> None:
    """It waits out what the dead job left open, and nothing ever moves backward."""
    killed, since = world.push(), world.count()
    world.running.move("options", {"landing_s": stage.landing_s, "answer_s": stage.landing_s})
    if stage.held:
        rule = {"kind": "delay", "actor": "older", "times": 1, "before_s": HELD_S}
        world.add_fault(**{**rule, **stage.held})
    soak = {"HEADWAY_ROLLOUT__SOAK_S": str(stage.soak_s)}
    job = world.start("deploy", "--commit", killed, actor="older", **soak)

    world.wait_for(stage.moment, since)
    job.kill()
    dead, left = job.finish(), world.record()
    world.running.move("options", {"landing_s": 0.05, "answer_s": 0.05})
    newer = world.push()
    said = world.deploy(newer)

    assert (KILLED, "") == (dead.code, dead.out)
    assert left.holder is not None
    assert (stage.phase, stage.open_intents) == (left.holder.phase, len(left.intents))
    assert ("deployed", 0) == said.end, said.out + said.err
    assert ({newer}, newer) == world.live()
    assert (None, ()) == (world.record().holder, world.record().intents)
    assert () == world.backward()
