"""Tells whether two suspended jobs are in the same state: their frames, and all that hangs on them.

A suspended coroutine goes on from its code, its place in it, its variables and its value stack, and
from nothing else. Two that agree in these go on alike, whatever their histories were. This module
must not compare or step anything.
"""

import gc
from collections.abc import Callable, Coroutine
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import partial
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
    TracebackType,
)
from typing import Any

from release.core.assignment import Assignment
from release.core.policy import Policy
from release.ports import Ports
from release.stages.run import Run
from simulator.explorer.frames import is_only_telling, value_stack
from simulator.explorer.instants import Instant
from simulator.explorer.liveness import live_names

__all__ = ["WRITTEN", "fingerprint"]

_FORGOTTEN: dict[str, frozenset[str]] = {
    # What one release is to another never changes, so a remembered answer is no state; warnings are
    # only told; and nothing but a deadline, which no explored policy has, asks when the job began.
    "Run": frozenset({"orders", "warnings", "started_s", "ports"}),
    # How many swaps a claim has lost matters to nothing but its limit, which is out of scope here.
    "_Vigil": frozenset({"lost_swaps"}),
}
_TOLD = frozenset(
    {
        *("fleet", "progress", "failures", "untouched", "repairs", "pointers"),
        *("fencing", "intents", "signal", "scope", "written_s"),
    }
)
"""What a job knows of tenants and pointers, which nothing but its outcome shows once it ends."""

WRITTEN = frozenset({"reading", "answered", "writes", "epoch", "fenced_epoch", "last_intent"})
"""What a job knows of the ledger, which it has no use for once its outcome is written."""

_COUNTERS = frozenset({"tried"})
"""Variables that count attempts, of which there are as many as it takes."""

_SKIPPED = frozenset(
    {
        *(CodeType, FrameType, ModuleType, TracebackType, BuiltinFunctionType, type),
        # A job's ports, orders and policy are the same from its beginning to its end.
        *(Ports, Assignment, Policy),
    }
)

_Read = Callable[["_Reader", Any], Any]

_CODES: dict[int, CodeType] = {}
"""All code that was met by its address, by which it goes here: its hash takes long to find.

It is held, so that no other code ever has that address.
"""

_ALIVE: dict[tuple[int, int], tuple[str, ...]] = {}
"""The variables that count at each place of each code, in order."""


def fingerprint(
    coroutine: Coroutine[Any, Any, Any], now_s: float, *, overwritten: frozenset[str]
) -> tuple[object, ...]:
    """A value that is equal for two suspended coroutines exactly when they go on alike.

    now_s: the job's own clock, from which every instant in its state is counted. overwritten: the
    fields of its run that it will not read again, or not before something takes their place.
    """
    forgotten = _FORGOTTEN["Run"] | overwritten
    if is_only_telling(coroutine):
        forgotten |= _TOLD
    names = tuple(one.name for one in fields(Run) if one.name not in forgotten)
    state: tuple[object, ...] = _read_frame(_Reader(now_s, names), coroutine)
    return state


class _Reader:
    """Reads one state. seen: what was met before, which is named and not read again."""

    __slots__ = ("now_s", "run_fields", "seen")

    def __init__(self, now_s: float, run_fields: tuple[str, ...]) -> None:
        self.now_s = now_s
        self.run_fields = run_fields
        self.seen: dict[int, int] = {}

    def read(self, thing: Any) -> Any:  # noqa: ANN401
        """What a thing contributes to the state."""
        kind = type(thing)
        way = _WAYS.get(kind)
        if way is None:
            way = _WAYS[kind] = _find_way(kind)
        return way(self, thing)

    def is_known(self, thing: object) -> bool:
        """Whether a thing that can be changed in place was met before in this state."""
        if id(thing) in self.seen:
            return True
        self.seen[id(thing)] = len(self.seen)
        return False


def _read_value(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401, ARG001
    return thing


def _read_name(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401, ARG001
    return type(thing).__name__


def _read_instant(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401
    return ("instant", float(thing) - reader.now_s)


def _read_tuple(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401
    return tuple([reader.read(one) for one in thing])


def _read_set(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401
    return ("set", frozenset([reader.read(one) for one in thing]))


def _read_list(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401
    if reader.is_known(thing):
        return ("again", reader.seen[id(thing)])
    return ("list", *[reader.read(one) for one in thing])


def _read_dict(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401
    if reader.is_known(thing):
        return ("again", reader.seen[id(thing)])
    return ("dict", *[(reader.read(key), reader.read(one)) for key, one in thing.items()])


def _read_frame(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401
    """Code, place, variables and value stack; a coroutine that awaits holds the next frame."""
    if reader.is_known(thing):
        return ("again", reader.seen[id(thing)])
    frame = thing.cr_frame if type(thing) is CoroutineType else thing.gi_frame
    if frame is None:
        return ("over",)
    code, variables, read = frame.f_code, frame.f_locals, reader.read
    place = (id(code), frame.f_lasti)
    known = _ALIVE.get(place)
    if known is None:
        _CODES.setdefault(id(code), code)
        alive = live_names(code, frame.f_lasti) - _COUNTERS
        known = _ALIVE[place] = tuple(sorted(alive))
    stack = value_stack(gc.get_referents(thing), code, variables)
    return (
        *place,
        # In the order of names: a frame that was looked at before lists its variables in another.
        *[(name, read(variables[name])) for name in known if name in variables],
        *[reader.read(one) for one in stack if type(one) not in _SKIPPED],
    )


def _read_function(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401
    # One that a run makes for itself, as a comprehension is before 3.12, is another object each
    # time and the same state.
    code, closure = thing.__code__, thing.__closure__
    _CODES.setdefault(id(code), code)
    if closure is None:
        return ("function", id(code))
    if reader.is_known(thing):
        return ("again", reader.seen[id(thing)])
    return ("function", id(code), *[reader.read(cell) for cell in closure])


def _read_cell(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401
    try:
        return ("cell", reader.read(thing.cell_contents))
    except ValueError:
        return "unbound"


def _read_method(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401
    return ("method", reader.read(thing.__func__), reader.read(thing.__self__))


def _read_partial(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401
    return ("partial", *[reader.read(one) for one in (thing.func, thing.args, thing.keywords)])


def _read_error(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401
    return (type(thing), reader.read(thing.args))


def _read_iterator(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401
    return ("iterator", *[reader.read(one) for one in thing.__reduce__()[1:]])


def _read_object(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401
    """Anything else: all that it holds, in a fixed order."""
    if reader.is_known(thing):
        return ("again", reader.seen[id(thing)])
    held = vars(thing).values() if hasattr(thing, "__dict__") else gc.get_referents(thing)
    return (type(thing), *[reader.read(one) for one in held if type(one) not in _SKIPPED])


def _read_fields(kind: type) -> _Read:
    """Reads the fields of one dataclass, but for those that are no state."""
    forgotten = _FORGOTTEN.get(kind.__name__, frozenset())
    names = [one.name for one in fields(kind) if one.name not in forgotten]

    def read(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401
        if reader.is_known(thing):
            return ("again", reader.seen[id(thing)])
        return (kind, *[reader.read(getattr(thing, name)) for name in names])

    return read


def _read_run(reader: _Reader, thing: Any) -> Any:  # noqa: ANN401
    if reader.is_known(thing):
        return ("again", reader.seen[id(thing)])
    return ("run", *[reader.read(getattr(thing, name)) for name in reader.run_fields])


_WAYS: dict[type, _Read] = {
    **dict.fromkeys((str, bytes, int, bool, float, type(None)), _read_value),
    # These hold what no garbage collector sees; a loop's place is a range from Python 3.12 on.
    **dict.fromkeys((range, datetime), _read_value),
    **dict.fromkeys(_SKIPPED, _read_name),
    Instant: _read_instant,
    Run: _read_run,
    tuple: _read_tuple,
    list: _read_list,
    dict: _read_dict,
    set: _read_set,
    frozenset: _read_set,
    CoroutineType: _read_frame,
    GeneratorType: _read_frame,
    FunctionType: _read_function,
    CellType: _read_cell,
    MethodType: _read_method,
    partial: _read_partial,
}


def _find_way(kind: type) -> _Read:
    """How things of a type that is met for the first time are read."""
    if issubclass(kind, Enum) or _is_timeless_value(kind):
        return _read_value
    if issubclass(kind, BaseException):
        return _read_error
    if kind.__name__.endswith("iterator") or kind in (enumerate, zip, map, reversed):
        return _read_iterator
    return _read_fields(kind) if is_dataclass(kind) else _read_object


def _is_timeless_value(kind: type) -> bool:
    """Whether a type is a frozen value none of whose own fields can hold an instant, or a run."""
    if not is_dataclass(kind) or kind.__name__ in _FORGOTTEN:
        return False
    is_frozen = getattr(kind, "__hash__", None) is not None
    held = [str(one.type) for one in fields(kind)]
    return is_frozen and not any("float" in one or "Callable" in one for one in held)
