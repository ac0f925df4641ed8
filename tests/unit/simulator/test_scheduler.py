"""The scheduler: order, waits, cancelling, killing, bounds."""

import asyncio

import pytest

from simulator.scheduler import (
    Hold,
    Join,
    Pause,
    Scheduler,
    Stalled,
    StepsExhausted,
)


async def note(notes: list[str], what: str, *, after_s: float = 0.0) -> str:
    """Waits, then writes down."""
    await Pause(after_s)
    notes.append(what)
    return what


def test_what_is_due_first_runs_first_and_ties_go_by_who_asked_first() -> None:
    """Jobs and calls run in the order of (time, sequence number)."""
    scheduler, notes = Scheduler(), list[str]()
    scheduler.spawn("late", note(notes, "late", after_s=5.0))
    scheduler.spawn("one", note(notes, "one", after_s=2.0))
    scheduler.call_at(2.0, lambda: notes.append("called"))
    scheduler.spawn("two", note(notes, "two"), at_s=2.0)

    scheduler.run()

    assert notes == ["called", "one", "two", "late"]
    assert scheduler.now_s == 5.0


def test_same_program_takes_the_same_steps() -> None:
    """Nothing but the program decides: two runs agree step by step."""

    def play() -> tuple[list[str], int]:
        scheduler, notes = Scheduler(), list[str]()
        for number in range(20):
            scheduler.spawn(f"{number}", note(notes, f"{number}", after_s=number % 3))
        scheduler.run()
        return notes, scheduler.steps

    assert play() == play()


def test_run_until_stops_at_that_instant_and_can_go_on() -> None:
    """What is due at the very instant still runs; time then stands there."""
    scheduler, notes = Scheduler(), list[str]()
    scheduler.spawn("one", note(notes, "one", after_s=3.0))
    job = scheduler.spawn("two", note(notes, "two", after_s=3.5))

    scheduler.run(until_s=3.0)

    assert (notes, scheduler.now_s, job.is_done) == (["one"], 3.0, False)
    scheduler.run()
    assert notes == ["one", "two"]


def test_hold_wakes_at_the_very_instant_its_predicate_comes_true() -> None:
    """A wait for something needs no polling."""
    scheduler, notes = Scheduler(), list[str]()
    scheduler.call_at(7.0, lambda: notes.append("now"))

    async def wait() -> tuple[bool, float]:
        return await Hold(lambda: bool(notes), 100.0), scheduler.now_s

    job = scheduler.spawn("waiting", wait())
    scheduler.run()

    assert job.result() == (True, 7.0)
    assert scheduler.now_s == 7.0


def test_hold_gives_up_when_its_time_is_over() -> None:
    """A bounded wait says that what it waited for did not come."""
    scheduler = Scheduler()

    async def wait() -> tuple[bool, float]:
        return await Hold(lambda: False, 4.0), scheduler.now_s

    job = scheduler.spawn("waiting", wait())
    scheduler.run()

    assert job.result() == (False, 4.0)


def test_join_waits_for_the_slowest_or_for_its_bound() -> None:
    """Jobs that are not done in time go on without the one that waited."""
    scheduler, notes = Scheduler(), list[str]()
    jobs = tuple(
        scheduler.spawn(name, note(notes, name, after_s=after_s))
        for name, after_s in (("a", 1.0), ("b", 9.0))
    )

    async def wait() -> tuple[bool, bool, float]:
        return await Join(jobs[:1]), await Join(jobs, 2.0), scheduler.now_s

    job = scheduler.spawn("waiting", wait())
    scheduler.run()

    assert job.result() == (True, False, 3.0)
    assert notes == ["a", "b"]


def test_error_of_a_job_stays_in_the_job() -> None:
    """One job's failure is no other's; whoever asks for its result gets it."""
    scheduler, notes = Scheduler(), list[str]()

    async def fail() -> None:
        await Pause(1.0)
        raise ValueError("boom")

    job = scheduler.spawn("failing", fail())
    scheduler.spawn("other", note(notes, "other", after_s=2.0))
    scheduler.run()

    assert notes == ["other"]
    assert job.is_done
    with pytest.raises(ValueError, match="boom"):
        job.result()


def test_cancel_throws_where_the_job_waits_and_cleanup_may_wait() -> None:
    """A cancelled job ends as asyncio's do, at that instant, after its cleanup."""
    scheduler, notes = Scheduler(), list[str]()

    async def work() -> None:
        try:
            await Pause(100.0)
        finally:
            await note(notes, "cleaned", after_s=2.0)

    job = scheduler.spawn("working", work())
    scheduler.call_at(10.0, job.cancel)
    scheduler.run()

    assert notes == ["cleaned"]
    assert isinstance(job.error, asyncio.CancelledError)
    assert job.ended_at_s == 12.0


def test_second_cancel_ends_the_cleanup_too() -> None:
    """As with a second signal, the cleanup itself is left."""
    scheduler, notes = Scheduler(), list[str]()

    async def work() -> None:
        try:
            await Pause(100.0)
        finally:
            await note(notes, "cleaned", after_s=50.0)

    job = scheduler.spawn("working", work())
    scheduler.call_at(10.0, job.cancel)
    scheduler.call_at(11.0, job.cancel)
    scheduler.run()

    assert (notes, job.ended_at_s) == ([], 11.0)


def test_killed_job_runs_no_cleanup_that_waits_or_starts_anything() -> None:
    """SIGKILL: neither a wait nor a request of the cleanup comes to pass."""
    scheduler, notes = Scheduler(), list[str]()

    async def work() -> None:
        try:
            await Pause(100.0)
        finally:
            scheduler.spawn("request", note(notes, "sent"))
            await note(notes, "cleaned")

    job = scheduler.spawn("working", work())
    scheduler.call_at(10.0, job.kill)
    scheduler.run()

    assert (notes, job.is_killed, job.ended_at_s) == ([], True, 10.0)
    with pytest.raises(Stalled, match="was killed"):
        job.result()


def test_run_that_does_not_end_is_a_named_error() -> None:
    """Every run has a bound on its steps."""
    scheduler = Scheduler()

    async def spin() -> None:
        while True:
            await Pause(0.0)

    job = scheduler.spawn("spinning", spin())

    with pytest.raises(StepsExhausted, match="1000 steps"):
        scheduler.run(steps_max=1000)
    job.kill()


def test_job_that_can_never_go_on_stalls_the_run() -> None:
    """A wait for what can't come any more is told, with the names of who waits."""
    scheduler = Scheduler()

    async def wait() -> None:
        await Hold(lambda: False)

    scheduler.spawn("background", wait(), is_background=True)
    scheduler.run()
    scheduler.spawn("forever", wait())

    with pytest.raises(Stalled, match="forever"):
        scheduler.run()
    scheduler.close()


def test_awaiting_something_else_is_an_error_of_the_job() -> None:
    """Only the scheduler's own waits exist in virtual time."""
    scheduler = Scheduler()

    async def wait() -> None:
        await asyncio.sleep(0)

    job = scheduler.spawn("wrong", wait())
    scheduler.run()

    assert isinstance(job.error, TypeError)
