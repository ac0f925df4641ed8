"""How a job ended: its exit code, whether it is a success, and who was left how."""

import signal

import pytest

from release.core.outcome import Outcome, TenantReport, TenantState, Word
from release.core.values import Tenant
from tests.support.records import job, release

GOOD = {Word.DEPLOYED, Word.REDEPLOYED, Word.VERIFIED}
QUIET = {Word.SUPERSEDED, Word.HELD}
BAD = set(Word) - GOOD - QUIET - {Word.CANCELLED}


def outcome(
    word: Word,
    *,
    signal_number: int = 0,
    superseded_exit_code: int = 0,
    tenants: tuple[TenantReport, ...] = (),
) -> Outcome:
    """An outcome with this word."""
    return Outcome(
        word=word,
        environment="production",
        release=release("a"),
        job=job(),
        reason="why",
        signal=signal_number,
        superseded_exit_code=superseded_exit_code,
        tenants=tenants,
    )


@pytest.mark.parametrize("word", sorted(GOOD | QUIET))
def test_job_that_did_or_rightly_left_its_work_exits_with_zero(word: Word) -> None:
    """Deployed, redeployed, verified, superseded and held are green for CI."""
    assert 0 == outcome(word).exit_code


@pytest.mark.parametrize("word", sorted(BAD))
def test_job_that_did_not_do_its_work_exits_with_one(word: Word) -> None:
    """Failed, stopped, regressed, exhausted, refused and unavailable are red, never green."""
    assert 1 == outcome(word, signal_number=15, superseded_exit_code=0).exit_code


@pytest.mark.parametrize(
    ("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (0, 128)]
)
def test_cancelled_job_exits_as_its_signal_says(number: int, expected: int) -> None:
    """As shells do: 128 and the number of the signal."""
    assert expected == outcome(Word.CANCELLED, signal_number=number).exit_code


def test_superseded_job_exits_as_configured() -> None:
    """Who wants to see superseded jobs in CI gives them a code, which no other word takes."""
    codes = {word: outcome(word, superseded_exit_code=42).exit_code for word in Word}

    assert [Word.SUPERSEDED] == [word for word, code in codes.items() if code == 42]


def test_only_live_releases_are_successes() -> None:
    """Standing aside exits with zero, but the release is not live."""
    assert {word for word in Word if outcome(word).is_success} == GOOD


def test_tenants_are_found_by_how_they_were_left() -> None:
    """In the order of the outcome, and none where none was left so."""
    reports = tuple(
        TenantReport(tenant=Tenant(slug), state=state)
        for slug, state in (
            ("globex", TenantState.SETTLED),
            ("initech", TenantState.QUARANTINED),
            ("acme", TenantState.SETTLED),
        )
    )
    found = outcome(Word.DEPLOYED, tenants=reports)

    assert (reports[0], reports[2]) == found.tenants_in(TenantState.SETTLED)
    assert (reports[1],) == found.tenants_in(TenantState.QUARANTINED)
    assert found.tenants_in(TenantState.FAILED) == ()
