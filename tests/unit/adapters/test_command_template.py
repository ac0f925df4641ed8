"""A template becomes an argument list in which each value stays where it was put."""

import pytest

from release.adapters.command_template import CommandTemplate
from release.core.values import Tenant
from release.errors import Refused

TENANTS = (Tenant("acme"), Tenant("globex"))
VALUES = {"tag": "staging-7f25373", "epoch": "8"}


@pytest.mark.parametrize(
    ("words", "expanded"),
    [
        (("move", "{tenants}"), ("move", "acme", "globex")),
        (("{tenants}", "{tenants}"), ("acme", "globex", "acme", "globex")),
        (("--hosts={tenants}",), ("--hosts=acme,globex",)),
        (("--hosts", "{tenants},"), ("--hosts", "acme,globex,")),
        (("{tag}",), ("staging-7f25373",)),
        (("x:{tag}@{epoch}", "{tag}{tag}"), ("x:staging-7f25373@8", "staging-7f25373" * 2)),
        (('{"epoch":{epoch}}',), ('{"epoch":8}',)),
        (("{.items[*]}", "{{.Names}}", "{}", "{ tag }"),) * 2,
        (("{{tag}}", "{{end}}"),) * 2,
    ],
)
def test_each_name_stands_for_its_value(words: tuple[str, ...], expanded: tuple[str, ...]) -> None:
    """A word that is {tenants} becomes several; what other tools put in braces stays theirs."""
    template = CommandTemplate(words=words)

    assert expanded == template.expand(VALUES, TENANTS)


def test_separator_joins_tenants_within_a_word() -> None:
    """Some tools part a list by something else than a comma."""
    template = CommandTemplate(words=("--limit", "fleet:&{tenants}"), separator=":")

    assert ("--limit", "fleet:&acme:globex") == template.expand({}, TENANTS)


def test_value_that_looks_like_a_name_is_not_replaced_again() -> None:
    """A value is never read as a template."""
    template = CommandTemplate(words=("{phase}",))

    assert ("{tag}",) == template.expand({**VALUES, "phase": "{tag}"})


@pytest.mark.parametrize("value", ["-rf", "", "a\nb", "a\x1b[31m", "\u202e"])
def test_value_that_a_program_could_obey_is_refused(value: str) -> None:
    """No value can become an option, vanish, or hold a control character."""
    template = CommandTemplate(words=("{phase}",))

    with pytest.raises(Refused, match=r"\{phase\}: can't stand in a command"):
        template.expand({"phase": value})


def test_value_that_is_not_known_is_refused() -> None:
    """A release whose image nobody has seen names no digest."""
    with pytest.raises(Refused, match=r"\{image\}"):
        CommandTemplate(words=("move", "{image}")).expand(VALUES, TENANTS)


def test_names_are_those_that_are_replaced() -> None:
    """Escaped and foreign braces name nothing."""
    template = CommandTemplate(words=("{tag}", "{{sha}}", "{.x}", "a{tenants}b"))

    assert {"tag", "tenants"} == template.names
