"""The guards that a race can be run under, by name.

This module must not schedule anything: `race` and `live` do.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from release.core.assignment import Assignment
from release.core.outcome import Outcome
from release.pipeline import DEPLOY, run_job, start
from release.ports import Ports
from simulator.mutants import before_effects, before_verify

__all__ = ["GUARDS", "Guard"]

Deploy = Callable[[Assignment, Ports], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """One way of keeping an older job from going backward; `deploy` runs one job under it."""

    name: str
    title: str
    deploy: Deploy


async def _headway(assignment: Assignment, ports: Ports) -> Outcome:
    return await run_job(start(assignment, ports), DEPLOY)


GUARDS: Mapping[str, Guard] = {
    guard.name: guard
    for guard in (
        Guard(
            name="as-it-happened",
            title="checks once, before the verification (#2194)",
            deploy=before_verify.deploy,
        ),
        Guard(
            name="upstream",
            title="checks once before the effects (#2215)",
            deploy=before_effects.deploy,
        ),
        Guard(name="headway", title="the shipped pipeline", deploy=_headway),
    )
}
