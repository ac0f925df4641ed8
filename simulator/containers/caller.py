"""Asks another service over HTTP: one request, one connection, one bound on the time it may take.

This module must not repeat a request; who asks knows whether that is safe.
"""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import h11

from release.errors import Invalid, OutcomeUnknown, Unavailable

__all__ = ["Reply", "ask", "ask_json", "widen_lookups"]

_TIMEOUT_S = 5.0
_CHUNK_BYTES = 65536
_LOOKUPS_MAX = 64
_OK = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What was answered. headers: names in lower case, the last of repeated ones."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_ok(self) -> bool:
        """Whether the status tells of success."""
        return self.status in _OK

    def json(self) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """The body as JSON; raises Invalid when it is none."""
        try:
            return json.loads(self.body)
        except ValueError as exc:
            raise Invalid("did not answer JSON", seen=self.body[:80].decode("latin-1")) from exc


def widen_lookups() -> None:
    """Lets the running loop look up so many names at once that a dead one holds nobody up."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_LOOKUPS_MAX))


async def ask(
    method: str,
    url: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    timeout_s: float = _TIMEOUT_S,
) -> Reply:
    """Sends one request, whatever status is answered.

    Raises Unavailable when nobody could be reached, and OutcomeUnknown when no answer came.
    """
    deadline_s = asyncio.get_running_loop().time() + timeout_s
    parts = urlsplit(url)
    place = f"{parts.hostname}:{parts.port or 80}"
    try:
        async with asyncio.timeout_at(deadline_s):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    except (OSError, TimeoutError) as exc:
        raise Unavailable("could not be reached", on=place, seen=type(exc).__name__) from exc
    own = {"host": place, **(headers or {}), "connection": "close"}
    own["content-length"] = str(len(body))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = h11.Request(
        method=method,
        target=target,
        headers=list(own.items()),
    )
    try:
        async with asyncio.timeout_at(deadline_s):
            return await _converse(reader, writer, request, body)
    except (OSError, TimeoutError, EOFError, h11.ProtocolError) as exc:
        raise OutcomeUnknown("sent no answer", on=place, seen=type(exc).__name__) from exc
    finally:
        writer.transport.abort()


async def ask_json(
    method: str,
    url: str,
    content: object = None,
    *,
    token: str = "",
    timeout_s: float = _TIMEOUT_S,
) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Sends JSON, or nothing, and returns the JSON that was answered.

    Raises as `ask` does, and Invalid for any status but success, with what was said.
    """
    headers = {"content-type": "application/json"}
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    body = b"" if content is None else json.dumps(content).encode()
    reply = await ask(method, url, body=body, headers=headers, timeout_s=timeout_s)
    if not reply.is_ok:
        said = reply.body[:200].decode("utf-8", "replace")
        raise Invalid("is refused", on=urlsplit(url).path, seen=f"HTTP {reply.status}: {said}")
    return reply.json()


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: h11.Request, body: bytes
) -> Reply:
    connection = h11.Connection(h11.CLIENT)
    sent = [request, h11.Data(data=body), h11.EndOfMessage()]
    writer.write(b"".join(connection.send(one) or b"" for one in sent))
    await writer.drain()
    response: h11.Response | None = None
    answered = bytearray()
    while True:
        event = connection.next_event()
        match event:
            case h11.Response():
                response = event
            case h11.Data():
                answered += event.data
            case h11.EndOfMessage() if response is not None:
                headers = {
                    name.decode("latin-1"): text.decode("latin-1")
                    for name, text in response.headers
                }
                return Reply(status=response.status_code, headers=headers, body=bytes(answered))
            case h11.NEED_DATA:
                received = await reader.read(_CHUNK_BYTES)
                if not received and response is None:
                    raise EOFError
                connection.receive_data(received)
            case _:
                """An interim answer, which says nothing yet."""
