"""What has been set going and has not happened yet: effects on their way to land.

This module must not know what lands.
"""

import heapq
from collections.abc import Callable

from simulator.clock import WorldClock

__all__ = ["Landings"]

_EARLY_S = 1e-6
"""How much early a timer of the machine may fire and still count as due."""


class Landings:
    """Lets things happen at their instants, in the order of (instant, when they were added).

    They happen when the clock calls or when somebody asks the world something, whichever is first,
    so that nobody ever sees a world in which something due has not happened.
    """

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._added = 0
        self._due: list[tuple[float, int, Callable[[], None]]] = []

    def __len__(self) -> int:
        """How many have not happened yet."""
        return len(self._due)

    def add(self, after_s: float, land: Callable[[], None]) -> None:
        """Lets `land` happen `after_s` from now; with zero it happens at once."""
        if after_s <= 0:
            land()
            return
        self._added += 1
        at_s = self._clock.reading_s() + after_s
        heapq.heappush(self._due, (at_s, self._added, land))
        self._clock.call_at(at_s, self.advance)

    def advance(self) -> None:
        """Lets everything happen that is due by now."""
        while self._due and self._due[0][0] <= self._clock.reading_s() + _EARLY_S:
            heapq.heappop(self._due)[2]()
