"""The shipped pipeline, but for a verification that takes any answer of a tenant for the release.

Seen in github.com/markmhendrickson/neotoma/issues/2286 and
github.com/AI-Shipping-Labs/website/issues/338, where the old version went on serving for days
behind green deploys. It misses a tenant that was told to move and did not. Before a tenant is
redeployed, what it serves is read as shipped, so that only the verification differs. This module
must not change anything else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from release.core.assignment import Assignment
from release.core.outcome import Outcome
from release.core.sighting import Candidates, Observation, Redeployed
from release.core.values import Release, Sha, Tenant
from release.pipeline import DEPLOY, run_job, start
from release.ports import Edge, Fleet, Ports

__all__ = ["deploy"]


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Deploys as shipped; a tenant that was redeployed is verified once it answers at all."""
    # What the job remembers is a variable of its own, where the explorer looks for its state.
    redeployed: dict[Tenant, Sha] = {}
    blind = replace(
        ports,
        fleet=_NotedFleet(fleet=ports.fleet, redeployed=redeployed),
        edge=_AnyAnswer(edge=ports.edge, redeployed=redeployed),
    )
    return await run_job(start(assignment, blind), DEPLOY)


@dataclass(slots=True, kw_only=True)
class _NotedFleet:
    """The fleet, and where this job has sent each tenant."""

    fleet: Fleet
    redeployed: dict[Tenant, Sha]

    async def candidates(self, release: Release, *, epoch: int | None) -> Candidates:
        """Asks."""
        return await self.fleet.candidates(release, epoch=epoch)

    async def redeploy(
        self, release: Release, tenants: tuple[Tenant, ...], *, epoch: int, phase: str
    ) -> Redeployed:
        """Sends, and notes it before an answer comes."""
        self.redeployed.update(dict.fromkeys(tenants, release.sha))
        return await self.fleet.redeploy(release, tenants, epoch=epoch, phase=phase)

    async def late_answer(self, within_s: float) -> Redeployed | None:
        """Waits for the answer to a redeploy."""
        return await self.fleet.late_answer(within_s)


@dataclass(slots=True, kw_only=True)
class _AnyAnswer:
    """The edge, as a check of the status code alone sees it."""

    edge: Edge
    redeployed: Mapping[Tenant, Sha]

    async def observe(self, tenants: tuple[Tenant, ...]) -> tuple[Observation, ...]:
        """Asks; a tenant that was redeployed and answers serves what it was sent to."""
        return tuple(
            replace(sight, sha=self.redeployed[sight.tenant])
            if sight.is_reachable and sight.tenant in self.redeployed
            else sight
            for sight in await self.edge.observe(tenants)
        )
