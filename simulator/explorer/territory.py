"""The state space of one scope: what may happen next in a state, each found once.

A state is one integer: the number of the world and, below it, of each job's node. This module must
not decide in which order states are visited.
"""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from simulator.explorer.automaton import DEAD, Automaton, Node
from simulator.explorer.calls import Call
from simulator.explorer.choices import Choice
from simulator.explorer.implied import CONFLICT, Implied, go_on, has_lost
from simulator.explorer.model import Model
from simulator.explorer.program import Answer, Stepped
from simulator.explorer.programs import programs
from simulator.explorer.scope import Scope
from simulator.explorer.verdicts import Verdicts
from simulator.explorer.worlds import NOBODY, JobState, World
from simulator.guards import Deploy

__all__ = ["HEAL", "Breach", "Move", "Territory"]

HEAL = "a fresh deploy of the newest release"

_NODE_BITS = 22
_NODE_MASK = (1 << _NODE_BITS) - 1


class Move(NamedTuple):
    """One thing that may happen in a state.

    job: whose call it answers, -1 for an event. implied: what follows from it without a choice.
    """

    job: int
    operation: str
    flavour: str
    target: int
    breach: str
    implied: tuple[Implied, ...] = ()


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that was broken: by the move from `state`, or by standing still in it."""

    state: int
    promise: str
    target: int | None = None


class Territory:
    """The states of one scope under one guard.

    seen: how often each call came back with each answer, over all distinct situations.
    """

    def __init__(self, scope: Scope, deploy: Deploy | None = None) -> None:
        self.scope = scope
        self.model = Model(scope)
        self.cast = self.model.cast
        self.jobs = len(self.cast.jobs)
        self.automaton = Automaton(programs(self.cast, deploy))
        self._verdicts = Verdicts(self.cast, self.model.records)
        self._worlds: list[World] = []
        self._numbers: dict[World, int] = {}
        self.shift = _NODE_BITS * self.jobs
        self.node_masks = tuple(_NODE_MASK << (_NODE_BITS * job) for job in range(self.jobs))
        self.all_nodes = (1 << self.shift) - 1
        self.seen: Counter[tuple[str, str]] = Counter()
        self.words: Counter[tuple[str, str]] = Counter()
        first = [node.number << (_NODE_BITS * job) for job, node in enumerate(self.automaton.first)]
        self.start = (self._number(self.model.first()) << self.shift) | sum(first)

    @property
    def worlds(self) -> int:
        """How many different worlds were reached."""
        return len(self._worlds)

    def world(self, state: int) -> World:
        """The world of a state."""
        return self._worlds[state >> self.shift]

    def node(self, state: int, job: int) -> Node:
        """Where a job is in a state."""
        return self.automaton.nodes[(state >> (_NODE_BITS * job)) & _NODE_MASK]

    def moves(self, state: int) -> list[Move]:
        """Everything that may happen in a state, always in the same order."""
        found = [move for job in range(self.jobs) for move in self.job_moves(state, job)]
        return found + self.event_moves(state)

    def job_moves(self, state: int, job: int) -> list[Move]:
        """Every answer that the job's call may get in a state."""
        world, node = self.world(state), self.node(state, job)
        if node.call is None or not self.model.is_up(world, job):
            return []
        nodes = state & self.all_nodes & ~self.node_masks[job]
        moves = []
        for choice in self.model.answer(world, job, node.call):
            self.seen[node.call.operation, choice.flavour] += 1
            after, ended, left, implied = self._after(choice, job, node)
            breach = choice.breach
            if ended is not None:
                breach = breach or self._verdicts.at_end(left, job, ended)
                word = ended.outcome.word.value if ended.outcome else "error"
                self.words[self.cast.jobs[job].name, word] += 1
            target = self._pack(left, nodes | (after.number << (_NODE_BITS * job)))
            target, others = self._settle(target, job)
            name = (job, node.call.operation, choice.flavour)
            moves.append(Move(*name, target, breach, implied + others))
        return moves

    def _after(
        self, choice: Choice, job: int, node: Node
    ) -> tuple[Node, Stepped | None, World, tuple[Implied, ...]]:
        """Where a job is after a choice, how it ended if it did, and the world that it leaves."""
        if choice.answer is None or node.call is None:
            return node, None, choice.world, ()
        last = (node, choice.answer)
        after = self.automaton.after(*last)

        def step(answer: Answer | None) -> Call | None:
            nonlocal after, last
            if answer is not None:
                last = (after, answer)
                after = self.automaton.after(*last)
            return after.call

        world, implied = go_on(self.model, choice.world, job, answered=node.call, step=step)
        if not after.is_over:
            return after, None, world, implied
        return after, self.automaton.ended(*last), self.model.end(world, job), implied

    def settle(self, state: int) -> int:
        """The same state once every swap has lost that can do nothing else."""
        return self._settle(state, NOBODY)[0]

    def _settle(self, state: int, mover: int) -> tuple[int, tuple[Implied, ...]]:
        world, implied = self.world(state), []
        for job, mask in enumerate(self.node_masks):
            node = self.node(state, job)
            if job == mover or not has_lost(self.model, world, node.call):
                continue
            lost = self.automaton.after(node, CONFLICT)
            state = state & ~mask | (lost.number << (_NODE_BITS * job))
            implied.append((job, "ledger.swap", "conflict"))
        return state, tuple(implied)

    def event_moves(self, state: int) -> list[Move]:
        """Everything that may happen by itself in a state."""
        world, nodes = self.world(state), state & self.all_nodes
        moves = [self._event(choice, nodes) for choice in self.model.events.after(world)]
        healed = self.model.events.heal(world)
        if healed is not None:
            moves.append(self._event(Choice(HEAL, healed), nodes))
        return moves

    def dead_nodes(self, state: int) -> int:
        """The bits of every job that is dead in a state."""
        cells = self.world(state).jobs
        masks = zip(cells, self.node_masks, strict=True)
        return sum(mask for cell, mask in masks if cell.state == JobState.DEAD)

    def at_rest(self, state: int) -> str:
        """The promise that is broken by a state in which nothing may happen; empty when none."""
        return self._verdicts.at_rest(self.world(state))

    def _event(self, choice: Choice, nodes: int) -> Move:
        self.seen["event", choice.flavour.rstrip("0123456789")] += 1
        target, implied = self._settle(self._pack(choice.world, nodes), NOBODY)
        return Move(NOBODY, "event", choice.flavour, target, choice.breach, implied)

    def _pack(self, world: World, nodes: int) -> int:
        for job, cell in enumerate(world.jobs):
            if cell.state == JobState.DEAD:
                nodes = nodes & ~self.node_masks[job] | (DEAD << (_NODE_BITS * job))
        return (self._number(world) << self.shift) | nodes

    def _number(self, world: World) -> int:
        known = self._numbers.get(world)
        if known is None:
            known = self._numbers[world] = len(self._worlds)
            self._worlds.append(world)
        return known
