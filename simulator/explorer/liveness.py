"""Tells which variables of a suspended frame can still be read, from the bytecode alone.

A variable that is written before it is read again, on every way on from here, is no state. This
module must not look at values.
"""

import dis
from collections.abc import Iterator
from functools import cache
from types import CodeType

__all__ = ["live_names"]

_ENDS = frozenset({"RETURN_VALUE", "RETURN_CONST", "RERAISE", "RAISE_VARARGS"})
_UNCONDITIONAL = frozenset({"JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"})
_NOTHING = frozenset[str]()


@cache
def live_names(code: CodeType, offset: int) -> frozenset[str]:
    """The variables that may be read once the instruction at `offset` goes on, or raises.

    Those that other functions share count as read for ever.
    """
    shared = frozenset((*code.co_cellvars, *code.co_freevars))
    return _table(code)[offset] | shared


@cache
def _table(code: CodeType) -> dict[int, frozenset[str]]:
    """For each instruction, what may be read after it."""
    instructions = list(dis.get_instructions(code))
    handlers = _handlers(code)
    nexts = {one.offset: tuple(_targets(instructions, at)) for at, one in enumerate(instructions)}
    before = {one.offset: _NOTHING for one in instructions}
    after = dict(before)
    has_changed = True
    while has_changed:
        has_changed = False
        for one in reversed(instructions):
            raised = _NOTHING.union(*[before[to] for to in handlers.get(one.offset, ())])
            out = raised.union(*[before[to] for to in nexts[one.offset]])
            reads, writes = _uses(one)
            entering = reads | (out - writes) | raised
            if (out, entering) != (after[one.offset], before[one.offset]):
                after[one.offset], before[one.offset] = out, entering
                has_changed = True
    return after


def _targets(instructions: list[dis.Instruction], at: int) -> Iterator[int]:
    """The instructions that may come next."""
    one = instructions[at]
    if one.opcode in dis.hasjrel or one.opcode in dis.hasjabs:
        yield one.argval
    is_last = one.opname in _ENDS or one.opname in _UNCONDITIONAL
    if not is_last and at + 1 < len(instructions):
        yield instructions[at + 1].offset


def _handlers(code: CodeType) -> dict[int, tuple[int, ...]]:
    """Where an error at each instruction is caught in the same frame."""
    # The type stubs of the standard library do not know this attribute.
    entries = vars(dis.Bytecode(code))["exception_entries"]
    return {at: (one.target,) for one in entries for at in range(one.start, one.end, 2)}


def _uses(one: dis.Instruction) -> tuple[frozenset[str], frozenset[str]]:
    """Which variables an instruction reads and writes."""
    if "_FAST" not in one.opname:
        return _NOTHING, _NOTHING
    names = one.argval if isinstance(one.argval, tuple) else (one.argval,)
    if one.opname == "STORE_FAST_LOAD_FAST":
        return frozenset(names[1:]) - {names[0]}, frozenset(names[:1])
    if one.opname in {"STORE_FAST", "DELETE_FAST", "STORE_FAST_STORE_FAST"}:
        return _NOTHING, frozenset(names)
    return frozenset(names), _NOTHING
