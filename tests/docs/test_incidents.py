"""docs/incidents.md shows the incident library as it is."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from simulator.library import compare_all, comparison_text, listing
from simulator.scenario import Scenario
from simulator.scenario_parts import Began, Recorded, ScenarioChange, ScenarioJob, ScenarioPush
from tests.docs.documents import read_blocks, read_commands


@pytest.fixture(scope="module")
def document(checkout: Path) -> Path:
    """The document about incidents."""
    return checkout / "docs" / "incidents.md"


def test_table_is_what_the_command_prints(document: Path) -> None:
    """Every row, to the last blank: `invoke race --all` makes it."""
    commands = [one for block in read_blocks(document) for one in read_commands(block)]

    shown = {command.line: command.output for command in commands}
    assert comparison_text(compare_all()) == shown["invoke race --all"]


def test_sources_are_those_of_the_scenarios(document: Path) -> None:
    """Each scenario has a row with its title and a link to where it is told."""
    rows = re.findall(
        r"^\| `(\S+-\S+)` \| (.+) \| <?(.+?)>? \|$", document.read_text("utf-8"), re.MULTILINE
    )

    listed = [(one["scenario"], one["title"], one["source"]) for one in listing()]
    assert listed == rows


def test_every_key_of_a_scenario_is_explained(document: Path) -> None:
    """What a file may say stands in the document, and a key that is gone does not."""
    explained = set(re.findall(r"`(\w+)`", document.read_text("utf-8").partition("## What a")[2]))

    kinds = (Scenario, ScenarioPush, ScenarioJob, ScenarioChange, Recorded, Began)
    keys = {one.name for kind in kinds for one in fields(kind)}
    assert set() == keys - explained
