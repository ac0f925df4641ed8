"""Reads what a fleet's commands answer: which tenants there are, and what became of each.

This module must not run a command; what it can't read is never taken for a success.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict, StrictBool, StrictInt, StrictStr, TypeAdapter, ValidationError

from release.adapters.command import CommandRun
from release.core.printable import printable
from release.core.sighting import Row, RowState
from release.core.values import Tenant
from release.errors import Invalid, Refused

__all__ = ["Redact", "judge_exit", "judge_results", "judge_unknown", "read_epoch", "read_tenants"]

Redact = Callable[[str], str]
"""Blots the secrets out of a text, before any of it is shown."""

_NOTE_MAX = 700
_SEEN_MAX = 120
_EXACT = ConfigDict(extra="forbid")
_EPOCH = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _WireListing:
    __pydantic_config__: ClassVar[ConfigDict] = _EXACT
    tenants: tuple[StrictStr, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _WireResult:
    __pydantic_config__: ClassVar[ConfigDict] = _EXACT
    tenant: StrictStr
    ok: StrictBool
    error: StrictStr = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _WireResults:
    __pydantic_config__: ClassVar[ConfigDict] = _EXACT
    results: tuple[_WireResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _WireEpoch:
    __pydantic_config__: ClassVar[ConfigDict] = _EXACT
    fence_seen: StrictInt


_LISTING = TypeAdapter(_WireListing)
_RESULTS = TypeAdapter(_WireResults)
_FENCE = TypeAdapter(_WireEpoch)


def read_tenants(run: CommandRun, *, is_json: bool, redact: Redact) -> tuple[Tenant, ...]:
    """Reads a listing that ended with 0, in its own order.

    Raises Refused when it lists no tenant, one twice, or what can't be one.
    """
    if not run.is_out_whole:
        raise _unlisted(run, "lists more than is read", f"over {len(run.out)} bytes")
    slugs = _read_json_listing(run, redact) if is_json else _read_lines(run)
    tenants: dict[str, Tenant] = {}
    for slug in slugs:
        try:
            tenant = Tenant(slug)
        except Invalid as exc:
            raise _unlisted(run, "lists what can't be a tenant", _shorten(redact(slug))) from exc
        # A slug is a DNS label: Acme and acme are one tenant.
        if tenants.setdefault(slug.lower(), tenant) is not tenant:
            raise _unlisted(run, "lists a tenant twice", _shorten(slug))
    if not tenants:
        raise _unlisted(run, "lists no tenant", run.end)
    return tuple(tenants.values())


def judge_exit(run: CommandRun, tenants: tuple[Tenant, ...]) -> tuple[Row, ...]:
    """Gives every tenant the verdict of the exit code: 0 is done, anything else has failed."""
    if run.code == 0:
        return tuple(Row(tenant=tenant, state=RowState.DONE) for tenant in tenants)
    return _all(tenants, RowState.FAILED, f"{run.line}: {run.end}")


def judge_unknown(run: CommandRun, tenants: tuple[Tenant, ...]) -> tuple[Row, ...]:
    """Leaves every tenant without a verdict: its change may have landed, or may still land."""
    note = f"{run.line}: {run.end}; it may have moved, or may still move"
    return _all(tenants, RowState.UNANSWERED, note)


def judge_results(
    run: CommandRun, tenants: tuple[Tenant, ...], *, redact: Redact
) -> tuple[Row, ...]:
    """Reads one row for each tenant from JSON; what the answer lacks is unanswered.

    A command that says ok of all and exits with an error, or that touched a tenant unasked, has
    done none of them well.
    """
    answer = _parse_results(run)
    if answer is None:
        seen = _shorten(redact(run.out.decode("utf-8", "replace")))
        why = f'answered {seen} in the place of {{"results": [...]}}: {run.end}'
        return _all(tenants, RowState.UNANSWERED, f"{run.line}: {why}")
    by_slug: dict[str, list[_WireResult]] = {}
    for result in answer.results:
        by_slug.setdefault(result.tenant.lower(), []).append(result)
    rows = tuple(
        _judge(run, tenant, by_slug.get(tenant.slug.lower(), []), redact) for tenant in tenants
    )
    asked = {tenant.slug.lower() for tenant in tenants}
    beyond = [one.tenant for one in answer.results if one.tenant.lower() not in asked]
    if beyond:
        said = redact(", ".join(beyond))
        return _fail_done(rows, f"{run.line}: it also touched {said}, unasked")
    if run.code != 0 and all(row.state is RowState.DONE for row in rows):
        return _fail_done(rows, f"{run.line}: ok for all tenants, but {run.end}")
    return rows


def read_epoch(run: CommandRun) -> int | None:
    """The epoch on the last line of stdout, bare or as {"fence_seen": 8}; None when none is."""
    lines = [one.strip() for one in run.out.decode("utf-8", "replace").splitlines() if one.strip()]
    if not lines or not run.is_out_whole:
        return None
    if _EPOCH.fullmatch(lines[-1]):
        return int(lines[-1])
    try:
        return _FENCE.validate_json(lines[-1]).fence_seen
    except ValidationError:
        return None


def _read_lines(run: CommandRun) -> tuple[str, ...]:
    try:
        text = run.out.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise _unlisted(run, "lists something that is not text", str(exc)) from exc
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _read_json_listing(run: CommandRun, redact: Redact) -> tuple[str, ...]:
    try:
        return _LISTING.validate_json(run.out).tenants
    except ValidationError as exc:
        seen = _shorten(redact(run.out.decode("utf-8", "replace")))
        raise _unlisted(run, 'lists something else than {"tenants": ["acme"]}', seen) from exc


def _unlisted(run: CommandRun, failed: str, seen: str) -> Refused:
    return Refused(
        failed,
        on=run.line,
        seen=seen,
        safe="no tenant was touched",
        advice="Run the command by hand and look at what it prints",
    )


def _parse_results(run: CommandRun) -> _WireResults | None:
    if not run.is_out_whole:
        return None
    try:
        return _RESULTS.validate_json(run.out)
    except ValidationError:
        return None


def _judge(
    run: CommandRun,
    tenant: Tenant,
    results: list[_WireResult],
    redact: Redact,
) -> Row:
    if len(results) != 1:
        said = "no result" if not results else f"{len(results)} results"
        return _all((tenant,), RowState.UNANSWERED, f"{run.line}: {said} for {tenant}")[0]
    (result,) = results
    if result.ok and not result.error:
        return Row(tenant=tenant, state=RowState.DONE)
    said = redact(result.error) or run.end
    return _all((tenant,), RowState.FAILED, f"{run.line}: {said}")[0]


def _fail_done(rows: tuple[Row, ...], why: str) -> tuple[Row, ...]:
    """What is unanswered stays so: its effect may still land."""
    return tuple(
        _all((row.tenant,), RowState.FAILED, why)[0] if row.state is RowState.DONE else row
        for row in rows
    )


def _all(tenants: tuple[Tenant, ...], state: RowState, note: str) -> tuple[Row, ...]:
    short = printable(note, _NOTE_MAX)
    return tuple(Row(tenant=tenant, state=state, note=short) for tenant in tenants)


def _shorten(text: str) -> str:
    return repr(printable(text, _SEEN_MAX))
