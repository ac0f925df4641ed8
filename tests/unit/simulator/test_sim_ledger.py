"""The ledger in virtual time: compare-and-swap, waiting for a change, and its faults."""

import pytest

from release.errors import Conflict, OutcomeUnknown, Refused, Unavailable
from release.ports import Reading
from simulator.faults import FaultKind
from simulator.happenings import Kind
from tests.support.virtual import Setting, a_record


def test_swap_on_the_version_that_was_read_wins_and_reads_back() -> None:
    """A record is created where there is none, and replaced where the version is still it."""
    setting = Setting.make()
    ledger = setting.ports().ledger

    first = setting.run(ledger.swap(None, a_record(1)))
    second = setting.run(ledger.swap(first, a_record(2)))

    assert first != second
    assert setting.run(ledger.read()) == Reading(record=a_record(2), version=second)


@pytest.mark.parametrize("expected", [None, "99"])
def test_swap_on_another_version_is_a_conflict_and_writes_nothing(expected: str | None) -> None:
    """Who missed a write loses."""
    setting = Setting.make()
    ledger = setting.ports().ledger
    setting.run(ledger.swap(None, a_record(1)))

    with pytest.raises(Conflict):
        setting.run(ledger.swap(expected, a_record(2)))

    assert setting.run(ledger.read()).record == a_record(1)


def test_change_is_told_at_the_instant_at_which_it_is_written() -> None:
    """Nobody polls in virtual time."""
    setting = Setting.make()
    version = setting.run(setting.ports().ledger.swap(None, a_record(1)))

    async def write() -> None:
        ports = setting.ports("writer")
        await ports.clock.sleep(17.25)
        await ports.ledger.swap(version, a_record(2))

    async def wait() -> tuple[Reading, float]:
        reading = await setting.ports("reader").ledger.changed(version, 1000.0)
        return reading, setting.scheduler.now_s

    setting.scheduler.spawn("writer", write())
    reading, at_s = setting.run(wait())

    assert (reading.record, at_s) == (a_record(2), 17.25)


def test_waiting_for_a_change_ends_with_the_same_version_when_none_comes() -> None:
    """The wait is bounded."""
    setting = Setting.make()
    ledger = setting.ports().ledger
    version = setting.run(ledger.swap(None, a_record(1)))

    reading = setting.run(ledger.changed(version, 7.5))

    assert (reading.version, setting.scheduler.now_s) == (version, 7.5)


def test_waiting_for_a_change_that_was_already_ends_at_once() -> None:
    """A change before the wait began is a change."""
    setting = Setting.make()
    ledger = setting.ports().ledger
    setting.run(ledger.swap(None, a_record(1)))

    reading = setting.run(ledger.changed(None, 1000.0))

    assert (reading.record, setting.scheduler.now_s) == (a_record(1), 0.0)


@pytest.mark.parametrize(
    ("kind", "is_written"),
    [(FaultKind.CUT_BEFORE, False), (FaultKind.LOSE_ANSWER, True)],
)
def test_swap_without_an_answer_is_unknown_and_may_be_written(
    kind: FaultKind, *, is_written: bool
) -> None:
    """Only reading again tells."""
    setting = Setting.make()
    ledger = setting.ports().ledger
    setting.fault(kind, operation="swap")

    with pytest.raises(OutcomeUnknown):
        setting.run(ledger.swap(None, a_record(1)))

    assert (setting.run(ledger.read()).record is not None) is is_written


def test_late_swap_compares_when_it_lands() -> None:
    """A swap in flight loses against a write that came before it landed."""
    setting = Setting.make()
    number = setting.fault(FaultKind.LATE, operation="swap", actor="slow", late_s=10.0)
    setting.run(setting.ports("quick").ledger.swap(None, a_record(1)))

    async def race() -> None:
        version = (await setting.ports("slow").ledger.read()).version
        await setting.ports("slow").ledger.swap(version, a_record(2))
        await setting.ports("quick").ledger.swap(version, a_record(3))

    setting.run(race())

    assert setting.world.faults.remove(number)
    assert setting.run(setting.ports().ledger.read()).record == a_record(3)


@pytest.mark.parametrize(("status", "error"), [(403, Refused), (409, Conflict), (429, Unavailable)])
def test_swap_refused_by_the_store_says_that_nothing_was_written(
    status: int, error: type[Exception]
) -> None:
    """By policy, by a conflict that nobody sees, by too many requests."""
    setting = Setting.make()
    setting.fault(FaultKind.REFUSE, operation="swap", status=status)

    with pytest.raises(error):
        setting.run(setting.ports().ledger.swap(None, a_record(1)))

    assert setting.ledger.cell.value.record is None


def test_ledger_that_cannot_be_read_is_unavailable() -> None:
    """After bounded retry."""
    setting = Setting.make()
    setting.fault(FaultKind.REFUSE, service="ledger", operation="read", status=503)

    with pytest.raises(Unavailable):
        setting.run(setting.ports().ledger.read())


def test_stale_read_answers_an_earlier_record() -> None:
    """What a store promises not to do, a rule makes it do."""
    setting = Setting.make()
    ledger = setting.ports().ledger
    version = setting.run(ledger.swap(None, a_record(1)))
    setting.scheduler.run(until_s=10.0)
    setting.run(ledger.swap(version, a_record(2)))
    setting.fault(FaultKind.STALE, operation="read", stale_s=5.0)

    assert setting.run(ledger.read()).record == a_record(1)


def test_lost_record_reads_as_none_and_each_write_is_in_the_log() -> None:
    """A lost ref is a record that is missing; a snapshot shows what is there."""
    setting = Setting.make()
    setting.run(setting.ports().ledger.swap(None, a_record(1)))
    setting.ledger.write(None, actor="disaster")

    assert setting.run(setting.ports().ledger.read()) == Reading(record=None, version=None)
    assert [one.actor for one in setting.world.log.of_kind(Kind.LEDGER)] == ["job", "disaster"]
    assert setting.world.snapshot()["ledger"] is None
