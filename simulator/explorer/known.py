"""What an exploration has found out about its territory, for all states that agree in a part.

It is forgotten as a whole where it is too much for the memory, and then found again. This module
must not find anything out.
"""

from dataclasses import dataclass, field

__all__ = ["NOTHING", "Known", "Life", "Moves", "Part"]

_CACHE_MAX = 400_000

Moves = tuple[tuple[int, ...], tuple[int, ...]]
"""The targets of a job's moves: first those that leave the ledger alone, then those that write."""

NOTHING: Moves = ((), ())
"""The moves of a job that is blocked."""

Part = tuple[int, int, int]
"""A job, the bits of a state that its moves rest on, and of the nodes those that they leave."""


class Life:
    """Who lives in a world, and what may happen there by itself; None until that is asked for."""

    __slots__ = ("events", "parts")

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.parts = parts
        self.events: tuple[tuple[int, int], ...] | None = None


@dataclass(slots=True)
class Known:
    """Moves that were found: those of (world, job) pairs, and what goes on in each world.

    older: moves that were found a while ago. settled: the bits of a job that can do nothing else,
    and its own bit when that ends it; empty for one that may go on. retired: worlds in which jobs
    have ended.
    """

    moves: dict[int, Moves] = field(default_factory=dict)
    older: dict[int, Moves] = field(default_factory=dict)
    worlds: dict[int, Life] = field(default_factory=dict)
    settled: dict[int, tuple[int, int] | tuple[()]] = field(default_factory=dict)
    retired: dict[int, int] = field(default_factory=dict)

    def shrink(self) -> None:
        """Forgets what was not used of late, once it is more than memory should hold."""
        if len(self.moves) > _CACHE_MAX:
            self.older, self.moves = self.moves, {}
            self.worlds.clear()
            self.settled.clear()
            self.retired.clear()
