"""Deploy jobs in containers of their own: started, killed, waited for, and what they said.

This module must not know the world that they act on.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from testcontainers.compose import DockerCompose

from tests.support.engine import docker
from tests.support.shell import Said

__all__ = ["Ended", "JobContainer", "start_job"]

_JOB_MAX_S = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Said):
    """How a job ended: what it printed is one JSON document, or nothing when it was killed."""

    @property
    def word(self) -> str:
        """The outcome; empty without one."""
        return str(self.document["outcome"]) if self.out.strip() else ""

    @property
    def reason(self) -> str:
        """Why it ended so."""
        return str(self.document["reason"])


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContainer:
    """One job that was started. A test need not end it: it goes with its project."""

    name: str

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return docker("inspect", "--format", "{{.State.Running}}", self.name) == "true"

    def kill(self, signal: str = "KILL") -> None:
        """Sends a signal to the job's process, which is the container's first."""
        docker("kill", "--signal", signal, self.name)

    def finish(self) -> Ended:
        """Waits for its end; fails the test when it does not come."""
        try:
            code = docker("wait", self.name, within_s=_JOB_MAX_S)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{self.name} has not ended: {self._said(0).err}") from error
        return self._said(int(code))

    def _said(self, code: int) -> Ended:
        done = subprocess.run(
            ["docker", "logs", self.name], capture_output=True, check=True, text=True
        )
        return Ended(code=code, out=done.stdout, err=done.stderr)


def start_job(
    compose: DockerCompose, service: str, *words: str, name: str, variables: Mapping[str, str]
) -> JobContainer:
    """Runs one of the run-once services, with words in the place of its own command."""
    settings = [word for key, text in variables.items() for word in ("--env", f"{key}={text}")]
    command = [
        *compose.docker_compose_command(),
        "--progress",
        "quiet",
        "--profile",
        "jobs",
        "run",
        "--detach",
    ]
    command += ["--no-deps", "--name", name, *settings, service, *words]
    done = subprocess.run(command, capture_output=True, check=False, text=True, cwd=compose.context)
    assert done.returncode == 0, f"{name} was not started: {done.stderr}"
    return JobContainer(name=name)
