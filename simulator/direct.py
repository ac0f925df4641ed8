"""Puts a job onto a world in virtual time: the whole bundle of ports, and a journal of its own.

This module must not step anything: whoever holds the scheduler runs it.
"""

from dataclasses import dataclass, field
from datetime import datetime

from release.ports import Event, Ports
from simulator.choices import Choices
from simulator.clock import EPOCH, SimClock
from simulator.line import Line, Patience
from simulator.scheduler import Scheduler
from simulator.sim_ledger import LedgerStore, SimLedger
from simulator.sim_ports import SimEdge, SimFleet, SimForge, SimRegistry
from simulator.world import Layout, World

__all__ = ["JobSetup", "SimJournal", "Told", "direct_ports", "virtual_world"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event of a job's journal, and when it was told."""

    at_s: float
    actor: str
    event: Event


@dataclass(slots=True)
class SimJournal:
    """Keeps what one job tells; several jobs may share `told`, which then is in order of time."""

    scheduler: Scheduler
    actor: str
    told: list[Told] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        """Takes one event, but for the last words of a killed job."""
        if self.scheduler.is_killing:
            return
        self.told.append(Told(at_s=self.scheduler.now_s, actor=self.actor, event=event))


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSetup:
    """What may differ between jobs in one world.

    told: where the job's journal goes; a list of its own when None.
    clock_offset_s: by how much its wall clock is off. own_context: its own CI context.
    """

    patience: Patience = field(default_factory=Patience)
    told: list[Told] | None = None
    clock_offset_s: float = 0.0
    own_context: str | None = None
    epoch: datetime = EPOCH


def virtual_world(
    layout: Layout | None = None, *, seed: int = 0, epoch: datetime = EPOCH
) -> tuple[Scheduler, World]:
    """Makes an empty world in virtual time, and the scheduler that it lives under."""
    scheduler = Scheduler()
    return scheduler, World(SimClock(scheduler, epoch=epoch), Choices(seed), layout)


def direct_ports(
    world: World,
    scheduler: Scheduler,
    *,
    actor: str,
    ledger: LedgerStore,
    setup: JobSetup | None = None,
) -> Ports:
    """Makes the ports of one job; `actor` is its name in rules, scripts and the log."""
    chosen = setup or JobSetup()
    line = Line(world, scheduler, actor=actor, patience=chosen.patience)
    told = [] if chosen.told is None else chosen.told
    return Ports(
        clock=SimClock(scheduler, epoch=chosen.epoch, offset_s=chosen.clock_offset_s),
        forge=SimForge(line, own_context=chosen.own_context),
        fleet=SimFleet(line),
        edge=SimEdge(line),
        registry=SimRegistry(line),
        ledger=SimLedger(ledger, line),
        journal=SimJournal(scheduler, actor, told),
    )
