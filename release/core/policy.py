"""The settings that decide how a deploy goes, with the protocol's defaults.

This module must not read a file: `release/configuration.py` does and hands these values on.
"""

from dataclasses import dataclass
from enum import StrEnum

from release.core.values import Tenant
from release.errors import Invalid

__all__ = ["OnNewer", "Policy", "SupersededBy"]


class SupersededBy(StrEnum):
    """Who supersedes a job: a newer release that has CLAIMED, or any newer HEAD of the branch."""

    CLAIMED = "claimed"
    HEAD = "head"


class OnNewer(StrEnum):
    """What a running job does when a newer one arrives: YIELD at its next step, or FINISH."""

    YIELD = "yield"
    FINISH = "finish"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a deploy goes. Durations are seconds.

    canary: the tenants of the first batch; empty means the first candidate.
    settle_budget_s: counted for each tenant from the end of its redeploy; polled every
        `settle_interval_s`, first at once, so 240 and 20 make 13 polls.
    confirmations: how many times in a row a tenant must report the release.
    stragglers_max: how many tenants may fail to settle without failing the deploy.
    redeploy_bound_s, pointer_bound_s: the longest that an effect may still land after the swap
        that wrote its intent began.
    send_margin_s: how old that swap may be when the effect is sent.
    claim_wait_s: how long to wait for another attempt of the same release, or for an older one
        under `finish`.
    retry_s: how long to wait before a swap that could not be sent is tried again.
    deadline_s: the longest that the whole job may take before its next effect; None is no limit.
    superseded_exit_code: what CI sees of a job that stood aside.
    """

    superseded_by: SupersededBy = SupersededBy.CLAIMED
    on_newer: OnNewer = OnNewer.YIELD
    canary: tuple[Tenant, ...] = ()
    batch_size: int = 3
    soak_s: float = 60.0
    settle_budget_s: float = 240.0
    settle_interval_s: float = 20.0
    confirmations: int = 2
    stragglers_max: int = 0
    repairs_max: int = 1
    ci_wait_s: float = 1800.0
    ci_interval_s: float = 15.0
    claim_wait_s: float = 1800.0
    lease_s: float = 60.0
    redeploy_bound_s: float = 300.0
    pointer_bound_s: float = 60.0
    send_margin_s: float = 5.0
    swap_attempts_max: int = 10
    retry_s: float = 2.0
    claims_max: int = 10
    grace_s: float = 6.0
    deadline_s: float | None = None
    superseded_exit_code: int = 0

    def __post_init__(self) -> None:
        positive = ("settle_interval_s", "ci_interval_s", "lease_s", "send_margin_s")
        for name in (*positive, "batch_size", "confirmations", "swap_attempts_max", "claims_max"):
            if not getattr(self, name) > 0:
                raise Invalid("must be more than zero", on=name, seen=str(getattr(self, name)))
        for name in (
            "soak_s",
            "settle_budget_s",
            "stragglers_max",
            "repairs_max",
            "ci_wait_s",
            "retry_s",
        ):
            if not getattr(self, name) >= 0:
                raise Invalid("must not be negative", on=name, seen=str(getattr(self, name)))
        for name in ("redeploy_bound_s", "pointer_bound_s"):
            if not getattr(self, name) > self.send_margin_s:
                raise Invalid(
                    "must be more than send_margin_s, which is part of it",
                    on=name,
                    seen=str(getattr(self, name)),
                )

    @property
    def renew_s(self) -> float:
        """How often a holder renews: three times in each lease, so that two renewals may fail."""
        return self.lease_s / 3
