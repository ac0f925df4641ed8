"""Asks one Docker engine about its swarm, and writes services there.

This module must not judge what an engine says, nor repeat a write.
"""

import base64
import json
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

from release.adapters.docker_client import Api, DockerClient, NotSentError, reason
from release.adapters.docker_endpoint import Endpoint
from release.adapters.registry_auth import Credentials
from release.adapters.swarm_spec import Plain, digest_of, repository_of
from release.core.printable import printable
from release.core.values import Secret
from release.errors import (
    Conflict,
    HeadwayError,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from release.ports import Clock

__all__ = ["DockerEngine", "SwarmEngine", "encode_login"]

_STALE = "update out of sequence"
_SUCCESSES = range(200, 300)
_SERVER_ERRORS = range(500, 600)
_SERVICES_AT_ONCE = 200
_FETCH_S = 120.0


class SwarmEngine(Protocol):
    """The part of an engine's API that a fleet needs, in the API's own JSON.

    Reads raise Unavailable when there is no usable answer after bounded retry, and Refused.
    """

    @property
    def name(self) -> str:
        """What people call the engine."""

    async def services(self, label: str) -> Sequence[Plain]:
        """Lists the services with this label, `key` or `key=value`; a read."""

    async def service(self, identity: str) -> Plain | None:
        """Reads a service; None when there is none."""

    async def update(self, identity: str, index: int, spec: Plain) -> None:
        """Writes the specification if the service is still at this version. An EFFECT, sent once.

        Raises Conflict when it is at another version; Refused; OutcomeUnknown; and Unavailable when
        nothing was sent. What is sent twice for one version takes effect once at most.
        """

    async def tasks(self, services: Sequence[str]) -> Sequence[Plain]:
        """Lists the tasks of these services, also those that have ended lately; a read."""

    async def image(self, reference: str) -> Plain | None:
        """Reads an image, which the engine fetches first if need be; None when it can't have it."""


class DockerEngine:
    """Keeps the promise of `SwarmEngine` over the SDK; use and close it in one event loop.

    registry_auth: what the engine logs in to the image's registry with, encoded as it wants it.
    timeout_s: for one try of one call. concurrency: how many calls at a time.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        clock: Clock,
        registry_auth: Secret | None = None,
        timeout_s: float = 10.0,
        concurrency: int = 8,
    ) -> None:
        self._client = DockerClient(
            endpoint, clock=clock, timeout_s=timeout_s, concurrency=concurrency
        )
        self._registry_auth = registry_auth

    @property
    def name(self) -> str:
        """As it was asked for: a context or an address."""
        return self._client.name

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    async def services(self, label: str) -> Sequence[Plain]:
        """Lists services; see `SwarmEngine`."""
        found: list[Plain] = await self._client.read(
            lambda api: api.services(filters={"label": label})
        )
        return found

    async def service(self, identity: str) -> Plain | None:
        """Reads a service; see `SwarmEngine`."""
        found: Plain | None = await self._client.find(lambda api: api.inspect_service(identity))
        return found

    async def tasks(self, services: Sequence[str]) -> Sequence[Plain]:
        """Lists tasks; see `SwarmEngine`."""
        found: list[Plain] = []
        for start in range(0, len(services), _SERVICES_AT_ONCE):
            chosen = {"service": list(services[start : start + _SERVICES_AT_ONCE])}

            def ask(api: Api, chosen: dict[str, list[str]] = chosen) -> list[Plain]:
                listed: list[Plain] = api.tasks(filters=chosen)
                return listed

            found += await self._client.read(ask)
        return found

    async def image(self, reference: str) -> Plain | None:
        """Reads an image, and fetches it first if it is not there; see `SwarmEngine`."""

        def inspect(api: Api) -> Plain:
            found: Plain = api.inspect_image(reference)
            return found

        found = await self._client.find(inspect)
        if found is None:
            # Whether it came is seen by looking again: its answer is a success as soon as it began.
            with suppress(Refused, Unavailable):
                await self._client.read(lambda api: self._fetch(api, reference), within_s=_FETCH_S)
            found = await self._client.find(inspect)
        return found

    async def update(self, identity: str, index: int, spec: Plain) -> None:
        """Writes a service, once; see `SwarmEngine`."""
        on = f"engine {self.name}, service {spec.get('Name')}"
        try:
            status, said = await self._client.run(
                lambda api: self._update(api, identity, index, spec)
            )
        except HeadwayError:
            raise
        except NotSentError as exc:
            raise Unavailable(
                "could not be reached", on=on, seen=str(exc), safe="nothing was sent"
            ) from exc
        except Exception as exc:
            raise _lost(on, reason(exc)) from exc
        if status in _SUCCESSES:
            return
        if _STALE in said:
            raise Conflict("is at another version by now", on=on, seen=said, expected=f"{index}")
        if status in _SERVER_ERRORS:
            raise _lost(on, f"HTTP {status}: {said}")
        raise Refused(
            "refused the update", on=on, seen=f"HTTP {status}: {said}", safe="nothing was changed"
        )

    def _update(self, api: Api, identity: str, index: int, spec: Plain) -> tuple[int, str]:
        """Sends all that was read: the SDK's own update leaves out what it does not know."""
        reply = api.post(
            f"{api.base_url}/v{api.api_version}/services/{identity}/update",
            params={"version": index},
            json=spec,
            headers=self._auth_headers(),
            timeout=self._client.timeout_s,
        )
        if reply.status_code in _SUCCESSES:
            return reply.status_code, ""
        return reply.status_code, printable(reply.text, 300)

    def _fetch(self, api: Api, reference: str) -> None:
        reply = api.post(
            f"{api.base_url}/v{api.api_version}/images/create",
            params={"fromImage": repository_of(reference), "tag": str(digest_of(reference))},
            headers=self._auth_headers(),
            timeout=_FETCH_S,
        )
        reply.raise_for_status()

    def _auth_headers(self) -> dict[str, str]:
        auth = self._registry_auth
        return {"X-Registry-Auth": auth.reveal()} if auth else {}


def encode_login(credentials: Credentials, host: str) -> Secret:
    """What an engine wants to be told to log in to a registry with."""
    said = {"serveraddress": host}
    if credentials.identity_token is not None:
        said["identitytoken"] = credentials.identity_token.reveal()
    elif credentials.password is not None:
        said |= {"username": credentials.username, "password": credentials.password.reveal()}
    return Secret(base64.urlsafe_b64encode(json.dumps(said).encode()).decode())


def _lost(on: str, seen: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        "was sent, and its outcome is unknown",
        on=on,
        seen=seen,
        safe="it takes effect only if the service is still at the version that was read",
    )
