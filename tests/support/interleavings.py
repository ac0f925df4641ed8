"""Plays writers of one simulated Swarm service against each other, in every order of their calls.

A coroutine is driven by hand from call to call. Two orders that have led to the same world, and to
writers that wait at the same places with the same in hand, go on alike: one of them is taken on.
This module must not judge what happens.
"""

import json
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import coroutine
from typing import Any

from simulator.swarm import SimSwarm

__all__ = ["Actor", "Interleaving", "TurnEngine", "explore"]

_NODES_MAX = 200_000


@coroutine
def _wait_for_turn() -> Generator[None, None, None]:
    yield


class TurnEngine:
    """One writer's view of the engine: each call waits for its turn and then happens at once.

    epoch: the writer's own; has_raised: whether the fence was said to be there.
    last: the service as it was read last; last_index: its version then.
    """

    def __init__(self, engine: SimSwarm, *, epoch: int = 0) -> None:
        self.engine = engine
        self.epoch = epoch
        self.has_raised = False
        self.last: Mapping[str, Any] = {}
        self.last_index = 0

    @property
    def name(self) -> str:
        """As the engine's."""
        return self.engine.name

    async def services(self, label: str) -> Sequence[Mapping[str, Any]]:
        """Lists services."""
        await _wait_for_turn()
        return await self.engine.services(label)

    async def service(self, identity: str) -> Mapping[str, Any] | None:
        """Reads a service."""
        await _wait_for_turn()
        self.last = await self.engine.service(identity) or {}
        self.last_index = self.last["Version"]["Index"]
        return self.last

    async def update(self, identity: str, index: int, spec: Mapping[str, Any]) -> None:
        """Writes a service."""
        await _wait_for_turn()
        await self.write(identity, index, spec)

    async def write(self, identity: str, index: int, spec: Mapping[str, Any]) -> None:
        """Does what the turn is for."""
        await self.engine.update(identity, index, spec)

    async def tasks(self, services: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Lists tasks."""
        await _wait_for_turn()
        return await self.engine.tasks(services)

    async def image(self, reference: str) -> Mapping[str, Any] | None:
        """Reads an image."""
        await _wait_for_turn()
        return await self.engine.image(reference)


@dataclass(slots=True)
class Actor:
    """One writer. end: what its coroutine returned or raised; None while it goes on."""

    engine: TurnEngine
    running: Coroutine[Any, Any, Any]
    end: Any = None
    is_over: bool = False

    def position(self) -> tuple[object, ...]:
        """Where its code waits, and how it ended if it has."""
        found: list[object] = [repr(self.end)]
        waiting: Any = self.running
        while waiting is not None and getattr(waiting, "cr_frame", None) is not None:
            found.append((waiting.cr_code.co_name, waiting.cr_frame.f_lasti))
            waiting = waiting.cr_await
        return tuple(found)

    def step(self) -> None:
        """Lets it make its next call and go on to the one after it."""
        try:
            self.running.send(None)
        except StopIteration as stop:
            self.end, self.is_over = stop.value, True
        except Exception as exc:  # noqa: BLE001 - how a writer ends is what is looked at
            self.end, self.is_over = exc, True


@dataclass(slots=True, kw_only=True)
class Interleaving:
    """One order of calls, and the world that it led to.

    before: the specification that the last turn found; after: the one that it left.
    """

    engine: SimSwarm
    service: str
    actors: Sequence[Actor]
    order: tuple[int, ...] = ()
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)

    def play(self, order: tuple[int, ...]) -> None:
        """Gives the turns; the number behind the last actor's is the orchestrator's."""
        self.order = order
        for actor in self.actors:
            actor.step()  # To its first call, which waits.
        for number in order[:-1]:
            self._take(number)
        self.before = self._spec()
        for number in order[-1:]:
            self._take(number)
        self.after = self._spec()

    def _take(self, number: int) -> None:
        if number == len(self.actors):
            self.engine.step()
        else:
            self.actors[number].step()

    def _spec(self) -> Mapping[str, Any]:
        spec: Mapping[str, Any] = self.engine.peek(self.service)["Spec"]
        return spec

    @property
    def key(self) -> tuple[object, ...]:
        """What decides how it goes on.

        A version is only ever compared with the one that is there, so that its number is left out.
        """
        index = self.engine.peek(self.service)["Version"]["Index"]
        return (
            self.engine.picture(self.service),
            *(
                (one.position(), _spell(one.engine.last), one.engine.last_index == index)
                for one in self.actors
            ),
        )


def _spell(plain: Mapping[str, Any]) -> str:
    """A service without what only numbers its versions."""
    status = dict(plain.get("UpdateStatus") or {})
    status.pop("StartedAt", None)
    return json.dumps({**plain, "Version": 0, "UpdateStatus": status}, sort_keys=True)


def explore(make: Callable[[], Interleaving], *, moves: int = 0) -> Iterator[Interleaving]:
    """Every world that some order of calls leads to, the ended ones among them.

    make: sets the scene anew. moves: how often the orchestrator may take a step.
    """
    known: set[tuple[object, ...]] = set()
    waiting: list[tuple[int, ...]] = [()]
    while waiting:
        order = waiting.pop()
        played = make()
        played.play(order)
        left = moves - order.count(len(played.actors))
        key = (*played.key, left)
        if key not in known:
            known.add(key)
            assert len(known) <= _NODES_MAX, "the scope is too large"
            yield played
            able = [n for n, actor in enumerate(played.actors) if not actor.is_over]
            able += [len(played.actors)] if left and able else []
            waiting += [(*order, number) for number in able]
        for actor in played.actors:
            actor.running.close()
