"""Answers the calls that change production, with every way in which they can go wrong.

An effect and its answer are one step unless batches land tenant by tenant: delivering an answer
commutes with all that others do. This module must not let anything land by itself; `events` does.
"""

from asyncio import CancelledError
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from release.core.sighting import Redeployed, Row, RowState
from release.errors import FenceRefused, OutcomeUnknown, Refused
from simulator.explorer.calls import Call
from simulator.explorer.cast import Cast
from simulator.explorer.choices import Choice, raised, returned
from simulator.explorer.fences import Fences
from simulator.explorer.landing import Lander
from simulator.explorer.program import Error
from simulator.explorer.scope import JobKind, Kind
from simulator.explorer.worlds import Flying, Window, World, kill, spend

__all__ = ["EffectCalls"]

_LOST = (OutcomeUnknown, ("no answer came",))
_NO = (Refused, ("said no",))
_CANCELLED = (CancelledError, ())

Rows = tuple[tuple[int, bool], ...]

_MOVED: Rows = ((0, True),)
"""How a pointer move has ended that landed."""


class EffectCalls:
    """Redeploys and pointer moves of one scope."""

    def __init__(self, cast: Cast, lander: Lander) -> None:
        self._cast = cast
        self._lander = lander
        self._fences = Fences(cast)
        self._has = cast.scope.has

    def candidates(self, world: World, job: int, call: Call) -> Iterator[Choice]:  # noqa: ARG002
        """Lists the tenants; with an epoch, the fence is compared and raised."""
        epoch, listed = call.arguments[1], self._cast.listed(world.listed)
        listing = self._cast.candidates(listed)
        numbers = [self._cast.tenant_number[tenant] for tenant in listed]
        if epoch is None:
            yield returned("ok", world, listing)
        elif epoch < (seen := self._fences.seen(world, numbers)):
            yield raised("fence refused", world, _refusal(seen))
        else:
            yield returned("ok", self._fences.list_with(world, numbers, epoch), listing)

    def redeploy(self, world: World, job: int, call: Call) -> Iterator[Choice]:
        """Redeploys some tenants."""
        sha, tenants, epoch, _ = call.arguments
        cell = world.jobs[job]
        if cell.window == Window.SENT:
            yield from self._await_rows(world, job)
            return
        numbers = tuple(self._cast.tenant_number[tenant] for tenant in tenants)
        if epoch < (seen := self._fences.seen(world, numbers)):
            yield raised("fence refused", _sent(world, job), _refusal(seen))
            return
        world = self._fences.arrive(world, epoch)
        request = Flying(
            job=job,
            intent=cell.intent,
            release=self._cast.index_of[sha],
            epoch=epoch,
            tenants=numbers,
        )
        if self._has(Kind.PIECEMEAL):
            yield Choice("sent", _await(world, job).launch(request))
        else:
            yield from self._at_once(_sent(world, job), job, request)

    def _at_once(self, world: World, job: int, request: Flying) -> Iterator[Choice]:
        done = self._land_all(world, request)
        yield returned("ok", done.world, self._answer(done.rows), breach=done.breach)
        if not world.faults or self._cast.jobs[job].kind is JobKind.HEAL:
            return
        yield from self._lose_answers(world, request, done)
        yield from self._lie(world, request, done)

    def _lose_answers(self, world: World, request: Flying, done: "_Done") -> Iterator[Choice]:
        job, worse = request.job, spend(world)
        if self._has(Kind.TIMEOUT):
            yield raised("timeout", worse.launch(request), _LOST)
        if self._has(Kind.LOST):
            yield raised("answer lost", spend(done.world), _LOST, breach=done.breach)
        if self._has(Kind.CRASH):
            yield Choice("crash while it was on its way", kill(worse, job).launch(request))
        if self._has(Kind.CANCEL) and not world.jobs[job].is_cancelled:
            cell = worse.jobs[job]._replace(rows=(), is_cancelled=True)
            flying = worse.launch(request).with_job(job, cell)
            yield raised("cancel while it was on its way", flying, _CANCELLED)
            answered = spend(done.world).with_job(job, cell._replace(rows=done.rows))
            yield raised("cancel, answer to come", answered, _CANCELLED, breach=done.breach)

    def _lie(self, world: World, request: Flying, done: "_Done") -> Iterator[Choice]:
        worse = spend(world)
        all_done = tuple((tenant, True) for tenant in request.tenants)
        if self._has(Kind.REFUSED):
            yield raised("refused", worse, _NO)
        if self._has(Kind.NO_EFFECT):
            yield returned("answered without effect", worse, self._answer(all_done))
        if self._has(Kind.DEFERRED):
            flying = worse.launch(request)
            yield returned("answered before it landed", flying, self._answer(all_done))
        if self._has(Kind.TWICE):
            again = spend(done.world).launch(request)
            answer = self._answer(done.rows)
            yield returned("ok, and once more later", again, answer, breach=done.breach)
        if self._has(Kind.BROKEN):
            stuck = request.tenants[0]
            cell = worse.tenants[stuck]._replace(is_broken=True)
            broken = self._land_all(worse.with_tenant(stuck, cell), request)
            answer = self._answer(broken.rows)
            yield returned("one tenant broken", broken.world, answer, breach=broken.breach)
        if self._has(Kind.PARTIAL):
            first, rest = request.tenants[:-1], request.tenants[-1:]
            part = self._land_all(worse, request._replace(tenants=first))
            left = part.world.launch(request._replace(tenants=rest))
            answer = self._answer(part.rows, unanswered=rest)
            yield returned("one row missing", left, answer, breach=part.breach)

    def _await_rows(self, world: World, job: int) -> Iterator[Choice]:
        """The answer comes when the request has landed everywhere; the wait may end before."""
        cell = world.jobs[job]
        own = [one for one in world.flying if (one.job, one.intent) == (job, cell.intent)]
        over = world.with_job(job, cell._replace(window=Window.SHUT, rows=()))
        if not own:
            yield returned("answered", over, self._answer(cell.rows))
        if world.faults and (self._has(Kind.TIMEOUT) or self._has(Kind.LOST)):
            flavour = "timeout" if own else "answer lost"
            yield raised(flavour, spend(over), _LOST)

    def _land_all(self, world: World, request: Flying) -> "_Done":
        rows, breaches = [], []
        for tenant in request.tenants:
            world, breach, is_done = self._lander.at_tenant(world, request, tenant)
            rows.append((tenant, is_done))
            breaches.append(breach)
        return _Done(world, tuple(rows), next((one for one in breaches if one), ""))

    def _answer(self, rows: Rows, *, unanswered: Sequence[int] = ()) -> Redeployed:
        tenants = self._cast.tenants
        said = [
            Row(tenant=tenants[tenant], state=RowState.DONE if is_done else RowState.FAILED)
            for tenant, is_done in rows
        ]
        said += [Row(tenant=tenants[one], state=RowState.UNANSWERED) for one in unanswered]
        return Redeployed(rows=tuple(said), fencing=self._cast.fencing)

    def late_answer(self, world: World, job: int, call: Call) -> Iterator[Choice]:
        """The answer to what was cancelled: there once it has landed, or none in time."""
        cell = world.jobs[job]
        none = None if call.operation.startswith("fleet") else False
        yield returned("none in time", world, none)
        if cell.rows:
            come = self._answer(cell.rows) if none is None else True
            yield returned("ok", world, come)

    def point(self, world: World, job: int, call: Call) -> Iterator[Choice]:
        """Moves the pointer."""
        digest = call.arguments[1]
        cell = world.jobs[job]
        release = self._cast.index_of[self._cast.release_of[digest]]
        # A pointer move carries no epoch; what counts is the claim under which it was sent.
        request = Flying(job=job, intent=cell.intent, release=release, epoch=cell.epoch, pointer=0)
        world = _sent(world, job)
        landed = self._lander.at_pointer(world, request)
        done = _Done(landed.world, _MOVED, landed.breach)
        yield returned("ok", done.world, breach=done.breach)
        if not world.faults or self._cast.jobs[job].kind is JobKind.HEAL:
            return
        yield from self._lose_answers(world, request, done)
        if self._has(Kind.REFUSED):
            yield raised("refused", spend(world), _NO)
        if self._has(Kind.NO_EFFECT):
            yield returned("answered without effect", spend(world))


class _Done(NamedTuple):
    """What came of landing a request everywhere."""

    world: World
    rows: Rows
    breach: str


def _refusal(fence_seen: int) -> Error:
    return (_fence_refused, (fence_seen,))


def _fence_refused(fence_seen: int) -> FenceRefused:
    return FenceRefused(fence_seen, on="control plane")


def _sent(world: World, job: int) -> World:
    """The window is over: the effect was sent."""
    return _with_window(world, job, Window.SHUT)


def _await(world: World, job: int) -> World:
    return _with_window(world, job, Window.SENT)


def _with_window(world: World, job: int, window: int) -> World:
    cell = world.jobs[job]
    sent = cell._replace(window=window, is_late=False, sent=max(cell.intent, cell.sent), rows=())
    return world.with_job(job, sent)
