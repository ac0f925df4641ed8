"""Waits until a ledger's record changes, for the stores that can only be asked again and again.

This module must not write, nor judge what has changed.
"""

from collections.abc import Awaitable, Callable

from release.ports import Clock, Reading

__all__ = ["wait_for_change"]


async def wait_for_change(
    read: Callable[[], Awaitable[Reading]],
    clock: Clock,
    *,
    version: str | None,
    within_s: float,
    poll_s: float,
) -> Reading:
    """Reads every `poll_s` until the version is another one, at most for `within_s`.

    It reads at once, and a last time at the very end. Raises whatever `read` raises.
    """
    end_s = await clock.now_s() + within_s
    while True:
        reading = await read()
        left_s = end_s - await clock.now_s()
        if reading.version != version or left_s <= 0:
            return reading
        await clock.sleep(min(poll_s, left_s))
