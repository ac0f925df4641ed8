"""Values of options that are more than a word, and what is refused before anything is touched."""

from datetime import UTC, datetime

import pytest

from release.core.values import Tenant
from release.errors import Invalid
from release.option_values import read_count, read_instant, read_tenants

EVENING = datetime(2026, 12, 24, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-24T17:00",
        "2026-12-24 17:00:00",
        "2026-12-24T17:00Z",
        "2026-12-24T18:00+01:00",
        "2026-12-24T09:00:00-08:00",
    ],
)
def test_instant_is_utc_unless_it_has_an_offset(text: str) -> None:
    """Nobody's local time zone is guessed."""
    assert EVENING == read_instant(text, on="--until")


@pytest.mark.parametrize(
    "text",
    ["tomorrow", "24.12.2026", "17:00", "", "1e9", "2026-13-01T00:00", "0001-01-01T00:00+23:00"],
)
def test_text_that_is_no_instant_is_refused(text: str) -> None:
    """The message shows two that are."""
    with pytest.raises(Invalid, match="is no instant") as refused:
        read_instant(text, on="--until")

    assert "2026-12-24T18:00+01:00" in str(refused.value)


@pytest.mark.parametrize(("text", "expected"), [("1", 1), ("007", 7), ("500", 500)])
def test_count_is_a_whole_number_in_its_range(text: str, expected: int) -> None:
    """Both ends belong to it."""
    assert expected == read_count(text, on="--limit", most=500)


@pytest.mark.parametrize("text", ["0", "501", "-1", "1.5", "ten", "", "\u0663", "9" * 5000])
def test_text_that_is_no_count_is_refused(text: str) -> None:
    """Also a number of thousands of digits, and digits of another script."""
    with pytest.raises(Invalid, match="is no count"):
        read_count(text, on="--limit", most=500)


def test_count_may_begin_elsewhere_and_has_an_end_anyway() -> None:
    """Where none is a number too, and whoever asks has no limit of its own."""
    assert 0 == read_count("0", on="--faults", least=0)
    assert 10**9 == read_count("1000000000", on="--states")
    with pytest.raises(Invalid, match="a whole number from 0 to 1000000000"):
        read_count("1000000001", on="--states", least=0)


def test_tenants_are_parted_by_commas() -> None:
    """Spaces and empty places are left out."""
    assert (Tenant("acme"), Tenant("globex")) == read_tenants("acme, globex,", on="--only")
    assert () == read_tenants("", on="--only")


def test_list_that_names_no_tenant_is_refused() -> None:
    """It would mean all of them."""
    with pytest.raises(Invalid, match="names no tenant"):
        read_tenants(" , ", on="--only")
