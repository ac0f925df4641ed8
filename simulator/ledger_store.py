"""The ledger's record as a world knows it: its own in virtual time, else what git was seen to hold.

This module must not compare or judge; whoever writes has done so.
"""

from dataclasses import dataclass

from release.core.codec import to_plain
from release.core.ledger import Record
from release.ports import Reading
from simulator.cells import Cell
from simulator.happenings import Kind
from simulator.world import World

__all__ = ["LedgerStore"]

_EMPTY = Reading(record=None, version=None)


@dataclass(slots=True)
class LedgerStore:
    """What all jobs of one environment share; a snapshot of the world shows its record."""

    world: World
    cell: Cell[Reading]
    writes: int = 0

    @classmethod
    def empty(cls, world: World) -> "LedgerStore":
        """A store without a record."""
        store = cls(world=world, cell=Cell(_EMPTY))
        world.ledger_view = store.plain
        return store

    def write(self, record: Record | None, *, actor: str) -> str | None:
        """Stores a record whatever was there, or loses it with None; returns its version."""
        self.writes += 1
        before = self.cell.value.record
        version = None if record is None else str(self.writes)
        reading = Reading(record=record, version=version)
        self.cell.write(reading, self.world.clock.reading_s())
        self.world.log.note(
            Kind.LEDGER,
            self.world.layout.environment,
            actor=actor,
            before=None if before is None or before.mark is None else str(before.mark),
            after=None if record is None or record.mark is None else str(record.mark),
            note=_summary(record),
        )
        return version

    def plain(self) -> object:
        """The record as JSON values, or None."""
        record = self.cell.value.record
        return None if record is None else to_plain(record)


def _summary(record: Record | None) -> str:
    if record is None:
        return "no record"
    holder = f"{record.holder.job} {record.holder.phase}" if record.holder else "nobody"
    return f"epoch {record.epoch}, held by {holder}, {len(record.intents)} open intents"
