"""Decides whether a freeze window is open: hours of the week in which nothing is deployed.

This module must not read the clock; the instant comes in.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from release.errors import Invalid

__all__ = ["Day", "FreezeWindow", "find_freeze"]


class Day(StrEnum):
    """A day of the week, in the order of `datetime.weekday`."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeWindow:
    """A window on each of `days`, from `start` up to but not including `end`, local time there.

    An `end` that is not after `start` lies on the following day. time_zone: an IANA name such as
    `Europe/Berlin`; a change to or from summer time moves the window with the local clock.
    """

    days: tuple[Day, ...]
    start: time
    end: time
    time_zone: str = "UTC"
    reason: str = "freeze window"

    def __post_init__(self) -> None:
        if not self.days:
            raise Invalid("names no day", on="freeze window", advice="Add days, such as fri")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise Invalid(
                "no such time zone", on=repr(self.time_zone), expected="an IANA name"
            ) from exc

    def is_open(self, utc: datetime) -> bool:
        """Whether the instant lies in the window; `utc` must carry its time zone."""
        local = utc.astimezone(ZoneInfo(self.time_zone))
        today = tuple(Day)[local.weekday()]
        yesterday = tuple(Day)[(local - timedelta(days=1)).weekday()]
        now = local.time().replace(tzinfo=None)
        if self.start < self.end:
            return today in self.days and self.start <= now < self.end
        return (today in self.days and now >= self.start) or (
            yesterday in self.days and now < self.end
        )


def find_freeze(windows: tuple[FreezeWindow, ...], utc: datetime) -> FreezeWindow | None:
    """The first window that is open at the instant."""
    return next((window for window in windows if window.is_open(utc)), None)
