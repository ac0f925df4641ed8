"""The ports of an explored job: each call is handed to whoever steps the job, and nobody else.

This module must not answer a call; `program` does, from the world's answer.
"""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from release.core.ledger import Record
from release.core.order import Order
from release.core.sighting import Candidates, Checks, Observation, Redeployed
from release.core.values import Digest, Pointer, Release, Sha, Tenant
from release.ports import Event, Journal, Ports, Reading

__all__ = ["Call", "stepped_ports"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a port, such as `ledger.swap` with what it was called with."""

    operation: str
    arguments: tuple[Any, ...] = ()

    def __await__(self) -> Generator["Call", Any, Any]:
        answer = yield self
        return answer


class _Clock:
    async def now_s(self) -> float:
        return await Call("clock.now_s")  # type: ignore[no-any-return]

    async def utc_now(self) -> datetime:
        return await Call("clock.utc_now")  # type: ignore[no-any-return]

    async def sleep(self, duration_s: float) -> None:
        await Call("clock.sleep", (duration_s,))


class _Forge:
    async def head(self) -> Sha:
        return await Call("forge.head")  # type: ignore[no-any-return]

    async def checks(self, sha: Sha) -> Checks:
        return await Call("forge.checks", (sha,))  # type: ignore[no-any-return]

    async def compare(self, ours: Sha, other: Sha) -> Order:
        return await Call("forge.compare", (ours, other))  # type: ignore[no-any-return]

    async def is_enabled(self) -> bool:
        return await Call("forge.is_enabled")  # type: ignore[no-any-return]

    async def resolve(self, reference: str) -> Sha | None:
        return await Call("forge.resolve", (reference,))  # type: ignore[no-any-return]


class _Fleet:
    async def candidates(self, release: Release, *, epoch: int | None) -> Candidates:
        return await Call("fleet.candidates", (release.sha, epoch))  # type: ignore[no-any-return]

    async def redeploy(
        self, release: Release, tenants: tuple[Tenant, ...], *, epoch: int, phase: str
    ) -> Redeployed:
        arguments = (release.sha, tenants, epoch, phase)
        return await Call("fleet.redeploy", arguments)  # type: ignore[no-any-return]

    async def late_answer(self, within_s: float) -> Redeployed | None:
        return await Call("fleet.late_answer", (within_s,))  # type: ignore[no-any-return]


class _Edge:
    async def observe(self, tenants: tuple[Tenant, ...]) -> tuple[Observation, ...]:
        return await Call("edge.observe", (tenants,))  # type: ignore[no-any-return]


class _Registry:
    async def resolve(self, repository: str, reference: str) -> Digest | None:
        return await Call("registry.resolve", (repository, reference))  # type: ignore[no-any-return]

    async def revision(self, repository: str, digest: Digest) -> Sha | None:
        return await Call("registry.revision", (repository, digest))  # type: ignore[no-any-return]

    async def point(self, pointer: Pointer, digest: Digest) -> None:
        await Call("registry.point", (pointer, digest))

    async def late_answer(self, within_s: float) -> bool:
        return await Call("registry.late_answer", (within_s,))  # type: ignore[no-any-return]


class _Ledger:
    async def read(self) -> Reading:
        return await Call("ledger.read")  # type: ignore[no-any-return]

    async def swap(self, expected: str | None, record: Record) -> str:
        return await Call("ledger.swap", (expected, record))  # type: ignore[no-any-return]

    async def changed(self, version: str | None, within_s: float) -> Reading:
        return await Call("ledger.changed", (version, within_s))  # type: ignore[no-any-return]


class _Silence:
    """The journal of a job whose words nobody needs."""

    def tell(self, event: Event) -> None:
        """Drops the event."""


def stepped_ports(journal: Journal | None = None) -> Ports:
    """Makes ports whose every call suspends the job until it is stepped on with an answer."""
    return Ports(
        clock=_Clock(),
        forge=_Forge(),
        fleet=_Fleet(),
        edge=_Edge(),
        registry=_Registry(),
        ledger=_Ledger(),
        journal=journal or _Silence(),
    )
