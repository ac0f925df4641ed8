"""Two deploys of different commits at the same time, as fast as each can: nothing goes backward.

Nothing orders the two here, so every run is another race; the rule holds in each of them.
"""

import pytest

from tests.support.live_world import LiveWorld

pytestmark = pytest.mark.slow

EFFECTS = {"landed", "pointed"}
SPREAD = {"low_s": 0.0, "high_s": 1.0}


@pytest.mark.parametrize(("fence", "first"), [("landing", "older"), ("none", "newer")])
def test_overlapping_deploys_leave_everything_on_the_newer_commit(
    world: LiveWorld, fence: str, first: str
) -> None:
    """The newer job ends deployed, the older one green, and no effect is a step back."""
    order = [world.state()["head"], world.push(), world.push()]
    commits = {"older": order[1], "newer": order[2]}
    world.running.move("options", {"fence": fence, "landing_s": 0.3, "answer_s": 0.4})
    for slug in world.running.state.tenants:
        world.set_tenant(slug, lag=SPREAD)
    since = world.count()

    second = "newer" if first == "older" else "older"
    jobs = {
        actor: world.shell.start(
            "deploy", "--config", world.config(actor), "--commit", commits[actor]
        )
        for actor in (first, second)
    }
    with jobs["older"], jobs["newer"]:
        said = {actor: job.finish() for actor, job in jobs.items()}

    steps = [one for one in world.happenings(since) if one["kind"] in EFFECTS]
    ages = [(order.index(one["before"]), order.index(one["after"])) for one in steps]
    assert [] == [(before, after) for before, after in ages if after < before]
    assert said["newer"].word in {"deployed", "verified"}
    assert said["older"].end in {("superseded", 0), ("deployed", 0)}
    assert ({commits["newer"]}, commits["newer"]) == world.live()
