"""Notes which lines of the shipped pipeline run, as a tracer of the interpreter sees them.

This module must not explore anything, and must not look at any other code.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import CO_OPTIMIZED
from itertools import groupby
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Self

from release.pipeline import run_job

__all__ = ["FileLines", "LineCoverage", "lines_plain", "lines_text"]

_PIPELINE = Path(run_job.__code__.co_filename)
_FILES = (_PIPELINE, *sorted((_PIPELINE.parent / "stages").glob("[!_]*.py")))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLines:
    """The lines of one file: those in its functions that can run, and those of them that did.

    What runs as the file is imported is neither.
    """

    name: str
    lines: frozenset[int]
    ran: frozenset[int]

    @property
    def never(self) -> tuple[int, ...]:
        """The lines that can run and did not, in their order."""
        return tuple(sorted(self.lines - self.ran))


class LineCoverage:
    """Watches the pipeline for as long as it is entered; every call in that time is slower."""

    def __init__(self) -> None:
        self._ran: dict[str, set[int]] = {str(path): set() for path in _FILES}
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = sys.gettrace()
        sys.settrace(self._begin)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def files(self) -> tuple[FileLines, ...]:
        """What ran so far, the pipeline first and then each file of its stages."""
        return tuple(self._lines_of(path) for path in _FILES)

    def _lines_of(self, path: Path) -> FileLines:
        lines = frozenset(_runnable(path))
        return FileLines(
            name=path.relative_to(_PIPELINE.parent.parent).as_posix(),
            lines=lines,
            ran=lines & self._ran[str(path)],
        )

    def _begin(self, frame: FrameType, _event: str, _argument: object) -> Any:  # noqa: ANN401 - a tracer
        ran = self._ran.get(frame.f_code.co_filename)
        if ran is None:
            return None

        def note(frame: FrameType, event: str, _argument: object) -> Any:  # noqa: ANN401 - a tracer
            if event == "line":
                ran.add(frame.f_lineno)
            return note

        return note


def lines_text(files: tuple[FileLines, ...]) -> str:
    """A line for each file: how many of its lines ran, and which never did where some did."""
    rows = []
    for one in files:
        never = f"  never {_ranges(one.never)}" if one.never and one.ran else ""
        rows.append(f"{one.name:<28} {len(one.ran):>4} of {len(one.lines):>4} lines ran{never}")
    return "\n".join(rows)


def lines_plain(files: tuple[FileLines, ...]) -> Mapping[str, object]:
    """The same as data."""
    return {
        one.name: {"lines": len(one.lines), "ran": len(one.ran), "never": list(one.never)}
        for one in files
    }


def _runnable(path: Path) -> Iterator[int]:
    """The lines of a file that have code of a function behind them."""
    ahead = [compile(path.read_text("utf-8"), str(path), "exec")]
    while ahead:
        code = ahead.pop()
        ahead += [one for one in code.co_consts if isinstance(one, CodeType)]
        if code.co_flags & CO_OPTIMIZED:
            yield from _lines(code)


def _lines(code: CodeType) -> Iterator[int]:
    """The lines of a function but for its head, on which nothing of the function itself runs."""
    for _, _, line in code.co_lines():
        if line is not None and line != code.co_firstlineno:
            yield line


def _ranges(lines: tuple[int, ...]) -> str:
    """`3-5, 9` of 3, 4, 5 and 9."""
    runs = []
    for _, group in groupby(enumerate(lines), key=lambda pair: pair[1] - pair[0]):
        run = [line for _, line in group]
        runs.append(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]))
    return ", ".join(runs)
