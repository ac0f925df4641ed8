"""Rollback: who may take the record for one, and what the record holds after it."""

import pytest

from release.core.decisions import Await, Impossible, Proceed
from release.core.ledger import PAST_MAX, PinKind
from release.core.order import Order
from release.core.rollback import RollbackOrder, accept_rewrite, decide_rollback, roll_back
from tests.support.records import (
    AT,
    denial,
    holder,
    intent,
    job,
    orders,
    past,
    record,
    release,
    sha,
)

ORDER = RollbackOrder(reason="checkout is broken", by="ada")
STEALING = RollbackOrder(reason="checkout is broken", by="ada", is_stealing=True)


@pytest.mark.parametrize("stands", ["newer", "diverged", "unknown"])
def test_target_that_is_not_older_than_the_mark_is_impossible(stands: str) -> None:
    """Forward goes deploy; what can't be ordered goes nowhere."""
    decision = decide_rollback(
        record(mark=sha("b")), orders(**{stands: "b"}), job=job(), order=ORDER, has_run_out=False
    )

    assert Impossible(order=Order(stands), mark=sha("b")) == decision


@pytest.mark.parametrize("stands", ["older", "same"])
def test_target_up_to_the_mark_proceeds_when_nobody_holds_the_record(stands: str) -> None:
    """A rollback to the mark itself rolls the present release again."""
    decision = decide_rollback(
        record(mark=sha("b")), orders(**{stands: "b"}), job=job(), order=ORDER, has_run_out=False
    )

    assert Proceed() == decision


def test_record_without_a_mark_can_be_rolled_back() -> None:
    """Nothing is known to be newer than the target."""
    decision = decide_rollback(record(mark=None), {}, job=job(), order=ORDER, has_run_out=False)

    assert Proceed() == decision


@pytest.mark.parametrize(
    ("order", "has_run_out", "run", "expected"),
    [
        (ORDER, False, "2", Await(holder=holder("b"))),
        (ORDER, True, "2", Proceed()),
        (STEALING, False, "2", Proceed()),
        (ORDER, False, "1", Proceed()),
    ],
    ids=["lives", "ran out", "stolen", "own attempt"],
)
def test_holder_is_waited_for_unless_it_is_dead_stolen_from_or_ours(
    order: RollbackOrder, *, has_run_out: bool, run: str, expected: Await | Proceed
) -> None:
    """A rollback is refused while a lease lives, which the claim finds out by watching it."""
    held = record(mark=sha("b"), holder=holder("b"))

    decision = decide_rollback(
        held, orders(older="b"), job=job(run), order=order, has_run_out=has_run_out
    )

    assert expected == decision


def test_rollback_takes_epoch_mark_denial_and_pin_in_one() -> None:
    """Everything newer than the target up to the old mark is denied; open intents stay."""
    before = record(mark=sha("b"), epoch=4, intents=(intent(1),))

    after = roll_back(
        before,
        job=job("9"),
        release=release("a"),
        lease_s=60.0,
        order=ORDER,
        orders=orders(older="b"),
        at=AT,
    )

    assert (5, sha("a"), job("9")) == (after.epoch, after.mark, after.holder and after.holder.job)
    assert [(sha("a"), sha("b"))] == [(one.after, one.upto) for one in after.denied]
    assert after.pin is not None
    assert (PinKind.ROLLBACK, "ada") == (after.pin.kind, after.pin.by)
    assert (intent(1),) == after.intents


def test_rollback_takes_its_target_off_the_deny_list_and_keeps_other_denials() -> None:
    """What a person rolls back to is no longer denied; a range that it is not in stays."""
    covering, other = denial("a", "c"), denial("c", "d")
    before = record(mark=sha("d"), denied=(covering, other))

    after = roll_back(
        before,
        job=job("9"),
        release=release("b"),
        lease_s=60.0,
        order=ORDER,
        orders=orders(newer="a", older="cd"),
        at=AT,
    )

    assert covering not in after.denied
    assert other in after.denied


def test_rollback_to_the_mark_itself_denies_nothing() -> None:
    """Nothing is newer than the target, so there is no range."""
    after = roll_back(
        record(mark=sha("b")),
        job=job("9"),
        release=release("b"),
        lease_s=60.0,
        order=ORDER,
        orders=orders(same="b"),
        at=AT,
    )

    assert () == after.denied


def test_accepted_rewrite_moves_the_mark_and_abandons_what_the_record_knew() -> None:
    """The old mark and the old outcomes count as older from now on; the new mark does not."""
    before = record(mark=sha("b"), past=(past("a"), past("c")))

    after = accept_rewrite(before, sha=sha("c"), past=past("c"))

    assert sha("c") == after.mark
    assert (sha("b"), sha("a")) == after.abandoned
    assert 3 == len(after.past)


def test_record_remembers_a_bounded_number_of_abandoned_releases() -> None:
    """The record stays small, however often a branch is rewritten."""
    many = tuple(sha(letter) for letter in "0123456789abcdef") * 10

    after = accept_rewrite(record(mark=sha("b"), abandoned=many), sha=sha("c"), past=past("c"))

    assert PAST_MAX >= len(after.abandoned)
    assert PAST_MAX >= len(after.past)
