"""How releases stand to one another, and which of several is the newest."""

import itertools

import pytest

from release.core.order import Order, newest
from release.core.values import Sha
from tests.support.records import NEWER, OLDER, sha

Pairs = dict[tuple[Sha, Sha], Order]


def _line(letters: str) -> Pairs:
    """The orders within a branch on which each letter follows the one before."""
    return {
        (sha(one), sha(other)): Order.NEWER if one > other else Order.OLDER
        for one, other in itertools.permutations(letters, 2)
    }


@pytest.mark.parametrize("found", list(itertools.permutations("abc")))
def test_newest_of_a_branch_is_its_last_commit(found: tuple[str, ...]) -> None:
    """The order in which releases were found does not matter."""
    assert sha("c") == newest(map(sha, found), _line("abc"))


def test_newest_of_one_release_is_that_release() -> None:
    """Seen on eight tenants, a release is still one."""
    assert sha("a") == newest([sha("a")] * 8, {})


def test_nothing_found_has_no_newest() -> None:
    """An empty fleet tells no release."""
    assert newest([], {}) is None


@pytest.mark.parametrize("order", [Order.DIVERGED, Order.UNKNOWN])
def test_releases_without_an_order_have_no_newest(order: Order) -> None:
    """Where two are diverged, or can't be compared, none of them is called the newest."""
    pairs = {(sha("a"), sha("b")): order, (sha("b"), sha("a")): order}

    assert newest([sha("a"), sha("b")], pairs) is None


def test_merge_is_newer_than_both_of_its_branches() -> None:
    """Ancestry goes over all parents: what was merged is older than the merge."""
    branches = {(sha("a"), sha("b")): Order.DIVERGED, (sha("b"), sha("a")): Order.DIVERGED}
    merge = {(sha("c"), sha(one)): Order.NEWER for one in "ab"}
    back = {(sha(one), sha("c")): Order.OLDER for one in "ab"}

    assert sha("c") == newest(map(sha, "abc"), {**branches, **merge, **back})


def test_incident_2213_has_an_order() -> None:
    """7f25373 follows 7a72516, whichever a tenant was seen on first."""
    pairs = {(NEWER, OLDER): Order.NEWER, (OLDER, NEWER): Order.OLDER}

    assert NEWER == newest([OLDER, NEWER], pairs) == newest([NEWER, OLDER], pairs)
