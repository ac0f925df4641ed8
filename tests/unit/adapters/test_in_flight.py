"""An effect goes on when whoever waits for its answer is cancelled."""

import asyncio
from contextlib import suppress

from release.adapters.in_flight import InFlight
from release.errors import OutcomeUnknown


class Service:
    """An effect that is answered when the test says so."""

    def __init__(self) -> None:
        self.sent = asyncio.Event()
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def effect(self) -> str:
        """Sends, and waits for its answer."""
        self.sent.set()
        return await self.answer


async def send_and_cancel(in_flight: InFlight[str], service: Service) -> None:
    """Sends the effect and cancels the wait for its answer."""
    waiting = asyncio.create_task(in_flight.send(service.effect()))
    await service.sent.wait()
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting


def test_answer_of_a_cancelled_wait_is_handed_on() -> None:
    """Cancelling the wait does not call the effect back; its answer is there for who asks."""

    async def play() -> str | None:
        in_flight, service = InFlight[str](), Service()
        await send_and_cancel(in_flight, service)
        service.answer.set_result("done")
        return await in_flight.late_answer(5.0)

    assert "done" == asyncio.run(play())


def test_answer_that_does_not_come_in_time_is_none() -> None:
    """Nobody waits longer than was asked for."""

    async def play() -> str | None:
        in_flight, service = InFlight[str](), Service()
        await send_and_cancel(in_flight, service)
        return await in_flight.late_answer(0.0)

    assert asyncio.run(play()) is None


def test_answer_that_is_an_error_counts_as_none() -> None:
    """A lost answer acknowledges nothing."""

    async def play() -> str | None:
        in_flight, service = InFlight[str](), Service()
        await send_and_cancel(in_flight, service)
        service.answer.set_exception(OutcomeUnknown("cut"))
        return await in_flight.late_answer(5.0)

    assert asyncio.run(play()) is None


def test_adapter_that_sent_nothing_has_no_late_answer() -> None:
    """Asking is safe at any time."""
    assert asyncio.run(InFlight[str]().late_answer(5.0)) is None
