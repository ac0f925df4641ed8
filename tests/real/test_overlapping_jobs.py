"""Overlapping deploys of several commits: the newest wins, whatever the order of its rivals."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.independent import REPOSITORY, Job, World
from tests.support.independent_registry import RealRegistry

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not RealRegistry.is_installed(), reason="docker-registry is not installed"),
]

JOBS = 6
PATIENT = {
    "HEADWAY_LEASE__LEASE_S": "20",
    "HEADWAY_LEASE__REDEPLOY_BOUND_S": "30",
    "HEADWAY_LEASE__POINTER_BOUND_S": "30",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Three tenants."""
    with World(tmp_path, "alpha", "beta", "HongMing") as world:
        yield world


def test_jobs_of_three_commits_at_once_all_end_green_on_the_newest(world: World) -> None:
    """Many at once: each is superseded, deploys or verifies, and nothing ever goes backward."""
    commits = [world.push(is_index=index != 1) for index in range(3)]
    shuffled = [commits[number % 3] for number in range(JOBS)]
    random.Random(2213).shuffle(shuffled)  # noqa: S311 - chance that a seed repeats

    jobs = [(sha, world.start("deploy", "--commit", sha, **PATIENT)) for sha in shuffled]
    ends = [(sha, job.wait()) for sha, job in jobs]

    story = "\n".join(f"{sha[:7]} {done.code} {done.last}" for sha, done in ends)
    assert {0} == {done.code for _, done in ends}, story
    assert {"deployed", "verified"} >= {d.outcome for sha, d in ends if sha == commits[2]}, story
    assert world.is_wholly_on(commits[2]), story
    assert [] == world.moves_back(), story


def test_newer_deploy_in_the_middle_of_an_older_one_takes_over(world: World) -> None:
    """The older job stops at its next step and ends `superseded`; the newer one brings all on."""
    older, newer = world.push(), world.push()
    rivals: list[Job] = []

    def starts_the_newer(kind: str) -> None:
        if kind == "after-redeploy" and not rivals:
            rivals.append(world.start("deploy", "--commit", newer))

    world.watch(starts_the_newer)
    first = world.deploy(older, HEADWAY_ROLLOUT__SOAK_S="60")
    second = rivals[0].wait()

    assert ("superseded", 0) == (first.outcome, first.code)
    assert newer[:7] in first.last
    assert ("deployed", 0) == (second.outcome, second.code)
    assert world.is_wholly_on(newer)
    assert [] == world.moves_back()


def test_run_of_an_old_job_again_changes_nothing(world: World) -> None:
    """A second attempt of an old CI run ends `superseded`, also if a tag was moved back by hand."""
    older, newer = world.push(), world.push()
    world.deploy(newer)
    landings = len(world.fleet.landings)
    world.registry.point(REPOSITORY, "latest", f"staging-{older[:7]}")

    done = world.run("deploy", **world.ci_run(older, summary=world.folder / "summary", attempt=2))
    mended = world.deploy(newer)

    assert ("superseded", 0) == (done.outcome, done.code)
    assert landings == len(world.fleet.landings)
    assert "deployed" == mended.outcome
    assert world.is_wholly_on(newer)


def test_rewritten_branch_fails_loudly_until_a_person_accepts_it(world: World) -> None:
    """A diverged commit is neither older nor newer: no effect, and the verb that helps is named."""
    world.deploy(world.push())
    rewritten = world.push(world.commits[0])
    landings = len(world.fleet.landings)

    refused = world.deploy(rewritten)
    untouched = landings == len(world.fleet.landings)
    accepted = world.run("accept-rewrite", "--to", "main", "--reason", "squashed a secret")
    done = world.deploy(rewritten)

    assert ("failed", 1) == (refused.outcome, refused.code)
    assert "diverged" in refused.last
    assert untouched
    assert 0 == accepted.code, accepted.out
    assert ("deployed", 0) == (done.outcome, done.code)
    assert world.is_wholly_on(rewritten)
