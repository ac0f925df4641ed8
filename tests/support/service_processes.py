"""The simulator's services as processes on loopback, as they run in containers elsewhere.

This module must not judge what they do.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.containers.caller import ask_json
from simulator.containers.settings import tokens_of
from simulator.process import Running
from simulator.served import ServedState, edge_of, git_of
from tests.support.shell import Said

__all__ = ["SECRET", "ServiceProcesses", "service_processes"]

SECRET = "made up for a test"
"""What every token of these services is made of."""

_ACTORS = ("older", "newer", "operator")
_START_S = 20.0
_PACKAGE = ServedState.__module__.rpartition(".")[0]
_ROOT = Path(sys.modules[_PACKAGE].__path__[0]).parents[_PACKAGE.count(".")]
_SINGLE = ("registry", "control-plane", "forge", "edge", "conductor")


@dataclass(slots=True, kw_only=True)
class ServiceProcesses:
    """All services of one simulation. ports: by service, then by actor, `""` for everybody's."""

    folder: Path
    slugs: Sequence[str]
    variables: Mapping[str, str]
    ports: dict[str, dict[str, int]] = field(default_factory=dict)
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def url(self, name: str, actor: str = "") -> str:
        """The address of a service, for everybody or for one actor."""
        return f"http://127.0.0.1:{self.ports[name][actor]}"

    @property
    def running(self) -> Running:
        """The simulation as its verbs see it: the levers of the conductor."""
        tokens, url = tokens_of(SECRET), self.url("conductor")
        state = ServedState(
            pid=0,
            url=url,
            edge=edge_of(url),
            git=git_of(url, "acme/app"),
            environment="production",
            branch="main",
            forge_repository="acme/app",
            repositories=("acme/app",),
            tenants=tuple(self.slugs),
            actors=(),
            forge_token=tokens.forge,
            forge_owner_token=tokens.forge_owner,
            control_plane_token=tokens.control_plane,
            registry_user=tokens.registry_user,
            registry_password=tokens.registry_password,
            control_token=tokens.control,
        )
        return Running(self.folder, state)

    def start(self, name: str) -> None:
        """Starts a service by its name, a tenant by its slug."""
        own = {"SIM_LISTEN": _listen(self.ports[name]), "SIM_FOLDER": str(self.folder / name)}
        program = name
        if name in self.slugs:
            program, number = "tenant", list(self.slugs).index(name) + 1
            own |= {"SIM_SLUG": name, "SIM_ADDRESS": f"{self.url(name)}#tenant-{number}"}
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", f"{_PACKAGE}.containers", program],
            env=self._environment(own),
            stdout=subprocess.PIPE,
        )

    def forget(self, name: str) -> None:
        """Throws away what a service has kept, as a new one would not have it."""
        shutil.rmtree(self.folder / name)

    def post(
        self, name: str, path: str, body: Mapping[str, object], *, token: str = ""
    ) -> Mapping[str, Any]:
        """Moves one service by itself, below `/sim/`; raises Invalid when it refuses."""
        url = f"{self.url(name, 'world')}/sim/{path}"
        used = token or tokens_of(SECRET).control
        answered: Mapping[str, Any] = asyncio.run(ask_json("POST", url, body, token=used))
        return answered

    def run_job(self, actor: str, *words: str, **variables: str) -> Said:
        """Runs a job as that actor, and waits for its end; the words are those of another verb."""
        own = {
            "SIM_ACTOR": actor,
            "SIM_LISTEN": _listen(self.ports["forge"]),
            "SIM_FOLDER": str(self.folder / f"job-{actor}"),
        }
        done = subprocess.run(
            [sys.executable, "-m", f"{_PACKAGE}.containers", "job", *words],
            env=self._environment({**own, **variables}),
            capture_output=True,
            text=True,
            check=False,
        )
        return Said(code=done.returncode, out=done.stdout, err=done.stderr)

    def journal(self, actor: str) -> str:
        """What an actor's jobs have told their journal."""
        path = self.folder / f"job-{actor}" / "job" / "journal.jsonl"
        return path.read_text("utf-8") if path.exists() else ""

    def _environment(self, own: Mapping[str, str]) -> Mapping[str, str]:
        urls = {f"SIM_{one.upper().replace('-', '_')}_URL": self._urls(one) for one in _SINGLE}
        kept = {
            key: text
            for key, text in os.environ.items()
            if not key.startswith(("SIM_", "HEADWAY_"))
        }
        return {
            **kept,
            "PYTHONPATH": str(_ROOT),
            "SIM_SECRET": SECRET,
            "SIM_TENANTS": str(len(self.slugs)),
            **urls,
            **own,
            **self.variables,
        }

    def _urls(self, name: str) -> str:
        return " ".join(f"{actor}={self.url(name, actor)}" for actor in self.ports[name])

    def wait(self, name: str) -> Mapping[str, Any]:
        """Waits until a service is ready; returns what it says of itself."""
        output = self.processes[name].stdout
        assert output is not None, "it was started with a pipe"
        line = output.readline()
        assert line, f"{name} did not come up"
        said: Mapping[str, Any] = json.loads(line)
        return said

    def stop(self, name: str, *, is_kill: bool = False) -> None:
        """Ends a service, or kills it."""
        process = self.processes.pop(name)
        process.kill() if is_kill else process.terminate()
        process.wait(_START_S)
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def service_processes(
    folder: Path, slugs: Sequence[str], actors: Sequence[str] = _ACTORS, **variables: str
) -> Iterator[ServiceProcesses]:
    """Starts all services and waits until the whole simulation is ready."""
    them = ServiceProcesses(folder=folder, slugs=slugs, variables=variables)
    with ExitStack() as sockets:
        for name in (*_SINGLE, *slugs):
            them.ports[name] = {actor: _free_port(sockets) for actor in ("", "world", *actors)}
    try:
        for name in (*_SINGLE, *slugs):
            them.start(name)
        them.wait("conductor")
        yield them
    finally:
        for name in tuple(them.processes):
            them.stop(name)


def _free_port(sockets: ExitStack) -> int:
    one = sockets.enter_context(closing(socket.socket()))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("127.0.0.1", 0))
    return int(one.getsockname()[1])


def _listen(ports: Mapping[str, int]) -> str:
    return " ".join(f"{actor}={port}" if actor else str(port) for actor, port in ports.items())
