"""One HTTP request and its whole answer, within one time limit and one size limit.

This module must not repeat a request, nor say what a failure means: `http` does.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import httpx

from release.adapters.origin import shown
from release.core.values import Secret
from release.errors import Invalid, Unavailable

__all__ = ["Call", "Reply", "TooLargeError", "exchange", "make_call", "redact"]

_HEADER_VALUE = re.compile(r"(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?")
_SECRET_LENGTH_MIN = 4
_MESSAGE_MAX = 200
_MESSAGE_KEYS = ("message", "error", "errors")
_NESTING_MAX = 3
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\uffff]+")


class TooLargeError(Exception):
    """The body of an answer went beyond its limit; the rest was not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer. Header names are lower-case; `url` is without query and user."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    def json(self, service: str) -> object:
        """Parses the body; raises Unavailable when it is none, as a proxy's HTML page."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as exc:
            raise Unavailable(
                "answered something that is not JSON",
                on=f"{service} {self.url}",
                seen=f"HTTP {self.status}, {self.headers.get('content-type', 'no content type')}",
                advice="Look at that address by hand; a proxy may answer in its place",
            ) from exc

    @property
    def message(self) -> str:
        """What the body says of itself in the usual shapes of an error, as one short line."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return ""
        for _ in range(_NESTING_MAX):
            if isinstance(found, Mapping):
                found = next((found[key] for key in _MESSAGE_KEYS if found.get(key)), "")
            elif isinstance(found, list):
                found = found[0] if found else ""
        line = _UNPRINTABLE.sub(" ", found) if isinstance(found, str) else ""
        return line.strip()[:_MESSAGE_MAX]

    @property
    def summary(self) -> str:
        """The status and the message, for errors."""
        return f"HTTP {self.status}: {self.message}" if self.message else f"HTTP {self.status}"


class Call:
    """A request that is ready to be sent once, and whether sending it has begun."""

    def __init__(self, request: httpx.Request, *, secrets: tuple[str, ...]) -> None:
        self.request = request
        self.secrets = secrets
        self.is_sending = False
        request.extensions["trace"] = self._trace

    async def _trace(self, event: str, _info: Mapping[str, object]) -> None:
        if event.endswith("send_request_headers.started"):
            self.is_sending = True


def make_call(
    service: str,
    method: str,
    url: httpx.URL,
    *,
    headers: Mapping[str, str | Secret],
    content: bytes | None,
) -> Call:
    """Builds a call; raises Invalid for a header that can't be sent, naming it and not its value.

    The HTTP library would refuse it too, with the value in its message.
    """
    revealed = {}
    for name, value in headers.items():
        revealed[name] = value.reveal() if isinstance(value, Secret) else value
        if not _HEADER_VALUE.fullmatch(revealed[name]):
            raise Invalid(
                f"header {name} can't be sent",
                on=service,
                seen="a line end, a space at an end or a letter outside of ASCII",
                advice="Look at the file or variable that it came from",
            )
    # Manifests are hashed as they came, and a small answer must not unfold into a huge one.
    sent = {"user-agent": "headway", "accept": "*/*", "accept-encoding": "identity"} | {
        name.lower(): value for name, value in revealed.items()
    }
    secrets = tuple(revealed[name] for name, value in headers.items() if isinstance(value, Secret))
    return Call(httpx.Request(method, url, headers=sent, content=content), secrets=secrets)


async def exchange(
    transport: httpx.AsyncBaseTransport, call: Call, *, timeout_s: float, body_bytes_max: int
) -> Reply:
    """Sends the request and reads the whole answer; follows no redirect, keeps no cookie.

    timeout_s: for everything, connecting included. The body of an answer that is no success is
        rid of our credentials, should the other side have echoed them.

    Raises TimeoutError, TooLargeError, httpx.RequestError and OSError; `Call.is_sending` tells
    whether the request may have arrived.
    """
    async with asyncio.timeout(timeout_s):
        response = await transport.handle_async_request(call.request)
        response.request = call.request
        try:
            body = await _read_body(response, body_bytes_max)
        finally:
            await response.aclose()
    if not response.is_success:
        body = redact(body.decode(errors="replace"), call.secrets).encode()
    return Reply(
        status=response.status_code,
        headers=MappingProxyType({k.lower(): v for k, v in response.headers.items()}),
        body=body,
        url=shown(call.request.url),
    )


def redact(text: str, secrets: tuple[str, ...]) -> str:
    """The text with every secret blotted out, with and without its scheme (`Bearer`)."""
    for secret in secrets:
        for form in (secret, secret.rpartition(" ")[2]):
            if len(form) >= _SECRET_LENGTH_MIN:
                text = text.replace(form, "(redacted)")
    return text


async def _read_body(response: httpx.Response, body_bytes_max: int) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > body_bytes_max:
            raise TooLargeError(f"more than {body_bytes_max} bytes")
    return bytes(body)
