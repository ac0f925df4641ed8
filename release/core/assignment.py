"""What one job has been told to do: everything that is fixed before it begins.

This module must not hold what the job finds out on its way; `stages/run.py` does.
"""

from dataclasses import dataclass

from release.core.freeze import FreezeWindow
from release.core.policy import Policy
from release.core.rollback import RollbackOrder
from release.core.values import JobId, Pointer, Release, Tenant

__all__ = ["Assignment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A job's orders.

    only: narrows the fleet to these tenants; empty means all of them.
    is_by_hand: a person runs this verb, outside CI: it is refused while a lease lives.
    is_forced: rolls also the tenants that are already on the release.
    is_first_use: the missing record is declared, so it is created without an `unknown` intent.
    is_unguarded: the ledger is a private one, for the reason that the operator gave.
    rollback: why to go backward; None for everything that only moves forward.
    """

    environment: str
    job: JobId
    release: Release
    policy: Policy
    repositories: tuple[str, ...] = ()
    promoted_tag: str = "latest"
    freezes: tuple[FreezeWindow, ...] = ()
    only: tuple[Tenant, ...] = ()
    is_by_hand: bool = False
    is_forced: bool = False
    is_first_use: bool = False
    is_unguarded: bool = False
    rollback: RollbackOrder | None = None

    @property
    def pointers(self) -> tuple[Pointer, ...]:
        """The promoted tag in each repository."""
        return tuple(
            Pointer(repository=repository, tag=self.promoted_tag)
            for repository in self.repositories
        )
