"""Time as the machine tells it, sleep of the machine included.

This module must not decide how long anything waits.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime

__all__ = ["SystemClock"]

# A machine that slept through the wait goes on within this time of waking up.
_NAP_MAX_S = 5.0


class SystemClock:
    """The clock of a real job; keeps the promise of `ports.Clock`."""

    async def now_s(self) -> float:
        """Reads seconds since an instant of no meaning; also counts while the machine sleeps."""
        return _now_s()

    async def utc_now(self) -> datetime:
        """Reads the wall clock, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, duration_s: float) -> None:
        """Returns once `now_s` says that the time has passed.

        The event loop's own clock stands still while Linux sleeps and may fire a little early, so
        what is left is looked up again each time that it wakes us.
        """
        end_s = _now_s() + duration_s
        await asyncio.sleep(0)
        # No event could be awaited: only the clock itself knows.
        while (left_s := end_s - _now_s()) > 0:  # noqa: ASYNC110 - as said
            await asyncio.sleep(min(left_s, _NAP_MAX_S))


def _now_s() -> float:
    if sys.platform == "darwin":
        # There CLOCK_MONOTONIC counts sleep, and time.monotonic is another clock that does not.
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
