"""Fault rules: what they match, how they count, what they make of a call."""

import pytest

from release.errors import Invalid
from simulator.faults import PASS, Call, FaultKind, FaultRule, Faults, Service, Verdict

REDEPLOY = Call(
    actor="older",
    service=Service.CONTROL_PLANE,
    operation="redeploy",
    subject="acme,globex to staging-7a72516",
    is_effect=True,
)


def judge(*rules: FaultRule, call: Call = REDEPLOY) -> Verdict:
    """What the rules together make of a call."""
    faults = Faults()
    for rule in rules:
        faults.add(rule)
    return faults.judge(call)[0]


@pytest.mark.parametrize(
    "where",
    [
        {"service": "control_*"},
        {"operation": "redeploy"},
        {"subject": "*globex*"},
        {"actor": "old*"},
        {},
    ],
)
def test_rule_matches_by_globs_on_every_part(where: dict[str, str]) -> None:
    """What a rule does not name, it does not ask about."""
    verdict = judge(FaultRule(kind=FaultKind.CUT_BEFORE, **where))  # type: ignore[arg-type]  # parts that are texts

    assert verdict.is_cut_before


@pytest.mark.parametrize(
    "where",
    [
        {"service": "forge"},
        {"operation": "candidates"},
        {"subject": "initech*"},
        {"actor": "newer"},
    ],
)
def test_rule_lets_pass_what_one_part_does_not_match(where: dict[str, str]) -> None:
    """Every part that a rule names has to match."""
    verdict = judge(FaultRule(kind=FaultKind.CUT_BEFORE, **where))  # type: ignore[arg-type]  # parts that are texts

    assert verdict is PASS


def test_rule_passes_the_first_calls_and_is_spent_after_so_many() -> None:
    """`after` counts what passes first, `times` what it acts on."""
    faults = Faults()
    faults.add(FaultRule(kind=FaultKind.REFUSE, status=503, after=1, times=2))

    statuses = [faults.judge(REDEPLOY)[0].refuse_status for _ in range(5)]

    assert statuses == [0, 503, 503, 0, 0]
    assert faults.plain() == [
        {
            "number": 1,
            "seen": 5,
            "acted": 2,
            "kind": "refuse",
            "after": 1,
            "times": 2,
            "status": 503,
        }
    ]


def test_rules_on_one_call_add_up() -> None:
    """Delays add, other faults stand beside one another."""
    verdict = judge(
        FaultRule(kind=FaultKind.DELAY, before_s=1.0, after_s=0.5),
        FaultRule(kind=FaultKind.DELAY, before_s=2.0),
        FaultRule(kind=FaultKind.LATE, late_s=30.0),
        FaultRule(kind=FaultKind.LOSE_ANSWER, status=502),
    )

    assert verdict == Verdict(
        before_s=3.0, after_s=0.5, late_s=30.0, is_answer_lost=True, gateway_status=502
    )


def test_rule_taken_out_of_force_does_nothing_any_more() -> None:
    """Rules have numbers, by which they are removed."""
    faults = Faults()
    number = faults.add(FaultRule(kind=FaultKind.CUT_BEFORE))

    assert faults.remove(number)
    assert not faults.remove(number)
    assert faults.judge(REDEPLOY) == (PASS, ())


def test_rule_from_json_is_the_rule() -> None:
    """What the snapshot shows of a rule can be put in force again."""
    rule = FaultRule(
        kind=FaultKind.STAGGERED, subject="*acme*", gap_s=4.0, order=("globex", "acme")
    )

    assert FaultRule.parse(rule.plain()) == rule


@pytest.mark.parametrize(
    "plain",
    [
        {"kind": "explode"},
        {"kind": "late", "delay": 3},
        {"service": "forge"},
        {"kind": "refuse", "status": 200},
        {"kind": "clamp_page"},
    ],
)
def test_rule_that_means_nothing_is_invalid(plain: dict[str, object]) -> None:
    """An unknown kind or key, a refusal that is none, a page without items."""
    with pytest.raises(Invalid):
        FaultRule.parse(plain)
