"""Freeze windows from the text of a configuration to the wall clock of this machine."""

import asyncio

import pytest
from freezegun import freeze_time

from release.adapters.clock import SystemClock
from release.core.freeze import find_freeze
from tests.support.configurations import LEAST, load

WINDOWS = """
[[freeze]]
days = ["fri"]
start = "16:00"
end = "18:00"
time_zone = "Europe/Berlin"
reason = "the end of the week"

[[freeze]]
days = ["sat"]
start = "22:00"
end = "06:00"
time_zone = "Europe/Berlin"
reason = "the night to Sunday"
"""


def reason_at(utc: str) -> str:
    """What a job would be told whose machine's clock shows this instant of UTC."""
    freezes = load(LEAST + WINDOWS).freezes
    with freeze_time(utc, real_asyncio=True):
        window = find_freeze(freezes, asyncio.run(SystemClock().utc_now()))
    return window.reason if window else ""


@pytest.mark.parametrize(
    ("utc", "expected"),
    [
        ("2026-03-20 14:59:59.999999", ""),
        ("2026-03-20 15:00:00", "the end of the week"),
        ("2026-03-20 16:59:59.999999", "the end of the week"),
        ("2026-03-20 17:00:00", ""),
        ("2026-04-03 13:59:59.999999", ""),
        ("2026-04-03 14:00:00", "the end of the week"),
        ("2026-04-03 15:59:59.999999", "the end of the week"),
        ("2026-04-03 16:00:00", ""),
    ],
)
def test_window_opens_and_closes_by_the_clock_of_its_place(utc: str, expected: str) -> None:
    """16:00 to 18:00 in Berlin is 15:00 to 17:00 UTC in winter, and an hour earlier in summer."""
    assert expected == reason_at(utc)


@pytest.mark.parametrize(
    ("utc", "expected"),
    [
        ("2026-03-28 20:59:59", ""),
        ("2026-03-28 21:00:00", "the night to Sunday"),
        ("2026-03-28 23:00:00", "the night to Sunday"),
        ("2026-03-29 01:00:00", "the night to Sunday"),
        ("2026-03-29 03:59:59", "the night to Sunday"),
        ("2026-03-29 04:00:00", ""),
        ("2026-10-24 19:59:59", ""),
        ("2026-10-24 20:00:00", "the night to Sunday"),
        ("2026-10-25 00:30:00", "the night to Sunday"),
        ("2026-10-25 01:30:00", "the night to Sunday"),
        ("2026-10-25 04:59:59", "the night to Sunday"),
        ("2026-10-25 05:00:00", ""),
    ],
)
def test_night_over_the_change_of_the_clocks_is_shorter_in_spring_and_longer_in_autumn(
    utc: str, expected: str
) -> None:
    """Over midnight and over the change: seven hours on 2026-03-29, nine on 2026-10-25."""
    assert expected == reason_at(utc)
