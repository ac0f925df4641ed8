"""The ports of the pipeline: every way in which a deploy touches the world, as a Protocol.

The pipeline awaits these methods and nothing else, so what runs between two of them is one step.
A port says what it promises, what it raises and whether the same call may be repeated; adapters and
the simulator keep the promise, and one contract suite for each port holds them to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from release.core.ledger import Record
from release.core.order import Order
from release.core.sighting import Candidates, Checks, Observation, Redeployed
from release.core.values import Digest, Pointer, Release, Sha, Tenant

__all__ = [
    "Clock",
    "Edge",
    "Event",
    "Fleet",
    "Forge",
    "Journal",
    "Ledger",
    "Ports",
    "Reading",
    "Registry",
]


class Clock(Protocol):
    """Time as the job lives it. Durations and instants are seconds."""

    async def now_s(self) -> float:
        """Reads a clock that never goes back and also counts the time that a machine sleeps."""

    async def utc_now(self) -> datetime:
        """Reads the wall clock, in UTC; only pins, freeze windows and records show it."""

    async def sleep(self, duration_s: float) -> None:
        """Returns after `duration_s`, never before."""


class Forge(Protocol):
    """The deploy branch and what CI says of its commits. Every call is a read, safe to repeat.

    Each raises Unavailable when the forge could not be read after bounded retry, and Refused when
    it says no, as with a token that may not read.
    """

    async def head(self) -> Sha:
        """Reads the newest commit of the deploy branch."""

    async def checks(self, sha: Sha) -> Checks:
        """Reads the newest status of every required context of the commit.

        A required context that has no status is pending; the deploy's own is never required.
        """

    async def compare(self, ours: Sha, other: Sha) -> Order:
        """Says how `ours` stands to `other` by ancestry over all parents.

        UNKNOWN, not an error, when the forge does not know one of them or can't be read.
        """

    async def is_enabled(self) -> bool:
        """Reads the kill switch live; True also when none is configured."""

    async def resolve(self, reference: str) -> Sha | None:
        """Finds the commit that a branch, tag or abbreviated id names; None when there is none."""


class Fleet(Protocol):
    """Whatever moves tenants from one release to another."""

    async def candidates(self, release: Release, *, epoch: int | None) -> Candidates:
        """Lists the tenants that a redeploy would touch; touches none; safe to repeat.

        epoch: raises the fence of everything listed to it, where there is one; None raises none.
        Raises FenceRefused when a higher epoch was seen, Refused when the fleet lists no tenant at
        all, and Unavailable.
        """

    async def redeploy(
        self, release: Release, tenants: tuple[Tenant, ...], *, epoch: int, phase: str
    ) -> Redeployed:
        """Moves exactly these tenants to the release. An EFFECT: never repeated by an adapter.

        Returns a row for each tenant asked for, UNANSWERED where the answer has none. Raises
        FenceRefused and Refused, behind which nothing was changed; OutcomeUnknown, behind which
        any tenant may move, now or later; Unavailable when nothing was sent. Cancelling the wait
        does not call the request back.
        """

    async def late_answer(self, within_s: float) -> Redeployed | None:
        """Waits for the answer to a redeploy whose wait was cancelled; None when none comes.

        Sends nothing and raises nothing: an answer that is an error counts as none.
        """


class Edge(Protocol):
    """What tenants serve to the world; the only proof of what runs."""

    async def observe(self, tenants: tuple[Tenant, ...]) -> tuple[Observation, ...]:
        """Asks each tenant once which release it serves; a read, safe to repeat.

        Returns one observation for each tenant, in the order asked. Raises nothing: a tenant that
        can't be read is an observation too.
        """


class Registry(Protocol):
    """Images, and the tags that point at them."""

    async def resolve(self, repository: str, reference: str) -> Digest | None:
        """Reads which manifest a tag names; None only when the registry says it is absent.

        Safe to repeat. Raises Unavailable and Refused.
        """

    async def revision(self, repository: str, digest: Digest) -> Sha | None:
        """Reads the release that our own label or annotation on the image names, else None.

        Safe to repeat. Raises Unavailable and Refused.
        """

    async def point(self, pointer: Pointer, digest: Digest) -> None:
        """Moves the pointer to a manifest of the same repository. An EFFECT: sent once.

        Raises Refused, behind which nothing was changed; OutcomeUnknown; Unavailable when nothing
        was sent. A registry has no compare-and-swap: whoever calls holds the ledger and reads back.
        Cancelling the wait does not call the request back.
        """

    async def late_answer(self, within_s: float) -> bool:
        """Waits for the answer to a move whose wait was cancelled; whether it came, and was good.

        Sends nothing and raises nothing.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The record as it was read, and the store's version of it; both None when there is none."""

    record: Record | None
    version: str | None


class Ledger(Protocol):
    """One record in a store with a linearizable read and a compare-and-swap on its version."""

    async def read(self) -> Reading:
        """Reads the record as of now; safe to repeat. Raises Unavailable, or Invalid when what is
        stored is no record.
        """

    async def swap(self, expected: str | None, record: Record) -> str:
        """Writes the record if the store still has version `expected`; returns the new version.

        expected: None creates the record, and only if there is none. Raises Conflict when another
        write came first, OutcomeUnknown when the answer was lost (read again: a record with our
        stamp means that it was written), Unavailable when nothing was sent, Refused by policy.
        """

    async def changed(self, version: str | None, within_s: float) -> Reading:
        """Returns as soon as the version is another one, or after `within_s` with the same one.

        A read, safe to repeat. Raises as `read` does.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something worth telling: `kind` for machines, `text` for people, `data` for the journal.

    data: JSON values only; never a secret.
    """

    kind: str
    text: str
    data: Mapping[str, object] = field(default_factory=dict)


class Journal(Protocol):
    """Where a job tells what it does. Telling never fails a job and never waits."""

    def tell(self, event: Event) -> None:
        """Takes one event; whoever listens shows it, writes it down or drops it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that a job may touch; only this bundle differs between CI and the simulator."""

    clock: Clock
    forge: Forge
    fleet: Fleet
    edge: Edge
    registry: Registry
    ledger: Ledger
    journal: Journal
