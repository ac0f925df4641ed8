"""Judges the CI statuses of a commit against the contexts that are required.

This module must not ask a forge; the newest row of every context comes in.

    forge's word                                               verdict
    ---------------------------------------------------------  -------
    success, skipped (a forge counts it as passed)             green
    failure, error, warning, failed, cancelled, canceled,      red
      timed_out, action_required
    pending and every other word, also one not known yet       pending

An unknown word is never green, and not red either: a red check ends the job at once, a pending one
ends it only when the wait for CI is over.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from release.core.sighting import Check, Checks, ChecksState

__all__ = ["StatusRow", "judge_contexts", "matches", "newest_rows"]

_GREEN = frozenset({"success", "skipped"})
_RED = frozenset(
    {
        "action_required",
        "canceled",
        "cancelled",
        "error",
        "failed",
        "failure",
        "timed_out",
        "warning",
    }
)
_SEVERITY = (ChecksState.GREEN, ChecksState.PENDING, ChecksState.RED)
_MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRow:
    """One status of one context; `number` grows with every status that the commit is given."""

    context: str
    state: str
    number: int

    @property
    def verdict(self) -> ChecksState:
        """What the forge's word means, by the table above."""
        word = self.state.casefold()
        if word in _GREEN:
            return ChecksState.GREEN
        return ChecksState.RED if word in _RED else ChecksState.PENDING


def newest_rows(history: Iterable[StatusRow]) -> tuple[StatusRow, ...]:
    """Keeps the row with the highest number of each context, out of a whole history."""
    newest: dict[str, StatusRow] = {}
    for row in history:
        known = newest.get(row.context)
        if known is None or row.number > known.number:
            newest[row.context] = row
    return tuple(newest.values())


def judge_contexts(
    required: Iterable[str], rows: Iterable[StatusRow], *, own: str | None
) -> Checks:
    """Says how every required context stands, given the newest rows.

    required: names or globs; each row that one of them matches counts. One that matches no row is
        pending, with the state `missing`.
    rows: several rows of one context are several workflows of one name: the worst of them counts.
    own: the deploy job's own context, as a name or glob. It is never required, for the job would
        wait for itself; and a glob that it alone matches is still missing.
    """
    counted = tuple(row for row in rows if own is None or not matches(own, row.context))
    found: dict[str, Check] = {}
    for pattern in required:
        if pattern == own:
            continue
        chosen = [row for row in counted if matches(pattern, row.context)]
        if not chosen:
            found[pattern] = Check(context=pattern, state=_MISSING, verdict=ChecksState.PENDING)
        for row in chosen:
            found[row.context] = _worse(found.get(row.context), row)
    return Checks(checks=tuple(found[context] for context in sorted(found)))


def _worse(known: Check | None, row: StatusRow) -> Check:
    check = Check(context=row.context, state=row.state, verdict=row.verdict)
    if known is None or _SEVERITY.index(check.verdict) > _SEVERITY.index(known.verdict):
        return check
    return known


def matches(pattern: str, context: str) -> bool:
    """Whether a required context, literally or as a glob, means this one.

    `*` is any text, also with slashes; `?` one character; `[abc]`, `[a-c]` and `[!abc]` one of a
    class; `{a,b}` one of several; a backslash takes the next character as it is. What is no glob,
    such as a bracket left open, matches itself alone.
    """
    if pattern == context:
        return True
    compiled = _compile(pattern)
    return compiled is not None and compiled.fullmatch(context) is not None


@cache
def _compile(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(_translate(pattern), re.DOTALL)
    except (ValueError, re.error):
        return None


_TOKEN = re.compile(
    r"(?P<any>\*+)|(?P<one>\?)|\[(?P<negated>!?)(?P<members>(?:\\.|[^\]\\])+)\]"
    r"|\\(?P<escaped>.)|(?P<bad>[\[\\])|(?P<text>.)",
    re.DOTALL,
)


def _translate(pattern: str) -> str:
    """Writes a glob as a regular expression; raises ValueError when it is none."""
    parts: list[str] = []
    depth = 0
    for token in _TOKEN.finditer(pattern):
        text = token["text"]
        if token["bad"]:
            raise ValueError(pattern)
        if token["any"]:
            parts.append(".*")
        elif token["one"]:
            parts.append(".")
        elif token["members"]:
            parts.append(_translate_class(token["members"], is_negated=bool(token["negated"])))
        elif text == "{":
            depth += 1
            parts.append("(?:")
        elif depth and text == "}":
            depth -= 1
            parts.append(")")
        elif depth and text == ",":
            parts.append("|")
        else:
            parts.append(re.escape(token["escaped"] or text))
    if depth:
        raise ValueError(pattern)
    return "".join(parts)


def _translate_class(members: str, *, is_negated: bool) -> str:
    plain = re.sub(r"\\(.)", r"\1", members, flags=re.DOTALL)
    inside = "".join(char if char == "-" else re.escape(char) for char in plain)
    return f"[{'^' if is_negated else ''}{inside}]"
