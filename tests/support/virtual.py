"""A small world in virtual time, with jobs that tests play in it.

This module must not judge what happens.
"""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from release.core.ledger import Record, Stamp
from release.core.values import JobId, Release, Sha, Tenant
from release.ports import Ports
from simulator.direct import direct_ports, virtual_world
from simulator.faults import FaultKind, FaultRule
from simulator.scheduler import Scheduler
from simulator.sim_ledger import LedgerStore
from simulator.tenants import Lag
from simulator.world import Layout, World

__all__ = ["BASE", "NEWER", "OLDER", "Setting", "a_record"]

BASE = "0ba5e" + "0" * 35
OLDER = "7a72516" + "0" * 33
NEWER = "7f25373" + "0" * 33

T = TypeVar("T")


def a_record(epoch: int) -> Record:
    """A record that only its epoch tells from others."""
    stamp = Stamp(job=JobId(run="1", attempt=1, nonce="n"), write=epoch)
    return Record(environment="production", stamp=stamp, epoch=epoch)


@dataclass(frozen=True, slots=True)
class Setting:
    """A world with the tenants acme, globex and initech on BASE, and OLDER and NEWER released."""

    scheduler: Scheduler
    world: World
    ledger: LedgerStore

    @classmethod
    def make(cls, *, lag: Lag | None = None, layout: Layout | None = None) -> "Setting":
        """Makes it anew."""
        scheduler, world = virtual_world(layout)
        world.found(BASE, ("acme", "globex", "initech"), lag=lag)
        world.release(OLDER)
        world.release(NEWER)
        return cls(scheduler, world, LedgerStore.empty(world))

    def ports(self, actor: str = "job") -> Ports:
        """The ports of one job."""
        return direct_ports(self.world, self.scheduler, actor=actor, ledger=self.ledger)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Plays one job until nothing is left to happen; returns or raises what it does."""
        job = self.scheduler.spawn("job", coroutine)
        self.scheduler.run()
        return job.result()

    def fault(self, kind: FaultKind, **what: Any) -> int:  # noqa: ANN401 - any field of a rule
        """Puts a rule in force."""
        return self.world.faults.add(FaultRule(kind=kind, **what))

    def release(self, sha: str) -> Release:
        """A release as jobs call it."""
        return Release(sha=Sha(sha), tag=self.world.layout.image_tag(sha))

    def tenants(self, *slugs: str) -> tuple[Tenant, ...]:
        """Tenants by slug; all of them without one."""
        return tuple(Tenant(slug) for slug in slugs or self.world.fleet.tenants)
