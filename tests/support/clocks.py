"""A clock for tests that stands still but for the sleeps it is asked for, and remembers those.

This module must not wait.
"""

from datetime import UTC, datetime, timedelta

__all__ = ["StillClock"]


class StillClock:
    """Keeps the promise of `ports.Clock` in no time at all."""

    def __init__(self, utc: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) -> None:
        self.slept: list[float] = []
        self._utc = utc

    async def now_s(self) -> float:
        """The sum of all sleeps."""
        return sum(self.slept)

    async def utc_now(self) -> datetime:
        """The starting instant and the sum of all sleeps."""
        return self._utc + timedelta(seconds=sum(self.slept))

    async def sleep(self, duration_s: float) -> None:
        """Returns at once."""
        self.slept.append(duration_s)
