"""Compiles jobs into an automaton as they are explored: a node is a state of a real coroutine.

An edge that was never taken is found by running the real coroutine once with the history of the
node; every later use of it is a look-up. This module must not know the state of the world.
"""

from dataclasses import dataclass, field

from simulator.explorer.calls import Call
from simulator.explorer.monitor import Monitor
from simulator.explorer.program import Answer, Program, Stepped

__all__ = ["DEAD", "Automaton", "Node"]


@dataclass(slots=True, kw_only=True)
class Node:
    """One state of one job.

    parent and answer: how it was first reached. call: what it waits in; None when the job is over.
    monitor: what was observed on the way. is_telling: whether the job has come to a bad end, and
    has only that to tell. edges: the node behind each answer, by its number.
    parked: real jobs that stand here.
    """

    number: int
    job: int
    parent: "Node | None" = field(repr=False)
    answer: Answer | None
    call: Call | None
    monitor: Monitor | None = None
    is_telling: bool = False
    edges: dict[int, "Node"] = field(default_factory=dict, repr=False)
    parked: list[Stepped] = field(default_factory=list, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether the job's program has returned."""
        return self.call is None


DEAD = 1
"""The number of the node of every job that has died."""

_PARKED_MAX = 8
"""How many real jobs are kept standing at one node, so that its next edge needs no new run."""

_NOWHERE = Node(
    number=DEAD,
    job=-1,
    parent=None,
    answer=None,
    call=None,
)


class Automaton:
    """The states of every job of a scope that were reached so far.

    executions: how often a real job was begun. steps: how often one was stepped.
    """

    def __init__(self, programs: tuple[Program, ...]) -> None:
        self._programs = programs
        # No job is ever at zero: a state without its jobs is the key of what happens by itself.
        self.nodes: list[Node] = [_NOWHERE, _NOWHERE]
        self._by_state: dict[tuple[object, ...], Node] = {}
        self._answers: dict[Answer, int] = {}
        self._ends: dict[tuple[int, int], Stepped] = {}
        self.executions = 0
        self.steps = 0
        self.merges = 0
        self.first = tuple(self._begin(job) for job in range(len(programs)))

    def after(self, node: Node, answer: Answer) -> Node:
        """The state of a job once its call was answered so."""
        number = self._number(answer)
        known = node.edges.get(number)
        if known is None:
            known = node.edges[number] = self._extend(node, answer)
        return known

    def ended(self, node: Node, answer: Answer) -> Stepped:
        """The job as it ended when its last call was answered so; all ends are one node."""
        return self._ends[node.number, self._number(answer)]

    def history(self, node: Node) -> tuple[Answer, ...]:
        """The answers by which a node was first reached."""
        return tuple(one.answer for one in self._way_to(node) if one.answer is not None)

    def run(self, node: Node) -> Stepped:
        """Brings a real job up to a node, from one that stands on the way or from its beginning."""
        way: list[Node] = []
        while not node.parked and node.parent is not None:
            way.append(node)
            node = node.parent
        stepped = node.parked.pop() if node.parked else self._run_anew(node.job)
        for passed in reversed(way):
            assert passed.answer is not None, "every node but the first has an answer behind it"
            stepped.answer(passed.answer, observed=passed.monitor)
            self.steps += 1
        at = way[0] if way else node
        assert stepped.call == at.call, (
            f"a job is not deterministic: it waits in {stepped.call}, and waited in {at.call}"
        )
        return stepped

    def _run_anew(self, job: int) -> Stepped:
        self.executions += 1
        return Stepped.begin(self._programs[job])

    def _way_to(self, node: Node) -> list[Node]:
        """The nodes by which a node was first reached, itself included and the first one not."""
        way = []
        while node.parent is not None:
            way.append(node)
            node = node.parent
        way.reverse()
        return way

    def _number(self, answer: Answer) -> int:
        return self._answers.setdefault(answer, len(self._answers))

    def _begin(self, job: int) -> Node:
        return self._intern(job, self._run_anew(job), None, None)

    def _extend(self, node: Node, answer: Answer) -> Node:
        stepped = self.run(node)
        self.steps += 1
        stepped.answer(answer)
        if stepped.call is None:
            self._ends[node.number, self._number(answer)] = stepped
        return self._intern(node.job, stepped, node, answer)

    def _intern(
        self, job: int, stepped: Stepped, parent: Node | None, answer: Answer | None
    ) -> Node:
        state = (job, *stepped.state())
        known = self._by_state.get(state)
        if known is not None:
            assert known.call == stepped.call, (
                f"two states that agree wait in {known.call} and in {stepped.call}"
            )
            self.merges += 1
            if len(known.parked) < _PARKED_MAX and stepped.call is not None:
                known.parked.append(stepped)
            else:
                stepped.close()
            return known
        node = Node(
            number=len(self.nodes),
            job=job,
            parent=parent,
            answer=answer,
            call=stepped.call,
            monitor=stepped.monitor,
            is_telling=stepped.is_telling,
            parked=[stepped] if stepped.call is not None else [],
        )
        self.nodes.append(node)
        self._by_state[state] = node
        return node
