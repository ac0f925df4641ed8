"""The second engine: walks the choices depth first with real jobs, to check the first one.

It shares the world's rules with `engine`, and none of its shortcuts: no automaton, no numbered
states, no remembered moves; a job is stepped for real, and begun anew to go back. This module must
not import `automaton`, `territory` or `engine`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from simulator.explorer.calls import Call
from simulator.explorer.choices import Choice
from simulator.explorer.implied import CONFLICT, go_on, has_lost
from simulator.explorer.model import Model
from simulator.explorer.program import Answer, Program, Stepped
from simulator.explorer.programs import programs
from simulator.explorer.scope import Scope
from simulator.explorer.tails import Place, Tails
from simulator.explorer.verdicts import Verdicts
from simulator.explorer.worlds import JobState, World
from simulator.guards import GUARDS, Deploy

__all__ = ["Walk", "walk", "walk_schedules"]

_OVER = ("over",)


@dataclass(slots=True, kw_only=True)
class Walk:
    """What was found. breaches: how often each promise was broken, over all distinct situations.

    transitions: distinct targets of each job's moves, and of the events, over all states.
    complete: states, or schedules, after which nothing can happen. begun: how often a real job
    was begun. is_cut: whether the limit ended the walk.
    """

    states: int = 0
    transitions: int = 0
    complete: int = 0
    begun: int = 0
    longest: int = 0
    is_cut: bool = False
    breaches: Counter[str] = field(default_factory=Counter)


def walk(
    scope: Scope,
    deploy: Deploy | None = None,
    *,
    states_max: int = 100_000,
    moves_max: int | None = None,
) -> Walk:
    """Visits every state of a scope once, breaches and what lies behind them included.

    moves_max: leaves out what no schedule of so many moves does. States that were first reached by
    a longer way are then visited again, so that only the breaches count.
    """
    walker = _Walker(scope, deploy or GUARDS[scope.guard].deploy)
    found = Walk()
    visited = {walker.first.key: 0}
    stack = [walker.visit(walker.first, found)]
    while stack and not found.is_cut:
        found.longest = max(found.longest, len(stack))
        for after in stack[-1]:
            known = visited.get(after.key)
            is_nearer = moves_max is not None and known is not None and len(stack) < known
            if known is None or is_nearer:
                visited[after.key] = len(stack)
                if moves_max is None or len(stack) < moves_max:
                    stack.append(walker.visit(after, found))
                    break
        else:
            stack.pop()
        found.is_cut = len(visited) > states_max
    found.states, found.begun = len(visited), walker.begun
    return found


def walk_schedules(
    scope: Scope, deploy: Deploy | None = None, *, schedules_max: int = 100_000
) -> Walk:
    """Runs every complete schedule one by one, and remembers no state: for tiny scopes only.

    In what it returns `states` counts situations along all schedules, each as often as it is met.
    """
    walker = _Walker(scope, deploy or GUARDS[scope.guard].deploy)
    found = Walk(states=1)
    stack = [walker.visit(walker.first, found)]
    while stack and not found.is_cut:
        found.longest = max(found.longest, len(stack))
        after = next(stack[-1], None)
        if after is None:
            stack.pop()
            continue
        found.states += 1
        stack.append(walker.visit(after, found))
        found.is_cut = found.complete > schedules_max
    found.begun = walker.begun
    return found


class _Local(NamedTuple):
    """Where one job is: the answers it got, what they brought it to, and the call it waits in."""

    answers: tuple[Answer, ...]
    state: tuple[object, ...]
    call: Call | None


_GRAVE = _Local((), ("dead",), None)


class _Situation(NamedTuple):
    """The world and each job."""

    world: World
    jobs: tuple[_Local, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """What tells two situations apart: never how a job came to its state."""
        return (self.world, *[one.state for one in self.jobs])


class _Actor:
    """One job for real. It goes on where it stands, or begins anew when that is not on the way."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._stepped = Stepped.begin(program)
        self._answers: list[Answer] = []
        self.begun = 1

    def play(self, answers: tuple[Answer, ...]) -> Stepped:
        """The job after these answers."""
        done = len(self._answers)
        if tuple(self._answers) != answers[:done]:
            self._stepped.close()
            self._stepped, self._answers, done = Stepped.begin(self._program), [], 0
            self.begun += 1
        for answer in answers[done:]:
            self._stepped.answer(answer)
            self._answers.append(answer)
        return self._stepped


class _Walker:
    """The moves of one scope."""

    def __init__(self, scope: Scope, deploy: Deploy) -> None:
        self._scope = scope
        self._model = Model(scope)
        self._cast = self._model.cast
        self._verdicts = Verdicts(self._cast, self._model.records)
        self._tails = Tails(self._model, self._verdicts)
        self._actors = tuple(_Actor(program) for program in programs(self._cast, deploy))
        begun = tuple(self._locate(number, ()) for number in range(len(self._actors)))
        self.first = _Situation(self._model.first(), begun)

    @property
    def begun(self) -> int:
        """How often a real job was begun."""
        return sum(actor.begun for actor in self._actors)

    def visit(self, here: _Situation, found: Walk) -> Iterator[_Situation]:
        """Every situation that one move leads to, and in `found` what the moves are and break."""
        moves = 0
        for number in range(len(here.jobs)):
            targets = set()
            for after, breach in self._job_moves(here, number):
                targets.add(after.key)
                moves += 1
                _note(found, breach)
                yield after
            found.transitions += len(targets)
        targets = set()
        for after, breach in self._events(here):
            targets.add(after.key)
            moves += 1
            _note(found, breach)
            yield after
        found.transitions += len(targets)
        if not moves:
            found.complete += 1
            _note(found, self._verdicts.at_rest(here.world))

    def _job_moves(self, here: _Situation, number: int) -> Iterator[tuple[_Situation, str]]:
        call = here.jobs[number].call
        if call is None or not self._model.is_up(here.world, number):
            return
        for choice in self._model.answer(here.world, number, call):
            if choice.answer is None:
                yield self._place(here, choice), choice.breach
            else:
                yield self._answer(here, number, choice, choice.answer)

    def _answer(
        self, here: _Situation, number: int, choice: Choice, answer: Answer
    ) -> tuple[_Situation, str]:
        """Steps the job on, with all that is implied."""
        call, breach = here.jobs[number].call, choice.breach
        assert call is not None, "a job that is answered waits in a call"
        after = self._locate(number, (*here.jobs[number].answers, answer))

        def step(given: Answer | None) -> Call | None:
            nonlocal after
            if given is not None:
                after = self._locate(number, (*after.answers, given))
            return after.call

        world, _ = go_on(self._model, choice.world, number, answered=call, step=step)
        if after.call is None:
            world = self._model.end(world, number)
            ended = self._actors[number].play(after.answers)
            breach = breach or self._verdicts.at_end(world, number, ended)
        jobs = (*here.jobs[:number], after, *here.jobs[number + 1 :])
        return self._settled(_Situation(world, jobs)), breach

    def _settled(self, situation: _Situation) -> _Situation:
        """Lets swaps lose and jobs end that can do nothing else; forgets where the dead stood."""
        world, jobs = situation.world, list(situation.jobs)
        for number, one in enumerate(situation.jobs):
            if has_lost(self._model, situation.world, one.call):
                jobs[number] = self._locate(number, (*one.answers, CONFLICT))
            over = self._find_over(situation.world, number, jobs[number])
            if over is not None:
                world, jobs[number] = self._model.end(world, number), over
        return _buried(_Situation(world, tuple(jobs)))

    def _find_over(self, world: World, number: int, here: _Local) -> _Local | None:
        """Where a job is over that is too late; None while it may go on."""
        after = here

        def step(given: Answer | None) -> Place:
            nonlocal after
            if given is not None:
                after = self._locate(number, (*after.answers, given))
            stepped = self._actors[number].play(after.answers)
            ended = stepped if after.call is None else None
            return Place(after.call, stepped.is_telling, ended)

        return after if self._tails.find(world, number, step) else None

    def _events(self, here: _Situation) -> Iterator[tuple[_Situation, str]]:
        for choice in self._model.events.after(here.world):
            yield self._place(here, choice), choice.breach
        healed = self._model.events.heal(here.world)
        if healed is not None:
            yield self._settled(_Situation(healed, here.jobs)), ""

    def _place(self, here: _Situation, choice: Choice) -> _Situation:
        return self._settled(_Situation(choice.world, here.jobs))

    def _locate(self, number: int, answers: tuple[Answer, ...]) -> _Local:
        stepped = self._actors[number].play(answers)
        state = _OVER if stepped.call is None else stepped.state()
        return _Local(answers, state, stepped.call)


def _buried(situation: _Situation) -> _Situation:
    """Forgets where a job stood that has died: nothing of it runs any more."""
    pairs = zip(situation.jobs, situation.world.jobs, strict=True)
    jobs = tuple(_GRAVE if cell.state == JobState.DEAD else one for one, cell in pairs)
    return situation._replace(jobs=jobs)


def _note(found: Walk, breach: str) -> None:
    if breach:
        found.breaches[breach] += 1
