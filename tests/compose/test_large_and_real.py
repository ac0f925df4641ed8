"""A fleet of fifty containers, and a registry that this repository did not write."""

from pathlib import Path

import pytest

from tests.support.compose_world import compose_world
from tests.support.engine import docker

pytestmark = [pytest.mark.engine, pytest.mark.slow]

MANY = 50


def used_percent(names: list[str]) -> dict[str, float]:
    """How much of its memory limit each container uses."""
    words = ("stats", "--no-stream", "--format", "{{.Name}} {{.MemPerc}}", *names)
    rows = (line.split() for line in docker(*words).splitlines())
    return {name: float(percent.rstrip("%")) for name, percent in rows}


def test_fifty_containers_are_deployed_within_their_limits(tmp_path: Path) -> None:
    """All settle and the pointer follows; nobody has come near to the end of its memory."""
    with compose_world("fifty", tmp_path, tenants=MANY, SIM_HEALTH_INTERVAL="30s") as world:
        newer = world.push()

        said = world.deploy(newer, HEADWAY_ROLLOUT__BATCH_SIZE="10", HEADWAY_SETTLE__BUDGET_S="60")

        names = [*map(world.tenant, world.slugs), world.container("control-plane")]
        used = used_percent(names)
        killed = docker("inspect", "--format", "{{.State.OOMKilled}}", *names).split()
        assert ("deployed", 0) == said.end, said.out + said.err
        assert ({newer}, newer) == world.live()
        assert MANY == len(world.state()["tenants"])
        assert (MANY + 1, {"false"}) == (len(used), set(killed))
        assert max(used.values()) < 80


def test_deploy_promotes_in_a_real_registry_and_reads_back(tmp_path: Path) -> None:
    """Debian's registry in the place of the simulated one: deployed, promoted, read back."""
    with compose_world("real", tmp_path, files=("real-registry.yaml",)) as world:
        newer = world.push()

        said = world.deploy(newer)
        again = world.deploy(newer)

        assert ("deployed", 0) == said.end, said.out + said.err
        assert ("verified", 0) == again.end, again.out + again.err
        assert ({newer}, newer) == world.live()
        assert "docker-registry" in docker(
            "inspect", "--format", "{{.Path}}", world.container("registry")
        )
