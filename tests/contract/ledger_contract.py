"""What every ledger store must do: a linearizable read and a compare-and-swap, and no more.

A subclass in a test module runs it; that module has the fixture `store`, with a parameter for each
store. This module must not know any of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Protocol

import pytest

from release.core.ledger_json import RECORD_BYTES_MAX, dumps
from release.errors import Conflict, Invalid
from release.ports import Clock, Ledger, Reading
from tests.support.clocks import StillClock
from tests.support.ledger_records import full_record, job, small_record

__all__ = ["LedgerContract", "LedgerStore"]

WRITERS = 8


class LedgerStore(Protocol):
    """One place for one record, empty at first.

    rounds: how many races of eight writers it is put through; what it takes decides.
    """

    rounds: int

    def open(self, clock: Clock) -> Ledger:
        """Returns a ledger on that place, as another process would have one."""

    def spoil(self, data: bytes) -> None:
        """Puts bytes in the place of the record, past every ledger."""


class _ActingClock(StillClock):
    """Lets something happen in the midst of the sleep of a given number, counted from one."""

    def __init__(self, at_sleep: int, act: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self._at_sleep = at_sleep
        self._act = act

    async def sleep(self, duration_s: float) -> None:
        """Returns at once, or as soon as what is to happen has happened."""
        await super().sleep(duration_s)
        if len(self.slept) == self._at_sleep:
            await self._act()


class LedgerContract:
    """The promise of `ports.Ledger`."""

    def test_missing_record_reads_as_none(self, store: LedgerStore) -> None:
        """A place without a record has neither a record nor a version, and is no error."""
        ledger = store.open(StillClock())

        reading = asyncio.run(ledger.read())

        assert reading == Reading(record=None, version=None)

    def test_created_record_is_read_by_others(self, store: LedgerStore) -> None:
        """What one writer creates, any reader reads at once, under the version that was told."""
        record = small_record(epoch=3)

        version = asyncio.run(store.open(StillClock()).swap(None, record))

        reading = asyncio.run(store.open(StillClock()).read())
        assert reading == Reading(record=record, version=version)

    def test_creating_over_a_record_is_a_conflict(self, store: LedgerStore) -> None:
        """A record is created only where there is none."""
        asyncio.run(store.open(StillClock()).swap(None, small_record(epoch=1)))
        late = store.open(StillClock())

        with pytest.raises(Conflict):
            asyncio.run(late.swap(None, small_record(epoch=2)))

        reading = asyncio.run(late.read())
        assert reading.record == small_record(epoch=1)

    def test_swap_on_the_version_that_was_read_wins(self, store: LedgerStore) -> None:
        """A writer swaps on a version that another one wrote, and its record reads back equal."""
        asyncio.run(store.open(StillClock()).swap(None, small_record(epoch=1)))
        ledger = store.open(StillClock())

        async def swap() -> tuple[str, Reading]:
            seen = await ledger.read()
            version = await ledger.swap(seen.version, small_record(epoch=2))
            return version, await ledger.read()

        version, reading = asyncio.run(swap())

        assert reading == Reading(record=small_record(epoch=2), version=version)

    def test_swap_without_a_read_wins(self, store: LedgerStore) -> None:
        """A version is worth the same to a writer that was only told it."""
        version = asyncio.run(store.open(StillClock()).swap(None, small_record(epoch=1)))
        ledger = store.open(StillClock())

        asyncio.run(ledger.swap(version, small_record(epoch=2)))

        assert asyncio.run(ledger.read()).record == small_record(epoch=2)

    def test_swap_on_a_stale_version_is_a_conflict(self, store: LedgerStore) -> None:
        """A writer that missed a write loses, and the record stays as it is."""
        first, second = store.open(StillClock()), store.open(StillClock())
        stale = asyncio.run(first.swap(None, small_record(epoch=1)))
        asyncio.run(second.swap(stale, small_record(epoch=2)))

        with pytest.raises(Conflict):
            asyncio.run(first.swap(stale, small_record(epoch=3)))

        assert asyncio.run(first.read()).record == small_record(epoch=2)

    def test_swap_of_a_record_that_is_missing_is_a_conflict(self, store: LedgerStore) -> None:
        """A version of a record that is not there any more is stale too."""
        other = asyncio.run(store.open(StillClock()).swap(None, small_record()))
        unknown = "f" * len(other)

        with pytest.raises(Conflict):
            asyncio.run(store.open(StillClock()).swap(unknown, small_record(epoch=2)))

    def test_of_many_writers_exactly_one_wins(self, store: LedgerStore) -> None:
        """However many writers swap on one version at once, one wins and the rest know it."""
        version = asyncio.run(store.open(StillClock()).swap(None, small_record()))
        for round_number in range(1, store.rounds + 1):
            winners = _race(store, version, round_number)

            reading = asyncio.run(store.open(StillClock()).read())
            assert [reading.version] == list(winners)
            assert reading.record == winners[str(reading.version)]
            version = str(reading.version)

    def test_equal_record_gets_another_version(self, store: LedgerStore) -> None:
        """A version names a write, not a content, so that there and back again is no standstill."""
        ledger = store.open(StillClock())
        one, other = small_record(epoch=1), small_record(epoch=2)

        async def write_all() -> list[str]:
            versions = [await ledger.swap(None, one)]
            for record in (one, other, one, one):
                versions.append(await ledger.swap(versions[-1], record))
            return versions

        versions = asyncio.run(write_all())

        assert len(set(versions)) == 5

    def test_changed_returns_on_a_write_of_another(self, store: LedgerStore) -> None:
        """Who waits for a change is told at the next poll, not at the end of the wait."""
        other = store.open(StillClock())
        version = asyncio.run(other.swap(None, small_record(epoch=1)))
        clock = _ActingClock(2, lambda: other.swap(version, small_record(epoch=2)))

        reading = asyncio.run(store.open(clock).changed(version, 1000.0))

        assert reading.record == small_record(epoch=2)
        assert reading.version != version
        assert len(clock.slept) == 2

    def test_changed_returns_at_once_when_it_has_changed_already(self, store: LedgerStore) -> None:
        """A change before the wait began is a change."""
        ledger = store.open(clock := StillClock())
        version = asyncio.run(ledger.swap(None, small_record()))

        reading = asyncio.run(ledger.changed(None, 1000.0))

        assert reading.version == version
        assert clock.slept == []

    def test_changed_returns_the_same_version_in_the_end(self, store: LedgerStore) -> None:
        """Where nobody writes, the wait ends when it was to end, with the version that it had."""
        ledger = store.open(clock := StillClock())
        version = asyncio.run(ledger.swap(None, small_record()))

        reading = asyncio.run(ledger.changed(version, 7.3))

        assert reading.version == version
        assert sum(clock.slept) == pytest.approx(7.3)

    def test_full_record_comes_back_equal(self, store: LedgerStore) -> None:
        """A record of nearly the longest length is stored and read like any other."""
        record = full_record(reason_length=1600)
        assert RECORD_BYTES_MAX * 0.8 < len(dumps(record)) < RECORD_BYTES_MAX

        version = asyncio.run(store.open(StillClock()).swap(None, record))

        assert asyncio.run(store.open(StillClock()).read()).record == record
        assert version

    def test_record_that_is_too_long_is_not_written(self, store: LedgerStore) -> None:
        """What could not be read back is refused before anything is sent."""
        ledger = store.open(StillClock())

        with pytest.raises(Invalid, match="can't be written"):
            asyncio.run(ledger.swap(None, full_record(reason_length=5000)))

        assert asyncio.run(ledger.read()).version is None

    @pytest.mark.parametrize("data", [b"", b"\xff\xfe", b'{"schema": 1}', b"[" * 9999])
    def test_garbage_is_invalid(self, store: LedgerStore, data: bytes) -> None:
        """Bytes that are no record are never taken for one, nor for a missing one."""
        asyncio.run(store.open(StillClock()).swap(None, small_record()))
        store.spoil(data)

        with pytest.raises(Invalid, match="no record"):
            asyncio.run(store.open(StillClock()).read())


def _race(store: LedgerStore, version: str, round_number: int) -> dict[str, object]:
    """Lets eight writers swap on one version at once; returns the winners' records by version."""
    barrier = Barrier(WRITERS, timeout=60)

    def contend(number: int) -> tuple[str, object] | None:
        record = replace(
            small_record(epoch=round_number, writer=job(number)), environment=f"round {number}"
        )
        ledger = store.open(StillClock())

        async def swap() -> str:
            await ledger.read()
            await asyncio.to_thread(barrier.wait)
            return await ledger.swap(version, record)

        try:
            return asyncio.run(swap()), record
        except Conflict:
            return None

    with ThreadPoolExecutor(WRITERS) as pool:
        results = list(pool.map(contend, range(WRITERS)))
    return dict(result for result in results if result is not None)
