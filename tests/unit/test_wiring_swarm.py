"""A fleet of Swarm services is opened as it is configured."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from release.core.sighting import Candidates, Observation
from release.core.values import Release, Sha, Tenant
from release.errors import Invalid
from release.ports import Ports
from release.wiring import Setup, new_job, open_ports
from tests.support.configurations import LEAST, load
from tests.support.loopback import Asked, Loopback, Reaction, json_answer

T = TypeVar("T")
SHA = Sha("7f25373" + "0" * 33)
RELEASE = Release(sha=SHA, tag="staging-7f25373")
IMAGE = "registry.example.com/acme/shop@sha256:" + "1" * 64
VARIABLES = {"HEADWAY_FLEET_TOKEN": "fl33t", "DOCKER_CONFIG": "/nowhere"}
BASE = LEAST.replace('url = "https://control.example.com"\n', 'kind = "swarm"\n')
SERVICE = {
    "ID": "id-1",
    "Version": {"Index": 7},
    "Spec": {
        "Name": "shop_acme",
        "Labels": {
            "headway.tenant": "acme",
            "headway.release": str(SHA),
            "headway.image": IMAGE,
        },
        "TaskTemplate": {"ContainerSpec": {"Image": IMAGE}},
        "Mode": {"Replicated": {"Replicas": 1}},
    },
}
TASK = {
    "ID": "task-1",
    "ServiceID": "id-1",
    "Spec": {"ContainerSpec": {"Image": IMAGE}},
    "Status": {"State": "running"},
    "DesiredState": "running",
}


def react(asked: Asked) -> Reaction:
    """An engine with one service and its task."""
    if asked.target == "/version":
        return json_answer({"ApiVersion": "1.41"})
    return json_answer([TASK if "/tasks" in asked.target else SERVICE])


def play(swarm: str, story: Callable[[Ports], Awaitable[T]], **variables: str) -> T:
    """Runs a story with the ports of a job; `{port}` stands for that of the engine."""

    async def run() -> T:
        async with Loopback(react=react) as server:
            text = BASE.replace('[edge]\nurl = "https://{slug}.example.com/buildinfo"\n', "")
            config = load(text + swarm.replace("{port}", str(server.port)))
            host = {"DOCKER_HOST": f"tcp://127.0.0.1:{server.port}"}
            setup = Setup(config=config, ci=None, variables={**VARIABLES, **host, **variables})
            async with open_ports(setup, new_job(None)) as ports:
                return await story(ports)

    return asyncio.run(run())


async def look(ports: Ports) -> tuple[Candidates, tuple[Observation, ...]]:
    """What the fleet lists, and what is seen of it."""
    listed = await ports.fleet.candidates(RELEASE, epoch=None)
    return listed, await ports.edge.observe(listed.tenants)


@pytest.mark.parametrize("swarm", ["", '[fleet.swarm]\nengines = ["tcp://127.0.0.1:{port}"]\n'])
def test_services_are_listed_and_seen_by_the_engine(swarm: str) -> None:
    """An engine that is named, or the one that docker's own environment names."""
    listed, seen = play(swarm, look)

    assert (Tenant("acme"),) == listed.tenants
    assert (Observation(tenant=Tenant("acme"), sha=SHA),) == seen


@pytest.mark.parametrize(
    ("swarm", "said"),
    [
        ('image = "registry.example.com/other/app"', "in none of the registry's repositories"),
        ('engines = ["nowhere"]', "is no docker context of this machine"),
        ('engines = ["tcp://swarm.example.com:2375"]', "would be spoken to without TLS"),
    ],
)
def test_setting_that_leads_nowhere_is_named(swarm: str, said: str) -> None:
    """What can't work is found out before anything is asked."""

    async def nothing(_: Any) -> None:  # noqa: ANN401 - ports that are never opened
        return

    with pytest.raises(Invalid, match=said):
        play(f"[fleet.swarm]\n{swarm}\n", nothing)
