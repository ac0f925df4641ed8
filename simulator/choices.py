"""The only source of chance in the simulator: seeded, and written down as it is used.

This module must not know what is chosen.
"""

import random
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["Choices"]

T = TypeVar("T")


class Choices:
    """Chooses the same things in the same order for the same seed; `made` tells what was chosen."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.made: list[tuple[str, object]] = []
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose, guards nothing

    def between(self, what: str, low: float, high: float) -> float:
        """Chooses a number from `low` to `high`; without a choice when they are equal."""
        if low == high:
            return low
        chosen = self._random.uniform(low, high)
        self.made.append((what, chosen))
        return chosen

    def pick(self, what: str, options: Sequence[T]) -> T:
        """Chooses one of the options; without a choice when there is only one."""
        if len(options) == 1:
            return options[0]
        index = self._random.randrange(len(options))
        self.made.append((what, index))
        return options[index]

    def token(self, what: str) -> str:
        """Chooses 32 hexadecimal digits, for things that only have to differ; never a secret."""
        chosen = f"{self._random.getrandbits(128):032x}"
        self.made.append((what, chosen))
        return chosen
