"""Turns settings as plain values into a `Config`, or says what is wrong with one and where it is.

This module must not know where settings come from beyond the names that it is given for messages,
and must not show a value that might be a token.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from release.core.policy import Policy
from release.core.values import Tenant
from release.errors import Invalid
from release.fleet_validation import check_fleet, find_missing
from release.overrides import is_secret
from release.setting_errors import Places, move, name_misfit, name_missing, show
from release.settings import Config, ForgeKind, LedgerKind, Tables

__all__ = ["validate"]

_REF = re.compile(r"refs(?:/(?!\.)[A-Za-z0-9._-]+){2,}(?<!\.lock)(?<!\.)")
_PLACE_EXPECTED = 'exactly one of { env = "NAME" } and { file = "/path" }'
_FORGE_URL = ("forge", "url")
_FORGE_REPOSITORY = ("forge", "repository")
_LEDGER_URL = ("ledger", "url")
_POLICY_KEYS: Mapping[str, tuple[str, str]] = {
    "superseded_by": ("policy", "superseded_by"),
    "on_newer": ("policy", "on_newer"),
    "superseded_exit_code": ("policy", "superseded_exit_code"),
    "grace_s": ("policy", "grace_s"),
    "deadline_s": ("policy", "deadline_s"),
    "batch_size": ("rollout", "batch_size"),
    "soak_s": ("rollout", "soak_s"),
    "stragglers_max": ("rollout", "stragglers_max"),
    "settle_budget_s": ("settle", "budget_s"),
    "settle_interval_s": ("settle", "interval_s"),
    "confirmations": ("settle", "confirmations"),
    "repairs_max": ("settle", "repairs_max"),
    "ci_wait_s": ("ci", "wait_s"),
    "ci_interval_s": ("ci", "interval_s"),
    "lease_s": ("lease", "lease_s"),
    "send_margin_s": ("lease", "send_margin_s"),
    "redeploy_bound_s": ("lease", "redeploy_bound_s"),
    "pointer_bound_s": ("lease", "pointer_bound_s"),
    "claim_wait_s": ("lease", "claim_wait_s"),
    "retry_s": ("lease", "retry_s"),
    "swap_attempts_max": ("lease", "swap_attempts_max"),
    "claims_max": ("lease", "claims_max"),
}
_TABLES = tuple(one.name for one in fields(Tables))
_TABLES_NEEDED: Mapping[str, Mapping[str, object]] = {
    name: {} for name in ("forge", "fleet", "edge", "registry", "ledger")
}


def validate(
    plain: Mapping[str, Any], *, source: str, origins: Mapping[tuple[str, ...], str]
) -> Config:
    """Builds the configuration; raises Invalid naming the place, what was seen and expected.

    source: the name of the file.
    origins: the variable or flag that a value came from, where it is not the file.
    """
    places = Places(source=source, origins=origins)
    whole = json.dumps({**_TABLES_NEEDED, **plain}, default=str)
    needed = find_missing(plain)
    try:
        tables = TypeAdapter(Tables).validate_json(whole)
    except ValidationError as exc:
        raise _explain(exc.errors(include_url=False), needed, places) from exc
    except Invalid as exc:
        raise move(exc, f"{source}: {exc.on}") from exc
    if needed:
        raise name_missing(needed[0], places, also=needed[1:])
    _check_forge(tables, places)
    _check_ledger(tables, places)
    for path in (("fleet", "url"), ("edge", "url"), ("registry", "url")):
        _check_url(tables, path, places)
    check_fleet(tables, places)
    for window in tables.freeze:
        if window.start.tzinfo or window.end.tzinfo:
            raise name_misfit(
                places.of(("freeze",)), "a time with an offset", "local time, time_zone"
            )
    return _configure(tables, places)


def _explain(
    errors: list[ErrorDetails], needed: Sequence[tuple[str, ...]], places: Places
) -> Invalid:
    """Makes one error of the first that is wrong, or else of all keys that are missing."""
    absent = [_path(error) for error in errors if error["type"] == "missing"]
    absent += [path for path in needed if path not in absent]
    if _LEDGER_URL in absent:
        # It is made from the forge's, so the forge lacks something: that is what to name.
        absent.remove(_LEDGER_URL)
        absent += [] if _FORGE_URL in absent else [_FORGE_REPOSITORY]
    wrong = next((error for error in errors if error["type"] != "missing"), None)
    if wrong is None:
        first, *others = sorted(absent, key=lambda path: _TABLES.index(path[0]))
        return name_missing(first, places, also=others)
    path = _path(wrong)
    expected = wrong["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    if is_secret(path):
        return name_misfit(places.of(path), _kind(wrong["input"]), _PLACE_EXPECTED)
    seen = show(wrong["input"])
    return name_misfit(places.of(path), seen, expected.replace("an object", "a table"))


def _kind(value: object) -> str:
    """What a value is, for where the value itself might be a token."""
    return "a table" if isinstance(value, dict) else "text" if isinstance(value, str) else "a value"


def _path(error: ErrorDetails) -> tuple[str, ...]:
    return tuple(str(part) for part in error["loc"])


def _check_forge(tables: Tables, places: Places) -> None:
    forge = tables.forge
    is_web = urlsplit(forge.url).scheme in {"http", "https"}
    if forge.kind is ForgeKind.GITEA or is_web:
        _check_url(tables, _FORGE_URL, places)
    if forge.kind is ForgeKind.GITEA and forge.repository is None:
        raise name_missing(_FORGE_REPOSITORY, places)
    if forge.kind is ForgeKind.GIT and forge.required_contexts:
        place = places.of(("forge", "required_contexts"))
        raise name_misfit(place, "contexts", "none with kind git, which tells no CI statuses")
    if forge.kind is ForgeKind.GIT and forge.switch and forge.switch.variable:
        place = places.of(("forge", "switch", "variable"))
        raise name_misfit(place, repr(forge.switch.variable), "a file with kind git")


def _check_ledger(tables: Tables, places: Places) -> None:
    ledger = tables.ledger
    if ledger.kind is LedgerKind.FILE:
        if ledger.path is None:
            raise name_missing(("ledger", "path"), places)
        return
    if not _REF.fullmatch(ledger.ref):
        raise name_misfit(places.of(("ledger", "ref")), show(ledger.ref), "refs/<folder>/<name>")
    if urlsplit(ledger.url).scheme in {"http", "https"}:
        _check_url(tables, _LEDGER_URL, places)


def _check_url(tables: Tables, path: tuple[str, str], places: Places) -> None:
    """Refuses early what the HTTP client would refuse, and names the key."""
    text = getattr(getattr(tables, path[0]), path[1])
    if text is None:
        return
    try:
        parts = urlsplit(text.replace("{slug}", "slug"))
    except ValueError as exc:
        raise name_misfit(places.of(path), show(text), "a URL") from exc
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise name_misfit(places.of(path), show(text), "a URL with https:// and a host")
    if "@" in parts.netloc:
        raise name_misfit(places.of(path), show(text), "a URL without a user; tokens go in `token`")
    if parts.query or parts.fragment:
        raise name_misfit(places.of(path), show(text), "a URL without ? and #")


def _configure(tables: Tables, places: Places) -> Config:
    return Config(
        environment=tables.environment,
        forge=tables.forge,
        fleet=tables.fleet,
        edge=tables.edge,
        registry=tables.registry,
        ledger=tables.ledger,
        policy=_make_policy(tables, places),
        freezes=tables.freeze,
        ci=tables.ci,
        http=tables.http,
        journal=tables.journal,
    )


def _make_policy(tables: Tables, places: Places) -> Policy:
    given = {
        name: getattr(getattr(tables, table), key) for name, (table, key) in _POLICY_KEYS.items()
    }
    try:
        canary = tuple(Tenant(slug) for slug in tables.rollout.canary)
    except Invalid as exc:
        raise move(exc, f"{places.of(('rollout', 'canary'))} {exc.on}") from exc
    try:
        return Policy(canary=canary, **given)
    except Invalid as exc:
        path: tuple[str, ...] = _POLICY_KEYS.get(exc.on, (exc.on,))
        raise move(exc, places.of(path)) from exc
