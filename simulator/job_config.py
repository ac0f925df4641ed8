"""Writes the headway.toml, and the token files beside it, that point a deploy at a simulation.

This module must not start anything.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CONFIG_FILE", "Address", "Pace", "remove_config", "write_config"]

CONFIG_FILE = "headway.toml"
_TOKENS = "tokens"
_PRIVATE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where one job finds every face, and what it logs in with.

    url: of the forge. fleet, registry: of the control plane and the registry, where those are not
    the same. tokens: text by the name of its file: `forge`, `fleet`, `registry`. switch: the kill
    switch's variable; None configures no switch. plain_hosts: those beside loopback that are spoken
    to without TLS.
    """

    url: str
    edge: str
    git: str
    environment: str
    branch: str
    forge_repository: str
    repositories: Sequence[str]
    promoted_tag: str
    registry_user: str
    tokens: Mapping[str, str]
    switch: str | None = None
    fleet: str = ""
    registry: str = ""
    plain_hosts: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a job paces itself, in seconds: the protocol's defaults, scaled for a simulation."""

    canary: str
    batch_size: int = 3
    soak_s: float = 2.0
    settle_budget_s: float = 20.0
    settle_interval_s: float = 0.5
    lease_s: float = 6.0
    redeploy_bound_s: float = 20.0
    pointer_bound_s: float = 10.0
    ci_wait_s: float = 30.0
    ci_interval_s: float = 0.5
    fleet_timeout_s: float = 15.0


def write_config(folder: Path, address: Address, pace: Pace) -> Path:
    """Writes the file and its tokens, readable to their owner alone; returns the file's path."""
    tokens = folder / _TOKENS
    tokens.mkdir(parents=True, exist_ok=True)
    for name, text in address.tokens.items():
        _write_private(tokens / name, text)
    sections = (
        {"": {"environment": address.environment}},
        {"forge": _forge(address, tokens)},
        {"fleet": _fleet(address, tokens, pace)},
        {"edge": {"url": address.edge}},
        {"registry": _registry(address, tokens)},
        {"ledger": {"url": address.git}},
        {"rollout": _rollout(pace)},
        {"settle": {"budget_s": pace.settle_budget_s, "interval_s": pace.settle_interval_s}},
        {"ci": {"wait_s": pace.ci_wait_s, "interval_s": pace.ci_interval_s}},
        {"lease": _lease(pace)},
        {"journal": {"path": str(folder / "journal.jsonl")}},
        {"http": {"allow_insecure_hosts": list(address.plain_hosts)}},
    )
    path = folder / CONFIG_FILE
    _write_private(path, "\n".join(_section(section) for section in sections))
    return path


def remove_config(folder: Path) -> None:
    """Removes what `write_config` wrote, and the journal; safe to repeat."""
    shutil.rmtree(folder / _TOKENS, ignore_errors=True)
    for name in (CONFIG_FILE, "journal.jsonl"):
        (folder / name).unlink(missing_ok=True)


def _forge(address: Address, tokens: Path) -> dict[str, object]:
    forge = _with_token(address.url, tokens / "forge")
    forge |= {"repository": address.forge_repository, "branch": address.branch}
    return forge | ({"switch": {"variable": address.switch}} if address.switch else {})


def _fleet(address: Address, tokens: Path, pace: Pace) -> dict[str, object]:
    url = address.fleet or address.url
    return _with_token(url, tokens / "fleet", timeout_s=pace.fleet_timeout_s)


def _registry(address: Address, tokens: Path) -> dict[str, object]:
    return {
        "url": address.registry or address.url,
        "repositories": list(address.repositories),
        "promoted_tag": address.promoted_tag,
        "username": address.registry_user,
        "password": {"file": str(tokens / "registry")},
    }


def _rollout(pace: Pace) -> dict[str, object]:
    return {"canary": [pace.canary], "batch_size": pace.batch_size, "soak_s": pace.soak_s}


def _lease(pace: Pace) -> dict[str, object]:
    return {
        "lease_s": pace.lease_s,
        "redeploy_bound_s": pace.redeploy_bound_s,
        "pointer_bound_s": pace.pointer_bound_s,
    }


def _with_token(url: str, token: Path, **more: object) -> dict[str, object]:
    return {"url": url, "token": {"file": str(token)}, **more}


def _section(section: Mapping[str, Mapping[str, object]]) -> str:
    ((name, values),) = section.items()
    head = [f"[{name}]"] if name else []
    return "\n".join([*head, *(f"{key} = {_toml(value)}" for key, value in values.items())]) + "\n"


def _toml(value: object) -> str:
    """Text, numbers and lists are written in TOML as in JSON; a table is written inline."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
