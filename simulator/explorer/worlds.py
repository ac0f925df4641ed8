"""The state of the explored world, as one tuple of small cells that is never changed in place.

This module must not decide what a call does; `ledger_calls`, `effect_calls` and `events` do.
"""

from typing import NamedTuple

__all__ = [
    "NOBODY",
    "Flying",
    "JobCell",
    "JobState",
    "PointerCell",
    "TenantCell",
    "World",
    "kill",
    "spend",
]

NOBODY = -1


class JobState:
    """Where a job is in its life, as small numbers."""

    WAITING = 0
    RUNNING = 1
    OVER = 2
    DEAD = 3


class TenantCell(NamedTuple):
    """One tenant. serving and draining: releases by index, draining -1 when nothing drains.

    epoch: of the last effect that landed. is_rolled_back: whether a rollback put it there.
    """

    serving: int
    draining: int = NOBODY
    epoch: int = 0
    is_rolled_back: bool = False
    is_broken: bool = False


class PointerCell(NamedTuple):
    """One pointer; `before` is what it pointed at before the last move."""

    release: int
    before: int
    epoch: int = 0
    is_rolled_back: bool = False


class JobCell(NamedTuple):
    """What the world knows of a job.

    window: 1 between the swap that wrote an intent and the look at the clock, 2 from there until
        the effect is sent, 3 while a request is under way whose answer the job awaits.
    is_late: whether more time has passed since that swap than it may.
    intent: the number of the intent that was written last. sent: of the last one behind which an
        effect was sent. epoch: of the job's last claim.
    is_cancelled: whether it got its signal; a second one kills it, as a crash does.
    rows: how the request that is under way, or was cancelled, has ended on each tenant so far.
    """

    state: int = JobState.WAITING
    window: int = 0
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
        return self._replace(jobs=(*self.jobs[:job], cell, *self.jobs[job + 1 :]))

    def with_tenant(self, tenant: int, cell: TenantCell) -> "World":
        """The world with another cell for one tenant."""
        return self._replace(tenants=(*self.tenants[:tenant], cell, *self.tenants[tenant + 1 :]))

    def with_pointer(self, pointer: int, cell: PointerCell) -> "World":
        """The world with another cell for one pointer."""
        after = self.pointers[pointer + 1 :]
        return self._replace(pointers=(*self.pointers[:pointer], cell, *after))

    def launch(self, request: Flying) -> "World":
        """The world with one more request in flight."""
        return self._replace(flying=tuple(sorted((*self.flying, request))))

    def is_alive(self, job: int) -> bool:
        """Whether the job has begun, or may begin, and is not over."""
        return self.jobs[job].state in (JobState.WAITING, JobState.RUNNING)


def kill(world: World, job: int) -> World:
    """The world in which a job has died; nothing of it runs any more, not even its cleaning up."""
    return world.with_job(job, JobCell(state=JobState.DEAD))


def spend(world: World) -> World:
    """The world with one fault less to come."""
    return world._replace(faults=world.faults - 1)
