"""What follows from a move without a choice, so that no state is spent on it.

A swap on a version that is gone can only lose, and changes nothing: it has lost at once, whoever
waits in it. A swap right behind the read that it builds on is one with the read: whatever others do
in between either does not touch the record, and might as well come before, or makes the swap lose,
and then the job reads again. This module must not know how a job is stepped.
"""

from collections.abc import Callable

from release.errors import Conflict
from simulator.explorer.calls import Call
from simulator.explorer.model import Model
from simulator.explorer.program import Answer
from simulator.explorer.scope import Kind, Scope
from simulator.explorer.worlds import World

__all__ = ["CONFLICT", "Implied", "go_on", "has_lost"]

CONFLICT = Answer(error=(Conflict, ("another write came first",)))
"""What a swap on a version that is gone comes back with."""

Implied = tuple[int, str, str]
"""One implied step: whose, of which call, with which answer."""

_LOSSES_MAX = 20
"""How often in a row a job may swap on a version that is gone; one that never reads goes on so."""

_UNSURE = frozenset({Kind.SWAP_UNKNOWN, Kind.UNREACHABLE})


def has_lost(model: Model, world: World, call: Call | None) -> bool:
    """Whether a call is a swap on a version that is gone."""
    if call is None or call.operation != "ledger.swap":
        return False
    return bool(call.arguments[0] != model.records.reading(world.record).version)


def go_on(
    model: Model,
    world: World,
    job: int,
    *,
    answered: Call,
    step: Callable[[Answer | None], Call | None],
) -> tuple[World, tuple[Implied, ...]]:
    """Lets a job that was just answered take every step that is implied.

    answered: the call whose answer it got. step: answers the job's call and says which one is next;
    with None it only says which one it waits in.
    """
    call, implied = step(None), list[Implied]()
    is_read = answered.operation == "ledger.read" and not _is_unsure(model.scope)
    is_built_on = call is not None and call.operation == "ledger.swap"
    if is_read and is_built_on and call is not None and not has_lost(model, world, call):
        written = next(iter(model.answer(world, job, call)))
        assert written.answer is not None, "a swap comes back"
        # A write that breaks a promise is a step of its own, for only that shows it.
        if not written.breach:
            world, call = written.world, step(written.answer)
            implied.append((job, "ledger.swap", written.flavour))
    while has_lost(model, world, call) and len(implied) < _LOSSES_MAX:
        call = step(CONFLICT)
        implied.append((job, "ledger.swap", "conflict"))
    return world, tuple(implied)


def _is_unsure(scope: Scope) -> bool:
    """Whether a swap may go wrong in other ways than losing; then it is a step of its own."""
    return bool(scope.kinds & _UNSURE)
