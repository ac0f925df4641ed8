"""A real swarm of one node, a real registry beside it, and services of the tests' own.

This module must not use the adapter that it helps to test.
"""

import fcntl
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
from docker.errors import NotFound

from tests.support.distribution import DistributionServer, distribution
from tests.support.distribution import is_installed as has_registry
from tests.support.engine import until, why_no_engine
from tests.support.swarm_images import HAS_BUSYBOX, Running, runnable

__all__ = ["SOCKET", "RealSwarm", "real_swarm", "why_not"]

SOCKET = "unix:///var/run/docker.sock"
_SECOND = 1_000_000_000
_LOCK = Path(tempfile.gettempdir()) / "headway-tests-swarm.lock"


@cache
def why_not() -> str:
    """Why no real swarm can be had on this machine; empty when one can."""
    if not has_registry():
        return "docker-registry (distribution) is not installed"
    if not HAS_BUSYBOX:
        return "busybox-static is not installed"
    # Asked in a process of its own: docker's SDK leaves a socket behind where nobody answers.
    return why_no_engine()


@dataclass(slots=True, kw_only=True)
class RealSwarm:
    """The services of one test run.

    prefix: of their names. repository: where their images are, one for each world.
    """

    api: Any
    registry: DistributionServer
    prefix: str = field(default_factory=lambda: f"hwswarm-{secrets.token_hex(3)}")
    repository: str = field(default_factory=lambda: f"hwswarm/{secrets.token_hex(3)}")

    @property
    def label(self) -> str:
        """The key whose value is the slug."""
        return f"{self.prefix}.tenant"

    @property
    def image(self) -> str:
        """The repository as the engine pulls it."""
        return f"{urlsplit(self.registry.url).netloc}/{self.repository}"

    def push(self, sha: str, how: Running) -> str:
        """Pushes the image of a commit; its digest."""
        return str(self.registry.push(self.repository, f"staging-{sha[:7]}", runnable(sha, how)))

    def create(self, slug: str, digest: str, **more: Any) -> str:  # noqa: ANN401 - parts of a specification
        """Makes a service and waits until its task runs; its id.

        more: `update` and `container`, parts of its specification; `replicas`.
        """
        update = {"Parallelism": 1, "Order": "start-first", "FailureAction": "rollback"}
        container = {"Image": f"{self.image}@{digest}", "StopGracePeriod": 5 * _SECOND}
        spec = {
            "Name": f"{self.prefix}-{slug}",
            "Labels": {self.label: slug},
            "TaskTemplate": {
                "ContainerSpec": container | more.get("container", {}),
                "RestartPolicy": {"Condition": "any", "Delay": _SECOND // 2},
            },
            "Mode": {"Replicated": {"Replicas": more.get("replicas", 1)}},
            "UpdateConfig": {**update, "Monitor": _SECOND // 2, **more.get("update", {})},
        }
        created = self.api.post(f"{self._url}/services/create", json=spec)
        created.raise_for_status()
        identity: str = created.json()["ID"]
        wanted = more.get("replicas", 1)
        until(lambda: len(self.running(identity)) == wanted, f"{slug} runs")
        return identity

    def spec(self, identity: str) -> Mapping[str, Any]:
        """The specification of a service as of now."""
        spec: Mapping[str, Any] = self.api.inspect_service(identity)["Spec"]
        return spec

    def running(self, identity: str) -> set[str]:
        """The ids of its tasks that run."""
        tasks = self.api.tasks(filters={"service": identity})
        return {task["ID"] for task in tasks if task["Status"]["State"] == "running"}

    def remove_all(self) -> None:
        """Removes every service of this run, and waits until no container is left."""
        for service in self.api.services(filters={"label": self.label}):
            self.api.remove_service(service["ID"])
        name = {"name": self.prefix}
        until(lambda: not self.api.containers(all=True, filters=name), "containers are gone")

    def remove_images(self) -> None:
        """Removes the images that the engine pulled from this registry."""
        host = urlsplit(self.registry.url).netloc
        for image in self.api.images(filters={"reference": f"{host}/hwswarm/*"}):
            try:
                self.api.remove_image(image["Id"], force=True)
            except NotFound:
                continue

    @property
    def _url(self) -> str:
        return f"{self.api.base_url}/v{self.api.api_version}"


@contextmanager
def real_swarm(folder: Path) -> Iterator[RealSwarm]:
    """Has the engine's swarm for itself: makes one where there is none, and then unmakes it."""
    with (
        _LOCK.open("w") as lock,
        docker.APIClient(version="auto") as api,
        distribution(folder) as server,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)  # Other workers of this run wait for their turn.
        is_ours = api.info()["Swarm"]["LocalNodeState"] == "inactive"
        if is_ours:
            api.init_swarm(advertise_addr="127.0.0.1", listen_addr="127.0.0.1:2377")
        swarm = RealSwarm(api=api, registry=server)
        try:
            yield swarm
        finally:
            swarm.remove_all()
            swarm.remove_images()
            if is_ours:
                api.leave_swarm(force=True)
