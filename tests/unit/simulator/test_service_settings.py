"""What a service that is a process reads from its environment, and makes of its name."""

import struct

import pytest

from release.errors import Invalid
from simulator.containers.own_name import parse_name
from simulator.containers.settings import Settings, slug_of, tokens_of
from simulator.containers.tenant import number_in
from simulator.scenario import load
from simulator.tenants import Lag

LISTEN = "8080 world=8081 older=8082"


def test_variable_that_is_empty_counts_as_not_there() -> None:
    """Compose hands on what is not set as empty, and that means the default."""
    settings = Settings.read({"SIM_LAG": "", "SIM_SCENARIO": "", "SIM_TENANTS": ""})

    assert (Lag(), None, 0) == (settings.lag, settings.scenario, settings.tenants)


def test_address_of_a_service_is_told_for_the_world_and_derived_for_a_job() -> None:
    """Between containers all services listen on the same ports, one for each actor."""
    settings = Settings.read({"SIM_LISTEN": LISTEN, "SIM_FORGE_URL": "http://forge:8081"})

    asked = [settings.url("forge"), settings.url("forge", "older"), settings.url("forge", "")]

    assert ["http://forge:8081", "http://forge:8082", "http://forge:8080"] == asked


def test_address_for_an_actor_that_was_told_is_that_one() -> None:
    """On loopback each service has ports of its own."""
    words = "=http://127.0.0.1:1 world=http://127.0.0.1:2 older=http://127.0.0.1:3"
    settings = Settings.read({"SIM_EDGE_URL": words})

    asked = [settings.url("edge", actor) for actor in ("", "world", "older")]

    assert ["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3"] == asked


def test_real_registry_has_one_address_for_everybody() -> None:
    """It does not tell jobs apart."""
    told = {"SIM_REGISTRY_URL": "http://registry:8080", "SIM_REGISTRY_KIND": "real"}
    settings = Settings.read({"SIM_LISTEN": LISTEN, **told})

    assert "http://registry:8080" == settings.url("registry", "older")


@pytest.mark.parametrize(
    "variables",
    [{"SIM_SPEED": "fast"}, {"SIM_FENCE": "wooden"}, {"SIM_LAG": "long"}, {"SIM_HEALTH": "ill"}],
    ids=lambda variables: next(iter(variables)),
)
def test_variable_that_makes_no_sense_is_refused(variables: dict[str, str]) -> None:
    """It is told before anything listens."""
    with pytest.raises(Invalid):
        Settings.read(variables)


def test_service_that_was_told_no_address_says_which_variable_is_missing() -> None:
    """The error names it."""
    with pytest.raises(Invalid, match="SIM_CONTROL_PLANE_URL"):
        Settings.read({}).url("control_plane")


def test_tenants_of_any_number_have_slugs_of_their_own() -> None:
    """The first eight have the names of the fleet in one process, and the first is the canary."""
    slugs = [slug_of(number, None) for number in (1, 2, 8, 9, 50)]

    assert ["hongming", "acme", "tyrell", "tenant-9", "tenant-50"] == slugs


def test_tenants_of_a_scenario_are_those_that_it_names() -> None:
    """There is none beyond them."""
    scenario = load("incident-2213")

    with pytest.raises(Invalid, match="fewer tenants"):
        slug_of(9, scenario)

    assert "tenant-8" == slug_of(8, scenario)


def test_services_of_one_secret_agree_on_every_token() -> None:
    """Another secret has others, and no token tells the secret."""
    ours, same, other = tokens_of("one"), tokens_of("one"), tokens_of("other")

    assert ours == same
    assert {ours.forge, ours.control} & {other.forge, other.control, "one"} == set()


@pytest.mark.parametrize(
    ("name", "number"),
    [("headway-tenant-3.headway_default", 3), ("a-b-tenant-50", 50)],
)
def test_tenant_knows_its_number_by_its_container(name: str, number: int) -> None:
    """The engine counts the containers of a service from one."""
    assert number == number_in(name)


@pytest.mark.parametrize("name", ["3f2b1c", "tenant-0", "tenant-x", ""])
def test_name_without_a_number_is_refused(name: str) -> None:
    """The error says what to set instead."""
    with pytest.raises(Invalid, match="SIM_SLUG"):
        number_in(name)


def test_name_is_read_from_the_answer_of_a_name_server() -> None:
    """The record points back at the question for its own name, as servers do."""
    question = b"\x013\x010\x02in\x00" + struct.pack("!HH", 12, 1)
    record = b"\xc0\x0c" + struct.pack("!HHIH", 12, 1, 600, 0) + b"\x0aa-tenant-3\x03net\x00"
    header = struct.pack("!6H", 1, 0, 1, 1, 0, 0)

    assert "a-tenant-3.net" == parse_name(header + question + record, len(question))


def test_answer_without_a_name_is_an_error() -> None:
    """The engine may not know the container yet."""
    with pytest.raises(OSError, match="no name"):
        parse_name(struct.pack("!6H", 1, 0, 1, 0, 0, 0), 0)
