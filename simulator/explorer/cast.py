"""The people and things of a scope: releases, tenants, pointers and each job's assignment.

This module must not hold anything that changes while a scope is explored.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from release.core.assignment import Assignment
from release.core.ledger import Record, Stamp
from release.core.order import Order
from release.core.outcome import Outcome
from release.core.policy import Policy
from release.core.rollback import RollbackOrder
from release.core.sighting import Candidates, Fencing
from release.core.values import Digest, Image, JobId, Release, Sha, Tenant
from release.pipeline import ROLLBACK, run_job, start
from release.ports import Ports
from simulator.explorer.frames import ENDLESS
from simulator.explorer.scope import JobKind, JobSpec, Kind, Scope

Deploy = Callable[[Assignment, Ports], Awaitable[Outcome]]

__all__ = ["BOUND_S", "NOW", "Cast"]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""The wall clock of an explored job, which stands still: only pins and records show it."""

BOUND_S = 60.0
"""The bound of every effect; a lease is three of them, so that one wait passes either.

A scope in which it is renewed more often has shorter leases, and the same bounds.
"""

_REPOSITORY = "platform"
_TAG = "latest"


@dataclass(frozen=True)
class Cast:
    """Everything in a scope that has a name."""

    scope: Scope

    @cached_property
    def jobs(self) -> tuple[JobSpec, ...]:
        """The jobs, and after them the fresh deploy of the newest release."""
        heal = JobSpec(name="heal", release=self.scope.newest, kind=JobKind.HEAL)
        return (*self.scope.jobs, heal) if self.scope.is_healed else self.scope.jobs

    @cached_property
    def tenants(self) -> tuple[Tenant, ...]:
        """The tenants, and one more where tenants may join; the first is the canary."""
        count = self.scope.tenants + self.scope.has(Kind.CHURN)
        return tuple(Tenant(self.name_of(number)) for number in range(count))

    @cached_property
    def tenant_number(self) -> dict[Tenant, int]:
        """The number of each tenant."""
        return {tenant: number for number, tenant in enumerate(self.tenants)}

    def listed(self, listed: int) -> tuple[Tenant, ...]:
        """The tenants that the fleet lists: all, with the one that joined, or without the last."""
        count = self.scope.tenants
        return self.tenants[: {0: count, 1: count + 1, 2: count - 1}[listed]]

    @cached_property
    def releases(self) -> tuple[Release, ...]:
        """The releases, from what runs at the beginning to the newest."""
        return tuple(_release(index) for index in range(self.scope.newest + 1))

    @cached_property
    def index_of(self) -> dict[Sha, int]:
        """The index of each release."""
        return {release.sha: index for index, release in enumerate(self.releases)}

    @cached_property
    def release_of(self) -> dict[Digest, Sha]:
        """The release behind each manifest."""
        return {self.digest(index): one.sha for index, one in enumerate(self.releases)}

    @property
    def fencing(self) -> Fencing:
        """Where the fleet compares the epoch."""
        by_name = {"landing": Fencing.LANDING, "door": Fencing.DOOR, "swarm": Fencing.LANDING}
        return by_name.get(self.scope.fence, Fencing.NONE)

    def candidates(self, listed: tuple[Tenant, ...]) -> Candidates:
        """The fleet's list of tenants, as a dry run answers it."""
        return Candidates(tenants=listed, fencing=self.fencing)

    def name_of(self, tenant: int) -> str:
        """A tenant's name, that of one which may join included."""
        return f"tenant-{tenant + 1}"

    def digest(self, index: int) -> Digest:
        """The manifest of a release."""
        return self.releases[index].images[0].digest

    def order(self, ours: int, other: int) -> Order:
        """How one release stands to another, by ancestry."""
        if ours == other:
            return Order.SAME
        newest = self.scope.newest
        if self.scope.rewritten and newest in (ours, other) and min(ours, other) > 0:
            return Order.DIVERGED
        return Order.OLDER if ours < other else Order.NEWER

    def compare(self, ours: Sha, other: Sha) -> Order:
        """How one release stands to another, as a forge would say."""
        return self.order(self.index_of[ours], self.index_of[other])

    def job_id(self, number: int) -> JobId:
        """The id of a job; later jobs have higher run ids, re-runs those of their release."""
        spec = self.jobs[number]
        attempt = 1 + sum(one.release == spec.release for one in self.jobs[:number])
        is_deploy = spec.kind is JobKind.DEPLOY
        run = str(100 + spec.release) if is_deploy else spec.kind.value
        return JobId(run=run, attempt=attempt if is_deploy else 1, nonce=spec.name)

    @cached_property
    def number_of(self) -> dict[JobId, int]:
        """The number of each job by its id."""
        return {self.job_id(number): number for number in range(len(self.jobs))}

    def policy(self) -> Policy:
        """The policy of every job: the shipped one, with times in the proportions that matter."""
        # A tenant that drains may spoil a confirmation or two; each further poll is a state more.
        polls = (1 + self.scope.confirmations) * (2 if self.scope.has(Kind.LAG) else 1)
        return Policy(
            superseded_by=self.scope.superseded_by,
            on_newer=self.scope.on_newer,
            batch_size=self.scope.batch,
            soak_s=20.0,
            settle_budget_s=20.0 * polls,
            settle_interval_s=20.0,
            confirmations=self.scope.confirmations,
            claim_wait_s=12 * BOUND_S,
            lease_s=3 * BOUND_S / self.scope.renewals,
            redeploy_bound_s=BOUND_S,
            pointer_bound_s=BOUND_S,
            # How long a loser makes way is a matter of budgets; that others come first is an order.
            retry_s=0.0,
            swap_attempts_max=ENDLESS,
            claims_max=3,
        )

    def assignment(self, number: int) -> Assignment:
        """What a job has been told to do."""
        spec = self.jobs[number]
        release = self.releases[spec.release]
        is_rollback = spec.kind is JobKind.ROLLBACK
        return Assignment(
            environment="production",
            job=self.job_id(number),
            release=Release(sha=release.sha, tag=release.tag),
            policy=self.policy(),
            repositories=(_REPOSITORY,),
            promoted_tag=_TAG,
            is_by_hand=is_rollback,
            rollback=RollbackOrder(reason="bad release", by="operator") if is_rollback else None,
        )

    def deploy(self, number: int, deploy: Deploy) -> Deploy:
        """What a job runs: the guard that is explored, but for a rollback, which is Headway's."""
        return _roll_back if self.jobs[number].kind is JobKind.ROLLBACK else deploy

    def first_record(self) -> Record:
        """The ledger's record before the first job: nobody holds it, the mark on what runs."""
        founder = JobId(run="operator", attempt=1, nonce="first-use")
        return Record(
            environment="production",
            stamp=Stamp(job=founder, write=0),
            mark=self.releases[0].sha,
        )


async def _roll_back(assignment: Assignment, ports: Ports) -> Outcome:
    return await run_job(start(assignment, ports), ROLLBACK)


def _release(index: int) -> Release:
    sha, digest = f"{index + 1:x}" * 40, f"{index + 1:x}" * 64
    image = Image(repository=_REPOSITORY, digest=Digest(f"sha256:{digest}"))
    return Release(sha=Sha(sha), tag=f"staging-{sha[:7]}", images=(image,))
