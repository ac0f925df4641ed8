"""Shows what the verbs that only look have found: as lines for people, or as JSON.

The first word of the last line is the answer. This module must not find anything out.
"""

import json
from collections.abc import Sequence
from datetime import UTC

from release.core.codec import to_plain
from release.core.history import Entry, EntryKind
from release.core.ledger import Record
from release.core.printable import printable
from release.core.report import Forecast, Status, SupersededReport
from release.core.sighting import Observation, PointerSight

__all__ = [
    "forecast_lines",
    "history_lines",
    "status_lines",
    "superseded_lines",
    "to_json",
]


def to_json(value: object, **more: str) -> str:
    """Any report as one JSON document; `more` are keys beside its own."""
    plain = to_plain(value)
    return json.dumps({**plain, **more} if more else plain, indent=2, sort_keys=True)


def superseded_lines(report: SupersededReport) -> tuple[str, ...]:
    """The newer commit alone on a line when there is one, then the sentence."""
    warnings = _warnings(report.warnings)
    if report.by is None:
        return (*warnings, f"latest: nothing newer than {report.release.sha.short} is known")
    where = "in the ledger" if report.by == report.mark else "on the branch"
    return (
        *warnings,
        str(report.by),
        f"superseded: {report.by.short} is newer than {report.release.sha.short}, read {where}",
    )


def forecast_lines(forecast: Forecast) -> tuple[str, ...]:
    """What a deploy would do, batch by batch, and the outcome that it would come to."""
    lines = [*_warnings(forecast.warnings)]
    lines += [_observation(sight) for sight in forecast.observations]
    lines += [_pointer(sight) for sight in forecast.pointers]
    for batch in forecast.batches:
        names = ", ".join(tenant.slug for tenant in batch.tenants)
        lines.append(f"  would redeploy {batch.name}: {names}")
    lines += [f"  in the way: {printable(obstacle)}" for obstacle in forecast.obstacles]
    count, total = len(forecast.on_target), len(forecast.candidates)
    said = (
        f"plan: a deploy of {forecast.release.sha.short} to {forecast.environment} would end "
        f"{forecast.would_end}; {count} of {total} tenants are on it already "
        f"(fleet: {forecast.fencing})"
    )
    return (*lines, said)


def status_lines(status: Status) -> tuple[str, ...]:
    """Branch, ledger, tenants and pointers; the last line says who holds the environment."""
    head = status.head.short if status.head else "unread"
    lines = [*_warnings(status.warnings), f"head of the branch: {head}"]
    lines += _record(status.record)
    lines += [_observation(sight) for sight in status.observations]
    lines += [_pointer(sight) for sight in status.pointers]
    record = status.record
    if record is None:
        return (*lines, f"unknown: the ledger has no record of {status.environment}")
    if record.holder is None:
        return (*lines, f"idle: nobody holds {status.environment}")
    holder = record.holder
    said = f"job {holder.job} holds {status.environment} for {holder.release.sha.short}"
    return (*lines, f"held: {said}, {holder.phase}")


def history_lines(entries: Sequence[Entry]) -> tuple[str, ...]:
    """An entry a line, the newest last; then how many there are, and how many of them outcomes."""
    outcomes = sum(entry.kind is EntryKind.OUTCOME for entry in entries)
    said = f"history: {len(entries)} entries, {outcomes} of them outcomes"
    return (*(_entry(entry) for entry in entries), said)


def _entry(entry: Entry) -> str:
    when = f"{entry.at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}" if entry.at else "-" * 20
    where = entry.release.short if entry.release else "-" * 7
    what = f"{printable(entry.word)}: {printable(entry.reason)}"
    whose = f" (job {entry.job})" if entry.job else ""
    return f"{when}  epoch {entry.epoch}  {where}  {what}{whose}"


def _record(record: Record | None) -> list[str]:
    if record is None:
        return []
    mark = record.mark.short if record.mark else "none"
    lines = [f"ledger: epoch {record.epoch}, mark {mark}"]
    if record.next is not None:
        lines.append(f"  next: job {record.next.job} with {record.next.release.sha.short}")
    lines += [
        f"  open intent of job {one.job}: {printable(one.what)}, up to {one.remaining_s:.0f} s more"
        for one in record.intents
    ]
    if record.pin is not None:
        pin = record.pin
        said = f"{printable(pin.by)} on {pin.at:%Y-%m-%d} ({pin.kind}): {printable(pin.reason)}"
        until = f" until {pin.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if pin.until else ""
        lines.append(f"  pinned{until} by {said}; lift it with resume")
    lines += [f"  denied: {one.span}: {printable(one.reason)}" for one in record.denied]
    return lines


def _observation(sight: Observation) -> str:
    seen = sight.sha.short if sight.sha else f"no release ({printable(sight.reason)})"
    return f"  tenant {sight.tenant}: {seen}"


def _pointer(sight: PointerSight) -> str:
    if sight.digest is None:
        return f"  pointer {sight.pointer}: absent"
    return f"  pointer {sight.pointer}: {sight.sha.short if sight.sha else sight.digest}"


def _warnings(warnings: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"warning: {printable(warning)}" for warning in warnings)
