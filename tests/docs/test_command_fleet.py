"""docs/command_fleet.md shows fleets that Headway accepts, and explains every placeholder."""

import re
from pathlib import Path

import pytest

from release.adapters.command_template import CommandTemplate
from release.fleet_settings import FleetKind
from tests.docs.documents import Block, read_blocks
from tests.support.configurations import LEAST, load

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "command_fleet.md"
EXAMPLES = [block for block in read_blocks(DOCUMENT) if block.language == "toml"]
WITHOUT_FLEET = LEAST.replace('[fleet]\nurl = "https://control.example.com"\n', "")


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: f"line-{block.line}")
def test_fleet_of_document_is_valid(block: Block) -> None:
    """Each example is a whole fleet, which takes the place of [fleet] in a headway.toml."""
    fleet = load(WITHOUT_FLEET + block.text).fleet

    assert FleetKind.COMMAND is fleet.kind
    assert fleet.command is not None


def test_fleet_of_the_example_file_is_valid() -> None:
    """The one over the simulator, too."""
    text = (ROOT / "examples" / "fleet_command.toml").read_text("utf-8")

    assert FleetKind.COMMAND is load(WITHOUT_FLEET + text).fleet.kind


def test_every_placeholder_is_explained() -> None:
    """The table has a row for each name that a command may hold, and for no other."""
    table = DOCUMENT.read_text("utf-8").partition("| name |")[2].partition("\n\n")[0]
    explained = {
        name
        for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
        for name in row.replace("`", "").split(", ")
    }

    used = set[str]()
    for block in EXAMPLES:
        command = load(WITHOUT_FLEET + block.text).fleet.command
        assert command is not None
        for words in (command.candidates, command.redeploy, command.fence or ("true",)):
            used |= CommandTemplate(words=words).names
    assert {
        "tenants",
        "tenant",
        "tag",
        "sha",
        "image",
        "environment",
        "epoch",
        "phase",
    } == explained
    assert used <= explained
