"""The ledger of a world in virtual time: one record in memory, compared and swapped by version.

This module must not store anything; `ledger_store` does.
"""

from release.core.ledger import Record
from release.ports import Reading
from simulator.faults import Call, Service, Verdict
from simulator.ledger_store import LedgerStore
from simulator.line import Line
from simulator.scheduler import Hold
from simulator.wire import Refusal

__all__ = ["LedgerStore", "SimLedger"]


class SimLedger:
    """Keeps the promises of `ports.Ledger` for one job, but for what fault rules do to it.

    Operations for rules: `read`, `swap` (effect), `changed`; the subject is the environment.
    """

    def __init__(self, store: LedgerStore, line: Line) -> None:
        self._store = store
        self._line = line

    async def read(self) -> Reading:
        """Reads the record."""

        def act(verdict: Verdict) -> Reading:
            now_s = self._line.scheduler.now_s
            return self._store.cell.at(now_s - verdict.stale_s)

        return await self._line.read(self._call("read"), act)

    async def swap(self, expected: str | None, record: Record) -> str:
        """Writes the record if the version is still `expected`."""

        def land() -> str | None:
            if self._store.cell.value.version != expected:
                return None
            return self._store.write(record, actor=self._line.actor)

        def land_unseen() -> None:
            land()

        def act(verdict: Verdict) -> str:
            if not verdict.has_effect:
                return str(self._store.writes + 1)
            if verdict.late_s:
                self._line.world.landings.add(verdict.late_s, land_unseen)
                return str(self._store.writes + 1)
            version = land()
            if verdict.twice_s is not None:
                self._line.world.landings.add(verdict.twice_s, land_unseen)
            if version is None:
                raise Refusal(409)
            return version

        return await self._line.effect(self._call("swap", is_effect=True), act)

    async def changed(self, version: str | None, within_s: float) -> Reading:
        """Wakes at the very step in which another version is written."""
        store = self._store
        await Hold(lambda: store.cell.value.version != version, within_s)
        return await self._line.read(self._call("changed"), lambda _: store.cell.value)

    def _call(self, operation: str, *, is_effect: bool = False) -> Call:
        return Call(
            actor=self._line.actor,
            service=Service.LEDGER,
            operation=operation,
            subject=self._store.world.layout.environment,
            is_effect=is_effect,
        )
