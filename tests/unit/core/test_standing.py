"""Where a lost swap leaves the job that held the record (sentence 5)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from release.core.decisions import (
    ClaimAgain,
    Held,
    Overtaken,
    Standing,
    StillOurs,
    Stopped,
)
from release.core.ledger import Holder, PinKind, Record
from release.core.order import Order, Orders
from release.core.standing import decide_standing
from release.core.transitions import (
    acknowledge,
    claim,
    enter,
    finish,
    open_intent,
    queue,
    raise_mark,
    release_hold,
    set_epoch,
    stamp,
    steal,
)
from tests.support.records import (
    AT,
    NEWER,
    OLDER,
    denial,
    holder,
    intent,
    job,
    orders,
    past,
    pin,
    record,
    release,
    sha,
    waiting,
)

OURS = job("1")
BEFORE = record(epoch=4, mark=sha("b"), holder=holder("b"), intents=(intent(1),))
STANDS = orders(same="b", older="c", newer="a")
SET_BACK = ClaimAgain(reason="the record was set back, or lost and created anew")


def decide(
    found: Record,
    stands: Orders = STANDS,
    *,
    before: Record = BEFORE,
    has_touched: bool = True,
) -> Standing:
    """How our job of release b stands, that has had an effect unless told otherwise."""
    return decide_standing(found, before, stands, job=OURS, has_touched=has_touched, utc=AT)


@pytest.mark.parametrize(
    "found",
    [
        BEFORE,
        stamp(BEFORE, job("8"), 3),
        queue(BEFORE, job=job("2"), release=release("c"), lease_s=60.0),
        open_intent(BEFORE, intent(2)),
        acknowledge(BEFORE, OURS, [1]),
        enter(BEFORE, BEFORE.holder.phase) if BEFORE.holder else BEFORE,
        set_epoch(BEFORE, 9),
        replace(BEFORE, past=(past("7"),)),
    ],
)
@pytest.mark.parametrize("has_touched", [True, False])
def test_record_is_ours_whatever_else_was_written(found: Record, *, has_touched: bool) -> None:
    """Holder, mark, pin and deny-list decide; a waiting job or an acknowledgement takes nothing."""
    assert decide(found, has_touched=has_touched) == StillOurs()


def test_regression_older_job_of_incident_2213_is_overtaken_by_the_newer_claim() -> None:
    """7f25373 claims while 7a72516 soaks its canary: the older job ends superseded by it."""
    before = record(epoch=1, mark=OLDER, holder=holder("a"))
    found = claim(before, job=job("275427"), release=replace(release("c"), sha=NEWER), lease_s=60.0)

    standing = decide(found, {NEWER: Order.OLDER}, before=before)

    assert standing == Overtaken(by=NEWER, seen="in the ledger")


@pytest.mark.parametrize("has_touched", [True, False])
def test_newer_release_that_claimed_overtakes(*, has_touched: bool) -> None:
    """Superseded is the word with and without an effect before."""
    found = claim(BEFORE, job=job("2"), release=release("c"), lease_s=60.0)

    assert decide(found, has_touched=has_touched) == Overtaken(by=sha("c"), seen="in the ledger")


def test_newer_release_that_claimed_and_finished_overtakes() -> None:
    """The mark stays when the newer job has let go."""
    found = finish(claim(BEFORE, job=job("2"), release=release("c"), lease_s=60.0), past("2", "c"))

    assert found.holder is None
    assert decide(found) == Overtaken(by=sha("c"), seen="in the ledger")


def test_mark_that_was_raised_under_us_overtakes() -> None:
    """Still ours but the mark is newer: another job saw a newer release at a tenant."""
    found = raise_mark(BEFORE, sha("c"))

    assert decide(found) == Overtaken(by=sha("c"), seen="in the ledger")


def test_other_attempt_of_the_same_release_that_claimed_sends_us_back_to_the_claim() -> None:
    """We claim again, which waits for it and then verifies."""
    found = claim(BEFORE, job=job("1", attempt=2), release=release("b"), lease_s=60.0)

    assert decide(found) == ClaimAgain(reason="job 1#2-n has claimed the same release")


def test_process_with_another_nonce_is_another_job() -> None:
    """A run that was cloned by hand does not pass for us."""
    found = claim(BEFORE, job=job("1", nonce="clone"), release=release("b"), lease_s=60.0)

    assert decide(found) == ClaimAgain(reason="job 1#1-clone has claimed the same release")


def test_lease_that_ran_out_and_was_taken_by_nobody_sends_us_back_to_the_claim() -> None:
    """A holder that was cleared, with the mark still ours, is no reason to stop."""
    found = release_hold(BEFORE, OURS)

    standing = decide(found)

    assert standing == ClaimAgain(reason="our lease ran out and nobody took the record")


@pytest.mark.parametrize("order", [order for order in Order if order is not Order.OLDER])
@pytest.mark.parametrize("party", [holder("b"), holder("b", "2"), holder("a", "3"), None])
def test_record_whose_epoch_went_back_is_claimed_again(order: Order, party: Holder | None) -> None:
    """A restored backup, or a record that another job created anew, proves nothing against us.

    Nor does it give us a right to its old epoch, also when it names us: the claim decides.
    """
    found = replace(BEFORE, epoch=3, mark=sha("e"), holder=party)

    assert decide(found, {**STANDS, sha("e"): order}) == SET_BACK


def test_record_whose_epoch_went_back_overtakes_by_a_newer_mark() -> None:
    """A newer release in the ledger is named, however it came there."""
    found = replace(BEFORE, epoch=0, mark=sha("c"), holder=None)

    assert decide(found) == Overtaken(by=sha("c"), seen="in the ledger")


def test_record_that_was_created_anew_without_a_mark_is_claimed_again() -> None:
    """A lost record that was created while no tenant told a release names nobody."""
    assert decide(record(epoch=0)) == SET_BACK


@pytest.mark.parametrize("order", [Order.NEWER, Order.DIVERGED, Order.UNKNOWN])
@pytest.mark.parametrize("party", [holder("b"), holder("a", "2"), None])
def test_mark_that_is_not_ours_and_not_newer_stops(order: Order, party: Holder | None) -> None:
    """A hand moved it, or nobody can tell: that is never called superseded."""
    found = replace(BEFORE, mark=sha("e"), holder=party)

    standing = decide(found, {**STANDS, sha("e"): order})

    assert standing == Stopped(reason=f"ours is {order} to the mark, which is now {sha('e')}")


def test_mark_that_was_not_compared_is_not_taken_for_ours() -> None:
    """An order that is missing counts as unknown."""
    assert isinstance(decide(BEFORE, {}), Stopped)


@pytest.mark.parametrize("kind", [PinKind.PIN, PinKind.ROLLBACK])
def test_pin_holds_before_the_first_effect_and_stops_after_it(kind: PinKind) -> None:
    """`held` is said only while nothing was touched."""
    found = replace(BEFORE, pin=pin(kind))
    reason = f"pinned by ada ({kind}): holidays"

    assert decide(found, has_touched=False) == Held(reason=reason)
    assert decide(found, has_touched=True) == Stopped(reason=reason)


def test_rollback_to_an_older_release_stops_instead_of_superseding() -> None:
    """Its pin is seen before its mark, its epoch and its holder."""
    found = replace(
        claim(BEFORE, job=job("2"), release=release("a"), lease_s=60.0),
        pin=pin(PinKind.ROLLBACK),
        denied=(denial("a", "b"),),
    )

    assert decide(found) == Stopped(reason="pinned by ada (rollback): holidays")


@pytest.mark.parametrize("has_touched", [True, False])
def test_stolen_record_stops_with_and_without_an_effect(*, has_touched: bool) -> None:
    """`unlock` takes the record from its holder, which ends stopped and not held."""
    found = steal(BEFORE, pin(PinKind.UNLOCK), past("hand", word="unlocked"))

    standing = decide(found, has_touched=has_touched)

    assert standing == Stopped(reason="pinned by ada (unlock): holidays")


@pytest.mark.parametrize("has_touched", [True, False])
def test_denial_that_came_under_way_holds_or_stops(*, has_touched: bool) -> None:
    """The deny-list is looked at on the record that is there now."""
    found = replace(BEFORE, denied=(denial("a", "b"),))
    reason = "denied (newer than aaaaaaa, up to bbbbbbb): loses data"

    expected = Stopped(reason=reason) if has_touched else Held(reason=reason)

    assert expected == decide(found, has_touched=has_touched)


@pytest.mark.parametrize(
    "found",
    [
        replace(BEFORE, pin=pin(until=AT)),
        replace(BEFORE, pin=pin(until=AT - timedelta(days=1))),
        replace(BEFORE, denied=(denial("b", "c"),)),
    ],
)
def test_change_that_does_not_concern_us_leaves_the_record_ours(found: Record) -> None:
    """A pin that has ended and a denial of other releases hold nobody."""
    assert decide(found) == StillOurs()


def test_record_without_a_mark_overtakes_nobody() -> None:
    """While no release is known to be newer, the holder decides."""
    assert decide(replace(BEFORE, mark=None)) == StillOurs()


def test_pin_that_stood_when_we_claimed_is_no_news() -> None:
    """A person's job claims under a pin, and a lost swap does not stop it for that pin."""
    before = replace(BEFORE, pin=pin())

    assert decide(stamp(before, job("8"), 1), before=before) == StillOurs()
    assert decide(replace(before, pin=None), before=before) == StillOurs()


def test_waiting_job_of_a_newer_release_does_not_overtake() -> None:
    """Under `finish` the one that is next waits for us."""
    assert decide(replace(BEFORE, next=waiting("c"))) == StillOurs()
