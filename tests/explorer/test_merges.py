"""Two histories that the automaton takes for one state really go on alike.

This guards what the fingerprint of a suspended job leaves out.
"""

from random import Random

import pytest

from simulator.explorer.automaton import Automaton, Node
from simulator.explorer.engine import explore
from simulator.explorer.program import Answer, Program, Stepped
from simulator.explorer.scope import Kind, Scope
from simulator.explorer.territory import Territory
from tests.explorer.scopes import overlap, single

_SCOPES = {
    **{kind.value: single(kind, tenants=2, batch=2) for kind in Kind},
    "two faults": single(Kind.TIMEOUT, Kind.CHURN),
    "seen twice": single(Kind.LAG, confirmations=2),
    "lease": overlap("lease", Kind.TIMEOUT),
    "mutex": overlap("mutex", Kind.LOST),
}
_SEED = 1
_MERGES_MAX = 60
_STEPS_MAX = 30


@pytest.mark.parametrize("scope", _SCOPES.values(), ids=_SCOPES)
def test_merged_histories_wait_in_the_same_calls_whatever_comes(scope: Scope) -> None:
    """Given the same answers, they call the same to their ends, and end with the same word."""
    _compare_merges(_explore_recording(scope), _MERGES_MAX)


@pytest.mark.slow
@pytest.mark.parametrize(
    "scope",
    [overlap("headway"), overlap("headway", Kind.CANCEL)],
    ids=["nothing fails", "a signal in any call"],
)
def test_merged_histories_of_two_jobs_of_the_shipped_pipeline_go_on_alike(scope: Scope) -> None:
    """As above, where two jobs take the claim from one another."""
    _compare_merges(_explore_recording(scope), 300)


def test_there_are_merges_to_be_guarded() -> None:
    """Where one timeout may strike, some histories do come together again."""
    automaton = _explore_recording(single(Kind.TIMEOUT, is_literal=True))

    assert len(automaton.merged) > 10


def test_state_of_a_job_is_printed_without_its_history() -> None:
    """A failed test prints what it was called with; a long history would take it for ever."""
    automaton = _explore_recording(single(Kind.TIMEOUT))

    longest = max(automaton.nodes, key=lambda node: len(automaton.history(node)))

    assert len(automaton.history(longest)) > 20
    assert len(repr(longest)) < 5_000


class _Recording(Automaton):
    """Notes which answer brought a job into a state that another history had reached before."""

    def __init__(self, programs: tuple[Program, ...]) -> None:
        super().__init__(programs)
        self.programs = programs
        self.merged: dict[tuple[int, Answer], Node] = {}
        self.taken: dict[int, dict[Answer, None]] = {}

    def after(self, node: Node, answer: Answer) -> Node:
        """Notes the answer, and whether it was the first way."""
        found = super().after(node, answer)
        self.taken.setdefault(node.number, {})[answer] = None
        is_first = found.parent is node and found.answer == answer
        if not is_first and not found.is_over:
            self.merged[node.number, answer] = found
        return found


def _explore_recording(scope: Scope) -> _Recording:
    territory = Territory(scope)
    recording = _Recording(territory.automaton._programs)  # noqa: SLF001 - the very same programs
    territory.automaton = recording
    explore(territory)
    return recording


def _compare_merges(automaton: _Recording, count_max: int) -> None:
    """Compares so many of the merges, or all of them where there are fewer."""
    chance = Random(_SEED)  # noqa: S311 - it has to be repeatable
    merged = list(automaton.merged.items())
    for (number, answer), node in chance.sample(merged, min(count_max, len(merged))):
        other = (*automaton.history(automaton.nodes[number]), answer)
        _drive(automaton, node, other, chance)


def _drive(automaton: _Recording, node: Node, other: tuple[Answer, ...], chance: Random) -> None:
    """Plays both histories of a node for real, and gives both the same answers from there on."""
    program = automaton.programs[node.job]
    one, two = _play(program, automaton.history(node)), _play(program, other)
    assert one.call == two.call == node.call
    for _ in range(_STEPS_MAX):
        answers = list(automaton.taken.get(node.number, ()))
        if node.call is None or not answers:
            break
        answer = chance.choice(answers)
        node = automaton.after(node, answer)
        one.answer(answer)
        two.answer(answer)
        assert one.call == two.call == node.call
    assert _end(one) == _end(two)
    one.close()
    two.close()


def _play(program: Program, answers: tuple[Answer, ...]) -> Stepped:
    stepped = Stepped.begin(program)
    for answer in answers:
        stepped.answer(answer)
    return stepped


def _end(stepped: Stepped) -> tuple[object, ...]:
    """How a job ended, as far as it is judged."""
    if stepped.outcome is None:
        return (type(stepped.failure),)
    return (
        stepped.outcome.word,
        stepped.outcome.by,
        stepped.monitor.find_false_word(stepped.outcome),
    )
