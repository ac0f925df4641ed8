"""One HTTP request and its answer, and the way of a request through the world's faults.

This module must not know any service.
"""

import base64
import binascii
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote

from simulator.faults import Call, Service, Verdict
from simulator.wire import Later, Refusal, Underway, perform
from simulator.world import World

__all__ = [
    "Exchange",
    "Receive",
    "Response",
    "Scope",
    "Send",
    "as_response",
    "bearer_of",
    "json_response",
    "password_of",
    "read_request",
]

T = TypeVar("T")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_BODY_BYTES_MAX = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What is answered; `stream`, where there is one, follows the body until it ends."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request as an app sees it.

    actor: the job that sent it, told by the port that it came in by. path: its decoded segments.
    headers: names in lower case; repeated ones joined by a comma.
    """

    world: World
    actor: str
    method: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    raw_query: str = ""

    @property
    def origin(self) -> str:
        """The address that the client used, without a path."""
        return f"http://{self.headers.get('host', '127.0.0.1')}"

    def json(self) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """The body as JSON; raises Refusal 400 when it is none."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError as exc:
            raise Refusal(400, {"error": "the body is not JSON"}) from exc

    def number(self, name: str, default: int) -> int:
        """A parameter of the query as a number; the default when it is missing or none."""
        try:
            return int(self.query.get(name, default))
        except ValueError:
            return default

    async def perform(
        self,
        service: Service,
        operation: str,
        subject: str,
        *,
        act: Callable[[Verdict], T | Later[T] | Underway[T]],
        is_effect: bool = False,
    ) -> T:
        """Takes the request through the world; raises Refusal and Cut."""
        call = Call(
            actor=self.actor,
            service=service,
            operation=operation,
            subject=subject,
            is_effect=is_effect,
        )
        return await perform(self.world, call, act)


async def read_request(scope: Scope, receive: Receive, *, world: World, actor: str) -> Exchange:
    """Reads a whole request; raises Refusal 413 for one that is far too large."""
    body = bytearray()
    has_more = True
    while has_more:
        message = await receive()
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
        if len(body) > _BODY_BYTES_MAX:
            raise Refusal(413)
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    raw_query = scope.get("query_string", b"").decode("latin-1")
    raw_path = scope.get("raw_path") or scope["path"].encode()
    path = tuple(unquote(part) for part in raw_path.decode("latin-1").split("/")[1:])
    return Exchange(
        world=world,
        actor=actor,
        method=scope["method"],
        path=path,
        query=dict(parse_qsl(raw_query, keep_blank_values=True)),
        headers=headers,
        body=bytes(body),
        raw_query=raw_query,
    )


def json_response(
    content: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answers JSON."""
    return Response(
        status=status,
        body=json.dumps(content).encode(),
        headers={"content-type": "application/json", **(headers or {})},
    )


def as_response(refusal: Refusal) -> Response:
    """Answers a refusal: JSON, or the text that stands in place of a body."""
    if isinstance(refusal.body, str):
        kind = "text/html" if refusal.body.startswith("<") else "text/plain"
        return Response(
            status=refusal.status,
            body=refusal.body.encode(),
            headers={"content-type": f"{kind}; charset=utf-8", **refusal.headers},
        )
    return json_response(refusal.body, status=refusal.status, headers=refusal.headers)


def bearer_of(exchange: Exchange, *schemes: str) -> str | None:
    """The token of an `Authorization` header with one of these schemes; None when there is none."""
    scheme, _, token = exchange.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in schemes else None


def password_of(exchange: Exchange) -> tuple[str, str] | None:
    """User name and password of a Basic `Authorization` header; None when there is none."""
    encoded = bearer_of(exchange, "basic")
    if encoded is None:
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password
