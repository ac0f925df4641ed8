"""The examples of the README and of docs/ do what they say.

CONTRIBUTING.md says how a block is marked as one that runs.
"""

import doctest
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from release.configuration import load_config
from tests.docs.documents import Block, Command, find_documents, read_blocks, read_commands

# The sources, or in a run against the wheel the folder that stands in for them.
ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = find_documents(ROOT)
LOOSELY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def runnable_commands(document: Path) -> list[Command]:
    """The commands of a document that its author says run, in order."""
    blocks = (block for block in read_blocks(document) if block.is_runnable)
    consoles = (block for block in blocks if block.language == "console")
    return [command for block in consoles for command in read_commands(block)]


def configurations() -> Iterator[Block]:
    """The configuration files that the documents show whole."""
    for document in DOCUMENTS:
        for block in read_blocks(document):
            if block.is_runnable and block.language == "toml":
                yield block


def run(command: Command, home: Path) -> tuple[int, str]:
    """Runs a command as a reader would, and returns its exit code and all that it printed.

    The output goes to a file, because a server that the command leaves behind would hold a pipe.
    """
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    printed = home / "printed"
    with printed.open("wb") as output:
        done = subprocess.run(
            ["bash", "-c", command.line],
            cwd=ROOT,
            env={**os.environ, "HOME": str(home), "PATH": path, "COLUMNS": "100"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
    return done.returncode, printed.read_text("utf-8", errors="replace")


@pytest.mark.slow
@pytest.mark.parametrize(
    "document",
    [document for document in DOCUMENTS if runnable_commands(document)],
    ids=lambda document: document.name,
)
def test_commands_of_document_print_what_it_shows(document: Path, tmp_path: Path) -> None:
    """Every command marked as runnable exits and prints as the document says."""
    for command in runnable_commands(document):
        exit_code, printed = run(command, tmp_path)

        assert command.exit_code == exit_code, f"{command.place}: {command.line}\n{printed}"
        if command.output:
            is_as_shown = doctest.OutputChecker().check_output(command.output, printed, LOOSELY)
            assert is_as_shown, f"{command.place}: shown\n{command.output}\nprinted\n{printed}"


@pytest.mark.parametrize(
    "block", list(configurations()), ids=lambda block: f"{block.document}:{block.line}"
)
def test_configuration_of_document_is_valid(block: Block) -> None:
    """Every configuration file that a document shows whole is one that Headway accepts."""
    config = load_config(
        block.text,
        source=f"{block.document}:{block.line}",
        environment_variables={},
        flags={},
        env=None,
        ci=None,
    )

    assert config is not None


def test_command_goes_on_where_its_line_is_continued() -> None:
    """A line that starts with `> ` belongs to the command; `# exit` says how it ends."""
    block = Block(
        document="README.md",
        line=7,
        language="console",
        words=("run",),
        text="$ echo \\\n> one  # exit 3\none\n...\n$ true\n",
    )

    first, second = read_commands(block)

    assert ("echo \\\none", "one\n...", 3) == (first.line, first.output, first.exit_code)
    assert ("true", "", 0) == (second.line, second.output, second.exit_code)
