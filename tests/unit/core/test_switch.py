"""Where a kill switch lives, and what its text means."""

import pytest

from release.core.switch import Switch, is_switched_on
from release.errors import Invalid, Refused


@pytest.mark.parametrize("text", ["on", "ON\n", " true ", "1", "Yes"])
def test_words_of_consent_enable(text: str) -> None:
    """On, true, 1 and yes enable, in any case and with blanks around."""
    assert is_switched_on(text, on="switch")


@pytest.mark.parametrize("text", ["off", "False", "0\n", "no"])
def test_words_of_dissent_disable(text: str) -> None:
    """Off, false, 0 and no disable."""
    assert not is_switched_on(text, on="switch")


@pytest.mark.parametrize("text", ["", "maybe", "onn", "<html>\x1b[2J"])
def test_any_other_text_is_refused_and_named(text: str) -> None:
    """A switch that can't be understood is an error that names it, never taken for on."""
    with pytest.raises(Refused, match="variable DEPLOY") as caught:
        is_switched_on(text, on="variable DEPLOY")

    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "places", [{}, {"variable": "A", "file": "b"}, {"variable": "A", "ref": "ops"}]
)
def test_switch_lives_in_exactly_one_place(places: dict[str, str]) -> None:
    """A variable or a file, and a ref only for a file."""
    with pytest.raises(Invalid):
        Switch(**places)


def test_switch_shows_its_place() -> None:
    """Messages name the variable, or the file and its ref."""
    assert "variable DEPLOY" == str(Switch(variable="DEPLOY"))
    assert "file deploy/on" == str(Switch(file="deploy/on"))
    assert "file deploy/on on ops" == str(Switch(file="deploy/on", ref="ops"))
