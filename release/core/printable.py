"""Makes text from outside safe to show: one line, of bounded length, without control characters.

This module must not escape for a format; whoever writes markdown or a workflow command does that.
"""

import unicodedata

__all__ = ["printable"]

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_TEXT_MAX = 500
_COMMAND = "##["
"""Begins a command that some CI runners obey anywhere in a line; `::` does only at its start."""


def printable(text: str, length_max: int = _TEXT_MAX) -> str:
    """Strips what a terminal or a CI would obey or a reader can't see, and cuts what is too long.

    Terminal escapes, line breaks and marks that reverse the reading order become spaces; runs of
    spaces become one. A cut text ends in an ellipsis and is at most `length_max` characters.
    """
    # What is far beyond the cut is not looked at: a huge text costs no more than a long one.
    bounded = text[: length_max * 4]
    seen = "".join(" " if unicodedata.category(char) in _UNSEEN else char for char in bounded)
    line = " ".join(seen.split()).replace(_COMMAND, "## [")
    if len(line) <= length_max and len(bounded) == len(text):
        return line
    return line[: length_max - 1].rstrip() + "…"
