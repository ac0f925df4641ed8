"""What happens without a job's doing: pushes, late landings, deaths, and people at the desk.

This module must not answer a call.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from release.core.ledger import Past, Pin, PinKind, Record, Stamp
from release.core.transitions import steal
from release.core.values import JobId
from simulator.explorer.cast import NOW, Cast
from simulator.explorer.choices import Choice
from simulator.explorer.landing import Lander
from simulator.explorer.ledger_calls import LedgerCalls
from simulator.explorer.records import Records
from simulator.explorer.scope import JobKind, Kind
from simulator.explorer.worlds import NOBODY, JobState, Window, World, kill, spend

__all__ = ["Events"]

_OPERATOR = JobId(run="operator", attempt=1, nonce="desk")


class Events:
    """The events of one scope."""

    def __init__(self, cast: Cast, records: Records, lander: Lander, ledger: LedgerCalls) -> None:
        self._cast = cast
        self._records = records
        self._lander = lander
        self._ledger = ledger
        self._last_push = max(job.push for job in cast.scope.jobs)
        self._heal = next(
            (at for at, job in enumerate(cast.jobs) if job.kind is JobKind.HEAL), NOBODY
        )
        by_kind: dict[Kind, Callable[[World], Iterator[Choice]]] = {
            Kind.CRASH: self._crash,
            Kind.REGRESS: self._regress,
            Kind.CHURN: self._churn,
            Kind.SWITCH: self._switch,
            Kind.PIN: self._pin,
            Kind.LEDGER_LOST: self._lose_ledger,
        }
        self._faults = [found for kind, found in by_kind.items() if cast.scope.has(kind)]

    def after(self, world: World) -> Iterator[Choice]:
        """Everything that may happen now by itself."""
        if world.head < self._last_push:
            pushed = world.head + 1
            yield Choice(f"push of r{pushed}", world._replace(head=pushed))
        for number in range(len(world.flying)):
            yield from self._land(world, number)
        if self._cast.scope.has(Kind.LAG):
            yield from self._drain(world)
        if world.faults:
            for find in self._faults:
                yield from find(world)

    def heal(self, world: World) -> World | None:
        """The world in which a fresh deploy begins and nothing fails any more, once all is over."""
        if self._heal == NOBODY or world.head < self._last_push:
            return None
        if any(world.is_alive(job) for job in range(self._heal)):
            return None
        cell = world.jobs[self._heal]
        if cell.state != JobState.WAITING:
            return None
        mended = tuple(tenant._replace(is_broken=False) for tenant in world.tenants)
        healed = world._replace(faults=0, expiries=0, is_on=True, tenants=mended)
        return healed.with_job(self._heal, cell._replace(state=JobState.RUNNING))

    def _land(self, world: World, number: int) -> Iterator[Choice]:
        request = world.flying[number]
        gone = world.without(number)
        name = self._cast.jobs[request.job].name
        if request.record:
            if request.expected == world.record:
                record = self._records.record(request.record)
                assert record is not None, "a swap writes a record"
                yield Choice(
                    f"late swap of {name} lands", self._ledger.write(gone, request.job, record)
                )
            return
        if request.pointer != NOBODY:
            landed = self._lander.at_pointer(gone, request)
            label = f"pointer move of {name} to r{request.release} lands"
            yield Choice(label, landed.world, breach=landed.breach)
        elif self._cast.scope.has(Kind.PIECEMEAL):
            for tenant in request.tenants:
                yield self._land_at(world, number, (tenant,))
        else:
            yield self._land_at(world, number, request.tenants)

    def _land_at(self, world: World, number: int, tenants: tuple[int, ...]) -> Choice:
        """Lets a request land at some of its tenants; one that is awaited notes how it ended."""
        request = world.flying[number]
        left = tuple(one for one in request.tenants if one not in tenants)
        world, breach = world.without(number), ""
        if left:
            world = world.launch(request._replace(tenants=left))
        for tenant in tenants:
            landed = self._lander.at_tenant(world, request, tenant)
            world, breach = landed.world, breach or landed.breach
            cell = world.jobs[request.job]
            if cell.window == Window.SENT and cell.intent == request.intent:
                rows = tuple(sorted((*cell.rows, (tenant, landed.is_done))))
                world = world.with_job(request.job, cell._replace(rows=rows))
        where = ", ".join(self._cast.name_of(tenant) for tenant in tenants)
        name = self._cast.jobs[request.job].name
        return Choice(f"{name}'s r{request.release} lands at {where}", world, breach=breach)

    def _drain(self, world: World) -> Iterator[Choice]:
        for number, cell in enumerate(world.tenants):
            if cell.draining != NOBODY:
                drained = world.with_tenant(number, cell._replace(draining=NOBODY))
                yield Choice(f"{self._cast.name_of(number)} has drained", drained)

    def _crash(self, world: World) -> Iterator[Choice]:
        for number, cell in enumerate(world.jobs):
            if cell.state == JobState.RUNNING and number != self._heal:
                name = self._cast.jobs[number].name
                yield Choice(f"crash of {name}", spend(kill(world, number)))

    def _regress(self, world: World) -> Iterator[Choice]:
        for number, cell in enumerate(world.tenants):
            if cell.serving != 0:
                fallen = world.with_tenant(number, cell._replace(serving=0, draining=NOBODY))
                yield Choice(f"{self._cast.name_of(number)} falls back to r0", spend(fallen))

    def _churn(self, world: World) -> Iterator[Choice]:
        if world.listed == 0:
            yield Choice("a tenant joins", spend(world._replace(listed=1)))
            if self._cast.scope.tenants > 1:
                yield Choice("a tenant leaves", spend(world._replace(listed=2)))

    def _switch(self, world: World) -> Iterator[Choice]:
        if world.is_on:
            yield Choice("the kill switch goes off", spend(world._replace(is_on=False)))

    def _pin(self, world: World) -> Iterator[Choice]:
        """A person pins, or unlocks, which steals and pins."""
        record = self._records.record(world.record)
        if record is None or record.pin is not None:
            return
        pin = Pin(kind=PinKind.PIN, reason="by hand", by="operator", at=NOW)
        yield Choice("a person pins", self._by_hand(world, replace(record, pin=pin)))
        if record.holder is not None:
            pin = replace(pin, kind=PinKind.UNLOCK)
            past = Past(
                job=_OPERATOR,
                release=record.holder.release,
                epoch=record.epoch,
                word="unlocked",
                reason="by hand",
                at=NOW,
            )
            yield Choice("a person unlocks", self._by_hand(world, steal(record, pin, past)))

    def _by_hand(self, world: World, record: Record) -> World:
        stamped = replace(record, stamp=Stamp(job=_OPERATOR, write=world.record))
        return spend(world.with_record(self._records.number(stamped)))

    def _lose_ledger(self, world: World) -> Iterator[Choice]:
        if world.record:
            yield Choice("the ledger is lost", spend(world._replace(record=0)))
            first = self._records.number(self._cast.first_record())
            if first != world.record:
                yield Choice("the ledger is set back", spend(world._replace(record=first)))
