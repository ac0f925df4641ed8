"""Deploys of real Swarm services by `invoke` processes: two jobs at once, broken images, back."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulator.swarm_orchestrator import Fate
from tests.support.real_swarm import RealSwarm, real_swarm, why_not
from tests.support.swarm_world import SwarmWorld

pytestmark = [
    pytest.mark.engine,
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "a swarm can be had"),
]

SLUGS = ("acme", "globex", "hongming")
OpenWorld = Callable[..., SwarmWorld]


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSwarm]:
    """The swarm and the registry of this module."""
    with real_swarm(tmp_path_factory.mktemp("swarm")) as swarm:
        yield swarm


@pytest.fixture
def world(swarm: RealSwarm, tmp_path: Path) -> Iterator[SwarmWorld]:
    """Three services on the first commit; they are removed behind the test."""
    try:
        yield SwarmWorld(tmp_path, swarm, SLUGS)
    finally:
        swarm.remove_all()


def test_deploy_brings_every_service_onto_the_commit_and_reports_the_fence(
    world: SwarmWorld,
) -> None:
    """The run ends `deployed`, fenced; each service carries epoch, release and job as labels."""
    newer = world.push()

    done = world.deploy(newer)

    assert ("deployed", 0) == (done.outcome, done.code), done.out + done.err
    assert world.is_wholly_on(newer), world.serving()
    assert "(fenced: fleet;" in done.out
    labels = world.labels("globex")
    assert newer == labels["headway.release"]
    assert str(world.record()["epoch"]) == labels["headway.epoch"]
    assert labels["headway.job"].startswith("hand-")


def test_newer_job_in_the_middle_of_an_older_one_wins(world: SwarmWorld) -> None:
    """The older job ends `superseded`, the newer one `deployed`; no service ever moves back."""
    older, newer = world.push(), world.push()

    first = world.start("deploy", "--commit", older, HEADWAY_ROLLOUT__SOAK_S="60")
    assert first.has_told("soaking")
    second = world.deploy(newer)
    ended = first.wait()

    assert ("superseded", 0) == (ended.outcome, ended.code), ended.out + ended.err
    assert newer[:7] in ended.last
    assert ("deployed", 0) == (second.outcome, second.code), second.out + second.err
    assert world.is_wholly_on(newer), world.serving()
    assert [] == world.moves_back()


def test_older_job_that_starts_last_changes_nothing(world: SwarmWorld) -> None:
    """A job of an older commit behind a newer one ends `superseded` without touching a task."""
    older, newer = world.push(), world.push()
    world.deploy(newer)
    before = world.labels("acme")

    late = world.deploy(older)

    assert ("superseded", 0) == (late.outcome, late.code)
    assert before == world.labels("acme")
    assert world.is_wholly_on(newer), world.serving()


def test_broken_image_leaves_the_old_tasks_serving_and_ends_red(world: SwarmWorld) -> None:
    """The canary's engine rolls it back; the outcome says why, and no other service is touched."""
    good = world.push()
    before = world.deploy(good)
    broken = world.push(Fate.CRASHES)

    done = world.deploy(broken)

    assert "deployed" == before.outcome, before.out + before.err
    assert ("failed", 1) == (done.outcome, done.code), done.out + done.err
    assert "the engine rolled it back: a task crashed on node" in done.last
    assert "exit code 3" in done.last
    assert world.is_wholly_on(good), world.serving()
    assert [good] * 3 == [world.image(slug) for slug in SLUGS]


def test_rollback_brings_every_service_back_and_pins(world: SwarmWorld) -> None:
    """Going back is a verb of its own; a deploy of the commit that was left ends `held`."""
    older, newer = world.push(), world.push()
    world.deploy(older)
    world.deploy(newer)

    done = world.run("rollback", "--to", older, "--reason", "it is slow")
    held = world.deploy(newer)

    assert ("deployed", 0) == (done.outcome, done.code), done.out + done.err
    assert "held" == held.outcome
    assert world.is_wholly_on(older), world.serving()
