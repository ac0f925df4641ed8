"""The explored world: answers a job's call with every answer that it might get.

It is pure: a world and a call go in, every choice comes out as what the job gets and the world
after it. This module must not keep anything but the numbers that it has given to records.
"""

from asyncio import CancelledError
from collections.abc import Callable, Iterator

from release.errors import Unavailable
from simulator.explorer.calls import Call
from simulator.explorer.cast import Cast
from simulator.explorer.choices import Choice, raised, returned
from simulator.explorer.effect_calls import EffectCalls
from simulator.explorer.events import Events
from simulator.explorer.landing import Lander
from simulator.explorer.ledger_calls import LedgerCalls
from simulator.explorer.read_calls import ReadCalls
from simulator.explorer.records import Records, find_unread
from simulator.explorer.scope import JobKind, Kind, Scope, Start
from simulator.explorer.worlds import (
    JobCell,
    JobState,
    PointerCell,
    TenantCell,
    Window,
    World,
    spend,
)

__all__ = ["Model"]

Answerer = Callable[[World, int, Call], Iterator[Choice]]

_LATE_S = 1000.0
"""How much later a job finds it that slept between its intent and its look at the clock."""


class Model:
    """The world of one scope."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.cast = Cast(scope)
        self.records = Records(find_unread(scope))
        lander = Lander(self.cast, self.records)
        self._reads = ReadCalls(self.cast)
        ledger = LedgerCalls(self.cast, self.records)
        effects = EffectCalls(self.cast, lander)
        self.events = Events(self.cast, self.records, lander, ledger)
        self._answerers: dict[str, Answerer] = {
            "ledger.read": ledger.read,
            "ledger.swap": ledger.swap,
            "ledger.changed": ledger.changed,
            "fleet.redeploy": effects.redeploy,
            "fleet.late_answer": effects.late_answer,
            "registry.point": effects.point,
            "registry.late_answer": effects.late_answer,
            "fleet.candidates": effects.candidates,
            "clock.now_s": _look_at_clock,
            **self._reads.answerers(),
        }

    def first(self) -> World:
        """The world before anything has happened: all but a stray tenant run the oldest release."""
        is_empty = self.scope.start is Start.EMPTY
        tenants = [TenantCell(serving=0) for _ in self.cast.tenants]
        if self.scope.start is Start.BEHIND:
            tenants[0] = TenantCell(serving=self.scope.newest)
        return World(
            record=0 if is_empty else self.records.number(self.cast.first_record()),
            head=0,
            tenants=tuple(tenants),
            pointers=(PointerCell(release=0, before=0),),
            fence=0,
            flying=(),
            jobs=tuple(JobCell() for _ in self.cast.jobs),
            faults=self.scope.faults,
            expiries=self.scope.expiries,
        )

    def is_up(self, world: World, job: int) -> bool:
        """Whether a job has begun, or may begin now, and is not over."""
        state = world.jobs[job].state
        if state != JobState.WAITING:
            return state == JobState.RUNNING
        spec = self.cast.jobs[job]
        if spec.kind is JobKind.HEAL or world.head < spec.push:
            return False
        return spec.after is None or not world.is_alive(spec.after)

    def answer(self, world: World, job: int, call: Call) -> Iterator[Choice]:
        """Every answer that the call may get now; none while it is blocked."""
        cell = world.jobs[job]
        if cell.state == JobState.WAITING:
            world = world.with_job(job, cell._replace(state=JobState.RUNNING))
        yield from self._answerers[call.operation](world, job, call)
        if not world.faults or self.cast.jobs[job].kind is JobKind.HEAL:
            return
        if self.scope.has(Kind.UNREACHABLE) and call.operation in _UNREACHABLE:
            error = (Unavailable, ("can't be reached",))
            yield raised("unreachable", spend(world), error)
        if self.scope.has(Kind.CANCEL) and not cell.is_cancelled:
            yield raised("cancel", spend(_calm(world, job)), (CancelledError, ()))

    def end(self, world: World, job: int) -> World:
        """The world after the job's program has returned."""
        return world.with_job(job, JobCell(state=JobState.OVER))


_UNREACHABLE = frozenset(
    {
        "ledger.read",
        "ledger.swap",
        "ledger.changed",
        "fleet.candidates",
        "fleet.redeploy",
        "registry.point",
        "registry.resolve",
        "forge.head",
    }
)


def _look_at_clock(world: World, job: int, call: Call) -> Iterator[Choice]:  # noqa: ARG001
    cell = world.jobs[job]
    checked = world.with_job(job, cell._replace(window=Window.CHECKED, is_late=False))
    yield returned("late" if cell.is_late else "ok", checked, passes_s=_LATE_S * cell.is_late)


def _calm(world: World, job: int) -> World:
    """A cancelled job sends nothing that it has not sent yet."""
    cell = world.jobs[job]
    calm = cell._replace(window=Window.SHUT, is_late=False, is_cancelled=True, rows=())
    return world.with_job(job, calm)
