"""A scripted HTTP/1.1 server on loopback that can also answer as broken services do.

This module must not know any service of Headway: a test says what each request is answered.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

__all__ = ["Answer", "Asked", "Cut", "Loopback", "Stall", "html", "json_answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it arrived; `connection` counts connections from one."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> object:
        """The body, parsed."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Some bytes, perhaps none, and then the end of the connection."""

    after: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """Some bytes, perhaps none, and then silence until the server closes."""

    after: bytes = b""


Reaction = Answer | Cut | Stall


def json_answer(value: object, *, status: int = 200) -> Answer:
    """An answer that is JSON."""
    headers = {"content-type": "application/json"}
    return Answer(status=status, body=json.dumps(value).encode(), headers=headers)


def html(status: int) -> Answer:
    """What a proxy or a router answers in the place of a service."""
    return Answer(
        status=status,
        body=b"<!doctype html><title>nope</title>",
        headers={"content-type": "text/html; charset=utf-8"},
    )


class Loopback:
    """Answers requests in order of arrival, by a script or by `react`, and keeps what was asked.

    reactions: one for each request, the last one for all that follow.
    react: decides by the request itself; then there are no reactions.
    hosts: the loopback addresses to listen on, all with the one port.
    """

    def __init__(
        self,
        *reactions: Reaction,
        react: Callable[[Asked], Reaction] | None = None,
        hosts: tuple[str, ...] = ("127.0.0.1",),
    ) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.port = 0
        self._reactions = reactions
        self._react = react
        self._hosts = hosts
        self._closing = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        self._servers: list[asyncio.Server] = []

    @property
    def url(self) -> str:
        """The address of the server, without a path."""
        return f"http://{self._hosts[0]}:{self.port}"

    @property
    def open_connections(self) -> int:
        """How many connections nobody has closed yet."""
        return len(self._open)

    async def __aenter__(self) -> Self:
        for host in self._hosts:
            server = await asyncio.start_server(self._serve, host, self.port)
            self.port = server.sockets[0].getsockname()[1]
            self._servers.append(server)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.set()
        for server in self._servers:
            server.close()
        for writer in tuple(self._open):
            writer.close()
        for server in self._servers:
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        self._open.add(writer)
        try:
            while (asked := await _read_request(reader, connection)) is not None:
                self.asked.append(asked)
                if not await self._answer(asked, writer):
                    return
        except ConnectionError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        reaction = self._next(asked)
        if isinstance(reaction, Answer):
            writer.write(_wire(reaction))
            await writer.drain()
            return asked.headers.get("connection") != "close"
        writer.write(reaction.after)
        await writer.drain()
        if isinstance(reaction, Stall):
            await self._closing.wait()
        return False

    def _next(self, asked: Asked) -> Reaction:
        if self._react is not None:
            return self._react(asked)
        return self._reactions[min(len(self.asked), len(self._reactions)) - 1]


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip().split("\r\n")
    method, target, _version = first.split(" ")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method=method, target=target, headers=headers, body=body, connection=connection)


def _wire(answer: Answer) -> bytes:
    headers = {"content-length": str(len(answer.body)), **answer.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {answer.status} Answer\r\n{lines}\r\n".encode() + answer.body
