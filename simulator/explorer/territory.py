"""The state space of one scope: what may happen next in a state, each found once.

A state is one integer: the number of the world and, below it, of each job's node. This module must
not decide in which order states are visited.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from simulator.explorer.automaton import DEAD, Automaton, Node
from simulator.explorer.choices import Choice
from simulator.explorer.implied import CONFLICT, Implied, go_on, has_lost
from simulator.explorer.model import Model
from simulator.explorer.program import Answer, Stepped
from simulator.explorer.programs import programs
from simulator.explorer.scope import Scope
from simulator.explorer.tails import Place, Tails
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
        self._tails = Tails(self.model, self._verdicts)
        self._ways_out: dict[tuple[int, int], tuple[Node, tuple[Implied, ...]]] = {}
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
        return [self._settled(move) for move in found + self.event_moves(state)]

    def _settled(self, move: Move) -> Move:
        target, implied = self._settle(move.target)
        return move._replace(target=target, implied=move.implied + implied)

    def job_moves(self, state: int, job: int) -> list[Move]:
        """Every answer that the job's call may get in a state; the others have yet to settle."""
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
                self._count_word(job, ended)
            left, after, tail = self._run_out(left, job, after)
            target = self._pack(left, nodes | (after.number << (_NODE_BITS * job)))
            name = (job, node.call.operation, choice.flavour)
            moves.append(Move(*name, target, breach, implied + tail))
        return moves

    def _count_word(self, job: int, ended: Stepped) -> None:
        word = ended.outcome.word.value if ended.outcome else "error"
        self.words[self.cast.jobs[job].name, word] += 1

    def _after(
        self, choice: Choice, job: int, node: Node
    ) -> tuple[Node, Stepped | None, World, tuple[Implied, ...]]:
        """Where a job is after a choice, how it ended if it did, and the world that it leaves."""
        if choice.answer is None or node.call is None:
            return node, None, choice.world, ()
        way = _Way(self.automaton, node)
        way.step(choice.answer)
        world, implied = go_on(
            self.model,
            choice.world,
            job,
            answered=node.call,
            step=lambda answer: way.step(answer).call,
        )
        ended = way.place.ended
        return way.node, ended, self.model.end(world, job) if ended else world, implied

    def settle(self, state: int) -> int:
        """The same state once all swaps have lost, and all jobs ended, that can do nothing else."""
        return self._settle(state)[0]

    def settle_job(self, state: int, job: int) -> tuple[int, bool]:
        """The bits of one job in a settled state, and whether that ends the job."""
        node, is_over, _ = self._settle_node(self.world(state), job, self.node(state, job))
        return node.number << (_NODE_BITS * job), is_over

    def retire(self, state: int, jobs: Iterable[int]) -> int:
        """The bits of the world of a state in which these jobs have ended besides."""
        world = self.world(state)
        for job in jobs:
            world = self.model.end(world, job)
        return self._number(world) << self.shift

    def _settle(self, state: int) -> tuple[int, tuple[Implied, ...]]:
        world, nodes = self.world(state), 0
        over, taken = list[int](), list[Implied]()
        for job in range(self.jobs):
            node, is_over, implied = self._settle_node(world, job, self.node(state, job))
            nodes |= node.number << (_NODE_BITS * job)
            over += [job] * is_over
            taken += implied
        return self.retire(state, over) | nodes, tuple(taken)

    def _settle_node(
        self, world: World, job: int, node: Node
    ) -> tuple[Node, bool, tuple[Implied, ...]]:
        """Where a job is that can do nothing else, whether it is over, and by which steps."""
        lost: tuple[Implied, ...] = ()
        if has_lost(self.model, world, node.call):
            node, lost = self.automaton.after(node, CONFLICT), ((job, "ledger.swap", "conflict"),)
        left, after, tail = self._run_out(world, job, node)
        return after, left is not world, lost + tail

    def _run_out(
        self, world: World, job: int, node: Node
    ) -> tuple[World, Node, tuple[Implied, ...]]:
        """Lets a job end at once that has come too late, and changes nothing any more."""
        if not self._tails.may_begin(world, job, Place(node.call, node.is_telling)):
            return world, node, ()
        key = (node.number, world.record)
        known = self._ways_out.get(key)
        if known is None:
            way = _Way(self.automaton, node)
            implied = self._tails.find(world, job, way.step)
            if implied and way.place.ended is not None:
                self._count_word(job, way.place.ended)
            known = self._ways_out[key] = (way.node, implied)
        after, implied = known
        return (self.model.end(world, job), after, implied) if implied else (world, node, ())

    def event_moves(self, state: int) -> list[Move]:
        """Everything that may happen by itself in a state; the jobs have yet to settle."""
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
        target = self._pack(choice.world, nodes)
        return Move(NOBODY, "event", choice.flavour, target, choice.breach)

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


class _Way:
    """One job on its way through the automaton."""

    def __init__(self, automaton: Automaton, node: Node) -> None:
        self._automaton = automaton
        self.node = node
        self.place = Place(node.call, node.is_telling)

    def step(self, answer: Answer | None) -> Place:
        """Answers the job's call; with None only says where the job stands."""
        if answer is not None:
            before, self.node = self.node, self._automaton.after(self.node, answer)
            call = self.node.call
            ended = self._automaton.ended(before, answer) if call is None else None
            self.place = Place(call, self.node.is_telling, ended)
        return self.place
