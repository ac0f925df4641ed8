"""Words that are no option are refused, and nothing is touched: no typo ever deploys."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.live_world import LiveWorld

pytestmark = pytest.mark.slow

USAGE = 2


@pytest.fixture
def before(world: LiveWorld) -> Mapping[str, Any]:
    """The world as it is, with a release to deploy."""
    world.push()
    return world.untouched()


@pytest.mark.parametrize(
    "words",
    [
        ["deploy", "--dryrun"],
        ["deploy", "--commit", "--dry-run"],
        ["deploy", "--commit=--dry-run"],
        ["deploy", "--commit", "main", "--reason"],
        ["deploy", "--commit", "main", "staging"],
        ["deploy", "main"],
        ["deploy", "-c", "main"],
        ["--dry", "deploy", "--commit", "main"],
        ["redeploy", "--to", "main", "--only", "--force"],
        ["redeploy", "acme"],
    ],
    ids=" ".join,
)
def test_word_that_is_no_option_is_refused_and_touches_nothing(
    world: LiveWorld, before: Mapping[str, Any], words: list[str]
) -> None:
    """Unknown flags, flags as values and extra words exit 2, whatever else is asked for."""
    said = world.shell.headway(*words, HEADWAY_CONFIG=world.config())

    assert USAGE == said.code, said.out + said.err
    assert before == world.untouched()


@pytest.mark.parametrize(
    "words", [["deploy", "--dryrun"], ["--dry", "deploy", "--commit", "main"]], ids=" ".join
)
def test_invoke_itself_refuses_such_a_word_too(
    world: LiveWorld, before: Mapping[str, Any], words: list[str]
) -> None:
    """Run by `invoke`, whose own exit code for a word it doesn't know is 1, it never exits 0."""
    said = world.shell.invoke(*words, HEADWAY_CONFIG=world.config())

    assert said.code in {1, USAGE}
    assert before == world.untouched()


def test_deploy_outside_ci_without_a_commit_is_refused(
    world: LiveWorld, before: Mapping[str, Any]
) -> None:
    """Which release is deployed is never a default."""
    said = world.invoke("deploy")

    assert ("invalid", USAGE) == said.end
    assert "--commit REF" in said.last_line
    assert before == world.untouched()


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["deploy", "--commit", "main", "--without-ledger"], "needs a reason"),
        (["redeploy", "--to", "main", "--only", "acme,nobody"], "nobody"),
    ],
    ids=["ledger left out without a reason", "tenant that is not there"],
)
def test_option_that_makes_no_sense_is_refused_with_what_is_missing(
    world: LiveWorld, before: Mapping[str, Any], words: list[str], missing: str
) -> None:
    """The sentence says what would make sense, and production stays as it is."""
    said = world.invoke(*words)

    assert missing in said.last_line
    assert said.code in {1, USAGE}
    assert before["tenants"] == world.untouched()["tenants"]


def test_plain_http_to_another_machine_is_refused_by_its_host(
    world: LiveWorld, before: Mapping[str, Any]
) -> None:
    """A token never goes over the wire in the clear, unless the host is allowed by name."""
    said = world.invoke(
        "deploy", "--commit", "main", HEADWAY_FLEET__URL="http://control.example.com"
    )

    assert ("invalid", USAGE) == said.end
    assert "control.example.com" in said.last_line
    assert before == world.untouched()


def test_unknown_key_of_the_file_is_refused_with_its_path(
    world: LiveWorld, before: Mapping[str, Any]
) -> None:
    """A key that is misspelt is named with its table, and with the one that was meant."""
    path = world.shell.folder / "misspelt.toml"
    text = (world.shell.folder / "newer" / "headway.toml").read_text()
    path.write_text(text.replace("batch_size", "batchsize"))

    said = world.shell.invoke("deploy", "--config", str(path), "--commit", "main")

    assert ("invalid", USAGE) == said.end
    assert "rollout.batchsize" in said.last_line
    assert "rollout.batch_size" in said.last_line
    assert before == world.untouched()
