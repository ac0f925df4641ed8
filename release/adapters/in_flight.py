"""Keeps an effect going when whoever waits for its answer is cancelled, and hands the answer on.

This module must not know what the effect is or what its answer means.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from release.errors import HeadwayError

__all__ = ["InFlight"]

T = TypeVar("T")


class InFlight(Generic[T]):
    """The one effect of an adapter that may be under way; use it within one event loop."""

    def __init__(self) -> None:
        self._sent: asyncio.Task[T] | None = None

    async def send(self, effect: Coroutine[Any, Any, T]) -> T:
        """Waits for the effect; when the wait is cancelled, the effect goes on."""
        self._sent = asyncio.create_task(effect)
        # An answer that nobody waits for any more must not be reported as an error of ours.
        self._sent.add_done_callback(lambda sent: sent.cancelled() or sent.exception())
        return await asyncio.shield(self._sent)

    async def late_answer(self, within_s: float) -> T | None:
        """Waits for the answer of the effect that was sent last; None when none comes in time."""
        if self._sent is None:
            return None
        done, _ = await asyncio.wait({self._sent}, timeout=within_s)
        try:
            return self._sent.result() if done else None
        except (HeadwayError, asyncio.CancelledError):
            return None
