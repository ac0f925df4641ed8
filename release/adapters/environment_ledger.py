"""Keeps a job away from the record of another environment, wherever its ledger leads it.

This module must not store anything: the ledger within does.
"""

from release.core.ledger import Record
from release.errors import Invalid
from release.ports import Ledger, Reading

__all__ = ["EnvironmentLedger"]


class EnvironmentLedger:
    """A ledger that hands out the record of one environment alone; keeps its promise otherwise.

    Two environments that share one ref would each take the other's mark for their own: the job of
    one ends `superseded` by a release that only the other ever deployed.
    """

    def __init__(self, ledger: Ledger, *, environment: str) -> None:
        self._ledger = ledger
        self._environment = environment

    async def read(self) -> Reading:
        """Reads the record; raises Invalid when it is another environment's."""
        return self._own(await self._ledger.read())

    async def swap(self, expected: str | None, record: Record) -> str:
        """Swaps as the ledger within does."""
        return await self._ledger.swap(expected, record)

    async def changed(self, version: str | None, within_s: float) -> Reading:
        """Waits as the ledger within does; raises Invalid as `read` does."""
        return self._own(await self._ledger.changed(version, within_s))

    def _own(self, reading: Reading) -> Reading:
        record = reading.record
        if record is None or record.environment == self._environment:
            return reading
        raise Invalid(
            "the ledger holds the record of another environment",
            on=f"environment {self._environment}",
            seen=f"that of {record.environment}",
            expected="a record of its own",
            safe="it was not touched",
            advice="Give each environment a ledger.ref, or a ledger.path, of its own",
        )
