"""How parts are judged, and which word they come to over all."""

from dataclasses import replace

import pytest

from release.core.convergence import (
    Convergence,
    ConvergenceReport,
    Part,
    judge_part,
    merge_sights,
)
from release.core.order import Order
from release.core.sighting import Observation
from release.core.values import Tenant
from tests.support.records import sha

ACME = Tenant("acme")
C, H, B, D, U = (Convergence(word) for word in Convergence)


def of(
    *states: Convergence, held_by: tuple[str, ...] = (), doubts: tuple[str, ...] = ()
) -> ConvergenceReport:
    """A report on parts in these states."""
    parts = tuple(
        Part(name=f"tenant t{number}", state=state) for number, state in enumerate(states, start=1)
    )
    return ConvergenceReport(
        environment="production",
        target=sha("b"),
        mark=sha("a"),
        head=sha("b"),
        parts=parts,
        held_by=held_by,
        doubts=doubts,
    )


@pytest.mark.parametrize(
    ("order", "is_abandoned", "expected"),
    [
        (Order.SAME, False, C),
        (Order.OLDER, False, B),
        (Order.NEWER, False, D),
        (Order.DIVERGED, False, D),
        (Order.UNKNOWN, False, U),
        (Order.DIVERGED, True, B),
        (Order.UNKNOWN, True, B),
        (Order.NEWER, True, D),
    ],
)
def test_part_is_judged_by_how_its_release_stands_to_the_target(
    order: Order, *, is_abandoned: bool, expected: Convergence
) -> None:
    """Only what a deploy of the target would move is behind."""
    part = judge_part("tenant acme", sha("a"), order, is_abandoned=is_abandoned)

    assert (expected, sha("a")) == (part.state, part.seen)


@pytest.mark.parametrize(
    ("states", "held_by", "doubts", "expected"),
    [
        ((C, C), (), (), C),
        ((C, B), (), (), B),
        ((C, U), (), (), U),
        ((C, C), (), ("head",), U),
        ((B, U), (), (), B),
        ((B, U, D), (), (), D),
        ((C, C), ("pin",), (), H),
        ((C, B), ("pin",), (), H),
        ((B, U), ("pin",), (), U),
        ((B, C), ("pin",), ("head",), U),
        ((B, D), ("pin",), (), D),
    ],
)
def test_word_over_all_is_the_worst_that_is_certain(
    states: tuple[Convergence, ...],
    held_by: tuple[str, ...],
    doubts: tuple[str, ...],
    expected: Convergence,
) -> None:
    """A hold makes `held` of what a deploy mends, and of nothing else; only two words exit 0."""
    found = of(*states, held_by=held_by, doubts=doubts)

    assert expected is found.word
    assert (0 if expected in {C, H} else 1) == found.exit_code


@pytest.mark.parametrize("states", [(C, B), (D, B), (U, C)])
def test_job_at_work_makes_it_held_whatever_is_off(states: tuple[Convergence, ...]) -> None:
    """It says itself how it ended; until then there is nothing to repair."""
    found = replace(of(*states, held_by=("pin",)), at_work="job 1")

    assert (H, 0, ("pin", "job 1")) == (found.word, found.exit_code, found.holds)
    assert not found.is_repairable


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (of(C, B), True),
        (of(B, D), True),
        (of(C, D), False),
        (of(C, B, held_by=("pin",)), False),
    ],
)
def test_repair_rolls_only_what_is_behind_and_not_held(
    found: ConvergenceReport, *, expected: bool
) -> None:
    """A part that has diverged is never a reason to deploy."""
    assert expected is found.is_repairable


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("a", "a", ("a", "")),
        (None, "a", (None, "first")),
        ("a", None, (None, "second")),
        (None, None, (None, "first")),
        ("a", "b", (None, "answered aaaaaaa, then bbbbbbb")),
    ],
)
def test_two_looks_have_to_agree(
    before: str | None, now: str | None, expected: tuple[str | None, str]
) -> None:
    """One look that named another release, or none, makes both name none."""
    one = Observation(tenant=ACME, sha=sha(before) if before else None, reason="first")
    two = Observation(tenant=ACME, sha=sha(now) if now else None, reason="second")

    found = merge_sights(one, two)

    letter, reason = expected
    assert (sha(letter) if letter else None) == found.sha
    assert letter is not None or reason == found.reason
