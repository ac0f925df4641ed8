"""Replays a schedule for real: fresh coroutines, stepped by hand along the named choices.

It shares the world's rules with the explorer and none of its short cuts, so that what it shows did
happen. This module must not remember one replay in the next.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from release.core.outcome import Outcome
from release.errors import Invalid
from simulator.explorer.calls import Call
from simulator.explorer.choices import Choice
from simulator.explorer.model import Model
from simulator.explorer.program import Answer, Program, Stepped
from simulator.explorer.programs import programs
from simulator.explorer.schedule import WORLD, Schedule, Step
from simulator.explorer.scope import Scope
from simulator.explorer.territory import HEAL
from simulator.explorer.verdicts import Verdicts
from simulator.explorer.worlds import World
from simulator.guards import GUARDS, Deploy

__all__ = ["Diverged", "Replay", "Replayer", "Turn", "confirm", "replay"]


class Diverged(Invalid):
    """A schedule names a choice that the jobs of this checkout do not have there."""


class Turn(NamedTuple):
    """One step as it was taken.

    call and answer: of the job, None for what the world did; no answer when the job goes on
    waiting, or died. asked_s, answered_s: on the job's own clock. outcome: when the job ended.
    """

    step: Step
    call: Call | None
    answer: Answer | None
    before: World
    after: World
    asked_s: float = 0.0
    answered_s: float = 0.0
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a schedule came to.

    breach: the promise that was broken, by the last turn or by standing still after it.
    preemptions: how often another job went on though the one before it could have.
    calls: how often a job called a port, its own clock included.
    """

    scope: Scope
    model: Model
    turns: tuple[Turn, ...]
    breach: str
    preemptions: int
    calls: int

    @property
    def broken(self) -> str:
        """The number of the promise that was broken, such as `P1`; empty when none was."""
        return self.breach.partition(" ")[0]

    @property
    def faults(self) -> int:
        """How many of the faults that the scope allows struck."""
        return sum(one.before.faults - one.after.faults for one in self._dearer)

    @property
    def expiries(self) -> int:
        """How often a lease or a bound ran out on a job that lived."""
        return sum(one.before.expiries - one.after.expiries for one in self._dearer)

    @property
    def _dearer(self) -> Iterator[Turn]:
        """The turns that may have cost something; the fresh deploy only ends all budgets."""
        return (one for one in self.turns if one.step.flavour != HEAL)


def replay(schedule: Schedule, deploy: Deploy | None = None) -> Replay:
    """Replays a schedule; raises Diverged where it names a choice that is not there."""
    return Replayer(schedule.scope, deploy).replay(schedule.steps)


def confirm(schedule: Schedule, deploy: Deploy | None = None) -> Replay:
    """Replays a schedule that was just found; anything but the same breach is a bug of ours."""
    try:
        found = replay(schedule, deploy)
    except Diverged as problem:
        raise AssertionError(
            f"internal error: what was explored can't be replayed: {problem}"
        ) from problem
    assert found.breach == schedule.promise, (
        f"internal error: the exploration found {schedule.promise or 'no breach'!r}, "
        f"the replay {found.breach or 'no breach'!r}"
    )
    return found


class Replayer:
    """Replays schedules of one scope, each with fresh jobs.

    deploy: what a deploying job runs; by default the guard that the scope names, and Invalid is
    raised when there is no such guard.
    """

    def __init__(self, scope: Scope, deploy: Deploy | None = None) -> None:
        if deploy is None and scope.guard not in GUARDS:
            known = ", ".join(GUARDS)
            raise Invalid("no such guard", on="--guard", seen=scope.guard, expected=known)
        self._model = Model(scope)
        self._verdicts = Verdicts(self._model.cast, self._model.records)
        self._programs = programs(self._model.cast, deploy)

    def replay(self, steps: Sequence[Step]) -> Replay:
        """Takes the steps up to the first breach; raises Diverged."""
        run = _Run(self._model, self._verdicts, self._programs)
        try:
            breach = run.take_all(steps)
        finally:
            run.close()
        return Replay(
            scope=self._model.scope,
            model=self._model,
            turns=tuple(run.turns),
            breach=breach,
            preemptions=run.preemptions,
            calls=run.calls,
        )


class _Run:
    """One replay under way."""

    def __init__(self, model: Model, verdicts: Verdicts, each: tuple[Program, ...]) -> None:
        self._model = model
        self._verdicts = verdicts
        self._programs = each
        self._numbers = {job.name: number for number, job in enumerate(model.cast.jobs)}
        self._jobs: list[Stepped | None] = [None] * len(each)
        self._world = model.first()
        self._last = -1
        self.turns: list[Turn] = []
        self.preemptions = 0

    @property
    def calls(self) -> int:
        """How often a job called a port."""
        return sum(job.calls for job in self._jobs if job is not None)

    def close(self) -> None:
        """Forgets the jobs where they stand."""
        for job in self._jobs:
            if job is not None:
                job.close()

    def take_all(self, steps: Sequence[Step]) -> str:
        """Takes the steps up to the first breach, and returns it."""
        for step in steps:
            breach = self._happen(step) if step.actor == WORLD else self._go_on(step)
            if breach:
                return breach
        is_at_rest = next(self._enabled(), None) is None
        return self._verdicts.at_rest(self._world) if is_at_rest else ""

    def _happen(self, step: Step) -> str:
        """Lets the world do something by itself."""
        choice = _pick(self._events(), step)
        if choice is None:
            raise self._diverged(step)
        self.turns.append(Turn(step, None, None, self._world, choice.world))
        self._world = choice.world
        return choice.breach

    def _go_on(self, step: Step) -> str:
        """Answers the call that a job waits in, and lets it go on to the next one."""
        number = self._numbers.get(step.actor, -1)
        job = self._begun(number) if number >= 0 else None
        call = job.call if job is not None else None
        if job is None or call is None or call.operation != step.operation:
            raise self._diverged(step)
        choice = _pick(self._answers(number), step)
        if choice is None:
            raise self._diverged(step)
        self._count_preemption(number)
        before, asked_s = self._world, float(job.now_s)
        world, answer, breach = choice.world, choice.answer, choice.breach
        if answer is not None:
            job.answer(answer)
            if job.call is None:
                world = self._model.end(world, number)
                breach = breach or self._verdicts.at_end(world, number, job)
        answered_s = asked_s + (answer.passes_s if answer is not None else 0.0)
        turn = Turn(step, call, answer, before, world, asked_s, answered_s, job.outcome)
        self.turns.append(turn)
        self._world = world
        return breach

    def _count_preemption(self, number: int) -> None:
        last, self._last = self._last, number
        if last not in (number, -1) and next(self._answers(last), None) is not None:
            self.preemptions += 1

    def _begun(self, number: int) -> Stepped:
        job = self._jobs[number]
        if job is None:
            job = self._jobs[number] = Stepped.begin(self._programs[number])
        return job

    def _answers(self, number: int) -> Iterator[Choice]:
        """What the call that a job waits in may be answered with now."""
        call = self._begun(number).call
        if call is None or not self._model.is_up(self._world, number):
            return iter(())
        return self._model.answer(self._world, number, call)

    def _events(self) -> Iterator[Choice]:
        yield from self._model.events.after(self._world)
        healed = self._model.events.heal(self._world)
        if healed is not None:
            yield Choice(HEAL, healed)

    def _enabled(self) -> Iterator[Step]:
        """Every choice that there is now, those with equal names once each."""
        for number, job in enumerate(self._model.cast.jobs):
            for choice in self._answers(number):
                call = self._begun(number).call
                operation = call.operation if call is not None else ""
                yield Step(actor=job.name, operation=operation, flavour=choice.flavour)
        for choice in self._events():
            yield Step(actor=WORLD, operation="event", flavour=choice.flavour)

    def _diverged(self, step: Step) -> Diverged:
        enabled = dict.fromkeys(str(one) for one in self._enabled())
        listed = "; ".join(enabled) or "none: nothing can happen any more"
        return Diverged(
            f"diverged at event {len(self.turns) + 1}: expected {step}, enabled are {listed}",
            safe="everything before it went as the schedule says",
            advice="Explore the scope anew: the jobs or the world have changed since",
        )


def _pick(choices: Iterator[Choice], step: Step) -> Choice | None:
    left = step.which
    for choice in choices:
        if choice.flavour == step.flavour:
            if not left:
                return choice
            left -= 1
    return None
