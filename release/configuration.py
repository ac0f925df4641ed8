"""Makes the configuration of a job: the file, over it HEADWAY_* variables, over both the flags.

This module must not read a file, the process environment or a token: all text comes in, and tokens
stay references. What is wrong is Invalid, with the file, the path of the key, seen and expected.
"""

import tomllib
from collections.abc import Mapping
from typing import Any

from release.ci_environment import CiKind, CiRun
from release.core.printable import printable
from release.errors import Invalid
from release.fleet_settings import FleetKind
from release.overrides import Override, check_keys, read_flags, read_variables
from release.settings import Config, ForgeKind, Tables
from release.validation import validate

__all__ = ["load_config"]

_ENVIRONMENT_DEFAULT = Tables.__dataclass_fields__["environment"].default
_PLACES = frozenset({"token", "password", "switch"})
"""Tables that name one place: another place replaces the whole table, it is not laid over it."""
_KINDS = frozenset({"fleet"})
"""Tables whose `kind` says which keys they may have: another kind replaces the whole table."""
_EXCLUDED_BY = {"env": ("file",), "file": ("env", "variable"), "variable": ("file", "ref")}


def load_config(  # noqa: PLR0913 - one for each place that a setting comes from
    text: str,
    *,
    source: str,
    environment_variables: Mapping[str, str],
    flags: Mapping[str, str],
    env: str | None,
    ci: CiRun | None,
) -> Config:
    """Builds the configuration of one environment; raises Invalid for the first thing wrong.

    source: the name of the file, for messages.
    flags: dotted path -> text, such as `settle.budget_s`.
    env: the environment asked for by flag, over HEADWAY_ENV, over the file's own `environment`.
    ci: fills in what of the forge is not set: url, repository, branch, own context.
    """
    plain = _choose_environment(
        _parse(text, source), env or environment_variables.get("HEADWAY_ENV"), source
    )
    named = frozenset(_token_variables(plain))
    overrides = (*read_variables(environment_variables, named), *read_flags(flags))
    for override in overrides:
        _put(plain, override)
    dotenv = environment_variables.get("HEADWAY_DOTENV")
    if dotenv:
        _fill(plain, "ci", "dotenv", dotenv)
    _fill_from_ci(plain, ci)
    _fill_ledger(plain)
    origins = {override.path: override.origin for override in overrides}
    return validate(plain, source=source, origins=origins)


def _parse(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise Invalid("is not TOML", on=source, seen=printable(str(exc))) from exc


def _choose_environment(plain: dict[str, Any], asked: str | None, source: str) -> dict[str, Any]:
    """Lays the tables of [environments.<name>] over the file's own; names the environment."""
    overlays = plain.pop("environments", {})
    if not isinstance(overlays, dict) or not all(isinstance(t, dict) for t in overlays.values()):
        raise Invalid("must hold a table for each environment", on=f"{source}: environments")
    check_keys(plain, source)
    for name, overlay in overlays.items():
        if "environment" in overlay:
            raise Invalid(
                "an environment is named by its table alone",
                on=f"{source}: environments.{name}.environment",
            )
        check_keys(overlay, source, under=("environments", name))
    own = plain.get("environment", _ENVIRONMENT_DEFAULT)
    chosen = asked or own
    if chosen != own and chosen not in overlays:
        raise Invalid(
            "no such environment",
            on=source,
            seen=repr(printable(str(chosen), 80)),
            expected=" or ".join(sorted({str(own), *overlays})),
            safe="nothing was touched",
        )
    merged = _merge(plain, overlays.get(chosen, {}))
    return {**merged, "environment": chosen}


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are laid over tables; any other value replaces what was there."""
    merged = dict(base)
    for key, value in over.items():
        known = merged.get(key)
        is_laid_over = key not in _PLACES and not (key in _KINDS and _is_another_kind(known, value))
        if is_laid_over and isinstance(known, dict) and isinstance(value, dict):
            merged[key] = _merge(known, value)
        else:
            merged[key] = value
    return merged


def _is_another_kind(known: object, over: object) -> bool:
    if not isinstance(known, dict) or not isinstance(over, dict):
        return False
    kind = known.get("kind", FleetKind.CONTROL_PLANE)
    return bool(over.get("kind", kind) != kind)


def _token_variables(plain: Mapping[str, Any]) -> list[str]:
    tables = (table for table in plain.values() if isinstance(table, dict))
    values = (value for table in tables for value in table.values() if isinstance(value, dict))
    return [value["env"] for value in values if isinstance(value.get("env"), str)]


def _put(plain: dict[str, Any], override: Override) -> None:
    table = plain
    *tables, key = override.path
    for name in tables:
        # What is no table stays for the validation to refuse.
        inner = table.get(name)
        table[name] = dict(inner) if isinstance(inner, dict) else {}
        table = table[name]
    if tables[-1] in _PLACES:
        for excluded in _EXCLUDED_BY.get(key, ()):
            table.pop(excluded, None)
    table[key] = override.value


def _fill(plain: dict[str, Any], table: str, key: str, value: object) -> None:
    """Sets what is not set yet."""
    inner = plain.setdefault(table, {})
    if value is not None and isinstance(inner, dict):
        inner.setdefault(key, value)


def _fill_from_ci(plain: dict[str, Any], ci: CiRun | None) -> None:
    kind = _get(plain, "forge", "kind") or ForgeKind.GITEA
    if ci is None or (kind == ForgeKind.GITEA and ci.kind is not CiKind.GITEA):
        return
    url = ci.server_url if kind == ForgeKind.GITEA else ci.clone_url
    for key, value in (
        ("url", url),
        ("repository", ci.repository),
        ("branch", ci.branch),
        ("own_context", ci.own_context),
    ):
        _fill(plain, "forge", key, value)


def _fill_ledger(plain: dict[str, Any]) -> None:
    url = _get(plain, "forge", "url")
    repository = _get(plain, "forge", "repository")
    if _get(plain, "forge", "kind") == ForgeKind.GIT:
        _fill(plain, "ledger", "url", url)
    elif url and repository:
        _fill(plain, "ledger", "url", f"{str(url).rstrip('/')}/{repository}.git")
    _fill(plain, "ledger", "ref", f"refs/headway/{plain['environment']}")


def _get(plain: Mapping[str, Any], table: str, key: str) -> object:
    inner = plain.get(table)
    return inner.get(key) if isinstance(inner, dict) else None
