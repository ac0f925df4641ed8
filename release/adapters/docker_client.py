"""Runs calls of docker's SDK against one engine: in threads, with bounds, failures told apart.

This module must not know what is asked for, nor repeat anything but a read.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from socket import gaierror
from typing import Any, TypeVar

from release.adapters.docker_endpoint import Endpoint
from release.core.printable import printable
from release.errors import HeadwayError, Invalid, Refused, Unavailable
from release.ports import Clock

__all__ = ["Api", "DockerClient", "NotSentError", "reason"]

T = TypeVar("T")

Api = Any
"""The SDK's low-level client, which has no types."""

_RETRY_DELAYS_S = (0.2, 1.0)
_NO_MANAGER = "not a swarm manager"
_NOT_FOUND = 404
_SERVER_ERRORS = 500
_REASON_MAX = 300
_NOT_CONNECTED = (ConnectionRefusedError, FileNotFoundError, PermissionError, gaierror)


class NotSentError(Exception):
    """No connection was made, so that the engine can't have seen the call."""


class DockerClient:
    """One engine, seen through the SDK; use it within one event loop.

    timeout_s: for one try of one call. concurrency: how many calls at a time.
    """

    def __init__(
        self, endpoint: Endpoint, *, clock: Clock, timeout_s: float, concurrency: int
    ) -> None:
        self.name = endpoint.name
        self.timeout_s = timeout_s
        self._endpoint = endpoint
        self._clock = clock
        self._slots = asyncio.Semaphore(concurrency)
        self._connecting = threading.Lock()
        self._api: Api = None

    def close(self) -> None:
        """Closes idle connections; repeating it is safe."""
        api, self._api = self._api, None
        if api is not None:
            api.close()

    async def read(self, ask: Callable[[Api], T], *, within_s: float | None = None) -> T:
        """Asks for something and changes nothing; tries three times in all.

        Raises Unavailable when no answer is usable, Refused when the engine says no, and Invalid
        when there is no SDK.
        """
        for delay_s in (*_RETRY_DELAYS_S, None):
            try:
                return await self.run(ask, within_s=within_s)
            except HeadwayError:
                raise
            except Exception as exc:
                seen = reason(exc)
                if _NO_MANAGER in seen or _status_of(exc) in range(400, _SERVER_ERRORS):
                    raise self._refused(seen) from exc
                if delay_s is None:
                    raise self._unusable(seen) from exc
            await self._clock.sleep(delay_s)
        raise AssertionError("the last try returns or raises")

    async def find(self, ask: Callable[[Api], T]) -> T | None:
        """Reads what may not be there; None when the engine says so."""
        try:
            return await self.read(ask)
        except Refused as exc:
            if exc.__cause__ is not None and _status_of(exc.__cause__) == _NOT_FOUND:
                return None
            raise

    async def run(self, act: Callable[[Api], T], *, within_s: float | None = None) -> T:
        """Makes a call once, in a thread that can't hold up the end of the process.

        Raises whatever the SDK does, NotSentError when there was no connection, and TimeoutError;
        the thread of a call that timed out goes on.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def tell(outcome: Callable[[], None]) -> None:
            if not answer.done():
                outcome()

        def work() -> None:
            try:
                result = act(self._connect())
                outcome: Callable[[], None] = lambda: answer.set_result(result)  # noqa: E731 - one of two
            except BaseException as exc:  # noqa: BLE001 - it is raised where it is awaited
                error = NotSentError(reason(exc)) if _is_unsent(exc) else exc
                outcome = lambda: answer.set_exception(error)  # noqa: E731 - as above
            with suppress(RuntimeError):  # The loop is gone, and nobody waits any more.
                loop.call_soon_threadsafe(tell, outcome)

        async with self._slots, asyncio.timeout(within_s or self.timeout_s):
            threading.Thread(target=work, daemon=True).start()
            return await answer

    def _connect(self) -> Api:
        with self._connecting:
            if self._api is None:
                self._api = _open(self._endpoint, self.timeout_s)
            return self._api

    def _refused(self, seen: str) -> Refused:
        return Refused(
            "refused the request",
            on=f"engine {self.name}",
            seen=seen,
            safe="nothing was changed",
            advice="Name a manager of the swarm" if _NO_MANAGER in seen else "",
        )

    def _unusable(self, seen: str) -> Unavailable:
        return Unavailable(
            "gave no usable answer",
            on=f"engine {self.name}",
            seen=f"{seen}, {len(_RETRY_DELAYS_S) + 1} times",
            safe="nothing was changed by asking",
        )


def _status_of(exc: BaseException) -> int | None:
    """The HTTP status of an error that the engine answered; None for any other."""
    status = getattr(getattr(exc, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def reason(exc: BaseException) -> str:
    """What went wrong, as one line."""
    said = getattr(exc, "explanation", None) or str(exc)
    if isinstance(exc, TimeoutError) and not said:
        return "no whole answer in time"
    return f"{type(exc).__name__}: {printable(str(said), _REASON_MAX)}"


def _is_unsent(exc: BaseException) -> bool:
    """Whether no connection was made, however deep the SDK's layers have wrapped that.

    A connection that was kept and then broke may have carried the request.
    """
    found: list[BaseException] = [exc]
    for one in found:
        if isinstance(one, _NOT_CONNECTED):
            return True
        nested = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        found += [new for new in nested if isinstance(new, BaseException) and new not in found]
    return False


def _open(endpoint: Endpoint, timeout_s: float) -> Api:
    """Makes a client that speaks the engine's own version of the API.

    It heeds no proxy, no .netrc and no other variable that docker's own client would not.
    """
    try:
        from docker import APIClient  # noqa: PLC0415 - an extra, which only swarms need
        from docker.constants import MINIMUM_DOCKER_API_VERSION  # noqa: PLC0415 - as above
        from docker.tls import TLSConfig  # noqa: PLC0415 - as above
    except ImportError as exc:
        raise Invalid(
            "needs docker's SDK, which is not installed",
            on="a fleet of the kind swarm",
            seen=str(exc)[:_REASON_MAX],
            safe="nothing was touched",
            advice="Install headway[swarm]",
        ) from exc
    files, tls = endpoint.tls, None
    if files is not None:
        tls = TLSConfig(
            client_cert=(str(files.cert), str(files.key)),
            ca_cert=str(files.ca) if files.ca else None,
            verify=endpoint.is_verified,
        )

    def make(version: str) -> Api:
        api = APIClient(
            base_url=endpoint.url,
            version=version,
            timeout=timeout_s,
            tls=tls,
            user_agent="headway",
            use_ssh_client=True,
        )
        api.trust_env = False
        return api

    probe = make(MINIMUM_DOCKER_API_VERSION)
    try:
        version = probe.version(api_version=False)["ApiVersion"]
    finally:
        probe.close()
    return make(version)
