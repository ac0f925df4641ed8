"""Who goes first and who goes together, and which scope is never built."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from release.core.plan import Batch, plan_batches, select_only
from release.core.policy import Policy
from release.core.values import Tenant
from release.errors import Invalid


def tenants(slugs: str) -> tuple[Tenant, ...]:
    """Tenants by slug: `tenants("acme globex")`."""
    return tuple(map(Tenant, slugs.split()))


FLEET = tenants("a b c d e f g h")


def plan(
    on_target: str = "", *, canary: str = "", batch_size: int = 3, fleet: tuple[Tenant, ...] = FLEET
) -> list[str]:
    """The batches as texts, such as `canary: a`."""
    policy = Policy(canary=tenants(canary), batch_size=batch_size)
    batches = plan_batches(fleet, tenants(on_target), policy)
    return [f"{one.name}: {' '.join(map(str, one.tenants))}" for one in batches]


def test_first_candidate_is_the_canary_where_none_is_named() -> None:
    """Then batches of three in the fleet's own order, the last one as it comes."""
    assert plan() == ["canary: a", "batch-1: b c d", "batch-2: e f g", "batch-3: h"]


def test_named_canaries_go_first_and_together() -> None:
    """In the order of the configuration, once each, and out of the later batches."""
    expected = ["canary: h c", "batch-1: a b d", "batch-2: e f g"]

    assert expected == plan(canary="h c")
    assert expected == plan(canary="h c h")


def test_only_the_first_batch_is_the_canary() -> None:
    """The canary soaks, the others don't."""
    first, *later = plan_batches(FLEET, (), Policy())

    assert first == Batch(name="canary", tenants=tenants("a"), is_canary=True)
    assert not any(batch.is_canary for batch in later)


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(1, [1] * 8), (2, [1, 2, 2, 2, 1]), (7, [1, 7]), (100, [1, 7])]
)
def test_batches_are_as_large_as_configured(batch_size: int, sizes: list[int]) -> None:
    """The canary apart, every batch but the last is full."""
    assert sizes == [
        len(batch.tenants) for batch in plan_batches(FLEET, (), Policy(batch_size=batch_size))
    ]


def test_tenants_on_target_are_left_out() -> None:
    """What is right already is not rolled, and does not make a batch smaller."""
    assert plan("b d h") == ["canary: a", "batch-1: c e f", "batch-2: g"]


def test_canary_on_target_is_left_out_and_nobody_takes_its_place() -> None:
    """It proves the release already, so the batches follow at once."""
    assert plan("a") == ["batch-1: b c d", "batch-2: e f g", "batch-3: h"]
    assert plan("c", canary="c d")[0] == "canary: d"


def test_fleet_on_target_has_no_batches() -> None:
    """Nothing is to be done, and no empty scope is built, which a fleet could take for all."""
    assert plan("a b c d e f g h") == []
    assert plan(fleet=()) == []


@pytest.mark.parametrize("on_target", ["", "a b c d e f g h"])
def test_canary_that_the_fleet_does_not_list_is_refused(on_target: str) -> None:
    """A misspelt canary is never left out in silence; the message names it and what is there."""
    with pytest.raises(
        Invalid, match=r"^hongmin: the canary is not among .*seen: a, b, c, d, e, f, g, h\)"
    ):
        plan(on_target, canary="a hongmin")


def test_canary_is_refused_in_an_empty_fleet() -> None:
    """A list without candidates is not "nothing to do" where a canary is expected."""
    with pytest.raises(Invalid, match="the canary is not among"):
        plan(canary="a", fleet=())


def test_message_shows_only_so_many_of_a_large_fleet() -> None:
    """Ten thousand tenants do not flood the log."""
    fleet = tuple(Tenant(f"t{number}") for number in range(10_000))

    with pytest.raises(Invalid, match=r"seen: t0, t1, t2, t3, t4, t5, t6, t7 and 9992 more\)"):
        plan(canary="a", fleet=fleet)


def test_only_narrows_the_fleet_in_its_own_order() -> None:
    """The order of the words does not matter."""
    assert tenants("b g") == select_only(FLEET, tenants("g b"))


def test_no_filter_means_all() -> None:
    """An empty `only` is no filter."""
    assert FLEET == select_only(FLEET, ())


@pytest.mark.parametrize("only", ["x", "a x", "x y"])
def test_filter_that_finds_nothing_is_refused(only: str) -> None:
    """A name that is not there never becomes an empty scope, nor is it left out."""
    with pytest.raises(Invalid, match=r"x.*: not among the fleet's candidates.*no tenant was t"):
        select_only(FLEET, tenants(only))


@settings(deadline=None)
@given(
    size=st.integers(0, 40),
    on_target=st.sets(st.integers(0, 39)),
    batch_size=st.integers(1, 9),
    canaries=st.integers(0, 3),
)
def test_every_tenant_off_target_is_in_exactly_one_batch(
    size: int, on_target: set[int], batch_size: int, canaries: int
) -> None:
    """Nobody is forgotten, nobody is rolled twice, and no batch is empty."""
    fleet = tuple(Tenant(f"t{number}") for number in range(size))
    right = frozenset(tenant for number, tenant in enumerate(fleet) if number in on_target)
    policy = Policy(batch_size=batch_size, canary=fleet[:canaries])

    batches = plan_batches(fleet, right, policy)

    rolled = [tenant for batch in batches for tenant in batch.tenants]
    assert sorted(rolled, key=str) == sorted(set(fleet) - right, key=str)
    assert all(batch.tenants for batch in batches)
