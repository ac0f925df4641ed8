"""Turns an outcome into text: one sentence, JSON, a markdown summary, CI annotations.

This module must not decide anything about the outcome, print or write a file. All text that came
from outside is bounded and stripped of control characters, whatever the rendering.
"""

import json
from collections.abc import Iterable, Mapping

from release.core.ci_text import annotate, escape, table
from release.core.outcome import Outcome, PointerReport, TenantReport, TenantState, Word
from release.core.printable import printable

__all__ = ["annotations", "as_document", "as_json", "as_markdown", "as_sentence"]

_NAMES_SHOWN = 5
_ROWS_MAX = 50
_ROWS_LISTED_MAX = 500
_SENTENCE_MAX = 2000
_NOTE_MAX = 200
_SELF_EXPLAINING = frozenset({Word.DEPLOYED, Word.REDEPLOYED})


def as_sentence(outcome: Outcome) -> str:
    """Tells the outcome in one line, at most 2000 characters, that begins with its word."""
    place = f"{outcome.release.sha.short} on {printable(outcome.environment)}"
    facts = [_tell_tenants(outcome), _tell_pointers(outcome)]
    told = ", ".join(fact for fact in facts if fact)
    fencing = _tell_fencing(outcome)
    if fencing:
        told = f"{told} ({fencing})".strip()
    if outcome.word in _SELF_EXPLAINING:
        story = told or printable(outcome.reason)
    else:
        story = "; ".join(part for part in (_tell_reason(outcome), told) if part)
    return printable(f"{_tell_word(outcome)}: {place}: {story}", _SENTENCE_MAX)


def _tell_word(outcome: Outcome) -> str:
    word = str(outcome.word)
    if outcome.is_unguarded:
        word += ", unguarded"
    if outcome.is_rollback and outcome.word is Word.DEPLOYED:
        word += ", rolled back"
    quarantined = outcome.tenants_in(TenantState.QUARANTINED)
    if quarantined:
        comma = "," if "," in word else ""
        word += f"{comma} with {len(quarantined)} quarantined ({_name_tenants(quarantined)})"
    return word


def _tell_reason(outcome: Outcome) -> str:
    # An error's advice ends in a full stop, and here the sentence goes on.
    reason = printable(outcome.reason).removesuffix(".")
    if outcome.by is None or outcome.by.short in reason:
        return reason
    return f"overtaken by {outcome.by.short}: {reason}" if reason else f"by {outcome.by.short}"


def _tell_tenants(outcome: Outcome) -> str:
    settled = outcome.tenants_in(TenantState.SETTLED)
    parts = [f"{_count(len(settled), 'tenant')} settled"] if settled else []
    for state in TenantState:
        reports = outcome.tenants_in(state)
        if reports and state not in {TenantState.SETTLED, TenantState.QUARANTINED}:
            parts.append(f"{len(reports)} {state} ({_name_tenants(reports)})")
    return ", ".join(parts)


def _tell_pointers(outcome: Outcome) -> str:
    right = [report for report in outcome.pointers if report.is_right]
    wrong = [report for report in outcome.pointers if not report.is_right]
    parts = []
    if right:
        verb = "promoted" if outcome.word is Word.DEPLOYED else "on it"
        parts.append(f"{_name_tags(right)} {verb}")
    if wrong:
        parts.append(f"{_shorten([str(report.pointer) for report in wrong])} not on it")
    return ", ".join(parts)


def _tell_fencing(outcome: Outcome) -> str:
    grouped: dict[str, list[str]] = {}
    for resource in outcome.fencing:
        grouped.setdefault(printable(resource.fencing), []).append(printable(resource.resource))
    return "; ".join(f"{fencing}: {_shorten(names)}" for fencing, names in grouped.items())


def _name_tenants(reports: Iterable[TenantReport]) -> str:
    return _shorten([str(report.tenant) for report in reports])


def _name_tags(reports: list[PointerReport]) -> str:
    tags = dict.fromkeys(report.pointer.tag for report in reports)
    where = "" if len(reports) == len(tags) else f" in {_count(len(reports), 'repository')}"
    return ", ".join(tags) + where


def _shorten(names: list[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _count(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"


def as_document(outcome: Outcome) -> Mapping[str, object]:
    """The outcome as JSON values, under keys that stay as they are from release to release.

    Every key is always there; what is not known is null or empty. `release`, `by` and `seen` are
    whole commit ids; `touched` says whether an effect was sent, `unguarded` that no ledger guarded
    the job, and `right` whether a pointer was read back on the release.
    """
    return {
        "outcome": str(outcome.word),
        "exit_code": outcome.exit_code,
        "sentence": as_sentence(outcome),
        "reason": printable(outcome.reason),
        "environment": printable(outcome.environment),
        "release": str(outcome.release.sha),
        "tag": outcome.release.tag,
        "images": {image.repository: str(image.digest) for image in outcome.release.images},
        "by": str(outcome.by) if outcome.by else None,
        "epoch": outcome.epoch,
        "job": str(outcome.job),
        "touched": outcome.has_touched,
        "unguarded": outcome.is_unguarded,
        "rollback": outcome.is_rollback,
        "tenants": [
            {
                "tenant": str(report.tenant),
                "state": str(report.state),
                "seen": str(report.seen) if report.seen else None,
                "note": printable(report.note),
            }
            for report in outcome.tenants
        ],
        "pointers": [
            {
                "pointer": str(report.pointer),
                "right": report.is_right,
                "note": printable(report.note),
            }
            for report in outcome.pointers
        ],
        "fencing": [
            {"resource": printable(one.resource), "fencing": printable(one.fencing)}
            for one in outcome.fencing
        ],
        "warnings": [printable(warning) for warning in outcome.warnings],
    }


def as_json(outcome: Outcome) -> str:
    """The document as indented JSON in ASCII, without a line break at its end."""
    return json.dumps(as_document(outcome), indent=2)


def as_markdown(outcome: Outcome) -> str:
    """A summary for a CI page: headline, sentence, facts, tenants, pointers, fencing, warnings.

    Above 50 tenants only those that have not settled are listed, at most 500 of them, so that the
    whole stays far below the 1 MiB that a CI takes.
    """
    place = f"`{outcome.release.sha.short}` on {escape(outcome.environment)}"
    sections = (
        f"### {escape(_tell_word(outcome))}: {place}",
        escape(as_sentence(outcome), _SENTENCE_MAX),
        table(("", ""), _list_facts(outcome)),
        _show_tenants(outcome),
        _show_pointers(outcome),
        _show_fencing(outcome),
        _show_warnings(outcome),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def _list_facts(outcome: Outcome) -> list[tuple[str, ...]]:
    facts = {
        "release": f"`{outcome.release.sha}`",
        "overtaken by": f"`{outcome.by}`" if outcome.by else "",
        "tag": escape(outcome.release.tag),
        "job": escape(str(outcome.job)),
        "epoch": "" if outcome.epoch is None else str(outcome.epoch),
        "exit code": str(outcome.exit_code),
    }
    return [(name, value) for name, value in facts.items() if value]


def _show_tenants(outcome: Outcome) -> str:
    reports = outcome.tenants
    if not reports:
        return ""
    settled = 0
    if len(reports) > _ROWS_MAX:
        reports = tuple(one for one in reports if one.state is not TenantState.SETTLED)
        settled = len(outcome.tenants) - len(reports)
    rows = [
        (
            escape(str(report.tenant)),
            str(report.state),
            f"`{report.seen.short}`" if report.seen else "",
            escape(report.note, _NOTE_MAX),
        )
        for report in reports[:_ROWS_LISTED_MAX]
    ]
    left = (
        f"{settled} settled tenants are not listed." if settled else "",
        f"{len(reports) - len(rows)} more are not listed." if len(reports) > len(rows) else "",
    )
    listed = table(("tenant", "state", "serves", "note"), rows) if rows else ""
    return "\n\n".join(part for part in (listed, " ".join(filter(None, left))) if part)


def _show_pointers(outcome: Outcome) -> str:
    rows = [
        (
            escape(str(report.pointer)),
            "on the release" if report.is_right else "**not on the release**",
            escape(report.note, _NOTE_MAX),
        )
        for report in outcome.pointers[:_ROWS_MAX]
    ]
    return table(("pointer", "read back", "note"), rows) if rows else ""


def _show_fencing(outcome: Outcome) -> str:
    rows = [(escape(one.resource), escape(one.fencing)) for one in outcome.fencing[:_ROWS_MAX]]
    return table(("resource", "fencing"), rows) if rows else ""


def _show_warnings(outcome: Outcome) -> str:
    shown = outcome.warnings[:_ROWS_MAX]
    lines = [f"- **warning:** {escape(warning)}" for warning in shown]
    more = len(outcome.warnings) - len(shown)
    return "\n".join([*lines, f"- {more} more warnings"] if more else lines)


def annotations(outcome: Outcome) -> tuple[str, ...]:
    """Workflow commands that GitHub and Gitea show beside the run; empty when all is well.

    At most ten errors, ten warnings and ten notices, which is what GitHub shows of one step.
    GitLab has no such thing.
    """
    title = f"{outcome.word} on {outcome.environment}"
    sentence = as_sentence(outcome)
    if outcome.word is Word.SUPERSEDED:
        return annotate("notice", title, (sentence,))
    warnings = tuple(printable(warning) for warning in outcome.warnings)
    if outcome.exit_code:
        left = (one for one in outcome.tenants if one.state is not TenantState.SETTLED)
        left = (one for one in left if one.state is not TenantState.UNTOUCHED)
        notes = (f"{one.tenant} is {one.state}: {printable(one.note)}" for one in left)
        errors = annotate("error", title, (sentence, *notes))
        return errors + annotate("warning", title, warnings)
    is_odd = outcome.is_unguarded or outcome.tenants_in(TenantState.QUARANTINED)
    if is_odd or outcome.word is Word.HELD:
        warnings = (sentence, *warnings)
    return annotate("warning", title, warnings)
