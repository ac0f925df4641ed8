"""Tenants as they are: draining, flapping, behind a router's page, slow, cut, or somewhere else."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.independent import World
from tests.support.independent_plane import HTML, JSON, Reply, Served
from tests.support.independent_registry import RealRegistry

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not RealRegistry.is_installed(), reason="docker-registry is not installed"),
]

ODD: dict[str, Callable[[Served], Reply | bytes]] = {
    "a router's page": lambda _: (404, HTML, b"<h1>no such route</h1>"),
    "a build without a commit": lambda _: (200, JSON, b'{"git_sha": "dev\\u001b[31m"}'),
    "a shortened commit": lambda one: (200, JSON, json.dumps({"git_sha": one.sha[:7]}).encode()),
    "no commit": lambda _: (200, JSON, b'{"version": 3}'),
    "a list": lambda _: (200, JSON, b"[1]"),
    "nesting": lambda _: (200, JSON, b"[" * 4000),
    "a huge body": lambda one: (200, JSON, b'{"git_sha": "%b"' % one.sha.encode() + b" " * 2**20),
    "another host": lambda _: (302, {"Location": "http://127.0.0.2:9/buildinfo"}, b""),
    "itself for ever": lambda _: (302, {"Location": "buildinfo"}, b""),
    "no HTTP": lambda _: b"\x00\xff nonsense\r\n\r\n",
    "half an answer": lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A tenant for each odd way to answer, and one that answers as it should."""
    slugs = (f"tenant-{number}" for number in range(len(ODD)))
    with World(tmp_path, "good", *slugs, drains=2) as world:
        yield world


def behave(world: World, *, odd_answers: int) -> None:
    """Makes every tenant but the first answer oddly, so many times after each redeploy."""
    for number, odd in enumerate(ODD.values()):
        tenant = world.fleet.tenants[f"tenant-{number}"]
        left = [odd_answers]

        def shows(
            one: Served,
            odd: Callable[[Served], Reply | bytes] = odd,
            left: list[int] = left,
        ) -> Reply | bytes:
            left[0] -= 1
            if left[0] >= 0:
                return odd(one)
            one.shows = None
            return one.answer()

        tenant.shows = shows


def test_tenants_that_answer_oddly_for_a_while_settle_in_the_end(world: World) -> None:
    """No odd answer settles a tenant, none fails the job before the budget is spent."""
    newer = world.push()
    behave(world, odd_answers=5)

    done = world.deploy(newer, HEADWAY_ROLLOUT__BATCH_SIZE="20", HEADWAY_SETTLE__BUDGET_S="20")

    assert ("deployed", 0) == (done.outcome, done.code)
    assert world.is_wholly_on(newer)
    assert "\x1b" not in done.out + done.err


def test_tenants_that_answer_oddly_for_good_are_each_named_with_what_they_answered(
    world: World,
) -> None:
    """Beyond the budget the job fails, and its JSON says of every tenant why it did not settle."""
    newer = world.push()
    behave(world, odd_answers=10**6)

    done = world.deploy(
        newer,
        "--json",
        HEADWAY_ROLLOUT__CANARY="good",
        HEADWAY_ROLLOUT__BATCH_SIZE="20",
        HEADWAY_ROLLOUT__STRAGGLERS_MAX=str(len(ODD) - 1),
        HEADWAY_SETTLE__BUDGET_S="2",
    )

    document = json.loads(done.out)
    notes = {row["tenant"]: row["note"] for row in document["tenants"] if row["tenant"] != "good"}
    assert ("exhausted", 1) == (document["outcome"], done.code)
    assert [
        "HTTP 404, text/html",
        "answers 'dev\\x1b[31m'",
        f"answers '{newer[:7]}'",
        "HTTP 200, application/json, without git_sha",
        "HTTP 200, application/json, without git_sha",
        "HTTP 200, application/json, not JSON",
        "HTTP 200, application/json, a body too long",
        "redirects to another host, http://127.0.0.2:9/buildinfo",
        "redirects more than 3 times",
        "unreachable: answers something that is not HTTP",
        "unreachable: the answer was cut off",
    ] == [notes[f"tenant-{number}"] for number in range(len(ODD))]


def test_flapping_tenant_is_not_taken_for_settled(world: World) -> None:
    """One answer from the new container between two from the old one proves nothing."""
    newer, seen = world.push(), [0]

    def flaps(one: Served) -> Reply | bytes:
        seen[0] += 1
        shown = one.sha if seen[0] % 2 or seen[0] > 12 else world.commits[0]
        return 200, JSON, json.dumps({"git_sha": shown}).encode()

    world.fleet.tenants["tenant-3"].shows = flaps
    done = world.deploy(newer, HEADWAY_ROLLOUT__BATCH_SIZE="20", HEADWAY_SETTLE__BUDGET_S="20")

    assert ("deployed", 0) == (done.outcome, done.code)
    assert seen[0] > 12
