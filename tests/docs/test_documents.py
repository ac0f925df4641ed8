"""What the documents say of the repository itself is true."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.docs.documents import find_documents, read_blocks, read_links

SET_UP = "python3 -m venv .venv && .venv/bin/pip install -q nox && .venv/bin/nox -s {session}"


def name_of(requirement: str) -> str:
    """The package that a requirement asks for."""
    matched = re.match(r"[A-Za-z0-9._-]+", requirement)
    return matched.group() if matched else ""


def required_packages(pyproject: dict[str, Any]) -> set[str]:
    """Every package that the project, one of its extras or one of its sessions installs."""
    project = pyproject["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    groups += pyproject["dependency-groups"].values()
    return {name_of(one) for group in groups for one in group if isinstance(one, str)}


def test_readme_sets_everything_up_with_two_commands(checkout: Path) -> None:
    """One command shows the race and a deploy, one runs the tests; nothing else is to be set up."""
    lines = [
        line.removeprefix("$ ")
        for block in read_blocks(checkout / "README.md")
        if block.language in {"console", "sh"}
        for line in block.text.splitlines()
    ]

    set_up = [line for line in lines if "venv" in line or "pip install" in line]
    assert [SET_UP.format(session="demo"), SET_UP.format(session="tests")] == set_up


def test_ci_calls_test_command_of_readme(checkout: Path) -> None:
    """CI does what the README tells a newcomer to do, word for word."""
    script = (checkout / ".ci" / "run").read_text("utf-8")

    assert SET_UP.format(session="tests") in script.splitlines()


def test_every_dependency_has_its_reason(checkout: Path) -> None:
    """docs/dependencies.md has a row for each package that is installed, and for no other."""
    pyproject = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))
    document = (checkout / "docs" / "dependencies.md").read_text("utf-8")

    explained = set(re.findall(r"^\| `([^`]+)` \|", document, re.MULTILINE))
    assert required_packages(pyproject) == explained


def test_links_lead_to_files_that_exist(checkout: Path) -> None:
    """A link of a document to another file of the repository is never dead."""
    dead = [
        f"{document.name}: {target}"
        for document in find_documents(checkout)
        for target in read_links(document)
        if not (document.parent / target).exists()
    ]

    assert not dead, "\n".join(dead)


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX"])
def test_documents_promise_nothing_for_later(word: str, checkout: Path) -> None:
    """What is not done is an issue, not a note in a document."""
    noted = [path.name for path in find_documents(checkout) if word in path.read_text("utf-8")]

    assert [] == noted
