"""Reads the credentials of one registry out of docker's own configuration file.

Precedence is docker's: a helper for this registry, the default store, then the file's own entries.
This module must not write the file, choose its path, or let a secret into an error message.
"""

import base64
import binascii
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from release.adapters.registry_auth import Credentials
from release.core.values import Secret
from release.errors import Invalid, Unavailable

__all__ = ["read_credentials"]

_HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_HUB_KEY = "https://index.docker.io/v1/"
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_STORED = "credentials not found in native keychain"
_IDENTITY_USER = "<token>"


def read_credentials(
    path: Path, registry: str, *, helper_timeout_s: float = 10.0
) -> Credentials | None:
    """Finds what docker would log in to the registry with; None when it knows nothing.

    registry: a host, with its port if it has one, or a URL. docker.io is looked up under the name
    that docker gives it. Runs a credential helper where the file names one, at most
    `helper_timeout_s` long. Raises Invalid when the file is malformed or its helper is not
    installed, Unavailable when the helper fails.
    """
    config = _load(path)
    host = _host_of(registry)
    server = _HUB_KEY if host in _HUB_HOSTS else host
    helper = _entry_for(host, _mapping(config, "credHelpers", path)) or config.get("credsStore")
    if helper:
        stored = _ask_helper(helper, server, path=path, timeout_s=helper_timeout_s)
        if stored is not None:
            return stored
    entry = _entry_for(host, _mapping(config, "auths", path))
    return _from_entry(entry, server, path) if isinstance(entry, dict) else None


def _load(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        # The cause is named by its type alone: a JSON error carries the whole document along.
        raise _malformed(path, f"{type(exc).__name__} while reading it") from None
    if not isinstance(config, dict):
        raise _malformed(path, "no JSON object")
    return config


def _mapping(config: Mapping[str, Any], key: str, path: Path) -> dict[str, Any]:
    value = config.get(key) or {}
    if not isinstance(value, dict):
        raise _malformed(path, f"{key} is no object")
    return value


def _malformed(path: Path, seen: str) -> Invalid:
    return Invalid(
        "docker's configuration can't be used", on=str(path), seen=seen, advice="Mend the file"
    )


def _host_of(name: str) -> str:
    """The host and port of a name, which docker writes with or without scheme and path."""
    return name.rpartition("://")[2].partition("/")[0].lower()


def _entry_for(host: str, entries: Mapping[str, object]) -> object:
    hosts = _HUB_HOSTS if host in _HUB_HOSTS else {host}
    names = [name for name in entries if _host_of(name) in hosts]
    names.sort(key=lambda name: (name not in {host, _HUB_KEY}, name))
    return next((entries[name] for name in names if entries[name]), None)


def _from_entry(entry: Mapping[str, Any], server: str, path: Path) -> Credentials | None:
    """Reads one of `auths`; docker also accepts the name and password in plain fields."""
    username, password = entry.get("username", ""), entry.get("password", "")
    if packed := entry.get("auth"):
        try:
            pair = base64.b64decode(packed, validate=True).decode()
        except (binascii.Error, ValueError, TypeError):
            raise _malformed(path, f"auth of {server} is not base64") from None
        username, _, password = pair.partition(":")
    return _credentials(username, str(password).rstrip("\0"), entry.get("identitytoken"))


def _credentials(username: str, password: str, identity: str | None = None) -> Credentials | None:
    if username == _IDENTITY_USER:
        password, identity = "", identity or password
    if not password and not identity:
        return None
    return Credentials(
        username=str(username),
        password=Secret(password) if password else None,
        identity_token=Secret(str(identity)) if identity else None,
    )


def _ask_helper(helper: object, server: str, *, path: Path, timeout_s: float) -> Credentials | None:
    """Runs `docker-credential-X get`; None when it says that it stores nothing for the server.

    Nothing that a helper prints goes into an error, as it may be the secret.
    """
    if not isinstance(helper, str) or not _HELPER.fullmatch(helper):
        raise _malformed(path, "the name of a credential helper is not a plain word")
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(  # noqa: S603 - the user's own configuration names the program
            [program, "get"],
            input=server.encode(),
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _helper_failed(program, server, f"no answer within {timeout_s} s") from None
    except OSError as exc:
        raise Invalid(
            "the credential helper that docker's configuration names can't be run",
            on=program,
            seen=type(exc).__name__,
            advice=f"Install it, or mend {path}",
        ) from exc
    if done.returncode != 0:
        if _NOT_STORED in done.stdout.decode(errors="replace"):
            return None
        raise _helper_failed(program, server, f"exit {done.returncode}")
    try:
        said = json.loads(done.stdout)
        return _credentials(str(said["Username"]), str(said["Secret"]))
    except (ValueError, KeyError, TypeError):
        raise _helper_failed(program, server, "an answer that is not Username and Secret") from None


def _helper_failed(program: str, server: str, seen: str) -> Unavailable:
    return Unavailable(
        "the credential helper failed",
        on=program,
        seen=seen,
        safe="nothing was sent to the registry",
        advice=f"Run it by hand: echo {server} | {program} get",
    )
