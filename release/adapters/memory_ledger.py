"""Keeps the record in the memory of this process: for tests and for jobs without a ledger.

This module must not wait on anything but the clock that it is given, so that it works in virtual
time and without an event loop.
"""

from threading import Lock

from release.adapters.ledger_wait import wait_for_change
from release.core.ledger import Record
from release.core.ledger_json import dumps, loads
from release.errors import Conflict
from release.ports import Clock, Reading

__all__ = ["MemoryLedger", "MemoryPlace"]

_ON = "the ledger in memory"


class MemoryPlace:
    """A place for one record, which ledgers of several jobs may share.

    stored: the bytes in it; None is a place that was never written to.
    """

    def __init__(self, stored: bytes | None = None) -> None:
        self.stored = stored
        self._writes = 0 if stored is None else 1
        self._lock = Lock()

    def load(self) -> tuple[bytes | None, str | None]:
        """Reads bytes and version."""
        with self._lock:
            return self.stored, self._version

    def swap(self, expected: str | None, data: bytes) -> str:
        """Writes the bytes and returns their version; raises Conflict."""
        with self._lock:
            if self._version != expected:
                raise Conflict(
                    "another writer came first",
                    on=_ON,
                    seen=f"version {self._version}",
                    expected=f"version {expected}",
                    safe="nothing was written",
                )
            self._writes += 1
            self.stored = data
            return str(self._writes)

    @property
    def _version(self) -> str | None:
        return str(self._writes) if self._writes else None


class MemoryLedger:
    """A ledger that is gone with its process; keeps the promise of `ports.Ledger`.

    place: shared with other ledgers; None is a new one of its own.
    """

    def __init__(
        self, clock: Clock, *, place: MemoryPlace | None = None, poll_s: float = 1.0
    ) -> None:
        self._clock = clock
        self._place = place or MemoryPlace()
        self._poll_s = poll_s

    async def read(self) -> Reading:
        """Reads the record; raises Invalid when what is stored is no record."""
        stored, version = self._place.load()
        record = None if stored is None else loads(stored, on=_ON)
        return Reading(record=record, version=version)

    async def swap(self, expected: str | None, record: Record) -> str:
        """Writes the record if the version is still `expected`; else raises Conflict."""
        return self._place.swap(expected, dumps(record))

    async def changed(self, version: str | None, within_s: float) -> Reading:
        """Reads again every `poll_s`, at most for `within_s`."""
        return await wait_for_change(
            self.read, self._clock, version=version, within_s=within_s, poll_s=self._poll_s
        )
