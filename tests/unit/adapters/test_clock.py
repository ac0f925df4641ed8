"""The clock of a real job never goes back, and sleeps no less than it was asked to."""

import asyncio
from datetime import timedelta

import pytest

from release.adapters.clock import SystemClock


@pytest.mark.parametrize("duration_s", [0.0, 0.001, 0.02, -1.0])
def test_sleep_ends_once_the_clock_says_so(duration_s: float) -> None:
    """A sleep never returns before its time has passed on the job's own clock."""
    clock = SystemClock()

    async def run() -> tuple[float, float]:
        start_s = await clock.now_s()
        await clock.sleep(duration_s)
        return start_s, await clock.now_s()

    start_s, end_s = asyncio.run(run())

    assert end_s - start_s >= duration_s


def test_clock_never_goes_back() -> None:
    """Instants are monotonic seconds."""
    clock = SystemClock()

    async def run() -> list[float]:
        return [await clock.now_s() for _ in range(100)]

    instants = asyncio.run(run())

    assert instants == sorted(instants)


def test_wall_clock_is_told_in_utc() -> None:
    """Wall time carries its time zone."""
    told = asyncio.run(SystemClock().utc_now())

    assert told.utcoffset() == timedelta(0)


def test_sleep_lets_others_run_even_when_it_is_short() -> None:
    """A sleep of nothing still gives way once."""
    order: list[str] = []

    async def run() -> None:
        async def other() -> None:
            order.append("other")

        task = asyncio.create_task(other())
        await SystemClock().sleep(0)
        order.append("sleeper")
        await task

    asyncio.run(run())

    assert order == ["other", "sleeper"]
