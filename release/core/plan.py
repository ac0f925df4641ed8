"""Plans a rollout: which tenants go first, and which together.

This module must not ask a fleet; the candidates come in, the batches go out.
"""

from collections.abc import Collection
from dataclasses import dataclass

from release.core.policy import Policy
from release.core.values import Tenant
from release.errors import Invalid

__all__ = ["Batch", "plan_batches", "select_only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Tenants that are redeployed by one call; the canary is the first one, and soaks."""

    name: str
    tenants: tuple[Tenant, ...]
    is_canary: bool = False


def plan_batches(
    candidates: tuple[Tenant, ...], on_target: Collection[Tenant], policy: Policy
) -> tuple[Batch, ...]:
    """Parts the tenants that are not on target into the canary and batches of `batch_size`.

    Raises Invalid when a configured canary is not among the candidates: a canary that is misspelt
    would otherwise be left out in silence.
    """
    missing = [tenant.slug for tenant in policy.canary if tenant not in candidates]
    if missing:
        raise Invalid(
            "the canary is not among the fleet's candidates",
            on=", ".join(missing),
            seen=_some(candidates),
            safe="no tenant was touched",
            advice="Mend rollout.canary, or find out why the fleet does not list it",
        )
    canary = tuple(dict.fromkeys(policy.canary)) or candidates[:1]
    first = tuple(tenant for tenant in canary if tenant not in on_target)
    rest = tuple(
        tenant for tenant in candidates if tenant not in canary and tenant not in on_target
    )
    batches = [Batch(name="canary", tenants=first, is_canary=True)] if first else []
    for number, start in enumerate(range(0, len(rest), policy.batch_size), start=1):
        chosen = rest[start : start + policy.batch_size]
        batches.append(Batch(name=f"batch-{number}", tenants=chosen))
    return tuple(batches)


def select_only(candidates: tuple[Tenant, ...], only: tuple[Tenant, ...]) -> tuple[Tenant, ...]:
    """Narrows the candidates to those asked for by name; raises Invalid for one that is not there.

    An empty `only` means all: an empty scope must never be built from a filter that found nothing.
    """
    missing = [tenant.slug for tenant in only if tenant not in candidates]
    if missing:
        raise Invalid(
            "not among the fleet's candidates",
            on=", ".join(missing),
            seen=_some(candidates),
            safe="no tenant was touched",
        )
    return tuple(tenant for tenant in candidates if tenant in only) if only else candidates


def _some(tenants: tuple[Tenant, ...], shown: int = 8) -> str:
    names = ", ".join(tenant.slug for tenant in tenants[:shown])
    return names + (f" and {len(tenants) - shown} more" if len(tenants) > shown else "")
