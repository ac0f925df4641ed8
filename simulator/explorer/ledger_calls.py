"""Answers the calls of the ledger: reads, compare-and-swaps, and waits for a change.

Time is in the waits: a wait may end without a change only where the lease or the bound that it
stands for may have passed. This module must not know tenants or pointers.
"""

from collections.abc import Iterator

from release.core.ledger import Effect, Intent, Record
from release.errors import Conflict, OutcomeUnknown
from simulator.explorer.calls import Call
from simulator.explorer.cast import Cast
from simulator.explorer.choices import Choice, raised, returned
from simulator.explorer.records import Records
from simulator.explorer.scope import Kind
from simulator.explorer.seizures import find_seizure
from simulator.explorer.worlds import Flying, Window, World, spend

__all__ = ["LedgerCalls"]

_UNKNOWN = (OutcomeUnknown, ("the answer to the swap was lost",))
_CONFLICT = (Conflict, ("another write came first",))


class LedgerCalls:
    """The ledger of one scope."""

    def __init__(self, cast: Cast, records: Records) -> None:
        self._cast = cast
        self._records = records

    def read(self, world: World, job: int, call: Call) -> Iterator[Choice]:  # noqa: ARG002
        """The record as it is."""
        yield Choice("ok", world, self._records.answer(world.record))

    def swap(self, world: World, job: int, call: Call) -> Iterator[Choice]:
        """Writes the record if the version is still the expected one."""
        expected, record = call.arguments
        is_expected = self._records.reading(world.record).version == expected
        if not is_expected:
            yield raised("conflict", world, _CONFLICT)
        written = self.write(world, job, record)
        if is_expected:
            version = self._records.reading(written.record).version
            before = self._records.record(world.record)
            breach = find_seizure(self._cast, job, before=before, after=record) if before else ""
            yield returned("ok", written, version, breach=breach)
        if not world.faults or not self._cast.scope.has(Kind.SWAP_UNKNOWN):
            return
        if is_expected:
            yield raised("written, answer lost", spend(written), _UNKNOWN)
            late = Flying(
                job=job,
                intent=-1,
                release=-1,
                epoch=0,
                record=written.record,
                expected=world.record,
            )
            yield raised("lost on its way", spend(world.launch(late)), _UNKNOWN)

    def write(self, world: World, job: int, record: Record) -> World:
        """The world after a write; an intent of ours opens the window until its effect is sent."""
        ours = self._cast.job_id(job)
        newest = max((one.number for one in record.intents if one.job == ours), default=-1)
        cell = world.jobs[job]
        opened = newest > cell.sent
        is_holder = record.holder is not None and record.holder.job == ours
        cell = cell._replace(
            window=Window.NOTED if opened else Window.SHUT,
            is_late=False,
            intent=newest if opened else cell.intent,
            epoch=record.epoch if is_holder else cell.epoch,
        )
        return world.with_record(self._records.number(record)).with_job(job, cell)

    def changed(self, world: World, job: int, call: Call) -> Iterator[Choice]:
        """Comes back with a change, or without one when what is waited for has had its time."""
        version, within_s = call.arguments
        reading = self._records.reading(world.record)
        if reading.version != version:
            yield Choice("changed", world, self._records.answer(world.record))
            return
        later = self._pass(world, job, within_s)
        if later is not None:
            yield returned("time passed", later, reading, passes_s=within_s)

    def _pass(self, world: World, job: int, within_s: float) -> World | None:
        """The world after so much time without a write; None where that can't have happened.

        Everybody whose lease or intent the time is about was silent all the while. One who still
        lives was asleep, which is a choice with a budget, and finds it late at its next look at
        the clock; never between that look and its effect, for the bound includes the sending.
        """
        record = self._records.record(world.record)
        if record is None:
            return world
        ending = [one for one in record.intents if one.remaining_s <= within_s]
        parties = self._parties(record, job) | self._forgotten(world, job, ending)
        asleep = [one for one in parties if world.is_alive(one)]
        if asleep and not world.expiries:
            return None
        if asleep:
            world = world._replace(expiries=world.expiries - 1)
        if self._cast.scope.is_life_bounded:
            over = [one for one in world.flying if self._is_among(one.job, one.intent, ending)]
            owners = enumerate(world.jobs)
            if any(
                world.is_alive(owner)
                and cell.window >= Window.CHECKED
                and self._is_among(owner, cell.intent, ending)
                for owner, cell in owners
            ):
                return None
            world = world._replace(flying=tuple(one for one in world.flying if one not in over))
        for one in asleep:
            cell = world.jobs[one]
            if cell.window == Window.NOTED:
                world = world.with_job(one, cell._replace(is_late=True))
        return world

    def _forgotten(self, world: World, job: int, ending: list[Intent]) -> set[int]:
        """Who has an intent that no record names, while one that stands for all is waited out."""
        if not any(one.effect is Effect.UNKNOWN for one in ending):
            return set()
        cells = enumerate(world.jobs)
        return {other for other, cell in cells if other != job and cell.window == Window.NOTED}

    def _is_among(self, job: int, number: int, intents: list[Intent]) -> bool:
        """Whether an effect is behind one of the intents; one `unknown` intent stands for all."""
        ours = self._cast.job_id(job)
        return any(
            one.effect is Effect.UNKNOWN or (one.job, one.number) == (ours, number)
            for one in intents
        )

    def _parties(self, record: Record, job: int) -> set[int]:
        """Whose silence the waiting job listens to."""
        ours, numbers = self._cast.job_id(job), self._cast.number_of
        named = [one.job for one in (record.holder, record.next) if one is not None]
        if record.holder is not None and record.holder.job == ours:
            named = [one.job for one in record.intents if one.effect is not Effect.UNKNOWN]
        return {numbers[one] for one in named if one != ours and one in numbers}
