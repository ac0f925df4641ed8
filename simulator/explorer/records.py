"""Gives each record of the ledger that an exploration ever sees a small number, and a version.

The number goes by content, but for what no job of the scope can tell apart. This module must not
judge a record.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from operator import attrgetter
from typing import Any

from release.core.ledger import Record, Stamp
from release.core.values import JobId
from release.ports import Reading
from simulator.explorer.program import Answer
from simulator.explorer.scope import JobKind, Kind, Scope
from simulator.guards import SHIPPED

__all__ = ["Records", "find_unread"]

_NO_STAMP = Stamp(job=JobId(run="anybody", attempt=1, nonce="any"), write=0)


def find_unread(scope: Scope) -> Mapping[str, Any]:
    """The fields of a record that no job of the scope reads, each with what stands in its place.

    How others ended is read by rollbacks alone, and a stamp by who asks whether a swap of its own
    was taken, which needs a lost answer. Without the two, a write that changes nothing else is no
    write: whoever would lose a swap to it finds the same record, and swaps the same again. Other
    designs keep records of their own kind, of which all counts.
    """
    if scope.is_literal or scope.guard != SHIPPED:
        return {}
    unread: dict[str, Any] = {}
    if all(job.kind is not JobKind.ROLLBACK for job in scope.jobs):
        unread["past"] = ()
    if not scope.has(Kind.SWAP_UNKNOWN):
        unread["stamp"] = _NO_STAMP
    return unread


class Records:
    """The records by number; zero is none.

    unread: the fields that do not count, each with what stands in its place.
    """

    def __init__(self, unread: Mapping[str, Any]) -> None:
        self._unread = dict(unread)
        # A record's own hash goes by its stamp, which may not count here.
        self._content = attrgetter(*(one.name for one in fields(Record) if one.name not in unread))
        self._numbers: dict[object, int] = {}
        self._answers = [Answer(value=Reading(record=None, version=None))]

    def number(self, record: Record) -> int:
        """The number of a record, a new one when it was never seen."""
        content = self._content(record)
        known = self._numbers.get(content)
        if known is not None:
            return known
        kept = replace(record, **self._unread)
        number = self._numbers[content] = len(self._answers)
        self._answers.append(Answer(value=Reading(record=kept, version=f"v{number}")))
        return number

    def record(self, number: int) -> Record | None:
        """The record with that number."""
        return self.reading(number).record

    def answer(self, number: int) -> Answer:
        """The answer of a ledger that is read when it holds that record."""
        return self._answers[number]

    def reading(self, number: int) -> Reading:
        """The record as a ledger would read it out."""
        reading: Reading = self._answers[number].value
        return reading
