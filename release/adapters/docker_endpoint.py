"""Finds out where a Docker engine is reached, from a context's name, a URL, or what docker is told.

This module must not connect, nor read a variable that it is not handed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from release.errors import Invalid

__all__ = ["DEFAULT", "Endpoint", "TlsFiles", "find_endpoint"]

DEFAULT = "default"
"""What docker calls the engine that nobody named: DOCKER_HOST, or the socket of this machine."""

_SOCKET = "unix:///var/run/docker.sock"
_USERINFO = re.compile(r"//[^/@\s]*:[^/@\s]*@")
_SCHEMES = ("unix://", "tcp://", "ssh://")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """The files that prove who speaks: to the engine by `cert` and `key`, to us by `ca`.

    ca: None trusts the authorities of this machine.
    """

    ca: Path | None
    cert: Path
    key: Path

    @classmethod
    def within(cls, folder: Path) -> "TlsFiles":
        """The files as docker names them in a folder."""
        return cls(ca=folder / "ca.pem", cert=folder / "cert.pem", key=folder / "key.pem")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One engine: how people call it, where it listens, and the files for TLS, where it has any.

    is_verified: whether the engine, too, has to prove who it is.
    """

    name: str
    url: str
    tls: TlsFiles | None = None
    is_verified: bool = True


def find_endpoint(
    name: str, variables: Mapping[str, str], *, docker_folder: Path, tls: TlsFiles | None = None
) -> Endpoint:
    """Finds an engine as docker's own client would.

    name: unix://, tcp:// or ssh://, or the name of a context; `default` is what DOCKER_HOST or
        else DOCKER_CONTEXT says, or the context that docker was told to use.
    docker_folder: where docker keeps its configuration and its contexts.
    tls: for tcp://; without it, the folder that DOCKER_CERT_PATH names.

    Raises Invalid for a context that is not there, and for a TCP address of another machine
    without TLS: whoever is on its way could move production.
    """
    if name.startswith(_SCHEMES):
        return _checked(_from_url(name, name, variables, tls))
    if name != DEFAULT:
        return _checked(_from_context(name, docker_folder))
    if host := variables.get("DOCKER_HOST"):
        return _checked(_from_url(DEFAULT, host, variables, tls))
    context = variables.get("DOCKER_CONTEXT") or _current(docker_folder)
    if context and context != DEFAULT:
        return _checked(_from_context(context, docker_folder))
    return Endpoint(name=DEFAULT, url=_SOCKET)


def _from_url(name: str, url: str, variables: Mapping[str, str], tls: TlsFiles | None) -> Endpoint:
    if not url.startswith("tcp://"):
        return Endpoint(name=name, url=url)
    folder = variables.get("DOCKER_CERT_PATH")
    return Endpoint(
        name=name, url=url, tls=tls or (TlsFiles.within(Path(folder)) if folder else None)
    )


def _current(docker_folder: Path) -> str:
    path = docker_folder / "config.json"
    try:
        said = json.loads(path.read_text("utf-8"))
        return str(said.get("currentContext") or "")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, AttributeError) as exc:
        raise _unusable("docker's configuration", path, exc) from None


def _from_context(name: str, docker_folder: Path) -> Endpoint:
    """Reads a context where docker keeps it: in folders named for the hash of its name."""
    key = sha256(name.encode()).hexdigest()
    path = docker_folder / "contexts" / "meta" / key / "meta.json"
    try:
        said = json.loads(path.read_text("utf-8"))["Endpoints"]["docker"]
        url, is_verified = str(said["Host"]), not said.get("SkipTLSVerify", False)
    except FileNotFoundError:
        raise Invalid(
            "is no docker context of this machine",
            on=f"engine {name!r}",
            expected="a context, or unix://, tcp:// or ssh:// and a host",
            safe="nothing was touched",
            advice="See docker context ls",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise _unusable(f"the context {name}", path, exc) from None
    folder = docker_folder / "contexts" / "tls" / key / "docker"
    has_tls = url.startswith("tcp://") and folder.is_dir()
    tls = TlsFiles.within(folder) if has_tls else None
    return Endpoint(name=name, url=url, tls=tls, is_verified=is_verified)


def _checked(endpoint: Endpoint) -> Endpoint:
    if not endpoint.url.startswith(_SCHEMES):
        raise _unfit(endpoint, "has an address that is not understood", ", ".join(_SCHEMES))
    files = (endpoint.tls.ca, endpoint.tls.cert, endpoint.tls.key) if endpoint.tls else ()
    for file in files:
        if file is not None and not file.is_file():
            raise _unfit(endpoint, "lacks a file to speak TLS with", str(file))
    if endpoint.url.startswith("tcp://") and not files and not _is_local(endpoint.url):
        raise _unfit(endpoint, "would be spoken to without TLS", "certificate files, or ssh://")
    return endpoint


def _is_local(url: str) -> bool:
    host = url.partition("://")[2].rpartition(":")[0].strip("[]")
    return host in {"localhost", "::1"} or host.startswith("127.")


def _unfit(endpoint: Endpoint, failed: str, expected: str) -> Invalid:
    return Invalid(
        failed,
        on=f"engine {endpoint.name!r}",
        seen=_USERINFO.sub("//(hidden)@", endpoint.url)[:160],
        expected=expected,
        safe="nothing was sent",
    )


def _unusable(what: str, path: Path, exc: Exception) -> Invalid:
    return Invalid(
        f"{what} can't be used",
        on=str(path),
        seen=f"{type(exc).__name__} while reading it",
        advice="Mend the file",
    )
