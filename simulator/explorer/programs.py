"""Makes what each job of a scope runs: the real coroutine, its private answers, its observer.

This module must not step a job.
"""

from collections.abc import Coroutine
from typing import Any

from release.core.outcome import Outcome
from simulator.explorer.calls import stepped_ports
from simulator.explorer.cast import Cast
from simulator.explorer.monitor import Monitor, Subject
from simulator.explorer.program import Constants, Program
from simulator.explorer.read_calls import constants
from simulator.explorer.scope import Kind
from simulator.guards import GUARDS, Deploy

__all__ = ["programs"]

_OVERWRITTEN = {"ledger.read": frozenset({"reading"})}
"""Whoever reads the ledger keeps the reading in the place of the last one."""

_INTERRUPTIONS = frozenset({Kind.UNREACHABLE, Kind.CANCEL})
"""Where a read may fail, a job goes on with what it read before."""


def programs(cast: Cast, deploy: Deploy | None = None) -> tuple[Program, ...]:
    """The program of each job, in the order of the cast.

    deploy: what a deploying job runs; by default the guard that the scope names.
    """
    chosen = deploy or GUARDS[cast.scope.guard].deploy
    private = constants(cast)
    return tuple(_program(cast, job, chosen, private) for job in range(len(cast.jobs)))


def _program(cast: Cast, job: int, deploy: Deploy, private: Constants) -> Program:
    assignment, run = cast.assignment(job), cast.deploy(job, deploy)

    def begin() -> Coroutine[Any, Any, Outcome]:
        return run(assignment, stepped_ports())  # type: ignore[return-value]  # a guard is async def

    monitor = Monitor(subject=_subject(cast, job), listed=cast.listed(0))
    return Program(
        begin=begin,
        constants=private,
        monitor=monitor,
        overwritten={} if cast.scope.kinds & _INTERRUPTIONS else _OVERWRITTEN,
        is_cancellable=cast.scope.has(Kind.CANCEL),
    )


def _subject(cast: Cast, job: int) -> Subject:
    release = cast.jobs[job].release
    return Subject(
        job=cast.job_id(job),
        sha=cast.releases[release].sha,
        digest=cast.digest(release),
        confirmations=cast.scope.confirmations,
        newer=frozenset(one.sha for one in cast.releases[release + 1 :]),
        releases=cast.release_of,
    )
