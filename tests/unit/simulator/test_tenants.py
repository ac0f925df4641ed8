"""A tenant: what its edge answers while it drains, and when it is ill."""

import json

import pytest

from release.errors import Invalid
from simulator.choices import Choices
from simulator.tenants import Answer, Health, Lag, SimTenant

OLD, NEW, NEWEST = "a" * 40, "b" * 40, "c" * 40


def tenant_on(sha: str, *, lag: Lag | None = None, health: Health = Health.HEALTHY) -> SimTenant:
    """A tenant that has run a release for a while."""
    tenant = SimTenant("acme", sha, lag=lag)
    tenant.health = health
    return tenant


def land(tenant: SimTenant, sha: str, at_s: float, *, seed: int = 0) -> bool:
    """Lands a release whose image is fine."""
    return tenant.land(sha, at_s, Choices(seed), is_image_broken=False)


def told(answer: Answer | None) -> object:
    """The release that an answer names."""
    assert answer is not None
    return json.loads(answer.body)["git_sha"]


def test_draining_tenant_serves_the_old_release_until_its_lag_is_over() -> None:
    """From the landing to the end of the lag the edge answers from the container that drains."""
    tenant = tenant_on(OLD, lag=Lag.fixed(5.0))

    land(tenant, NEW, 10.0)

    assert tenant.running == NEW
    assert [told(tenant.buildinfo(at_s)) for at_s in (10.0, 14.9, 15.0)] == [OLD, OLD, NEW]


def test_ranged_lag_is_chosen_within_its_range_and_by_the_seed() -> None:
    """The length comes from the choices: the same seed, the same lag."""

    def drained_at_s(seed: int) -> float:
        tenant = tenant_on(OLD, lag=Lag.ranged(2.0, 9.0))
        land(tenant, NEW, 0.0, seed=seed)
        swap = tenant.pending(0.0)
        assert swap is not None
        return swap.drained_at_s

    lags_s = [drained_at_s(seed) for seed in range(20)]

    assert lags_s == [drained_at_s(seed) for seed in range(20)]
    assert all(2.0 <= lag_s <= 9.0 for lag_s in lags_s)
    assert len(set(lags_s)) == 20


def test_flapping_tenant_answers_old_and_new_in_turn_until_its_lag_is_over() -> None:
    """While it flaps, one answer proves nothing."""
    tenant = tenant_on(OLD, lag=Lag.flapping(5.0))
    land(tenant, NEW, 0.0)

    answers = [told(tenant.buildinfo(at_s)) for at_s in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)]

    assert answers == [OLD, NEW, OLD, NEW, NEW, NEW]


def test_second_landing_while_draining_is_served_after_both_lags() -> None:
    """Containers drain one after another, the oldest first."""
    tenant = tenant_on(OLD, lag=Lag.fixed(10.0))
    land(tenant, NEW, 0.0)
    land(tenant, NEWEST, 4.0)

    served = [tenant.serving(at_s) for at_s in (5.0, 11.0, 14.0)]

    assert served == [OLD, NEW, NEWEST]


def test_state_of_a_while_ago_can_be_asked() -> None:
    """A stale read answers what was served then."""
    tenant = tenant_on(OLD)
    land(tenant, NEW, 10.0)

    assert (tenant.serving(9.9), tenant.serving(10.0)) == (OLD, NEW)


def test_broken_tenant_dies_at_the_landing_and_answers_502() -> None:
    """The new image never comes up and the old container is gone."""
    tenant = tenant_on(OLD, health=Health.BROKEN)

    is_up = land(tenant, NEW, 1.0)

    answer = tenant.buildinfo(2.0)
    assert answer is not None
    assert (is_up, tenant.running, tenant.is_healthy()) == (False, None, False)
    assert (answer.status, answer.content_type.partition(";")[0]) == (502, "text/html")


def test_broken_image_kills_any_tenant_it_lands_on() -> None:
    """A release may be what is broken, not the tenant."""
    tenant = tenant_on(OLD)

    assert tenant.land(NEW, 1.0, Choices(), is_image_broken=True) is False
    assert tenant.serving(1.0) is None


def test_wedged_tenant_runs_the_target_and_serves_the_old_release_until_mended() -> None:
    """The container is right, the edge is not, for ever."""
    tenant = tenant_on(OLD, health=Health.WEDGED)

    land(tenant, NEW, 1.0)

    assert (tenant.running, tenant.serving(1e9)) == (NEW, OLD)
    tenant.mend(2e9)
    assert tenant.serving(2e9) == NEW


@pytest.mark.parametrize(
    ("health", "status", "body"),
    [
        (Health.HTML, 404, b"<!doctype html>"),
        (Health.DEV, 200, b'{"git_sha": "dev"}'),
        (Health.HEALTHY, 200, b'{"git_sha": "' + OLD.encode()),
    ],
)
def test_answer_shows_how_the_tenant_is(health: Health, status: int, body: bytes) -> None:
    """A page that is not on the allow-list, an image without a baked-in commit, and a good one."""
    answer = tenant_on(OLD, health=health).buildinfo(0.0)

    assert answer is not None
    assert answer.status == status
    assert answer.body.startswith(body)


def test_slow_tenant_says_how_long_its_answer_takes() -> None:
    """The delay belongs to the answer; whoever delivers it waits."""
    tenant = tenant_on(OLD, health=Health.SLOW)
    tenant.delay_s = 7.0

    answer = tenant.buildinfo(0.0)

    assert answer is not None
    assert answer.delay_s == 7.0


def test_tenant_that_is_gone_answers_nothing() -> None:
    """Nobody listens."""
    assert tenant_on(OLD, health=Health.GONE).buildinfo(0.0) is None


def test_lag_that_ends_before_it_begins_is_invalid() -> None:
    """A range goes from low to high."""
    with pytest.raises(Invalid, match="drain lag"):
        Lag.ranged(5.0, 1.0)
