"""What is wrong with a configuration is told with its place, and never with a token."""

import pytest

from release.errors import Invalid
from tests.support.configurations import LEAST, load, table


def test_missing_keys_are_all_named_with_their_other_sources() -> None:
    """What must be set is told at once, with the variable and the CI's source of it."""
    with pytest.raises(Invalid) as caught:
        load("")

    message = str(caught.value)
    assert "headway.toml: forge.url: is missing" in message
    assert "HEADWAY_FORGE__URL" in message
    assert "GITHUB_SERVER_URL" in message
    assert "forge.branch, fleet.url, edge.url, registry.url, registry.repositories" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("settle = ", "headway.toml: is not TOML"),
        ("forge = 3", "headway.toml: forge: does not fit (seen: '3'; expected: a table"),
        ("environments = 3", "headway.toml: environments: must hold a table"),
        ("[environments]\nx = 3", "headway.toml: environments: must hold a table"),
        ("[environments.x]\nenvironment = 'y'", "environments.x.environment: an environment is"),
        ("environment = 'a b'", "headway.toml: environment: does not fit (seen: 'a b'"),
        ("[settel]", "headway.toml: settel: unknown key"),
        (table("settle", "budget = 3"), "Did you mean settle.budget_s"),
        (table("settle", "soak_s = 3"), "Did you mean rollout.soak_s"),
        (table("settle", "x_y_z = 3"), "settle.x_y_z: unknown key (expected: budget_s"),
        ("[environments.x.forge]\nbrach = 'y'", "Did you mean environments.x.forge.branch"),
        ("[[freeze]]\nday = 3", "freeze[0].day: unknown key"),
        (
            table("settle", "budget_s = '3'"),
            "settle.budget_s: does not fit (seen: '3'; expected: a",
        ),
        (table("settle", "budget_s = inf"), "settle.budget_s: does not fit (seen: 'inf'"),
        (table("lease", "lease_s = nan"), "lease.lease_s: does not fit (seen: 'nan'"),
        (table("settle", "interval_s = 0"), "settle.interval_s: must be more than zero (seen: 0"),
        (table("rollout", "batch_size = true"), "rollout.batch_size: does not fit"),
        (table("rollout", "canary = ['a.b']"), "rollout.canary 'a.b': not a tenant slug"),
        (table("lease", "pointer_bound_s = 5"), "lease.pointer_bound_s: must be more than send"),
        (table("policy", "on_newer = 'stop'"), "expected: 'yield' or 'finish'"),
        (table("forge", "switch = {}"), "switch: names no place"),
        (table("forge", "kind = 'git'", "required_contexts = ['x']"), "tells no CI statuses"),
        (table("forge", "kind = 'git'", "switch.variable = 'X'"), "a file with kind git"),
        (table("ledger", "kind = 'file'"), "ledger.path: is missing"),
        (table("ledger", "ref = 'main'"), "ledger.ref: does not fit (seen: 'main'"),
        (table("ledger", "url = 'http://'"), "ledger.url: does not fit"),
        (table("ledger", "token = {}"), "ledger.token: does not fit (seen: a table"),
        (table("registry", "promoted_tag = 'a b'"), "'a b': not a tag"),
        (table("registry", "image_tag_pattern = 'latest'"), "names no commit"),
        (table("registry", "username = 'x'"), "only one of username and password"),
        (LEAST.replace("{slug}", "{tenant}"), "edge.url: must hold {slug}"),
        (LEAST.replace("https://control", "control"), "fleet.url: does not fit"),
        (LEAST.replace("//control", "//[control"), "fleet.url: does not fit"),
        (LEAST.replace("control.example.com", "control?x=1"), "a URL without ? and #"),
        (LEAST.replace('repository = "acme/shop"', ""), "forge.repository: is missing"),
        (
            LEAST + "[[freeze]]\ndays = ['fri']\nstart = '16:00'\nend = '08:00Z'",
            "freeze: does not fit (seen: a time with an offset",
        ),
        (
            LEAST
            + "[[freeze]]\ndays = ['fri']\nstart = '16:00'\nend = '17:00'\ntime_zone = 'Mars/X'",
            "no such time zone",
        ),
        (LEAST + "[[freeze]]\ndays = ['fry']\nstart = '1'\nend = '2'", "freeze[0].days[0]: does"),
    ],
)
def test_wrong_file_is_invalid_and_the_message_names_the_place(text: str, message: str) -> None:
    """Each error says the file, the key, what was seen and what is expected."""
    with pytest.raises(Invalid) as caught:
        load(text)

    assert message in str(caught.value)
    assert "headway.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("HEADWAY_SETTLE__BUDGET", "3", "Did you mean HEADWAY_SETTLE__BUDGET_S"),
        ("HEADWAY_ENVIRONMENT", "staging", "Did you mean HEADWAY_ENV"),
        ("HEADWAY_XYZZY", "1", "no such setting"),
        ("HEADWAY_SETTLE__BUDGET_S", "soon", "(seen: 'soon'; expected: a number)"),
        ("HEADWAY_SETTLE__BUDGET_S", "-1", "greater than or equal to 0"),
        ("HEADWAY_ROLLOUT__CANARY", "[1", "expected: a list"),
        ("HEADWAY_ROLLOUT__CANARY", "[1]", "expected: a valid string"),
    ],
)
def test_wrong_variable_is_invalid_and_named(name: str, text: str, message: str) -> None:
    """A HEADWAY_* variable that means nothing, or holds nothing useful, is not passed over."""
    with pytest.raises(Invalid) as caught:
        load(variables={name: text})

    assert f"environment variable {name}" in str(caught.value)
    assert message in str(caught.value)


def test_wrong_flag_is_invalid_and_named() -> None:
    """A flag that sets nothing names the one that is close to it."""
    with pytest.raises(Invalid, match=r"flag settle\.budget: no such.*mean settle\.budget_s"):
        load(flags={"settle.budget": "3"})
    with pytest.raises(Invalid, match="flag xyzzy: no such setting"):
        load(flags={"xyzzy": "3"})


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (table("forge", 'token = "t0ken-5c1d"'), {}),
        (table("registry", 'username = "u"', 'password = ["t0ken-5c1d"]'), {}),
        (LEAST.replace("https://control", "https://u:t0ken-5c1d@control"), {}),
        (LEAST.replace("https://control", "ftp://u:t0ken-5c1d@control"), {}),
        (LEAST, {"HEADWAY_FORGE__TOKEN": "t0ken-5c1d"}),
        (LEAST, {"HEADWAY_FORGE_TOKN": "t0ken-5c1d"}),
        (LEAST, {"HEADWAY_FLEET__URL": "https://u:t0ken-5c1d@control"}),
    ],
)
def test_token_that_was_written_down_is_refused_and_not_shown(
    text: str, variables: dict[str, str]
) -> None:
    """A literal token is an error whose message does not repeat it."""
    with pytest.raises(Invalid) as caught:
        load(text, variables=variables)

    assert "t0ken" not in str(caught.value)
