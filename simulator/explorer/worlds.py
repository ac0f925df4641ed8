"""The state of the explored world, as one tuple of small cells that is never changed in place.

This module must not decide what a call does; `ledger_calls`, `effect_calls` and `events` do.
"""

from typing import NamedTuple, TypeVar

__all__ = [
    "NOBODY",
    "Flying",
    "JobCell",
    "JobState",
    "PointerCell",
    "TenantCell",
    "Window",
    "World",
    "kill",
    "spend",
]

T = TypeVar("T")

NOBODY = -1


class JobState:
    """Where a job is in its life, as small numbers."""

    WAITING = 0
    RUNNING = 1
    OVER = 2
    DEAD = 3


class Window:
    """Where a job is between an intent and the answer to its effect, as small numbers.

    NOTED: the intent is written and the clock not looked at. CHECKED: the effect may be sent now.
    SENT: a request is under way, and the job awaits its answer.
    """

    SHUT = 0
    NOTED = 1
    CHECKED = 2
    SENT = 3


class TenantCell(NamedTuple):
    """One tenant. serving and draining: releases by index, draining -1 when nothing drains.

    epoch: of the last effect that landed. is_rolled_back: whether a rollback put it there.
    fence: the label of a swarm's service; zero where fences are of another kind.
    """

    serving: int
    draining: int = NOBODY
    epoch: int = 0
    is_rolled_back: bool = False
    is_broken: bool = False
    fence: int = 0


class PointerCell(NamedTuple):
    """One pointer; `before` is what it pointed at before the last move."""

    release: int
    before: int
    epoch: int = 0
    is_rolled_back: bool = False


class JobCell(NamedTuple):
    """What the world knows of a job.

    window: where it is between an intent and the answer to its effect, one of `Window`.
    is_late: whether more time has passed since that swap than it may.
    intent: the number of the intent that was written last. sent: of the last one behind which an
        effect was sent. epoch: of the job's last claim.
    is_cancelled: whether it got its signal; a second one kills it, as a crash does.
    rows: how the request that is under way, or was cancelled, has ended on each tenant so far.
    """

    state: int = JobState.WAITING
    window: int = Window.SHUT
    is_late: bool = False
    intent: int = NOBODY
    sent: int = 0
    epoch: int = 0
    is_cancelled: bool = False
    rows: tuple[tuple[int, bool], ...] = ()


class Flying(NamedTuple):
    """A request that may still land: at these tenants, at a pointer, or in the ledger.

    tenants: those where it has not landed; empty for a pointer, then `pointer` says which.
    intent: the number of the intent behind it, -1 when the job wrote none.
    record: the record of a swap that is under way, else zero; `expected` is what it compares with.
    """

    job: int
    intent: int
    release: int
    epoch: int
    tenants: tuple[int, ...] = ()
    pointer: int = NOBODY
    record: int = 0
    expected: int = 0


class World(NamedTuple):
    """Everything that the jobs share. record: the number of the ledger's record, zero for none."""

    record: int
    head: int
    tenants: tuple[TenantCell, ...]
    pointers: tuple[PointerCell, ...]
    fence: int
    flying: tuple[Flying, ...]
    jobs: tuple[JobCell, ...]
    faults: int
    expiries: int
    is_on: bool = True
    listed: int = 0

    def with_job(self, job: int, cell: JobCell) -> "World":
        """The world with another cell for one job."""
        return self._replace(jobs=_with(self.jobs, job, cell))

    def with_tenant(self, tenant: int, cell: TenantCell) -> "World":
        """The world with another cell for one tenant."""
        return self._replace(tenants=_with(self.tenants, tenant, cell))

    def with_pointer(self, pointer: int, cell: PointerCell) -> "World":
        """The world with another cell for one pointer."""
        return self._replace(pointers=_with(self.pointers, pointer, cell))

    def with_record(self, record: int) -> "World":
        """The world with another record, on which no swap that is under way was built."""
        flying = tuple(one for one in self.flying if not one.record)
        return self._replace(record=record, flying=flying)

    def launch(self, request: Flying) -> "World":
        """The world with one more request in flight."""
        return self._replace(flying=tuple(sorted((*self.flying, request))))

    def without(self, number: int) -> "World":
        """The world with one request less in flight."""
        return self._replace(flying=(*self.flying[:number], *self.flying[number + 1 :]))

    def is_alive(self, job: int) -> bool:
        """Whether the job has begun, or may begin, and is not over."""
        return self.jobs[job].state in (JobState.WAITING, JobState.RUNNING)


def _with(cells: tuple[T, ...], number: int, cell: T) -> tuple[T, ...]:
    return (*cells[:number], cell, *cells[number + 1 :])


def kill(world: World, job: int) -> World:
    """The world in which a job has died; nothing of it runs any more, not even its cleaning up."""
    return world.with_job(job, JobCell(state=JobState.DEAD))


def spend(world: World) -> World:
    """The world with one fault less to come."""
    return world._replace(faults=world.faults - 1)
