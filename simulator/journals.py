"""Reads the journals of real deploys: lines of JSON, each told by one job at one instant.

This module must not make a scenario of them; `recording` does.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from release.core.values import Sha
from release.errors import HeadwayError, Invalid

__all__ = ["JobJournal", "Line", "read_journals"]

_JOB = re.compile(r"(?P<run>.+)#(?P<attempt>[1-9][0-9]*)-(?P<nonce>.+)")
_ADVICE = "Nothing was written. Mend the line or take it out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One event of a job, and where it stands: a file, and a line that counts from one."""

    at: datetime
    kind: str
    text: str
    data: Mapping[str, object]
    place: str

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of a list in the line's data; raises Invalid when it is none."""
        found = self.data.get(name)
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise _bad(self.place, f"data.{name} is no list of texts")
        return tuple(str(one) for one in found)

    def one_text(self, name: str) -> str:
        """A text in the line's data; raises Invalid when it is none."""
        found = self.data.get(name)
        if not isinstance(found, str):
            raise _bad(self.place, f"data.{name} is no text")
        return found

    def sha(self, name: str) -> Sha:
        """A commit id in the line's data; raises Invalid when it is none."""
        found = self.one_text(name)
        try:
            return Sha(found)
        except HeadwayError as exc:
            raise _bad(self.place, f"data.{name} is {found!r}, which is no commit id") from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class JobJournal:
    """What one job told, in order; there is at least one line."""

    run: str
    attempt: int
    nonce: str
    release: Sha
    lines: tuple[Line, ...]

    def of_kind(self, *kinds: str) -> tuple[Line, ...]:
        """Its lines of these kinds, in order."""
        return tuple(line for line in self.lines if line.kind in kinds)

    def after(self, line: Line) -> Line | None:
        """What it told next; None when that was the last."""
        index = self.lines.index(line) + 1
        return self.lines[index] if index < len(self.lines) else None

    @property
    def starts(self) -> datetime:
        """When it told its first line."""
        return self.lines[0].at

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that it went through."""
        return tuple(line.one_text("stage") for line in self.of_kind("stage"))


def read_journals(paths: Sequence[str]) -> tuple[JobJournal, ...]:
    """Reads the jobs of all files, in the order of their first lines.

    A file may hold several jobs, and a job's lines may be spread over files. Raises Invalid for a
    file that can't be read and for the first line that is none of a journal, naming both.
    """
    by_job: dict[tuple[str, str], list[Line]] = {}
    for path in dict.fromkeys(paths):
        for line in _lines(path):
            key = (line.one_text("job"), line.one_text("release"))
            by_job.setdefault(key, []).append(line)
    jobs = [_job(job, lines) for (job, _), lines in by_job.items()]
    if not jobs:
        raise Invalid("no journal holds a line", on=", ".join(paths))
    return tuple(sorted(jobs, key=lambda job: (job.starts, job.run, job.attempt, job.nonce)))


def _job(job: str, lines: Iterable[Line]) -> JobJournal:
    ordered = tuple(sorted(lines, key=lambda line: line.at))
    named = _JOB.fullmatch(job)
    if named is None:
        said = f"data.job is {job!r}, and a job is called RUN#ATTEMPT-NONCE"
        raise _bad(ordered[0].place, said)
    return JobJournal(
        run=named["run"],
        attempt=int(named["attempt"]),
        nonce=named["nonce"],
        release=ordered[0].sha("release"),
        lines=ordered,
    )


def _lines(path: str) -> Iterator[Line]:
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeError) as exc:
        raise Invalid("can't be read", on=f"journal {path}", seen=str(exc)) from exc
    rows = text.split("\n")
    if rows[-1]:
        raise _bad(f"{path}:{len(rows)}", "the line is torn: the journal ends in the middle of it")
    for number, row in enumerate(rows[:-1], start=1):
        yield _line(row, f"{path}:{number}")


def _line(row: str, place: str) -> Line:
    try:
        plain = json.loads(row)
    except (ValueError, RecursionError) as exc:
        raise _bad(place, f"not JSON: {exc}") from exc
    if not isinstance(plain, dict) or set(plain) != {"at", "kind", "text", "data"}:
        raise _bad(place, "an event has `at`, `kind`, `text` and `data`")
    at, kind, said, data = (plain[name] for name in ("at", "kind", "text", "data"))
    if not (isinstance(kind, str) and isinstance(said, str) and isinstance(data, dict)):
        raise _bad(place, "`kind` and `text` are texts, and `data` is an object")
    try:
        instant = datetime.fromisoformat(at)
    except (TypeError, ValueError) as exc:
        raise _bad(place, f"`at` is {at!r}, which is no instant") from exc
    if instant.tzinfo is None:
        raise _bad(place, f"`at` is {at!r}, which has no offset from UTC")
    return Line(at=instant.astimezone(UTC), kind=kind, text=said, data=data, place=place)


def _bad(place: str, seen: str) -> Invalid:
    return Invalid("not a line of a journal", on=place, seen=seen, advice=_ADVICE)
