"""The one HTTP client: bounded retry of reads, effects sent once, failures told apart.

This module must not know any service; who speaks to one names it and judges its answers.
"""

import ssl
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import cache
from types import MappingProxyType, TracebackType
from typing import Self

import httpx

from release.adapters.exchange import Call, Reply, TooLargeError, exchange, make_call, redact
from release.adapters.origin import is_same_origin, parse_url, shown
from release.core.values import Secret
from release.errors import Invalid, OutcomeUnknown, Refused, Unavailable
from release.ports import Clock

__all__ = ["Http", "HttpPool", "Reply", "refused", "ssl_context"]

_RETRY_DELAYS_S = (0.5, 1.0, 2.0)
_RETRY_AFTER_MAX_S = 30.0
_TOO_MANY_REQUESTS = 429
_TRANSIENT = frozenset({408, _TOO_MANY_REQUESTS, *range(500, 600)})
_REASON_MAX = 200
_NONE: Mapping[str, str | Secret] = MappingProxyType({})
_FAILURES = (httpx.RequestError, TimeoutError, OSError)


@cache
def ssl_context(scheme: str) -> ssl.SSLContext:
    """The one TLS context of the process: the system's authorities, certifi's where it has none.

    Made once, on first use, for it takes some 40 ms, which plain http does not pay: the context of
    that scheme knows no authority, and so would trust nobody.
    """
    if scheme != "https":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    paths = ssl.get_default_verify_paths()
    if paths.cafile is None and paths.capath is None:
        return httpx.create_ssl_context(trust_env=False)
    return ssl.create_default_context()


class HttpPool:
    """Connections that all services share. Reads reuse them; each effect gets one of its own.

    Use it within one event loop, and close it there.
    """

    def __init__(
        self, *, clock: Clock, timeout_s: float = 30.0, insecure_hosts: tuple[str, ...] = ()
    ) -> None:
        self.clock = clock
        self.timeout_s = timeout_s
        self.insecure_hosts = insecure_hosts
        self._shared: dict[str, httpx.AsyncHTTPTransport] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes every idle connection; repeating it is safe."""
        while self._shared:
            _, transport = self._shared.popitem()
            await transport.aclose()

    def shared(self, scheme: str) -> httpx.AsyncHTTPTransport:
        """The transport of reads."""
        if scheme not in self._shared:
            self._shared[scheme] = self.fresh(scheme)
        return self._shared[scheme]

    def fresh(self, scheme: str) -> httpx.AsyncHTTPTransport:
        """A transport without any open connection; whoever asks for it closes it."""
        return httpx.AsyncHTTPTransport(verify=ssl_context(scheme), trust_env=False, retries=0)


class Http:
    """One service, seen through the pool: its name for messages, its address, its credentials."""

    def __init__(
        self,
        pool: HttpPool,
        service: str,
        base_url: str,
        *,
        headers: Mapping[str, str | Secret] = _NONE,
        body_bytes_max: int = 4 * 2**20,
    ) -> None:
        """Raises Invalid for an unsafe address, and for a header that can't be sent."""
        self.service = service
        self._pool = pool
        self._base = parse_url(service, base_url, insecure_hosts=pool.insecure_hosts)
        if self._base.query or self._base.fragment:
            raise Invalid("has a query in its address", on=service, expected=shown(self._base))
        self._headers = dict(headers)
        self._body_bytes_max = body_bytes_max
        self._secrets = self._call("GET", "", headers=_NONE, content=None).secrets

    async def read(  # noqa: PLR0913 - a request has this many parts
        self,
        path: str,
        *,
        method: str = "GET",
        params: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str | Secret] = _NONE,
        content: bytes | None = None,
        timeout_s: float | None = None,
    ) -> Reply:
        """Asks for something and changes nothing; tries four times in all.

        Repeats after 408, 429, 5xx and a broken connection, 0.5, 1 and 2 s apart or as Retry-After
        says, up to 30 s. Any other status comes back as a Reply, redirects too: none is followed.
        Raises Unavailable when no answer is usable, or the body is larger than the limit.

        path: below the base address, or a whole URL of the same origin.
        timeout_s: for one try, connecting and the whole body included.
        """
        cause: BaseException | None
        for delay_s in (*_RETRY_DELAYS_S, None):
            call = self._call(method, path, params=params, headers=headers, content=content)
            try:
                reply = await self._send(self._pool.shared(self._base.scheme), call, timeout_s)
            except TooLargeError as exc:
                raise self._unusable(call, str(exc)) from exc
            except _FAILURES as exc:
                wait_s, seen, cause = delay_s, _reason(exc), exc
            else:
                if reply.status not in _TRANSIENT:
                    return reply
                wait_s, seen, cause = await self._wait_s(reply, delay_s), reply.summary, None
            if delay_s is not None and wait_s is not None:
                await self._pool.clock.sleep(wait_s)
        raise self._unusable(call, f"{seen}, {len(_RETRY_DELAYS_S) + 1} times") from cause

    async def effect(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str | Secret] = _NONE,
        content: bytes = b"",
        timeout_s: float | None = None,
    ) -> Reply:
        """Sends something that changes the world, exactly once, on a connection of its own.

        A pooled connection may be dead on arrival, and then nobody knows whether the request was
        taken: that would cost a whole bound. Statuses below 500 but 408 and 429 are a Reply.
        Raises Unavailable when nothing was sent or the service turned it away with 429, and
        OutcomeUnknown when it was sent and the answer was lost, too large, 408 or 5xx.
        """
        call = self._call(method, path, headers=headers, content=content)
        call.request.headers["connection"] = "close"
        try:
            async with self._pool.fresh(self._base.scheme) as transport:
                reply = await self._send(transport, call, timeout_s)
        except (*_FAILURES, TooLargeError) as exc:
            if call.is_sending:
                raise self._lost(call, _reason(exc)) from exc
            raise Unavailable(
                "could not be reached",
                on=self._place(call),
                seen=_reason(exc),
                safe="nothing was sent",
            ) from exc
        if reply.status == _TOO_MANY_REQUESTS:
            raise Unavailable("turned the request away", on=self._place(call), seen=reply.summary)
        if reply.status in _TRANSIENT:
            raise self._lost(call, reply.summary)
        return reply

    def redact(self, text: str) -> str:
        """The text without the credentials of this service, should it have echoed them."""
        return redact(text, self._secrets)

    def _call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str | Secret],
        content: bytes | None,
        params: Sequence[tuple[str, str]] = (),
    ) -> Call:
        url = self._url(path)
        if params:
            url = url.copy_merge_params(httpx.QueryParams(list(params)))
        merged = {**self._headers, **headers}
        return make_call(self.service, method, url, headers=merged, content=content)

    def _url(self, path: str) -> httpx.URL:
        plain = path.partition("?")[0]
        if "://" not in plain:
            if ".." in plain.split("/"):
                raise Invalid("climbs out of its address", on=self.service, seen=repr(plain))
            base = str(self._base).rstrip("/")
            return httpx.URL(f"{base}/{path.lstrip('/')}" if path else base)
        url = parse_url(self.service, path, insecure_hosts=self._pool.insecure_hosts)
        if not is_same_origin(url, self._base):
            raise Invalid(
                "sends us to another host",
                on=self.service,
                seen=shown(url),
                expected=shown(self._base),
                safe="nothing was sent there",
            )
        return url

    async def _send(
        self, transport: httpx.AsyncBaseTransport, call: Call, timeout_s: float | None
    ) -> Reply:
        return await exchange(
            transport,
            call,
            timeout_s=self._pool.timeout_s if timeout_s is None else timeout_s,
            body_bytes_max=self._body_bytes_max,
        )

    async def _wait_s(self, reply: Reply, delay_s: float | None) -> float | None:
        text = reply.headers.get("retry-after", "")
        if delay_s is None or not text:
            return delay_s
        if text.isascii() and text.isdigit():
            asked_s = float(text)
        else:
            try:
                at = parsedate_to_datetime(text)
                asked_s = (at - await self._pool.clock.utc_now()).total_seconds()
            except (ValueError, TypeError):
                return delay_s
        return min(max(asked_s, delay_s), _RETRY_AFTER_MAX_S)

    def _place(self, call: Call) -> str:
        return f"{self.service} {call.request.method} {shown(call.request.url)}"

    def _unusable(self, call: Call, seen: str) -> Unavailable:
        return Unavailable(
            "gave no usable answer",
            on=self._place(call),
            seen=seen,
            safe="nothing was changed by asking",
        )

    def _lost(self, call: Call, seen: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            "was sent, and its outcome is unknown",
            on=self._place(call),
            seen=seen,
            safe="it may have taken effect, or still may",
            advice="Look at what is true before anything is repeated",
        )


def refused(service: str, reply: Reply, *, advice: str = "") -> Refused:
    """Makes the error for an answer that says no: its status, and what it says of itself."""
    return Refused(
        "refused the request",
        on=f"{service} {reply.url}",
        seen=reply.summary,
        safe="nothing was changed by it",
        advice=advice,
    )


def _reason(exc: BaseException) -> str:
    if isinstance(exc, TimeoutError):
        return "no whole answer in time"
    return f"{type(exc).__name__}: {exc}"[:_REASON_MAX] if str(exc) else type(exc).__name__
