"""A simulated world between containers: brought up by compose, looked at, broken, taken away.

This module must not judge what happens in it.
"""

import http.client
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from testcontainers.compose import DockerCompose

from release.core.codec import from_plain
from release.core.ledger import Record
from simulator.compose_project import ComposeProject
from simulator.container_process import project_state
from simulator.containers.settings import slug_of
from simulator.process import Running
from simulator.scenario import load
from simulator.served import ServedState
from simulator.world import Layout
from tests.kills.verdict import Course, find_backward
from tests.support.compose_image import CHECKOUT, image, project_name
from tests.support.compose_jobs import Ended, JobContainer, start_job
from tests.support.compose_leftovers import note
from tests.support.engine import docker, until
from tests.support.simulated_world import SimulatedWorld

__all__ = ["OPEN", "QUICK", "ComposeWorld", "compose_world", "keep_logs"]

QUICK = {
    "HEADWAY_ROLLOUT__SOAK_S": "0.2",
    "HEADWAY_ROLLOUT__BATCH_SIZE": "2",
    "HEADWAY_SETTLE__INTERVAL_S": "0.3",
    "HEADWAY_SETTLE__BUDGET_S": "12",
    "HEADWAY_CI__INTERVAL_S": "0.1",
    "HEADWAY_CI__WAIT_S": "10",
    "HEADWAY_LEASE__LEASE_S": "3",
    "HEADWAY_LEASE__SEND_MARGIN_S": "2",
    "HEADWAY_LEASE__REDEPLOY_BOUND_S": "7",
    "HEADWAY_LEASE__POINTER_BOUND_S": "6",
    "HEADWAY_FLEET__TIMEOUT_S": "5",
}
"""Short waits, and bounds just above the margin to send within, for whoever has to wait one out."""

OPEN: list["ComposeWorld"] = []
"""The worlds that are up, whose logs are kept when a test fails."""

_PORT = 8080
_READY_S = 180.0
_ANSWER_S = 5.0
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeWorld(SimulatedWorld):
    """A simulation whose services and tenants are containers, and so are its jobs."""

    project: str
    compose: DockerCompose
    slugs: tuple[str, ...]
    folder: Path
    pace: Mapping[str, str] = field(default_factory=lambda: QUICK)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1), repr=False)

    def container(self, service: str, number: int = 1) -> str:
        """The name of a service's container; a tenant's number counts from one."""
        return f"{self.project}-{service}-{number}"

    def tenant(self, slug: str) -> str:
        """The name of a tenant's container."""
        return self.container("tenant", self.slugs.index(slug) + 1)

    def start(self, verb: str, *words: str, actor: str = "newer", **variables: str) -> JobContainer:
        """Starts a verb as that actor's job, in a container of its own."""
        service = "job-older" if actor == "older" else "job-newer"
        return self.start_service(service, verb, *words, actor=actor, **variables)

    def start_service(
        self, service: str, *words: str, actor: str, **variables: str
    ) -> JobContainer:
        """Starts a run-once service for an actor; without words it runs its own command."""
        settings = {**self.pace, "SIM_ACTOR": actor, **variables}
        name = f"{self.project}-{actor}-{next(self._numbers)}"
        return start_job(self.compose, service, "job", *words, name=name, variables=settings)

    def run(self, verb: str, *words: str, actor: str = "newer", **variables: str) -> Ended:
        """Runs a verb to its end."""
        return self.start(verb, *words, actor=actor, **variables).finish()

    def deploy(self, commit: str, **variables: str) -> Ended:
        """Runs a deploy to its end."""
        return self.run("deploy", "--commit", commit, **variables)

    def record(self) -> Record:
        """The ledger's record."""
        record: Record = from_plain(Record, self.state()["ledger"])
        return record

    def backward(self) -> tuple[str, ...]:
        """Every move of a tenant or pointer to an older release."""
        state = self.state()
        # The forge lists commits in the order of their adding.
        releases = list(state["forge"]["commits"])
        return find_backward(Course(happenings=self.happenings(), state=state, releases=releases))

    def calm(self) -> None:
        """Brings every container back, ends all faults and heals every tenant."""
        for name in self._stopped():
            docker("start", name)
        for name in self._listed("status=paused"):
            docker("unpause", name)
        until(self.is_whole, f"{self.project} is whole again")
        self.running.move("faults", {"clear": True})
        self.running.move("options", {"fence": "landing", "landing_s": 0.05, "answer_s": 0.05})
        for slug in self.slugs:
            self.set_tenant(slug, health="healthy", lag={"low_s": 0.0, "high_s": 0.0})

    def _stopped(self) -> list[str]:
        """The services' containers that do not run; jobs end by themselves."""
        names = self._listed("status=exited")
        return [name for name in names if not name.startswith(self._jobs())]

    def _jobs(self) -> tuple[str, ...]:
        return tuple(f"{self.project}-{actor}-" for actor in ("older", "newer", "operator"))

    def _listed(self, state: str) -> list[str]:
        label = f"label=com.docker.compose.project={self.project}"
        words = ("--filter", label, "--filter", state, "--format", "{{.Names}}")
        return docker("ps", "--all", *words).split()

    def is_whole(self) -> bool:
        """Whether every service and every tenant can be reached now."""
        state = self.state()
        tenants = state["tenants"].values()
        is_complete = len(tenants) == len(self.slugs) and not state["unreached"]
        return is_complete and all(one["is_reached"] for one in tenants)

    def is_ready(self) -> bool:
        """Whether every service and every tenant has come up."""
        parts = urlsplit(self.running.state.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_ANSWER_S)
        try:
            connection.request("GET", "/sim/ready")
            return connection.getresponse().status == _OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


_FOLDER = CHECKOUT / "compose"
_FILE = "compose.yaml"


@contextmanager
def compose_world(
    name: str,
    folder: Path,
    *,
    tenants: int = 3,
    files: tuple[str, ...] = (),
    pace: Mapping[str, str] = QUICK,
    **variables: str,
) -> Iterator[ComposeWorld]:
    """Brings a world up and takes it away in any case; logs are kept in `folder` on failure.

    files: beside compose.yaml. pace: settings of every job. variables: of compose.yaml.
    Declares the first use.
    """
    project = project_name(name)
    sweeper = ComposeProject(name=project)
    note(project)
    secret = secrets.token_hex(20)
    given = {"COMPOSE_PROJECT_NAME": project, "SIM_IMAGE": image(), "SIM_SECRET": secret}
    given |= {"TENANTS": str(tenants), **variables}
    path = folder / f"{project}.env"
    path.write_text("".join(f"{key}={text}\n" for key, text in given.items()))
    compose = DockerCompose(
        _FOLDER, compose_file_name=[_FILE, *files], env_file=str(path), wait=False
    )
    try:
        compose.start()
        slugs = _slugs_of(tenants, given)
        running = Running(_FOLDER, _state_of(compose, slugs, given))
        world = ComposeWorld(
            running=running,
            project=project,
            compose=compose,
            slugs=slugs,
            folder=folder,
            pace=pace,
        )
        OPEN.append(world)
        # Asking the engine is dear, and it is busy with starting containers.
        until(lambda: world.is_ready() or sweeper.ended(), project, _READY_S, pause_s=0.5)
        assert world.is_ready(), sweeper.ended()
        done = world.run("ledger-init", actor="operator")
        assert done.code == 0, done.out + done.err
        yield world
    except BaseException as error:
        error.add_note(f"logs of {project}: {keep_logs(project, folder / 'logs')}")
        raise
    finally:
        OPEN[:] = [one for one in OPEN if one.project != project]
        sweeper.down()
        path.unlink()


def keep_logs(project: str, folder: Path) -> Path:
    """Writes what each container of a project has printed into a file; returns their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = docker(
        *("ps", "--all", "--filter", f"label=com.docker.compose.project={project}"),
        *("--format", "{{.Names}}"),
    )
    for name in listed.split():
        with (folder / f"{name}.log").open("wb") as log:
            subprocess.run(
                ["docker", "logs", "--timestamps", name], stdout=log, stderr=log, check=False
            )
    return folder


def _slugs_of(tenants: int, given: Mapping[str, str]) -> tuple[str, ...]:
    scenario = load(given["SIM_SCENARIO"]) if "SIM_SCENARIO" in given else None
    return tuple(slug_of(number, scenario) for number in range(1, tenants + 1))


def _state_of(
    compose: DockerCompose, slugs: tuple[str, ...], given: Mapping[str, str]
) -> ServedState:
    host, port = compose.get_service_host_and_port("conductor", _PORT)
    layout = load(given["SIM_SCENARIO"]).layout() if "SIM_SCENARIO" in given else Layout()
    return project_state(
        given["COMPOSE_PROJECT_NAME"],
        given["SIM_SECRET"],
        url=f"http://{host}:{port}",
        layout=layout,
        tenants=slugs,
    )
