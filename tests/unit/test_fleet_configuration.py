"""A fleet of each kind has its own keys; those of another kind are refused, missing ones named."""

import pytest

from release.errors import Invalid
from release.fleet_settings import FencedAt, FleetKind, UpdateOrder
from tests.support.configurations import LEAST, load

WITHOUT_FLEET = LEAST.replace('[fleet]\nurl = "https://control.example.com"\n', "")
EDGE = '[edge]\nurl = "https://{slug}.example.com/buildinfo"\n'
SWARM = '[fleet]\nkind = "swarm"\n'
WORDS = {
    "candidates": '["fleetctl", "list"]',
    "redeploy": '["fleetctl", "move", "{tag}", "{tenants}"]',
}


def command(**keys: str) -> str:
    """A configuration whose fleet is a command; values as TOML has them."""
    lines = "".join(f"{key} = {value}\n" for key, value in {**WORDS, **keys}.items() if value)
    return f'{WITHOUT_FLEET}[fleet]\nkind = "command"\n[fleet.command]\n{lines}'


def test_swarm_needs_neither_a_table_nor_an_edge() -> None:
    """Its engine is the environment's own, and what runs is read from its tasks."""
    config = load(WITHOUT_FLEET.replace(EDGE, "") + SWARM)

    assert (FleetKind.SWARM, None, None) == (
        config.fleet.kind,
        config.fleet.swarm,
        config.edge.url,
    )


def test_swarm_is_set_by_variables_too() -> None:
    """A table within a table has a variable for each key."""
    variables = {
        "HEADWAY_FLEET__KIND": "swarm",
        "HEADWAY_FLEET__SWARM__ENGINES": "one, ssh://two",
        "HEADWAY_FLEET__SWARM__UPDATE_ORDER": "start-first",
    }

    swarm = load(WITHOUT_FLEET, variables=variables).fleet.swarm

    assert swarm is not None
    assert (("one", "ssh://two"), UpdateOrder.START_FIRST) == (swarm.engines, swarm.update_order)


def test_environment_of_another_kind_has_a_fleet_of_its_own() -> None:
    """Of the other kind nothing stays, as most of it could not be taken away again."""
    staging = '[environments.staging.fleet]\nkind = "swarm"\n[environments.staging.fleet.swarm]\n'
    same = "[environments.test.fleet]\ntimeout_s = 7\n"

    text = LEAST + staging + same

    assert FleetKind.SWARM is load(text, env="staging").fleet.kind
    assert "https://control.example.com" == load(text, env="test").fleet.url


def test_command_has_careful_defaults() -> None:
    """Lines, exit codes, one command for a batch, no fence."""
    table = load(command()).fleet.command

    assert table is not None
    assert ("fleetctl", "move", "{tag}", "{tenants}") == table.redeploy
    assert (None, FencedAt.DOOR, "lines", "exit_code", "batch") == (
        table.fence,
        table.fenced,
        table.lists,
        table.answers,
        table.scope,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WITHOUT_FLEET, "fleet.url: is missing"),
        (LEAST.replace(EDGE, ""), "edge.url: is missing"),
        (command().replace(EDGE, ""), "edge.url: is missing"),
        (command(candidates="", redeploy=""), "Missing too: fleet.command.redeploy"),
        (command(candidates="", redeploy=""), "fleet.command.candidates: is missing"),
        (f'{WITHOUT_FLEET}[fleet]\nkind = "command"\n', "HEADWAY_FLEET__COMMAND__CANDIDATES"),
        (LEAST + "[fleet.swarm]\n", "fleet.swarm: does not fit (seen: a table; expected: none"),
        (command() + "[fleet.swarm]\n", "fleet.swarm: does not fit"),
        (WITHOUT_FLEET + SWARM + "[fleet.command]\ncandidates = ['a']\nredeploy = ['b']", "with"),
        (WITHOUT_FLEET + SWARM + "url = 'https://x.example.com'", "none with kind swarm"),
        (WITHOUT_FLEET + SWARM + "[fleet.swarm]\ntls_cert = 'x'", "fleet.swarm.tls_key: is miss"),
        (WITHOUT_FLEET + SWARM + "[fleet.swarm]\nimage = 'x/y:latest'", "without tag or digest"),
        (WITHOUT_FLEET + SWARM + "[fleet.swarm]\nlabel = 'a=b=c'", "a label, such as"),
        (WITHOUT_FLEET + SWARM + "[fleet.swarm]\nupdate_order = 'x'", "'start-first' or 'stop-fi"),
        (WITHOUT_FLEET + SWARM + "[fleet.swarm]\ndelay_s = -1", "fleet.swarm.delay_s: does not"),
        (WITHOUT_FLEET + SWARM + "[fleet.swarm]\nengine = 'x'", "Did you mean fleet.swarm.engines"),
        (WITHOUT_FLEET + '[fleet]\nkind = "nomad"\n', "'control_plane', 'swarm' or 'command'"),
    ],
)
def test_wrong_kind_or_missing_key_is_named(text: str, message: str) -> None:
    """Each error says the path of the key."""
    with pytest.raises(Invalid) as caught:
        load(text)

    assert message in str(caught.value)
    assert "nothing was touched" in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"candidates": "[]"}, "fleet.command.candidates: does not fit"),
        ({"candidates": "[' ']"}, "a program's name or path as its first word"),
        ({"candidates": "['{tag}']"}, "a program's name or path as its first word"),
        ({"candidates": r'["a", "b\u0000"]'}, "fleet.command.candidates: does not fit"),
        ({"candidates": "['a', '{tenants}']"}, "(seen: {tenants}; expected: {environment}, {sh"),
        ({"redeploy": "['a', '{tenant}', '{tag}']"}, "seen: {tenant}"),
        ({"redeploy": "['a', '{Tag}', '{tenants}']"}, "seen: {Tag}"),
        ({"redeploy": "['a', '{tag}']"}, "a command without; expected: {tenants}, with scope bat"),
        ({"redeploy": "['a', '{tenants}']"}, "expected: {tag}, {sha} or {image}"),
        ({"scope": "'tenant'"}, "seen: {tenants}"),
        ({"scope": "'tenant'", "redeploy": "['a', '{tag}']"}, "{tenant}, with scope tenant"),
        ({"fence": "['a', '{tenants}']"}, "fleet.command.fence: does not fit (seen: a command wit"),
        ({"fenced": "'landing'"}, "fleet.command.fence: is missing"),
        ({"fenced": "'landing'", "fence": "['a', '{epoch}']"}, '{epoch}, with fenced = "landing"'),
        ({"fenced_exit_code": "0"}, "fleet.command.fenced_exit_code: does not fit"),
        ({"unknown_exit_codes": "[75]", "fence": "['a', '{epoch}']"}, "unknown_exit_codes: does"),
        ({"image": "'x@sha256:1'"}, "without tag or digest"),
        ({"kill_after_s": "295"}, "less than 295, which is redeploy_bound_s less send_margin_s"),
        ({"concurrency": "0"}, "fleet.command.concurrency: does not fit"),
        ({"shell": "true"}, "fleet.command.shell: unknown key"),
    ],
)
def test_command_that_can_not_be_right_is_refused(keys: dict[str, str], message: str) -> None:
    """Before anything runs: with names that mean nothing, or without a scope or a release."""
    with pytest.raises(Invalid) as caught:
        load(command(**keys))

    assert message in str(caught.value)
