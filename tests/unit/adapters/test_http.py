"""What the HTTP client repeats, what it never repeats, and what it calls the failures."""

import asyncio
import socket
import traceback
from collections.abc import Awaitable, Callable

import pytest

from release.adapters.http import Http, HttpPool, Reply
from release.core.values import Secret
from release.errors import HeadwayError, OutcomeUnknown, Unavailable
from tests.support.clocks import StillClock
from tests.support.loopback import Answer, Cut, Loopback, Stall, html, json_answer

TOKEN = "tok-3f9a77c1"  # Made up.


def talk(server: Loopback, say: Callable[[Http], Awaitable[Reply]], clock: StillClock) -> Reply:
    """Runs `say` with a client of the server, and both to their end."""

    async def run() -> Reply:
        async with server, HttpPool(clock=clock) as pool:
            headers = {"authorization": Secret(f"Bearer {TOKEN}")}
            return await say(Http(pool, "forge", f"{server.url}/api", headers=headers))

    return asyncio.run(run())


def fail(server: Loopback, say: Callable[[Http], Awaitable[Reply]]) -> HeadwayError:
    """Runs `say` and returns the error that it must end in, after looking for the token in it."""
    with pytest.raises(HeadwayError) as caught:
        talk(server, say, StillClock())
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    return caught.value


async def read(http: Http) -> Reply:
    """Reads what the tests of reads read."""
    return await http.read("/thing", params=[("page", "1")])


async def effect(http: Http) -> Reply:
    """Sends what the tests of effects send."""
    return await http.effect("PUT", "/thing", content=b"new", timeout_s=2.0)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_read_that_works_returns_the_whole_answer() -> None:
    """A read returns status, lower-case headers, body, and the address without its query."""
    server = Loopback(json_answer({"a": 1}))

    reply = talk(server, read, StillClock())

    assert (reply.status, reply.json("forge")) == (200, {"a": 1})
    assert reply.headers["content-type"] == "application/json"
    assert reply.url.endswith("/api/thing")
    assert server.asked[0].target == "/api/thing?page=1"
    assert server.asked[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("broken", [html(502), Answer(status=429), Answer(status=408), Cut()])
def test_read_is_repeated_after_a_transient_failure(broken: Answer | Cut) -> None:
    """408, 429, 5xx and a cut connection are read again, 0.5, 1 and 2 s apart."""
    clock = StillClock()

    reply = talk(Loopback(broken, broken, broken, json_answer(1)), read, clock)

    assert reply.json("forge") == 1
    assert clock.slept == [0.5, 1.0, 2.0]


def test_read_gives_up_after_four_tries() -> None:
    """The retry of reads is bounded, and its error shows the last answer."""
    server = Loopback(json_answer({"message": "database is locked"}, status=503))

    error = fail(server, read)

    assert isinstance(error, Unavailable)
    assert error.seen == "HTTP 503: database is locked, 4 times"
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("retry_after", "waited_s"),
    [("7", 7.0), ("3600", 30.0), ("0", 0.5), ("Fri, 02 Jan 2026 03:04:25 GMT", 20.0), ("?", 0.5)],
)
def test_read_waits_as_long_as_the_service_asks(retry_after: str, waited_s: float) -> None:
    """Retry-After is honoured, in seconds or as a date, up to 30 s; nonsense is ignored."""
    clock = StillClock()
    busy = Answer(status=429, headers={"retry-after": retry_after})

    talk(Loopback(busy, json_answer(1)), read, clock)

    assert clock.slept == [waited_s]


@pytest.mark.parametrize("status", [204, 301, 304, 401, 403, 404, 409, 412])
def test_other_statuses_come_back_as_they_are(status: int) -> None:
    """A read is not repeated after an answer that has meaning, and no redirect is followed."""
    server = Loopback(Answer(status=status, headers={"location": "/elsewhere"}))

    reply = talk(server, read, StillClock())

    assert reply.status == status
    assert len(server.asked) == 1


def test_read_of_a_body_over_the_limit_is_unavailable_at_once() -> None:
    """A body larger than the limit is not read to its end, and not asked for again."""
    server = Loopback(Answer(body=b"x" * 5000))

    async def run() -> None:
        async with server, HttpPool(clock=StillClock()) as pool:
            await Http(pool, "forge", server.url, body_bytes_max=4999).read("/big")

    with pytest.raises(Unavailable, match="more than 4999 bytes"):
        asyncio.run(run())

    assert len(server.asked) == 1


def test_reads_share_a_connection_and_effects_never_do() -> None:
    """Each effect goes out on a fresh connection, which can't be dead on arrival."""
    server = Loopback(json_answer(1))

    async def say(http: Http) -> Reply:
        for send in (read, read, effect, effect):
            reply = await send(http)
        return reply

    talk(server, say, StillClock())

    assert [asked.connection for asked in server.asked] == [1, 1, 2, 3]


@pytest.mark.parametrize(
    "broken",
    [html(500), html(502), Answer(status=408), Cut(), Stall(), Cut(after=b"HTTP/1.1 200 ")],
)
def test_effect_without_an_answer_is_of_unknown_outcome_and_sent_once(
    broken: Answer | Cut | Stall,
) -> None:
    """A lost answer to an effect is a request in flight: it is never sent a second time."""
    server = Loopback(broken)

    error = fail(server, effect)

    assert isinstance(error, OutcomeUnknown)
    assert [asked.body for asked in server.asked] == [b"new"]


def test_effect_whose_answer_stops_half_way_is_of_unknown_outcome() -> None:
    """A success status with half of its body is no answer."""
    half = b'HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"ok": true'

    error = fail(Loopback(Cut(after=half)), effect)

    assert isinstance(error, OutcomeUnknown)


def test_effect_to_nobody_is_unavailable() -> None:
    """An effect that could not connect changed nothing, and says so."""

    async def run() -> None:
        async with HttpPool(clock=StillClock()) as pool:
            await effect(Http(pool, "forge", f"http://127.0.0.1:{free_port()}"))

    with pytest.raises(Unavailable, match="nothing was sent"):
        asyncio.run(run())


def test_effect_turned_away_with_429_is_unavailable() -> None:
    """Too many requests means that this one was not taken; it is not repeated here either."""
    server = Loopback(Answer(status=429))

    error = fail(server, effect)

    assert isinstance(error, Unavailable)
    assert len(server.asked) == 1
