"""Gives each record of the ledger that an exploration ever sees a small number, and a version.

The number goes by content: no two writes share a stamp, so two records that agree are one write.
This module must not judge a record.
"""

from release.core.ledger import Record
from release.ports import Reading
from simulator.explorer.program import Answer

__all__ = ["Records"]


class Records:
    """The records by number; zero is none."""

    def __init__(self) -> None:
        self._numbers: dict[Record, int] = {}
        self._readings: list[Reading] = [Reading(record=None, version=None)]
        self._answers: list[Answer] = [Answer(value=self._readings[0])]

    def number(self, record: Record) -> int:
        """The number of a record, a new one when it was never seen."""
        known = self._numbers.get(record)
        if known is not None:
            return known
        number = len(self._readings)
        self._numbers[record] = number
        self._readings.append(Reading(record=record, version=f"v{number}"))
        self._answers.append(Answer(value=self._readings[number]))
        return number

    def record(self, number: int) -> Record | None:
        """The record with that number."""
        return self._readings[number].record

    def answer(self, number: int) -> Answer:
        """The answer of a ledger that is read when it holds that record."""
        return self._answers[number]

    def reading(self, number: int) -> Reading:
        """The record as a ledger would read it out."""
        return self._readings[number]
