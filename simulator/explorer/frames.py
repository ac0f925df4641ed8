"""The frames of a suspended coroutine: which there are, and what lies on their value stacks.

This module must not compare states.
"""

from collections.abc import Coroutine, Iterator, Mapping
from operator import length_hint
from types import CodeType, CoroutineType, FrameType
from typing import Any

from release.core.outcome import Word
from release.stages.finish import finish

__all__ = ["ENDLESS", "is_last_look", "is_only_telling", "value_stack"]

ENDLESS = 1_000_000
"""As often as it takes: a limit that is out of scope, and how far a loop is from it no state."""

_LAST_LOOK = "_look_once_more"
_GOOD = frozenset({Word.DEPLOYED, Word.REDEPLOYED, Word.VERIFIED})
_RANGE_ITERATOR = type(iter(range(0)))


def is_only_telling(coroutine: Coroutine[Any, Any, Any]) -> bool:
    """Whether a job is at its end, and not a good one: what it knows of tenants is only told."""
    ended = (one.f_locals["ended"] for one in _frames(coroutine) if one.f_code is finish.__code__)
    return any(one.word not in _GOOD for one in ended)


def is_last_look(coroutine: Coroutine[Any, Any, Any]) -> bool:
    """Whether a job at its end has written the ledger for the last time."""
    return any(frame.f_code.co_name == _LAST_LOOK for frame in _frames(coroutine))


def _frames(coroutine: Coroutine[Any, Any, Any]) -> Iterator[FrameType]:
    """The frames of a suspended coroutine and of those that it waits for, outermost first."""
    inner: Any = coroutine
    while type(inner) is CoroutineType and inner.cr_frame is not None:
        yield inner.cr_frame
        inner = inner.cr_await


def value_stack(held: list[Any], code: CodeType, variables: Mapping[str, Any]) -> list[Any]:
    """A frame's value stack, which lies behind its variables.

    The position of a loop that tries as often as it takes is left out.
    """
    cells = {*code.co_cellvars, *code.co_freevars}
    plain = sum(name not in cells for name in variables) if cells else len(variables)
    # The code is held just before the variables, and once more, or not, with the names in front.
    begin = len(held) - held[::-1].index(code)
    above = held[begin + plain + len(cells) :]
    return [one for one in above if not _is_endless(one)]


def _is_endless(thing: Any) -> bool:  # noqa: ANN401
    return type(thing) is _RANGE_ITERATOR and length_hint(thing) >= ENDLESS // 2
