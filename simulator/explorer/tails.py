"""Ends a job at once that is too late, and has nothing left to do that anybody else could see.

Whoever waits to read a record whose mark is newer than its release is superseded by whatever it
reads, then or later: the mark only rises. When all that it does behind that changes nothing, it may
as well be over before anybody else moves; nobody can tell, but by its being out of the way sooner.
This module must not know how a job is stepped.
"""

from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from release.core.order import Order
from release.core.outcome import Word
from simulator.explorer.calls import Call
from simulator.explorer.implied import Implied
from simulator.explorer.model import Model
from simulator.explorer.program import Answer, Stepped
from simulator.explorer.scope import JobKind, Kind, Scope
from simulator.explorer.verdicts import Verdicts
from simulator.explorer.worlds import JobState, World
from simulator.guards import SHIPPED

__all__ = ["Place", "Tails"]

_CHANCY = frozenset(
    {
        # These may still befall a job on its way out, or change what the ledger tells it.
        *(Kind.CANCEL, Kind.UNREACHABLE, Kind.SWAP_UNKNOWN, Kind.LAG),
        *(Kind.PIN, Kind.LEDGER_LOST),
    }
)


class Place(NamedTuple):
    """Where a job stands.

    is_telling: whether it has come to a bad end, and has only that to tell. ended: when it is over.
    """

    call: Call | None
    is_telling: bool
    ended: Stepped | None = None


class Tails:
    """Finds the last steps of jobs that are too late, in one scope."""

    def __init__(self, model: Model, verdicts: Verdicts) -> None:
        self._model = model
        self._verdicts = verdicts
        self._has_any = _has_any(model.scope)

    def may_begin(self, world: World, job: int, place: Place) -> bool:
        """Whether a job is at its end, or about to read that it has come too late."""
        if not self._has_any or place.call is None or world.jobs[job].state != JobState.RUNNING:
            return False
        return place.is_telling or self._is_late(world, job, place.call)

    def find(
        self, world: World, job: int, step: Callable[[Answer | None], Place]
    ) -> tuple[Implied, ...]:
        """The steps that are left to a job; none when it is not too late, or changes a thing.

        step: answers the job's call; with None it only says where the job stands.
        """
        place, taken = step(None), list[Implied]()
        if not self.may_begin(world, job, place):
            return ()
        while place.call is not None:
            choices = tuple(islice(self._model.answer(world, job, place.call), 2))
            if len(choices) != 1 or choices[0].breach or choices[0].answer is None:
                return ()
            if choices[0].world.with_job(job, world.jobs[job]) != world:
                return ()
            taken.append((job, place.call.operation, choices[0].flavour))
            place = step(choices[0].answer)
            if place.call is not None and not place.is_telling:
                return ()
        return tuple(taken) if self._is_aside(world, job, place) else ()

    def _is_aside(self, world: World, job: int, place: Place) -> bool:
        """Whether a job has rightly said superseded, which hangs on no budget."""
        ended = place.ended
        if ended is None or ended.outcome is None or ended.outcome.word is not Word.SUPERSEDED:
            return False
        return not self._verdicts.at_end(self._model.end(world, job), job, ended)

    def _is_late(self, world: World, job: int, call: Call) -> bool:
        record, cast = self._model.records.record(world.record), self._model.cast
        if call.operation != "ledger.read" or record is None or record.mark is None:
            return False
        return cast.order(cast.jobs[job].release, cast.index_of[record.mark]) is Order.OLDER


def _has_any(scope: Scope) -> bool:
    """Whether the mark only rises in a scope, and nothing befalls a job that tells its end."""
    is_forward = all(job.kind is not JobKind.ROLLBACK for job in scope.jobs)
    is_shipped = scope.guard == SHIPPED and not scope.is_literal
    return is_shipped and is_forward and not scope.kinds & _CHANCY
