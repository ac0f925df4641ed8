"""Reads which release each tenant serves at the edge, many tenants at a time.

This module must not send a credential to a tenant, nor judge whether a release is the right one.
"""

import asyncio
import json
from contextlib import suppress
from types import TracebackType
from typing import Self

import aiohttp
import httpx
from yarl import URL

from release.adapters.http import ssl_context
from release.adapters.origin import is_same_origin, parse_url, shown
from release.adapters.resolver import WideResolver
from release.core.sighting import Observation
from release.core.values import Sha, Tenant
from release.errors import Invalid

__all__ = ["HttpEdge"]

_SLUG = "{slug}"
_SAMPLE = "slug-of-a-tenant"
_REDIRECTS_MAX = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_LOOKUPS_MAX = 64
_REASON_MAX = 200
# Less than the 20 s between two polls, so that each poll is routed anew: a connection kept for
# longer could lead to a draining container for as long as the settling lasts.
_KEEPALIVE_S = 10.0
_HEADERS = {
    "user-agent": "headway",
    "accept": "application/json",
    "accept-encoding": "identity",
    "cache-control": "no-cache",
}


class HttpEdge:
    """Keeps the promise of `ports.Edge` over HTTP; close it within the event loop that used it.

    url_template: where a tenant tells its release, such as `https://{slug}.example.com/buildinfo`.
    concurrency: how many tenants are asked at a time, and the most connections that stay open.
    timeout_s: for one tenant, connecting and redirects included.
    body_bytes_max: a longer answer is read no further and names no release.
    insecure_hosts: as in `http.HttpPool`.
    """

    def __init__(
        self,
        url_template: str,
        *,
        concurrency: int = 200,
        timeout_s: float = 5.0,
        body_bytes_max: int = 4096,
        insecure_hosts: tuple[str, ...] = (),
    ) -> None:
        sample = parse_url(
            "edge", url_template.replace(_SLUG, _SAMPLE), insecure_hosts=insecure_hosts
        ).copy_with(fragment=None)
        if _SAMPLE not in str(sample):
            raise Invalid(f"names no {_SLUG}", on="edge", seen=shown(sample))
        # As the parser wrote it, so that every letter that needs quoting has been quoted.
        self._url_template = str(sample).replace(_SAMPLE, _SLUG)
        self._concurrency = concurrency
        self._timeout_s = timeout_s
        self._body_bytes_max = body_bytes_max
        self._scheme = sample.scheme
        self._has_one_host = _SAMPLE not in sample.host
        self._keepers: set[Tenant] = set()
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

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
        """Closes every connection; repeating it is safe."""
        while self._sessions:
            _, session = self._sessions.popitem()
            await session.close()

    async def observe(self, tenants: tuple[Tenant, ...]) -> tuple[Observation, ...]:
        """Asks each tenant once, by a bounded number of workers; see `ports.Edge`."""
        found: dict[int, Observation] = {}
        todo = iter(enumerate(tenants))

        async def work() -> None:
            for number, tenant in todo:
                found[number] = await self._observe(tenant)

        async with asyncio.TaskGroup() as workers:
            for _ in range(min(self._concurrency, len(tenants))):
                workers.create_task(work())
        return tuple(found[number] for number in range(len(tenants)))

    async def _observe(self, tenant: Tenant) -> Observation:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._ask(tenant)
        except TimeoutError:
            reason = f"no whole answer within {self._timeout_s:g} s"
        except aiohttp.ClientPayloadError:
            reason = "the answer was cut off"
        except aiohttp.ClientResponseError:
            reason = "answers something that is not HTTP"
        except Exception as exc:  # noqa: BLE001 - whatever it is, it was seen of one tenant only
            reason = str(exc) or type(exc).__name__
        return Observation(tenant=tenant, sha=None, reason=reason[:_REASON_MAX], is_reachable=False)

    async def _ask(self, tenant: Tenant) -> Observation:
        session = self._session(tenant)
        url = self._url_template.replace(_SLUG, tenant.slug)
        for _ in range(_REDIRECTS_MAX + 1):
            # A slug needs no quoting, and to look for what does takes a tenth of the time.
            async with session.get(URL(url, encoded=True), allow_redirects=False) as response:
                target = _find_redirect(url, response)
                if target is None:
                    return _judge(tenant, response, await self._read(response.content))
            if not is_same_origin(target, httpx.URL(url)):
                return _nothing(tenant, f"redirects to another host, {shown(target)}")
            url = str(target)
        return _nothing(tenant, f"redirects more than {_REDIRECTS_MAX} times")

    async def _read(self, content: aiohttp.StreamReader) -> bytes | None:
        """The body, or None when it is longer than what a release takes."""
        body = b""
        while chunk := await content.read(self._body_bytes_max + 1):
            body += chunk
            if len(body) > self._body_bytes_max:
                return None
        return body

    def _session(self, tenant: Tenant) -> aiohttp.ClientSession:
        """The session whose connections are kept, or the one whose connections are not.

        With a host for each tenant, an idle connection serves that tenant only. The first tenants
        keep theirs; to keep ten thousand would take as many open files.
        """
        if not self._has_one_host and len(self._keepers) < self._concurrency:
            self._keepers.add(tenant)
        is_kept = self._has_one_host or tenant in self._keepers
        session = self._sessions.get(is_kept)
        if session is None:
            session = self._sessions[is_kept] = self._open(is_kept=is_kept)
        return session

    def _open(self, *, is_kept: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=ssl_context(self._scheme),
            limit=self._concurrency,
            resolver=WideResolver(min(self._concurrency, _LOOKUPS_MAX)),
            keepalive_timeout=_KEEPALIVE_S if is_kept else None,
            force_close=not is_kept,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
            timeout=aiohttp.ClientTimeout(),
            auto_decompress=False,
            trust_env=False,
        )


def _find_redirect(url: str, response: aiohttp.ClientResponse) -> httpx.URL | None:
    location = response.headers.get("location") if response.status in _REDIRECTS else None
    if location is None:
        return None
    return httpx.URL(url).join(location).copy_with(userinfo=b"", fragment=None)


def _judge(tenant: Tenant, response: aiohttp.ClientResponse, body: bytes | None) -> Observation:
    if response.status != _OK:
        return _nothing(tenant, _answer(response))
    if body is None:
        return _nothing(tenant, f"{_answer(response)}, a body too long")
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return _nothing(tenant, f"{_answer(response)}, not JSON")
    git_sha = said.get("git_sha") if isinstance(said, dict) else None
    if git_sha is None:
        return _nothing(tenant, f"{_answer(response)}, without git_sha")
    if isinstance(git_sha, str):
        with suppress(Invalid):
            return Observation(tenant=tenant, sha=Sha(git_sha))
    return _nothing(tenant, f"answers {git_sha!r}")


def _answer(response: aiohttp.ClientResponse) -> str:
    kind = response.headers.get("content-type", "no content type").partition(";")[0]
    encoding = response.headers.get("content-encoding", "")
    return f"HTTP {response.status}, {kind}{f', {encoding}' if encoding else ''}"


def _nothing(tenant: Tenant, reason: str) -> Observation:
    return Observation(tenant=tenant, sha=None, reason=reason[:_REASON_MAX])
