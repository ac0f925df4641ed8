"""Twelve writers of one real Swarm service, thirty rounds: nothing is lost, nothing moves back."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack
from copy import deepcopy

import pytest

from release.adapters.clock import SystemClock
from release.adapters.docker_endpoint import Endpoint
from release.adapters.swarm_engine import DockerEngine
from release.adapters.swarm_service import read_service
from release.adapters.swarm_spec import Step, UpdatePolicy
from release.adapters.swarm_write import Target, take
from release.core.values import Digest, Sha
from release.errors import Conflict, FenceRefused, Refused
from tests.support.real_swarm import SOCKET, RealSwarm, real_swarm, why_not

pytestmark = [
    pytest.mark.engine,
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "a swarm can be had"),
]

WRITERS, ROUNDS, TRIES_MAX = 12, 30, 500
NOWHERE = str(Digest("sha256:" + "0" * 64))
COUNTER = "writes"


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSwarm]:
    """The swarm of this module."""
    with real_swarm(tmp_path_factory.mktemp("swarm")) as swarm:
        yield swarm


@pytest.fixture
def service(swarm: RealSwarm) -> Iterator[str]:
    """A service of no task, so that its image is only written and never run."""
    yield swarm.create("acme", NOWHERE, replicas=0)
    swarm.remove_all()


async def open_engines(stack: AsyncExitStack) -> list[DockerEngine]:
    """A client of its own for each writer."""
    clock, here = SystemClock(), Endpoint(name="here", url=SOCKET)
    return [
        await stack.enter_async_context(DockerEngine(here, clock=clock)) for _ in range(WRITERS)
    ]


async def read(engine: DockerEngine, identity: str) -> Target:
    """The service as of now."""
    plain = await engine.service(identity)
    assert plain is not None, "it is there"
    return Target(engine=engine, service=read_service(plain))


async def count_up(engine: DockerEngine, identity: str) -> None:
    """Adds one to a label, as often as it takes to be the one whose write counts."""
    for _ in range(TRIES_MAX):
        service = (await read(engine, identity)).service
        spec = deepcopy(dict(service.spec))
        spec["Labels"][COUNTER] = str(int(spec["Labels"].get(COUNTER, "0")) + 1)
        try:
            await engine.update(identity, service.index, spec)
        except Conflict:
            continue
        return
    raise AssertionError("never won")


def test_no_write_is_lost(swarm: RealSwarm, service: str) -> None:
    """Of all writers that read one version, one writes; each write builds on all before it."""

    async def race() -> None:
        async with AsyncExitStack() as stack:
            engines = await open_engines(stack)
            for _ in range(ROUNDS):
                await asyncio.gather(*(count_up(engine, service) for engine in engines))

    asyncio.run(race())

    assert str(WRITERS * ROUNDS) == swarm.spec(service)["Labels"][COUNTER]


def test_no_writer_moves_the_service_back(swarm: RealSwarm, service: str) -> None:
    """In each round the highest epoch wins, and no version between shows a lower one."""
    seen: list[tuple[int, int]] = []
    winners: list[tuple[int, int]] = []

    async def deploy(engine: DockerEngine, epoch: int) -> int:
        step = Step(
            image=f"{swarm.image}@sha256:{epoch:064}",
            release=Sha(f"{epoch:040}"),
            epoch=epoch,
            job=f"job-{epoch}",
            policy=UpdatePolicy(),
        )
        clock = SystemClock()
        write_by_s = await clock.now_s() + 30.0
        try:
            await take(await read(engine, service), step, clock=clock, write_by_s=write_by_s)
        except (FenceRefused, Refused):
            return 0
        finally:
            seen.append(version_of(swarm, service))
        return epoch

    async def race() -> None:
        chance = random.Random(2213)  # noqa: S311 - chance that a seed repeats
        async with AsyncExitStack() as stack:
            engines = await open_engines(stack)
            for number in range(ROUNDS):
                epochs = [number * WRITERS + one + 1 for one in range(WRITERS)]
                highest = epochs[-1]
                chance.shuffle(epochs)
                ends = await asyncio.gather(*map(deploy, engines, epochs))
                winners.append((highest, max(ends)))

    asyncio.run(race())

    assert [(highest, highest) for highest, _ in winners] == winners
    assert sorted(seen) == seen
    assert version_of(swarm, service) == (WRITERS * ROUNDS, WRITERS * ROUNDS)


def version_of(swarm: RealSwarm, service: str) -> tuple[int, int]:
    """The epoch of the label, and the one whose image is wanted."""
    spec = swarm.spec(service)
    image = str(spec["TaskTemplate"]["ContainerSpec"]["Image"])
    return int(spec["Labels"].get("headway.epoch", "0")), int(image.rpartition(":")[2])
