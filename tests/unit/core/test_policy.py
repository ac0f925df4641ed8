"""The defaults of a deploy, the bounds of each setting, and what a job is told to do."""

from typing import Any

import pytest

from release.core.assignment import Assignment
from release.core.policy import OnNewer, Policy, SupersededBy
from release.core.values import Pointer
from release.errors import Invalid
from tests.support.records import job, release


def test_defaults_are_the_protocols() -> None:
    """Who sets nothing gets what the protocol promises."""
    policy = Policy()

    assert (60.0, 3) == (policy.soak_s, policy.batch_size)
    assert (240.0, 20.0, 2) == (
        policy.settle_budget_s,
        policy.settle_interval_s,
        policy.confirmations,
    )
    assert (0, 1) == (policy.stragglers_max, policy.repairs_max)
    assert (1800.0, 15.0) == (policy.ci_wait_s, policy.ci_interval_s)
    assert (60.0, 300.0, 60.0) == (
        policy.lease_s,
        policy.redeploy_bound_s,
        policy.pointer_bound_s,
    )
    assert (5.0, 10, 6.0) == (policy.send_margin_s, policy.swap_attempts_max, policy.grace_s)
    assert (SupersededBy.CLAIMED, OnNewer.YIELD) == (policy.superseded_by, policy.on_newer)
    assert (1800.0, 2.0, 10) == (policy.claim_wait_s, policy.retry_s, policy.claims_max)
    assert ((), None, 0) == (policy.canary, policy.deadline_s, policy.superseded_exit_code)


def test_holder_renews_three_times_in_each_lease() -> None:
    """Two renewals may fail before anybody may call the lease run out."""
    assert 30.0 == Policy(lease_s=90.0).renew_s


@pytest.mark.parametrize("value", [0, -1, float("nan")])
@pytest.mark.parametrize(
    "name",
    [
        "settle_interval_s",
        "ci_interval_s",
        "lease_s",
        "send_margin_s",
        "batch_size",
        "confirmations",
        "swap_attempts_max",
        "claims_max",
    ],
)
def test_setting_that_must_be_positive_is_refused_by_name(name: str, value: float) -> None:
    """No interval, count or lease of zero: it would spin, never confirm, or never end."""
    refused: dict[str, Any] = {name: value}
    legal: dict[str, Any] = {name: 1}

    assert 1 == getattr(Policy(**legal), name)
    with pytest.raises(Invalid, match=f"^{name}: must be more than zero"):
        Policy(**refused)


@pytest.mark.parametrize("value", [-1, float("nan")])
@pytest.mark.parametrize(
    "name",
    ["soak_s", "settle_budget_s", "stragglers_max", "repairs_max", "ci_wait_s", "retry_s"],
)
def test_setting_that_may_be_zero_is_not_negative(name: str, value: float) -> None:
    """A soak or budget of zero is legal; a negative one, or one that is no number, is not."""
    refused: dict[str, Any] = {name: value}
    legal: dict[str, Any] = {name: 0}

    assert 0 == getattr(Policy(**legal), name)
    with pytest.raises(Invalid, match=f"^{name}: must not be negative"):
        Policy(**refused)


@pytest.mark.parametrize("value", [5.0, 4.0, float("nan")])
@pytest.mark.parametrize("name", ["redeploy_bound_s", "pointer_bound_s"])
def test_bound_leaves_time_behind_the_send_margin(name: str, value: float) -> None:
    """A bound counts the time to send, so it must be longer than that alone."""
    settings: dict[str, Any] = {name: value}

    with pytest.raises(Invalid, match=f"^{name}: must be more than send_margin_s"):
        Policy(**settings)


def test_job_moves_the_promoted_tag_of_each_repository() -> None:
    """A job's pointers are one tag in every repository, in the order of the configuration."""
    assignment = Assignment(
        environment="production",
        job=job(),
        release=release("a"),
        policy=Policy(),
        repositories=("acme/app", "acme/web"),
        promoted_tag="stable",
    )

    assert assignment.pointers == tuple(
        Pointer(repository=name, tag="stable") for name in ("acme/app", "acme/web")
    )
