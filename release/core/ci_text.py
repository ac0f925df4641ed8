"""Writes what CI pages show: markdown that can't be broken out of, and workflow commands.

This module must not know what it is that is shown.
"""

from collections.abc import Iterable

from release.core.printable import printable

__all__ = ["annotate", "escape", "table"]

_ANNOTATIONS_MAX = 10
_NOTE_MAX = 200
_MARKDOWN_MARKS = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {mark: f"\\{mark}" for mark in "\\`*_[]|~#"}
)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A markdown table; its cells must have been escaped."""
    lines = (head, tuple("---" for _ in head), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escape(text: str, length_max: int = _NOTE_MAX) -> str:
    """Text that markdown shows as it is, also inside a table."""
    return printable(text, length_max).translate(_MARKDOWN_MARKS)


def annotate(level: str, title: str, messages: tuple[str, ...]) -> tuple[str, ...]:
    """A workflow command for each message, at most ten, which is what GitHub shows of one step."""
    shown = list(messages)
    if len(shown) > _ANNOTATIONS_MAX:
        kept = _ANNOTATIONS_MAX - 1
        shown[kept:] = [f"{len(shown) - kept} more, see the summary of the step"]
    heading = _escape_data(printable(title)).replace(":", "%3A").replace(",", "%2C")
    return tuple(f"::{level} title={heading}::{_escape_data(message)}" for message in shown)


def _escape_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
