"""What a coroutine under the scheduler may await, and how a run of the scheduler may fail.

This module must not step anything.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from release.errors import HeadwayError

__all__ = ["Hold", "Killed", "Pause", "Stalled", "StepsExhausted"]


class StepsExhausted(HeadwayError):
    """A run took more steps than it was allowed: a loop that never waits, or a bound too small."""


class Stalled(HeadwayError):
    """Nothing is left to happen, and still a job waits for something that can't come any more."""


class Killed(BaseException):
    """The job that runs is being killed: nothing may be started for it any more."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Awaited, it lets `duration_s` pass; zero lets everything else that is due now go first."""

    duration_s: float

    def __await__(self) -> Generator["Pause", Any, None]:
        yield self


@dataclass(frozen=True, slots=True)
class Hold:
    """Awaited, it waits until `predicate()` is true; the answer says whether it became true.

    predicate: pure and cheap, for it is asked after every step of the run.
    within_s: give up after so long, and answer False; None never gives up.
    """

    predicate: Callable[[], bool]
    within_s: float | None = None

    def __await__(self) -> Generator["Hold", Any, bool]:
        return bool((yield self))
