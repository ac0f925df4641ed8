"""What holds a release before its first effect: a pin, and the deny-list."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from freezegun import freeze_time

from release.core.claim import decide_claim, find_denial, find_hold
from release.core.decisions import ClaimDecision, Held, Impossible, Proceed
from release.core.ledger import PinKind, Record
from release.core.order import Order, Orders
from release.core.policy import OnNewer
from tests.support.records import AT, denial, holder, job, orders, pin, record, sha

BAD = denial("a", "c")
DENIED = Held(reason="denied (newer than aaaaaaa, up to ccccccc): loses data")


def decide(found: Record, stands: Orders, *, is_by_hand: bool = False) -> ClaimDecision:
    """What a job decides at noon."""
    return decide_claim(
        found, stands, job=job("9"), on_newer=OnNewer.YIELD, utc=AT, is_by_hand=is_by_hand
    )


@pytest.mark.parametrize("kind", list(PinKind))
def test_pin_holds_automatic_deploys_and_says_whose_it_is(kind: PinKind) -> None:
    """Whichever verb set the pin, the reason names who, which verb and why."""
    found = record(mark=sha("a"), pin=pin(kind))

    expected = Held(reason=f"pinned by ada ({kind}): holidays")

    assert expected == find_hold(found, orders(newer="a"), AT)
    assert expected == decide(found, orders(newer="a"))


def test_pin_holds_before_the_mark_is_asked() -> None:
    """While a rollback's pin stands, an older job is held like a newer one."""
    found = record(mark=sha("c"), pin=pin(PinKind.ROLLBACK), holder=holder("c"))

    assert decide(found, orders(older="c")) == Held(reason="pinned by ada (rollback): holidays")


@pytest.mark.parametrize(
    ("now", "is_held"),
    [("2026-03-29 00:59:59", True), ("2026-03-29 01:00", False), ("2026-03-29 03:00", False)],
)
def test_pin_ends_at_its_instant_over_a_change_of_summer_time(now: str, *, is_held: bool) -> None:
    """An end at 03:00 in Berlin, when the clocks go from 02:00 to 03:00, is 01:00 UTC."""
    berlin = timezone(timedelta(hours=2))
    found = record(pin=pin(until=datetime(2026, 3, 29, 3, 0, tzinfo=berlin)))

    with freeze_time(now):
        held = find_hold(found, {}, datetime.now(UTC))

    expected = Held(reason="pinned by ada until 2026-03-29 01:00 UTC (pin): holidays")
    assert held == (expected if is_held else None)


def test_pin_that_has_ended_still_leaves_the_deny_list() -> None:
    """A denial has no end of its own."""
    found = record(pin=pin(until=AT), denied=(BAD,))

    assert DENIED == find_hold(found, orders(newer="a", same="c"), AT)


def test_denied_release_is_held_and_told_its_range() -> None:
    """The reason names the range and why it is denied."""
    found = record(mark=sha("a"), denied=(BAD,))

    assert DENIED == decide(found, orders(newer="a", older="c"))


def test_release_beyond_the_denied_range_goes_on() -> None:
    """Without a named fix, what is newer than the whole range is not denied."""
    found = record(mark=sha("a"), denied=(BAD,))

    assert decide(found, orders(newer="ac")) == Proceed()


@pytest.mark.parametrize("missing", ["a", "c"])
def test_release_whose_order_to_a_denied_range_is_unknown_is_impossible(missing: str) -> None:
    """A forge that can't compare lifts no denial, and the job fails instead of looking held."""
    found = record(denied=(BAD,))
    stands = {sha("a"): Order.NEWER, sha("c"): Order.OLDER, sha(missing): Order.UNKNOWN}

    assert Impossible(order=Order.UNKNOWN, mark=sha(missing)) == decide(found, stands)


def test_person_is_not_held_by_a_pin() -> None:
    """A pin holds automatic deploys; whoever set it may still act by hand."""
    found = record(mark=sha("a"), pin=pin())

    assert decide(found, orders(newer="a"), is_by_hand=True) == Proceed()


def test_person_is_held_by_the_deny_list() -> None:
    """A denied release is not deployed by hand either; only a rollback takes it off the list."""
    found = record(mark=sha("a"), pin=pin(), denied=(BAD,))

    assert DENIED == decide(found, orders(newer="a", same="c"), is_by_hand=True)


def test_nothing_holds_where_there_is_neither_pin_nor_denial() -> None:
    """An empty record holds nobody."""
    assert find_hold(record(), {}, AT) is None
    assert find_denial(record(), {}) is None


def test_denial_alone_is_found_under_a_pin() -> None:
    """Whoever asks for the deny-list alone is not told of the pin."""
    found = record(pin=pin(), denied=(BAD,))

    assert DENIED == find_denial(found, orders(newer="a", same="c"))
    assert find_denial(replace(found, denied=()), orders(newer="a", same="c")) is None
