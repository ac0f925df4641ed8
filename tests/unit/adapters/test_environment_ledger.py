"""The record of another environment is never taken for one's own."""

import asyncio

import pytest

from release.adapters.environment_ledger import EnvironmentLedger
from release.adapters.memory_ledger import MemoryLedger
from release.errors import Invalid
from tests.support.clocks import StillClock
from tests.support.ledger_records import small_record


def test_record_of_another_environment_is_invalid_and_stays_as_it_is() -> None:
    """Reading and waiting both refuse it, and say whose it is."""
    inner = MemoryLedger(StillClock())
    version = asyncio.run(inner.swap(None, small_record()))

    ledger = EnvironmentLedger(inner, environment="staging")

    with pytest.raises(Invalid, match="that of production"):
        asyncio.run(ledger.read())
    with pytest.raises(Invalid, match="that of production"):
        asyncio.run(ledger.changed(None, 1.0))
    assert version == asyncio.run(inner.read()).version


def test_own_record_and_a_missing_one_are_passed_on() -> None:
    """Swap, read and wait do what the ledger within does."""
    ledger = EnvironmentLedger(MemoryLedger(StillClock()), environment="production")
    record = small_record()

    missing = asyncio.run(ledger.read())
    version = asyncio.run(ledger.swap(None, record))

    assert missing.record is None
    assert record == asyncio.run(ledger.read()).record
    assert version == asyncio.run(ledger.changed(None, 1.0)).version
