"""Deploys between containers: alone, two at once, and under each kind of fence."""

import pytest

from tests.support.compose_world import ComposeWorld
from tests.support.engine import docker, until

pytestmark = [pytest.mark.engine, pytest.mark.slow]

EFFECTS = {"landed", "pointed"}
SPREAD = {"low_s": 0.0, "high_s": 1.0}


def test_deploy_settles_every_container_and_promotes(world: ComposeWorld) -> None:
    """A job in a container moves the tenants, each of which serves its own release."""
    newer = world.push()

    said = world.deploy(newer)

    assert ("deployed", 0) == said.end, said.out + said.err
    assert ({newer}, newer) == world.live()
    assert (None, ()) == (world.record().holder, world.record().intents)


def test_every_container_is_healthy_and_confined(world: ComposeWorld) -> None:
    """Health checks pass; no service is root, writes to its own files or gains privileges."""
    names = [world.container(one) for one in ("conductor", "control-plane", "edge", "forge")]
    names += [world.container("registry"), *map(world.tenant, world.slugs)]
    confined = "{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.SecurityOpt}}"

    for name in names:
        until(
            lambda name=name: (
                docker("inspect", "--format", "{{.State.Health.Status}}", name)  # type: ignore[misc]  # mypy knows no such default
                == "healthy"
            ),
            f"{name} is healthy",
        )
        found = docker("inspect", "--format", confined, name)
        assert "10001:10001 true [no-new-privileges:true]" == found, name


def test_two_deploys_of_one_commit_at_once_are_both_green(world: ComposeWorld) -> None:
    """One deploys; the other waits for it and finds it done. No effect happens twice."""
    newer, since = world.push(), world.count()

    jobs = [world.start("deploy", "--commit", newer, actor=actor) for actor in ("older", "newer")]
    said = [job.finish() for job in jobs]

    effects = [one["subject"] for one in world.happenings(since) if one["kind"] in EFFECTS]
    assert {0} == {one.code for one in said}, said
    assert {"deployed"} <= {one.word for one in said} <= {"deployed", "verified"}
    assert len(effects) == len(set(effects))
    assert ({newer}, newer) == world.live()


@pytest.mark.parametrize(
    ("fence", "first"), [("landing", "older"), ("door", "older"), ("none", "newer")]
)
def test_overlapping_deploys_leave_everything_on_the_newer_commit(
    world: ComposeWorld, fence: str, first: str
) -> None:
    """Nothing orders the two here; nothing goes backward, whatever the control plane compares."""
    commits = {"older": world.push(), "newer": world.push()}
    world.running.move("options", {"fence": fence, "landing_s": 0.3, "answer_s": 0.4})
    for slug in world.slugs:
        world.set_tenant(slug, lag=SPREAD)

    second = "newer" if first == "older" else "older"
    jobs = {
        actor: world.start("deploy", "--commit", commits[actor], actor=actor)
        for actor in (first, second)
    }
    said = {actor: job.finish() for actor, job in jobs.items()}

    assert said["newer"].word in {"deployed", "verified"}, said["newer"]
    assert said["older"].end in {("superseded", 0), ("deployed", 0)}, said["older"]
    assert ({commits["newer"]}, commits["newer"]) == world.live()
    assert () == world.backward()
