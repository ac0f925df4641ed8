"""Holds the requests of a live race until what came before them in the recorded order has happened.

The order is that of a race in virtual time: in which sequence effects landed, claims were taken and
jobs ended. This module must not know how jobs are run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.faults import Call, Service
from simulator.happenings import Happening, Kind
from simulator.properties import Course
from simulator.wire import Phase
from simulator.world import World

__all__ = ["Cue", "CueScript", "cues_of"]

_CLAIM = "claim"
_END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """One thing that has its place in the order; `at_s` is when it happened in virtual time.

    subject: of an effect's call, such as `acme,globex to staging-7f25373`; or `claim`, or `end`.
    """

    at_s: float
    actor: str
    subject: str


def cues_of(course: Course) -> tuple[Cue, ...]:
    """Reads the order off a course: each effect at its landing, each claim when it was taken.

    The end of a job has its place too: what it says of the world is judged as the world was then.
    """
    happenings, jobs = course.happenings, {end.job for end in course.ends}
    cues = [cue for one in happenings for cue in _cue(happenings, one) if cue.actor in jobs]
    cues += [Cue(at_s=end.at_s, actor=end.job, subject=_END) for end in course.ends]
    return tuple(sorted(cues, key=lambda cue: cue.at_s))


def _cue(happenings: Sequence[Happening], one: Happening) -> tuple[Cue, ...]:
    if one.kind is Kind.ACCEPTED:
        landed = [
            later.at_s
            for later in happenings[one.index :]
            if later.kind is Kind.LANDED
            and later.actor == one.actor
            and later.subject in one.subject.partition(" to ")[0].split(",")
        ]
        return (Cue(at_s=landed[0] if landed else one.at_s, actor=one.actor, subject=one.subject),)
    if one.kind is Kind.POINTED:
        return (Cue(at_s=one.at_s, actor=one.actor, subject=one.subject),)
    if one.kind is Kind.LEDGER and one.before != one.after:
        return (Cue(at_s=one.at_s, actor=one.actor, subject=_CLAIM),)
    return ()


class CueScript:
    """A script that lets cues happen in their order, and everything else as it comes.

    An effect waits for every cue before its own. A push to the ledger's repository waits while a
    claim of another job is what comes next. hold_max_s: in the world's time.
    """

    def __init__(self, world: World, cues: Sequence[Cue], *, hold_max_s: float) -> None:
        self._world = world
        self._jobs = frozenset(cue.actor for cue in cues)
        self._waiting = list(cues)
        self._hold_max_s = hold_max_s
        self.lost: list[str] = []
        """What was held in vain: the order could not be kept."""

    async def hold(self, call: Call, phase: Phase) -> None:
        """Holds a request until its turn; an answer is what makes its cue done."""
        if not call.is_effect or call.actor not in self._jobs:
            return
        if phase is Phase.ANSWER:
            self._finish(self._cue_of(call))
        else:
            await self._wait(lambda: self._is_due(call), str(call))

    async def reach(self, at_s: float) -> None:
        """Waits until every cue before that virtual instant is done, or its job has ended."""
        await self._wait(
            lambda: all(cue.at_s >= at_s for cue in self._waiting), f"the start at {at_s:.0f} s"
        )

    def leave(self, actor: str) -> None:
        """Drops what is left of a job that has ended."""
        self._waiting = [cue for cue in self._waiting if cue.actor != actor]
        self._world.clock.nudge()

    async def _wait(self, is_due: Callable[[], bool], what: str) -> None:
        if not await self._world.clock.wait_until(is_due, self._hold_max_s):
            self.lost.append(f"{what} waited in vain for {self._waiting[0]}")

    def _is_due(self, call: Call) -> bool:
        own = self._cue_of(call)
        if not self._waiting or own is self._waiting[0]:
            return True
        if call.service is Service.GIT and own is None:
            return self._waiting[0].subject != _CLAIM or self._waiting[0].actor == call.actor
        # An effect that the order does not know comes after all that it knows of other jobs, but
        # not after what waits for the end of its own.
        return own is None and not self._others_before_end_of(call.actor)

    def _others_before_end_of(self, actor: str) -> bool:
        own = [index for index, cue in enumerate(self._waiting) if cue.actor == actor]
        return any(cue.actor != actor for cue in self._waiting[: own[-1] if own else None])

    def _cue_of(self, call: Call) -> Cue | None:
        subject = _CLAIM if call.service is Service.GIT else call.subject
        for cue in self._waiting:
            if (cue.actor, cue.subject) == (call.actor, subject):
                return cue
        return None

    def _finish(self, cue: Cue | None) -> None:
        if cue is not None:
            self._waiting.remove(cue)
            self._world.clock.nudge()
