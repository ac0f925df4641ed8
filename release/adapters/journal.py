"""Writes down what a job tells: to people as plain lines, to machines as lines of JSON.

This module must not fail or hold up a job, and must not write a secret whatever it is told.
"""

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from release.core.printable import printable
from release.core.values import Secret
from release.ports import Event, Journal

__all__ = ["ConsoleJournal", "JsonLinesJournal", "TeeJournal"]

_LINE_MAX = 1000
_VALUE_MAX = 500
_DEPTH_MAX = 8
_REDACTED = "(redacted)"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ConsoleJournal:
    """Writes a line for each event to a stream: the time in UTC, then the text."""

    def __init__(self, stream: TextIO, *, now: Callable[[], datetime] = _utc_now) -> None:
        self._stream = stream
        self._now = now

    def tell(self, event: Event) -> None:
        """Writes the event; a stream that is gone is no reason to stop a deploy."""
        line = f"{self._now():%H:%M:%SZ} {printable(event.text, _LINE_MAX)}\n"
        encoding = self._stream.encoding or "utf-8"
        try:
            self._stream.write(line.encode(encoding, errors="backslashreplace").decode(encoding))
            self._stream.flush()
        except (OSError, ValueError):
            return


class JsonLinesJournal:
    """Appends a line of JSON for each event to a file: `at`, `kind`, `text`, `data`.

    The file is created readable to its owner alone; its folder must exist.
    """

    def __init__(self, path: Path, *, now: Callable[[], datetime] = _utc_now) -> None:
        self._path = path
        self._now = now
        self.lost = 0
        """How many events could not be written."""

    def tell(self, event: Event) -> None:
        """Appends the event by one write, so that jobs that share a file don't mix their lines."""
        document = {
            "at": self._now().isoformat(),
            "kind": event.kind,
            "text": printable(event.text, _LINE_MAX),
            "data": _plain(event.data),
        }
        line = json.dumps(document) + "\n"
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line.encode())
            finally:
                os.close(descriptor)
        except OSError:
            self.lost += 1


class TeeJournal:
    """Tells every event to several journals, in order."""

    def __init__(self, *journals: Journal) -> None:
        self._journals = journals

    def tell(self, event: Event) -> None:
        """Passes the event on."""
        for journal in self._journals:
            journal.tell(event)


def _plain(value: object, depth: int = 0) -> object:
    """A value as JSON takes it: a secret is blotted out, what is no JSON becomes its text."""
    if isinstance(value, Secret):
        return _REDACTED
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth < _DEPTH_MAX and isinstance(value, Mapping):
        return {printable(str(key)): _plain(item, depth + 1) for key, item in value.items()}
    if depth < _DEPTH_MAX and isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    return printable(str(value), _VALUE_MAX)
