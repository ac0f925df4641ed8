"""One thing that may happen next, and short ways to write one down.

This module must not know any call.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.explorer.program import Answer
from simulator.explorer.worlds import World

__all__ = ["Choice", "raised", "returned"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What happens, and the world after it.

    flavour: which of the possible answers, such as `ok` or `timeout`.
    answer: what the job gets; None when it goes on waiting, or is dead.
    breach: the promise that this breaks, and by what; empty when none.
    """

    flavour: str
    world: World
    answer: Answer | None = None
    breach: str = ""


def returned(
    flavour: str, world: World, value: object = None, *, passes_s: float = 0.0, breach: str = ""
) -> Choice:
    """The call comes back with a value."""
    return Choice(flavour, world, Answer(value=value, passes_s=passes_s), breach)


def raised(
    flavour: str,
    world: World,
    error: tuple[Callable[..., BaseException], tuple[Any, ...]],
    *,
    breach: str = "",
) -> Choice:
    """The call raises."""
    return Choice(flavour, world, Answer(error=error), breach)
