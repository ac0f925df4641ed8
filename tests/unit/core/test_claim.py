"""What a job that wants to claim does about the record that it would swap (sentence 3)."""

from dataclasses import replace
from typing import Any

import pytest

from release.core.claim import decide_claim
from release.core.decisions import (
    Await,
    ClaimDecision,
    Impossible,
    Overtaken,
    Proceed,
    Queue,
)
from release.core.ledger import Holder, Next, Record
from release.core.order import Order, Orders
from release.core.policy import OnNewer
from release.core.values import Release, Sha
from tests.support.records import (
    AT,
    NEWER,
    OLDER,
    holder,
    job,
    orders,
    record,
    sha,
    waiting,
)

OURS = job("9")
YIELD, FINISH = OnNewer.YIELD, OnNewer.FINISH

HOLDERS = [None, holder("b", "1"), holder("a", "2"), holder("b", "9")]
NEXTS = [None, waiting("b", "3"), waiting("c", "9")]


def decide(found: Record, stands: Orders, **facts: Any) -> ClaimDecision:  # noqa: ANN401 - any fact
    """What our job decides at noon, under `yield` unless told otherwise."""
    given = {"job": OURS, "on_newer": YIELD, "utc": AT, **facts}
    return decide_claim(found, stands, **given)


def of_incident(commit: Sha) -> Release:
    """The release of one of the two commits of incident 2213."""
    return Release(sha=commit, tag=f"staging-{commit.short}")


def test_regression_older_job_of_incident_2213_is_overtaken_by_the_mark() -> None:
    """7a72516 finds the mark on 7f25373: it ends superseded by it, without any effect."""
    found = record(mark=NEWER, holder=replace(holder("b", "275427"), release=of_incident(NEWER)))

    decision = decide(found, {NEWER: Order.OLDER}, job=job("275383"))

    assert decision == Overtaken(by=NEWER, seen="in the ledger")


def test_regression_newest_job_of_incident_2213_proceeds() -> None:
    """7f25373 finds the mark on 7a72516, whose job still holds the record: it claims at once."""
    found = record(mark=OLDER, holder=replace(holder("a", "275383"), release=of_incident(OLDER)))

    assert decide(found, {OLDER: Order.NEWER}, job=job("275427")) == Proceed()


def test_regression_older_job_of_incident_2213_stays_overtaken_when_the_newer_has_finished() -> (
    None
):
    """The mark outlives its holder, so a late start or a re-run of 7a72516 moves nothing back."""
    assert decide(record(mark=NEWER), {NEWER: Order.OLDER}, job=job("275383", attempt=2)) == (
        Overtaken(by=NEWER, seen="in the ledger")
    )


@pytest.mark.parametrize("party", HOLDERS)
@pytest.mark.parametrize("after", NEXTS)
@pytest.mark.parametrize("on_newer", list(OnNewer))
@pytest.mark.parametrize("flag", ["has_run_out", "is_by_hand", "neither"])
def test_older_than_the_mark_is_overtaken_whoever_holds_the_record(
    party: Holder | None, after: Next | None, on_newer: OnNewer, flag: str
) -> None:
    """No lease, policy or hand makes a claim out of it, so epoch order is commit order."""
    found = record(mark=sha("c"), holder=party, next=after)
    stands = orders(older="c", same="b", newer="a")

    decision = decide(found, stands, on_newer=on_newer, **({} if flag == "neither" else {flag: 1}))

    assert decision == Overtaken(by=sha("c"), seen="in the ledger")


@pytest.mark.parametrize("order", [Order.DIVERGED, Order.UNKNOWN])
@pytest.mark.parametrize("party", HOLDERS)
@pytest.mark.parametrize("has_run_out", [True, False])
def test_mark_without_an_order_allows_no_claim(
    order: Order, party: Holder | None, *, has_run_out: bool
) -> None:
    """After a force-push, or with a forge that can't compare, a job fails loudly."""
    found = record(mark=sha("c"), holder=party)

    decision = decide(found, {sha("c"): order}, has_run_out=has_run_out)

    assert decision == Impossible(order=order, mark=sha("c"))


def test_mark_that_was_not_compared_counts_as_unknown() -> None:
    """What is missing from the answers is not taken for older or newer."""
    assert decide(record(mark=sha("c")), {}) == Impossible(order=Order.UNKNOWN, mark=sha("c"))


@pytest.mark.parametrize("letter", ["b", "c"])
@pytest.mark.parametrize("on_newer", list(OnNewer))
def test_free_record_with_same_or_older_mark_is_claimed(letter: str, on_newer: OnNewer) -> None:
    """Nobody holds it: a newer release goes on, and so does a re-run of the same."""
    found = record(mark=sha(letter))

    assert decide(found, orders(newer="b", same="c"), on_newer=on_newer) == Proceed()


def test_record_without_a_mark_is_claimed() -> None:
    """No tenant has ever told a release: whatever comes is the first."""
    assert decide(record(), {}) == Proceed()


@pytest.mark.parametrize("on_newer", list(OnNewer))
def test_same_release_waits_for_the_live_lease_of_another_attempt(on_newer: OnNewer) -> None:
    """Two jobs of one release do not deploy it at once; the later one then verifies."""
    found = record(mark=sha("c"), holder=holder("c", "1"))

    assert decide(found, orders(same="c"), on_newer=on_newer) == Await(holder=holder("c", "1"))


@pytest.mark.parametrize("on_newer", list(OnNewer))
@pytest.mark.parametrize("is_by_hand", [True, False])
@pytest.mark.parametrize("letter", ["b", "c"])
def test_lease_that_ran_out_holds_nobody(
    on_newer: OnNewer, letter: str, *, is_by_hand: bool
) -> None:
    """A holder that fell silent is taken over, by the same release as by a newer one."""
    found = record(mark=sha(letter), holder=holder(letter, "1"))

    decision = decide(
        found,
        orders(newer="b", same="c"),
        on_newer=on_newer,
        is_by_hand=is_by_hand,
        has_run_out=True,
    )

    assert decision == Proceed()


@pytest.mark.parametrize("on_newer", list(OnNewer))
@pytest.mark.parametrize("is_by_hand", [True, False])
def test_step_of_the_attempt_that_holds_the_record_does_not_wait(
    on_newer: OnNewer, *, is_by_hand: bool
) -> None:
    """Separate CI steps claim under one run id, which is neither a duplicate nor a wait."""
    found = record(mark=sha("c"), holder=replace(holder("c"), job=job("9", nonce="earlier")))

    decision = decide(found, orders(same="c"), on_newer=on_newer, is_by_hand=is_by_hand)

    assert decision == Proceed()


@pytest.mark.parametrize("stands", [orders(newer="b"), {sha("b"): Order.UNKNOWN}, {}])
def test_newer_release_under_yield_never_waits_for_a_lease(stands: Orders) -> None:
    """It takes the record at once, and waits for open intents only."""
    found = record(mark=sha("a"), holder=holder("b", "1"))

    assert decide(found, {**stands, sha("a"): Order.NEWER}) == Proceed()


def test_newer_release_under_finish_waits_as_next() -> None:
    """The older one finishes first; whoever waits has no epoch yet."""
    found = record(mark=sha("b"), holder=holder("b", "1"))

    decision = decide(found, orders(newer="b"), on_newer=FINISH)

    assert decision == Queue(holder=holder("b", "1"))


@pytest.mark.parametrize("letter", ["b", "c"])
def test_person_waits_for_any_lease_that_lives(letter: str) -> None:
    """Hand verbs are refused while a lease lives, also one of an older release."""
    found = record(mark=sha(letter), holder=holder(letter, "1"))

    decision = decide(found, orders(newer="b", same="c"), is_by_hand=True)

    assert decision == Await(holder=holder(letter, "1"))


def test_arrival_older_than_next_is_overtaken() -> None:
    """Under `finish` the one that waits is already newer: nobody older queues behind it."""
    found = record(mark=sha("a"), holder=holder("a", "1"), next=waiting("c", "2"))

    decision = decide(found, orders(newer="a", older="c"), on_newer=FINISH)

    assert decision == Overtaken(by=sha("c"), seen="in the ledger, as next")


@pytest.mark.parametrize("on_newer", list(OnNewer))
def test_arrival_older_than_next_is_overtaken_also_when_nobody_holds(on_newer: OnNewer) -> None:
    """Between the end of the holder and the claim of `next` nobody older slips in."""
    found = record(mark=sha("a"), next=waiting("c", "2"))

    decision = decide(found, orders(newer="a", older="c"), on_newer=on_newer)

    assert decision == Overtaken(by=sha("c"), seen="in the ledger, as next")


def test_arrival_newer_than_next_takes_its_place() -> None:
    """One newer job waits at a time, the newest."""
    found = record(mark=sha("a"), holder=holder("a", "1"), next=waiting("b", "2"))

    decision = decide(found, orders(newer="ab"), on_newer=FINISH)

    assert decision == Queue(holder=holder("a", "1"))


def test_job_that_is_next_writes_itself_again() -> None:
    """`next` renews as a holder does, and a step of its attempt takes its place over."""
    found = record(mark=sha("a"), holder=holder("a", "1"), next=waiting("c", "9"))

    decision = decide(found, orders(newer="a", same="c"), on_newer=FINISH)

    assert decision == Queue(holder=holder("a", "1"))


def test_second_attempt_of_the_release_that_is_next_waits_without_the_place() -> None:
    """Two attempts of one release would put each other out of the place for ever."""
    found = record(mark=sha("a"), holder=holder("a", "1"), next=waiting("c", "2"))
    stands = orders(newer="a", same="c")

    assert decide(found, stands, on_newer=FINISH) == Await(holder=holder("a", "1"))
    assert decide(replace(found, holder=None), stands, on_newer=FINISH) == Proceed()
    assert decide(found, stands, on_newer=YIELD) == Proceed()
