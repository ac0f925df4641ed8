"""The clocks that a world can live by: virtual time under the scheduler, or an event loop's time.

This module must not decide when anything happens; it only lets time pass.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from simulator.scheduler import Hold, Pause, Scheduler

__all__ = ["EPOCH", "LoopClock", "SimClock", "WorldClock"]

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""What the wall clock of a world shows at its instant zero, unless it is told otherwise."""


class WorldClock(Protocol):
    """Time as the world lives it: seconds, read without waiting."""

    def reading_s(self) -> float:
        """The instant that it is now; never goes back."""

    def utc(self) -> datetime:
        """The wall clock at this instant."""

    async def sleep(self, duration_s: float) -> None:
        """Returns after `duration_s`, never before."""

    async def wait_until(self, predicate: Callable[[], bool], within_s: float | None) -> bool:
        """Waits until the predicate is true and says whether it became so within that time."""

    def call_at(self, at_s: float, function: Callable[[], None]) -> None:
        """Calls the function at that instant."""

    def nudge(self) -> None:
        """Tells the clock that the world has changed, so that predicates are worth asking."""


class SimClock:
    """Virtual time: the clock of a world and, as `ports.Clock`, of a job in it.

    offset_s: by how much a job's wall clock is off; its durations are not.
    """

    def __init__(
        self, scheduler: Scheduler, *, epoch: datetime = EPOCH, offset_s: float = 0.0
    ) -> None:
        self.scheduler = scheduler
        self._epoch = epoch + timedelta(seconds=offset_s)

    async def now_s(self) -> float:
        """Reads virtual time."""
        return self.scheduler.now_s

    async def utc_now(self) -> datetime:
        """Reads the wall clock of virtual time."""
        return self.utc()

    async def sleep(self, duration_s: float) -> None:
        """Returns after `duration_s` of virtual time."""
        await Pause(duration_s)

    def reading_s(self) -> float:
        """Reads virtual time without waiting."""
        return self.scheduler.now_s

    def utc(self) -> datetime:
        """Reads the wall clock of virtual time without waiting."""
        return self._epoch + timedelta(seconds=self.scheduler.now_s)

    async def wait_until(self, predicate: Callable[[], bool], within_s: float | None) -> bool:
        """Wakes at the very step that makes the predicate true."""
        return predicate() or await Hold(predicate, within_s)

    def call_at(self, at_s: float, function: Callable[[], None]) -> None:
        """Calls the function at that instant of virtual time."""
        self.scheduler.call_at(at_s, function)

    def nudge(self) -> None:
        """Does nothing: the scheduler asks every predicate after every step."""


class LoopClock:
    """The time of the running event loop, for a world behind sockets.

    speed: how many seconds pass in the world for each second of the machine.
    start_s: what the machine's monotonic clock showed at the instant zero, by default what it shows
    now; worlds in several processes agree on their instants by agreeing on it.
    epoch: what the wall clock shows now.
    """

    def __init__(
        self, *, epoch: datetime | None = None, speed: float = 1.0, start_s: float | None = None
    ) -> None:
        self._start_s = time.monotonic() if start_s is None else start_s
        self._speed = speed
        lived = timedelta() if start_s is None else timedelta(seconds=self.reading_s())
        self._epoch = (epoch or datetime.now(UTC)) - lived
        self._waiting: dict[asyncio.Future[bool], Callable[[], bool]] = {}

    def reading_s(self) -> float:
        """Reads the monotonic clock of the machine, from zero, at this clock's speed."""
        return (time.monotonic() - self._start_s) * self._speed

    def utc(self) -> datetime:
        """Reads the wall clock that belongs to `reading_s`."""
        return self._epoch + timedelta(seconds=self.reading_s())

    async def sleep(self, duration_s: float) -> None:
        """Sleeps in the event loop."""
        await asyncio.sleep(duration_s / self._speed)

    async def wait_until(self, predicate: Callable[[], bool], within_s: float | None) -> bool:
        """Wakes at the first nudge at which the predicate is true."""
        if predicate():
            return True
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[future] = predicate
        timeout_s = None if within_s is None else within_s / self._speed
        try:
            return await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            return predicate()
        finally:
            self._waiting.pop(future, None)

    def call_at(self, at_s: float, function: Callable[[], None]) -> None:
        """Calls the function from the event loop."""
        delay_s = max(0.0, (at_s - self.reading_s()) / self._speed)
        asyncio.get_running_loop().call_later(delay_s, function)

    def nudge(self) -> None:
        """Wakes those whose predicate has become true."""
        for future, predicate in tuple(self._waiting.items()):
            if not future.done() and predicate():
                future.set_result(True)
