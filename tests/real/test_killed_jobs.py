"""A deploy that is killed at any moment blocks nobody for longer than lease and bound."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.independent import Deadly, World
from tests.support.independent_registry import RealRegistry

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not RealRegistry.is_installed(), reason="docker-registry is not installed"),
]

REQUESTS = 80
"""About as many as a deploy to three tenants makes, the registry's not counted."""

BOUND_S = 3
SHORT = {
    "HEADWAY_LEASE__LEASE_S": "2",
    "HEADWAY_LEASE__SEND_MARGIN_S": "1.5",
    "HEADWAY_LEASE__REDEPLOY_BOUND_S": str(BOUND_S),
    "HEADWAY_LEASE__POINTER_BOUND_S": str(BOUND_S),
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Three tenants."""
    with World(tmp_path, "alpha", "beta", "HongMing") as world:
        yield world


@pytest.mark.parametrize("seed", range(4))
def test_deploy_after_a_killed_one_succeeds_and_goes_forward(world: World, seed: int) -> None:
    """Killed at a request of its own, effects landing late: the next waits its bound, no more."""
    chance = random.Random(seed)  # noqa: S311 - chance that a seed repeats
    older = world.push()
    lands_late = chance.random() < 0.5
    world.fleet.always = lambda act: setattr(act, "later", lands_late)
    deadly = Deadly(world, chance.randrange(1, REQUESTS))
    job = world.start("deploy", "--commit", older, **SHORT)
    deadly.aim(job)
    killed = job.wait()
    world.fleet.always = lambda _act: None
    newest = world.push() if chance.random() < 0.5 else older
    lands_at = chance.choice(["push", "list"])
    world.watch(lambda kind: world.fleet.land_late() if kind == lands_at else None)

    done = world.deploy(newest, **SHORT)

    story = f"seed {seed}: killed in {deadly.at!r}, {killed.err}\nthen {done.out}{done.err}"
    waits = [int(text) for text in re.findall(r"waiting up to (\d+) s", done.err)]
    assert done.outcome in {"deployed", "verified"}, story
    assert 0 == done.code, story
    assert world.is_wholly_on(newest), story
    assert [] == world.moves_back(), story
    assert max(waits, default=0) <= BOUND_S, story
