"""Freeze windows: hours of the week by the local clock of a place."""

from datetime import UTC, datetime, time

import pytest
from freezegun import freeze_time

from release.core.freeze import Day, FreezeWindow, find_freeze
from release.errors import Invalid

WORKDAYS = (Day.MONDAY, Day.TUESDAY, Day.WEDNESDAY, Day.THURSDAY, Day.FRIDAY)


def window(days: tuple[Day, ...], start: str, end: str, zone: str = "UTC") -> FreezeWindow:
    """A window from one wall time to another."""
    return FreezeWindow(
        days=days,
        start=time.fromisoformat(start),
        end=time.fromisoformat(end),
        time_zone=zone,
    )


def is_open(one: FreezeWindow, utc: str) -> bool:
    """Whether the window is open while the wall clock shows this instant."""
    with freeze_time(utc):
        return one.is_open(datetime.now(UTC))


@pytest.mark.parametrize(
    ("utc", "expected"),
    [
        ("2026-03-27 08:59:59.999999", False),
        ("2026-03-27 09:00", True),
        ("2026-03-27 16:59:59.999999", True),
        ("2026-03-27 17:00", False),
        ("2026-03-28 12:00", False),
        ("2026-03-26 12:00", False),
    ],
)
def test_window_is_open_from_its_start_up_to_its_end(utc: str, *, expected: bool) -> None:
    """The start belongs to it, the end does not, and other days never do."""
    assert expected is is_open(window((Day.FRIDAY,), "09:00", "17:00"), utc)


@pytest.mark.parametrize(
    ("utc", "expected"),
    [
        ("2026-03-27 21:59", False),
        ("2026-03-27 22:00", True),
        ("2026-03-28 00:00", True),
        ("2026-03-28 05:59", True),
        ("2026-03-28 06:00", False),
        ("2026-03-28 22:00", False),
        ("2026-03-27 05:59", False),
    ],
)
def test_window_over_midnight_belongs_to_the_day_it_begins_on(utc: str, *, expected: bool) -> None:
    """Friday 22:00 to 06:00 reaches into Saturday, and Friday's own morning is free."""
    assert expected is is_open(window((Day.FRIDAY,), "22:00", "06:00"), utc)


def test_window_over_midnight_reaches_over_the_end_of_the_week() -> None:
    """Sunday night ends on Monday morning, in the next week."""
    night = window((Day.SUNDAY,), "22:00", "06:00")

    assert is_open(night, "2026-03-29 23:00")
    assert is_open(night, "2026-03-30 05:00")
    assert not is_open(night, "2026-03-30 06:00")


def test_window_that_ends_when_it_starts_lasts_a_whole_day() -> None:
    """`00:00` to `00:00` is the day, `12:00` to `12:00` the day from noon to noon."""
    day = window((Day.FRIDAY,), "00:00", "00:00")
    noon = window((Day.FRIDAY,), "12:00", "12:00")

    assert [is_open(day, f"2026-03-{one} 00:00") for one in (26, 27, 28)] == [False, True, False]
    assert is_open(day, "2026-03-27 23:59:59.999999")
    assert is_open(noon, "2026-03-28 11:59")
    assert not is_open(noon, "2026-03-28 12:00")


def test_window_follows_the_local_clock_over_the_change_to_summer_time() -> None:
    """09:00 in Berlin is 08:00 UTC on the Friday before the change, and 07:00 on the Monday after.

    On 2026-03-29 the clocks there go from 02:00 to 03:00.
    """
    morning = window(WORKDAYS, "09:00", "10:00", "Europe/Berlin")

    assert is_open(morning, "2026-03-27 08:00")
    assert not is_open(morning, "2026-03-27 07:00")
    assert is_open(morning, "2026-03-30 07:00")
    assert not is_open(morning, "2026-03-30 08:00")


def test_night_window_is_an_hour_shorter_when_summer_time_begins() -> None:
    """Saturday 22:00 to 06:00 local time begins at 21:00 UTC and ends at 04:00 UTC."""
    night = window((Day.SATURDAY,), "22:00", "06:00", "Europe/Berlin")

    hours = [hour for hour in range(24) if is_open(night, f"2026-03-29 {hour:02}:00")]

    assert is_open(night, "2026-03-28 21:00")
    assert not is_open(night, "2026-03-28 20:59")
    assert [0, 1, 2, 3] == hours


def test_window_in_the_hour_that_is_left_out_never_opens() -> None:
    """When the clocks go from 02:00 to 03:00, no instant is half past two."""
    gap = window((Day.SUNDAY,), "02:00", "03:00", "Europe/Berlin")

    assert not any(is_open(gap, f"2026-03-29 {hour:02}:30") for hour in range(24))


def test_window_in_the_hour_that_comes_twice_is_open_twice() -> None:
    """When the clocks go back from 03:00 to 02:00, both of these hours are frozen."""
    twice = window((Day.SUNDAY,), "02:00", "03:00", "Europe/Berlin")

    hours = [hour for hour in range(24) if is_open(twice, f"2026-10-25 {hour:02}:30")]

    assert [0, 1] == hours


def test_day_is_that_of_the_place() -> None:
    """Friday 20:00 UTC is Saturday morning in Auckland and Friday afternoon in Los Angeles."""
    weekend = (Day.SATURDAY, Day.SUNDAY)
    instant = "2026-03-27 20:00"

    assert is_open(window(weekend, "00:00", "00:00", "Pacific/Auckland"), instant)
    assert not is_open(window(weekend, "00:00", "00:00", "America/Los_Angeles"), instant)


@pytest.mark.parametrize("days", [(day,) for day in Day])
def test_each_day_has_its_name(days: tuple[Day, ...]) -> None:
    """Days are named as `datetime.weekday` counts them: 2026-03-23 was a Monday."""
    number = 23 + list(Day).index(days[0])

    assert is_open(window(days, "00:00", "00:00"), f"2026-03-{number} 12:00")


@pytest.mark.parametrize(
    "zone", ["", "Nowhere/Atlantis", "../../etc/passwd", "/etc/passwd", "Europe", "U\x00TC"]
)
def test_time_zone_that_does_not_exist_is_refused(zone: str) -> None:
    """A misspelt zone is told when the configuration is read, not when the window should open."""
    with pytest.raises(Invalid, match="no such time zone"):
        window(WORKDAYS, "09:00", "10:00", zone)


def test_window_without_a_day_is_refused() -> None:
    """It would never open, and nobody would know."""
    with pytest.raises(Invalid, match="names no day"):
        window((), "09:00", "10:00")


def test_first_open_window_is_found() -> None:
    """Of several windows the first that is open gives its reason; none when all are closed."""
    morning = window(WORKDAYS, "09:00", "12:00")
    friday = window((Day.FRIDAY,), "10:00", "12:00")
    instant = datetime(2026, 3, 27, 11, 0, tzinfo=UTC)

    assert friday == find_freeze((friday, morning), instant)
    assert morning == find_freeze((morning, friday), instant)
    assert find_freeze((morning, friday), instant.replace(hour=12)) is None
    assert find_freeze((), instant) is None
