"""Instants of a job's own clock, told apart from durations so that a state can forget the date.

The pipeline only ever compares instants with one another, so two states that differ by when they
happened alone are one state. This module must not read a clock.
"""

__all__ = ["Instant"]


class Instant(float):
    """A reading of a job's own clock, in seconds; the distance of two of them is a plain float."""

    __slots__ = ()

    def __add__(self, duration_s: float) -> "Instant":
        return Instant(float(self) + duration_s)

    __radd__ = __add__

    def __sub__(self, other: float) -> float:
        distance_s = float(self) - float(other)
        return distance_s if isinstance(other, Instant) else Instant(distance_s)
