"""A value that remembers what it was, so that a stale read can answer the state of a while ago.

This module must not read a clock; whoever writes says when.
"""

from bisect import bisect_right
from typing import Generic, TypeVar

__all__ = ["Cell"]

T = TypeVar("T")


class Cell(Generic[T]):
    """A value and its history."""

    def __init__(self, value: T) -> None:
        self._times: list[float] = []
        self._values: list[T] = [value]

    @property
    def value(self) -> T:
        """What it is now."""
        return self._values[-1]

    @property
    def history(self) -> tuple[tuple[float, T], ...]:
        """When it was written and with what, oldest first, without what it began with."""
        return tuple(zip(self._times, self._values[1:], strict=True))

    def write(self, value: T, at_s: float) -> None:
        """Makes it `value` from `at_s` on, which must not lie before the last write."""
        self._times.append(at_s)
        self._values.append(value)

    def at(self, at_s: float) -> T:
        """What it was at that instant, a write at the same instant included."""
        return self._values[bisect_right(self._times, at_s)]
