"""The errors of Headway: the class says what the caller can do, the fields say about what.

This module must not know any service, any task or any exit other than the one on each class.

    HeadwayError
    ├── Invalid              the words or the configuration are off: mend them, call again (exit 2)
    ├── Refused              the other side understood and said no: nothing was changed
    │   └── FenceRefused     a resource has seen a higher epoch than ours
    ├── Conflict             a compare-and-swap lost: nothing was written, read again and decide
    ├── OutcomeUnknown       it was sent and no answer came: it may take effect, now or later
    └── Unavailable          nothing was changed and nothing is known: try again later

Adapters translate every foreign exception into one of these at their border.
"""

from typing import ClassVar

__all__ = [
    "Conflict",
    "FenceRefused",
    "HeadwayError",
    "Invalid",
    "OutcomeUnknown",
    "Refused",
    "Unavailable",
]


class HeadwayError(Exception):
    """Says what failed, on which thing, seen and expected, what is safe now, what to do next.

    Every field is a sentence fragment without a full stop; an empty one is left out. None of them
    may hold a secret: whoever raises puts in names and shapes, never tokens.
    """

    exit_code: ClassVar[int] = 1

    def __init__(  # noqa: PLR0913 - one field for each question that an operator asks
        self,
        failed: str,
        *,
        on: str = "",
        seen: str = "",
        expected: str = "",
        safe: str = "",
        advice: str = "",
    ) -> None:
        super().__init__(failed, on, seen, expected, safe, advice)
        self.failed = failed
        self.on = on
        self.seen = seen
        self.expected = expected
        self.safe = safe
        self.advice = advice

    def __str__(self) -> str:
        """Reads as one line, in the order in which an operator asks."""
        line = f"{self.on}: {self.failed}" if self.on else self.failed
        evidence = [
            f"{label} {text}"
            for label, text in (("seen:", self.seen), ("expected:", self.expected))
            if text
        ]
        if evidence:
            line += f" ({'; '.join(evidence)})"
        if self.safe:
            line += f"; {self.safe}"
        return f"{line}. {self.advice}." if self.advice else line


class Invalid(HeadwayError):
    """The caller's words or the configuration are off; nothing was touched."""

    exit_code: ClassVar[int] = 2


class Refused(HeadwayError):
    """The other side understood the request and said no; it changed nothing."""


class FenceRefused(Refused):
    """A resource refused our epoch, because it has seen a higher one."""

    def __init__(self, fence_seen: int, *, on: str) -> None:
        super().__init__(
            "the fence refused our epoch",
            on=on,
            seen=f"epoch {fence_seen}",
            safe="nothing was changed by this call",
        )
        self.fence_seen = fence_seen


class Conflict(HeadwayError):
    """A compare-and-swap lost against another writer; nothing of ours was written."""


class OutcomeUnknown(HeadwayError):
    """A request was sent and its answer never came: it may have taken effect, or still may."""


class Unavailable(HeadwayError):
    """Nothing was changed and nothing is known; the same call may be repeated later."""
