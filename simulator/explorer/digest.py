"""Sums an exploration up in one line, so that two runs of a scope can be compared.

What is summed up are facts without any number that a run has given away: the world, the call that
each job waits in, and how many moves lead on. This module must not visit a state anew.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import Any

from simulator.explorer.automaton import DEAD, Node
from simulator.explorer.engine import Exploration
from simulator.explorer.territory import Territory
from simulator.explorer.worlds import World

__all__ = ["digest"]

_VERSIONED = frozenset({"ledger.swap", "ledger.changed"})
"""Calls whose first argument is a version of the ledger, which goes by a record's number."""


def digest(found: Exploration) -> str:
    """The same text for two explorations of the same states by the same shortest ways.

    It is the same under every hash seed; that of another Python differs only where the bytecode
    keeps other variables alive.
    """
    writer = _Writer(found.territory)
    depths: dict[int, int] = {}
    facts = []
    for state, parent in found.parents.items():
        depth = depths[state] = 0 if state == parent else depths[parent] + 1
        facts.append(_short(f"{depth} {writer.describe(state)}"))
    total = sha256()
    for fact in sorted(facts):
        total.update(fact.encode())
    promise = found.breach.promise if found.breach else ""
    counts = f"{found.states} {found.transitions} {found.complete} {found.depth} {promise}"
    total.update(counts.encode())
    return total.hexdigest()


class _Writer:
    """Writes states down by what they are."""

    def __init__(self, territory: Territory) -> None:
        self._territory = territory
        self._worlds: dict[int, str] = {}
        self._nodes: dict[int, str] = {}
        self._records: dict[int, str] = {}

    def describe(self, state: int) -> str:
        """The world of a state and the call of each job."""
        territory = self._territory
        number = state >> territory.shift
        world = self._worlds.get(number)
        if world is None:
            world = self._worlds[number] = _short(self._write_world(territory.world(state)))
        jobs = [self._describe_node(territory.node(state, job)) for job in range(territory.jobs)]
        return " ".join((world, *jobs))

    def _describe_node(self, node: Node) -> str:
        if node.number == DEAD:
            return "dead"
        if node.call is None:
            return "over"
        known = self._nodes.get(node.number)
        if known is None:
            arguments = node.call.arguments
            if node.call.operation in _VERSIONED:
                arguments = (self._name_version(arguments[0]), *arguments[1:])
            known = _short(f"{node.call.operation} {_write(arguments)}")
            self._nodes[node.number] = known
        return known

    def _write_world(self, world: World) -> str:
        named = [one._replace(record=0, expected=0) for one in world.flying]
        swaps = [(self._name(one.record), self._name(one.expected)) for one in world.flying]
        flying = sorted(_write(one) for one in zip(named, swaps, strict=True))
        return _write((world._replace(record=0, flying=()), self._name(world.record), flying))

    def _name_version(self, version: str | None) -> str:
        return "none" if version is None else self._name(int(version.removeprefix("v")))

    def _name(self, number: int) -> str:
        known = self._records.get(number)
        if known is None:
            record = self._territory.model.records.record(number)
            known = self._records[number] = _short(_write(record))
        return known


def _write(thing: Any) -> str:  # noqa: ANN401 - whatever stands in a world or a call
    """A text that depends on nothing but what the thing holds."""
    match thing:
        case Enum():
            return f"{type(thing).__name__}.{thing.name}"
        case datetime():
            return thing.isoformat()
        case None | str() | bytes() | int() | float():
            return repr(thing)
        case tuple() | list():
            return f"({' '.join(_write(one) for one in thing)})"
        case set() | frozenset():
            return f"{{{' '.join(sorted(_write(one) for one in thing))}}}"
        case Mapping():
            return f"{{{' '.join(sorted(_write(one) for one in thing.items()))}}}"
        case _:
            assert is_dataclass(thing), f"no text was agreed for a {type(thing).__name__}"
            held = " ".join(_write(getattr(thing, one.name)) for one in fields(thing))
            return f"{type(thing).__name__}({held})"


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:24]
