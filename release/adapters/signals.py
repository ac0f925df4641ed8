"""Turns SIGTERM and SIGINT into a cancelled job; the second one ends the process at once.

This module must not know what a job does when it is cancelled.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

__all__ = ["CancelOnSignal"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class CancelOnSignal:
    """While it is entered, a signal cancels the task that entered it.

    on_first: is told of the first signal, before the task is cancelled.
    """

    def __init__(self, on_first: Callable[[signal.Signals], None]) -> None:
        self._on_first = on_first
        self._task: asyncio.Task[Any] | None = None
        self._is_cancelled = False

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        for number in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._take, number)

    def __exit__(self, *_: object) -> None:
        for number in _SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)

    def _take(self, number: signal.Signals) -> None:
        if self._is_cancelled or self._task is None:
            os._exit(128 + number)
        self._is_cancelled = True
        self._on_first(number)
        self._task.cancel()
