"""Drives `docker compose` for one simulation: build, up, which ports, down without a trace.

This module must not know what the services do; compose/compose.yaml says what there is.
"""

import contextlib
import hashlib
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from release.errors import Invalid, Unavailable

__all__ = ["ComposeProject", "project_of"]

_ROOT = Path(__file__).resolve().parents[1]
_FOLDER = _ROOT / "compose"
_SOURCES = ("distribution", "examples", "release", "simulator")
_FILES = (
    *("LICENSE", "README.md", "pyproject.toml", "tasks.py"),
    *("compose/Dockerfile", "compose/answers", "compose/registry.yaml"),
)
_IMAGE = "headway-simulator"
_ENTRANCE = "conductor"
_PORT = 8080
_QUICK_S = 30.0
_LONG_S = 900.0
_REMOVE_TURNS = 8
_REMOVE_PAUSE_S = 0.25
_LABEL = "com.docker.compose.project"
_SHOWN = 1500
_DIGITS = 12


def project_of(folder: Path) -> str:
    """The name of the project whose state lies in a folder; another folder has another one."""
    return f"headway-{hashlib.sha256(str(folder).encode()).hexdigest()[:_DIGITS]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeProject:
    """One project. variables: what compose.yaml asks for; may hold the simulation's secret."""

    name: str
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def check(self) -> None:
        """Raises Unavailable when no engine answers, and Invalid where compose is missing."""
        if not (_FOLDER / "compose.yaml").is_file():
            raise Invalid(
                "is not here",
                on="compose/compose.yaml",
                advice="Containers are built from a checkout; run this in one",
            )
        try:
            self._run("docker", "version", "--format", "{{.Server.Version}}")
        except Unavailable as exc:
            raise Unavailable(
                "no Docker engine answers",
                on="docker",
                seen=exc.seen,
                safe="nothing was started",
                advice="Start one, or leave out --docker",
            ) from exc
        try:
            self._run("docker", "compose", "version")
        except Unavailable as exc:
            raise Invalid(
                "is missing",
                on="docker compose",
                expected="version 2, a plugin of docker",
                safe="nothing was started",
                advice="Install docker-compose-plugin, or leave out --docker",
            ) from exc

    def build(self) -> str:
        """Builds the image of this checkout unless it is there; returns its name."""
        image = f"{_IMAGE}:{_digest_of_sources()}"
        found = self._run("docker", "image", "ls", "--quiet", image)
        if not found.strip():
            try:
                self._compose("build", "--quiet", _ENTRANCE, image=image)
            except Unavailable as exc:
                raise Unavailable(
                    "could not be built",
                    on=f"image {image}",
                    seen=exc.seen,
                    advice="Where a build reaches no registry, compose/make_base comes first",
                ) from exc
            self._forget_former(image)
        return image

    def up(self, image: str) -> None:
        """Starts every service; raises Unavailable when the engine can't."""
        self._compose("up", "--detach", "--no-build", "--quiet-pull", image=image)

    def url(self) -> str:
        """The address on this machine by which all of it is reached."""
        return f"http://{self._compose('port', _ENTRANCE, str(_PORT)).strip()}"

    def ended(self) -> str:
        """The last words of a container that has ended; empty while all run."""
        names = self._run(
            *("docker", "ps", "--all", "--quiet", "--filter", f"label={_LABEL}={self.name}"),
            *("--filter", "status=exited", "--filter", "status=dead"),
        ).split()
        if not names:
            return ""
        # Last words are said on stderr, and so does docker repeat them.
        done = _call(["docker", "logs", "--tail", "5", names[0]], os.environ, _QUICK_S)
        return (done.stdout + done.stderr).strip()[-_SHOWN:] or "nothing in its log"

    def down(self) -> None:
        """Removes every container, network and volume of the project; safe to repeat.

        Raises Unavailable when the engine does not do it.
        """
        mine = ("--filter", f"label={_LABEL}={self.name}", "--quiet")
        # The engine is asked, not compose: one that was interrupted, or a job that was started by
        # hand, leaves what compose does not know of. Anonymous volumes go with their containers.
        self._remove(("ps", "--all", *mine), "rm", "--force", "--volumes")
        self._remove(("network", "ls", *mine), "network", "rm")
        self._remove(("volume", "ls", *mine), "volume", "rm")

    def _remove(self, listing: Sequence[str], *words: str) -> None:
        """Removes what is listed until nothing is: the engine lets go of some things late."""
        for turn in range(_REMOVE_TURNS):
            found = self._run("docker", *listing).split()
            if not found:
                return
            time.sleep(_REMOVE_PAUSE_S * turn)
            last = turn == _REMOVE_TURNS - 1
            for one in found:
                # One after the other: an engine that lets go of several endpoints at once may
                # miscount them, and then never removes their network again.
                with contextlib.suppress(*(() if last else (Unavailable,))):
                    self._run("docker", *words, one)

    def _forget_former(self, image: str) -> None:
        """Removes the images of what this checkout was before, where nobody uses them."""
        label = f"label=headway.project={self.name}"
        listed = self._run(
            *("docker", "image", "ls", "--filter", label, "--format", "{{.Repository}}:{{.Tag}}")
        )
        for name in listed.split():
            if name != image and not name.endswith("<none>"):
                _call(["docker", "image", "rm", name], os.environ, _QUICK_S)

    def _compose(self, *words: str, image: str = "") -> str:
        command = ["docker", "compose", "--ansi", "never", "--progress", "quiet"]
        command += ["--project-directory", str(_FOLDER), "--file", str(_FOLDER / "compose.yaml")]
        variables = {**self.variables, "SIM_IMAGE": image} if image else self.variables
        return self._run(*command, *words, variables=variables, timeout_s=_LONG_S)

    def _run(
        self,
        *command: str,
        variables: Mapping[str, str] | None = None,
        timeout_s: float = _QUICK_S,
    ) -> str:
        own = {"COMPOSE_PROJECT_NAME": self.name, **(variables or {})}
        done = _call(command, {**os.environ, **own}, timeout_s)
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip())[-_SHOWN:]
            raise Unavailable("failed", on=" ".join(command[:3]), seen=said)
        return done.stdout


def _call(
    command: Sequence[str], variables: Mapping[str, str], timeout_s: float
) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(  # noqa: S603 - our own words, and names that the engine gave
            command,
            env=dict(variables),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as exc:
        raise Unavailable("is not installed", on=command[0], seen="no such program") from exc
    except subprocess.TimeoutExpired as exc:
        seen = f"over {timeout_s:.0f} s"
        raise Unavailable("took too long", on=" ".join(command[:3]), seen=seen) from exc


def _digest_of_sources() -> str:
    """Names the image by what it is built of, so that it is built once for each state of it."""
    digest = hashlib.sha256(os.environ.get("SIM_BASE", "").encode())
    paths = [path for name in _SOURCES for path in (_ROOT / name).rglob("*") if path.is_file()]
    paths += [_ROOT / name for name in _FILES]
    for path in sorted(paths):
        relative = path.relative_to(_ROOT)
        if "__pycache__" not in relative.parts:
            digest.update(f"{relative}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:_DIGITS]
