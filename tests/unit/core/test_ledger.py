"""The values in the record: what a denial denies, how long a pin and an intent last."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from release.core.ledger import PinKind, Record
from release.core.ledger_json import dumps
from release.core.order import Order
from release.core.values import Release
from release.errors import Invalid
from tests.support.records import (
    AT,
    REPOSITORY,
    denial,
    digest,
    holder,
    intent,
    orders,
    past,
    pin,
    record,
    release,
    sha,
    waiting,
)

BAD = denial("a", "c")
"""Newer than a, up to and including c."""

MENDED = denial("a", "c", fixed_in="d")
"""The same range, of which d is the fix."""


@pytest.mark.parametrize(
    ("after", "upto", "is_denied"),
    [
        (Order.NEWER, Order.OLDER, True),
        (Order.NEWER, Order.SAME, True),
        (Order.NEWER, Order.NEWER, False),
        (Order.NEWER, Order.DIVERGED, False),
        (Order.NEWER, Order.UNKNOWN, True),
        (Order.SAME, Order.OLDER, False),
        (Order.OLDER, Order.OLDER, False),
        (Order.DIVERGED, Order.OLDER, False),
        (Order.UNKNOWN, Order.NEWER, True),
        (Order.UNKNOWN, Order.UNKNOWN, True),
    ],
)
def test_range_denies_what_is_newer_than_its_start_up_to_its_end(
    after: Order, upto: Order, *, is_denied: bool
) -> None:
    """The start itself is good, the end is bad, and an unknown order denies."""
    assert is_denied is BAD.denies({sha("a"): after, sha("c"): upto})


@pytest.mark.parametrize(
    ("fix", "is_denied"),
    [
        (Order.SAME, False),
        (Order.NEWER, False),
        (Order.OLDER, True),
        (Order.DIVERGED, True),
        (Order.UNKNOWN, True),
    ],
)
@pytest.mark.parametrize("upto", list(Order))
def test_mended_range_denies_what_does_not_contain_the_fix(
    upto: Order, fix: Order, *, is_denied: bool
) -> None:
    """Once a fix is named, only releases that contain it are good, also beyond the range's end."""
    stands = {sha("a"): Order.NEWER, sha("c"): upto, sha("d"): fix}

    assert is_denied is MENDED.denies(stands)


@pytest.mark.parametrize("after", [Order.SAME, Order.OLDER, Order.DIVERGED])
def test_mended_range_leaves_alone_what_is_not_newer_than_its_start(after: Order) -> None:
    """The fix is asked of releases that may have what is to be mended, of no other."""
    assert not MENDED.denies({sha("a"): after, sha("c"): Order.OLDER, sha("d"): Order.OLDER})


@pytest.mark.parametrize("denied", [BAD, MENDED])
def test_release_of_which_nothing_is_known_is_denied(denied: object) -> None:
    """A forge that can't compare lifts no denial."""
    listed = record(denied=(denied,))

    assert denied == listed.denial({})
    assert denied == listed.denial(orders(newer="a"))


def test_range_of_one_commit_denies_exactly_that() -> None:
    """`newer than a, up to b` with nothing between denies b alone."""
    one = denial("a", "b")

    assert one.denies(orders(newer="a", same="b"))
    assert not one.denies(orders(same="a", older="b"))
    assert not one.denies(orders(newer="ab"))


def test_first_denial_of_several_is_named() -> None:
    """Each range speaks for itself, and the first that denies is told."""
    other = denial("d", "e")
    listed = record(denied=(BAD, other))

    assert BAD == listed.denial(orders(newer="a", same="c", older="de"))
    assert other == listed.denial(orders(newer="acd", older="e"))
    assert listed.denial(orders(newer="acde")) is None
    assert record().denial({}) is None


def test_pin_without_end_stands() -> None:
    """A pin holds until it is lifted."""
    assert pin().is_active(AT + timedelta(days=1000))


def test_pin_with_an_end_stands_up_to_that_instant() -> None:
    """The end itself no longer belongs to the pin, whatever zone it was written in."""
    until = pin(until=AT + timedelta(hours=2))
    tokyo = pin(until=(AT + timedelta(hours=2)).astimezone(timezone(timedelta(hours=9))))

    for one in (until, tokyo):
        assert one.is_active(AT + timedelta(hours=1, minutes=59, seconds=59))
        assert not one.is_active(AT + timedelta(hours=2))


@pytest.mark.parametrize(
    ("bound_s", "waited_s", "remaining_s"),
    [(300, 0, 300), (300, 120.5, 179.5), (300, 300, 0), (300, 301, 0), (0, 0, 0)],
)
def test_intent_remains_for_its_bound_less_what_was_waited(
    bound_s: float, waited_s: float, remaining_s: float
) -> None:
    """What earlier take-overs waited counts; nothing is ever waited for less than not at all."""
    assert remaining_s == intent(1, bound_s=bound_s, waited_s=waited_s).remaining_s


def test_record_names_every_commit_that_a_decision_compares_with() -> None:
    """Mark, holder, next and the three commits of a denial, once each, the mark first."""
    full = record(
        mark=sha("b"),
        holder=holder("b"),
        next=waiting("e"),
        denied=(MENDED, denial("a", "f")),
    )

    assert tuple(map(sha, "beacdf")) == full.shas()
    assert record().shas() == ()


def test_release_is_found_by_its_digest_the_newest_first() -> None:
    """Whoever holds or waits comes before the past, and the past is searched from its end."""
    rebuilt = Release(sha=sha("b"), tag="staging-b", images=release("a").images)
    older = record(past=(past(letter="a"), replace(past(), release=rebuilt)))

    assert sha("b") == older.release_of(REPOSITORY, digest("a"))
    assert sha("a") == replace(older, holder=holder("a")).release_of(REPOSITORY, digest("a"))
    assert sha("c") == replace(older, next=waiting("c")).release_of(REPOSITORY, digest("c"))


def test_digest_that_the_record_never_saw_has_no_release() -> None:
    """A digest counts in its own repository alone; nothing is guessed."""
    known = record(past=(past(letter="a"),))

    assert known.release_of(REPOSITORY, digest("b")) is None
    assert known.release_of("acme/web", digest("a")) is None


@pytest.mark.parametrize(
    "broken",
    [
        record(holder=replace(holder("a"), lease_s=float("nan"))),
        record(holder=replace(holder("a"), lease_s=float("inf"))),
        record(holder=replace(holder("a"), lease_s=2**53 + 1)),
        record(pin=replace(pin(), at=datetime(2026, 1, 2, 3, 4))),  # noqa: DTZ001 - the fault
    ],
)
def test_record_that_would_be_read_back_as_another_is_not_written(broken: Record) -> None:
    """What a store could not give back as it was would lock every later job out."""
    with pytest.raises(Invalid, match="record"):
        dumps(broken)


@pytest.mark.parametrize("kind", list(PinKind))
def test_every_kind_of_pin_stands_alike(kind: PinKind) -> None:
    """Which verb set a pin does not change how long it stands."""
    assert pin(kind, until=AT).is_active(AT - timedelta(seconds=1))
    assert not pin(kind, until=AT).is_active(AT)
