"""The menu: which verbs there are, what each says of itself, and what it may cost to look."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from invoke.parser.argument import Argument
from invoke.tasks import Task

from tasks import namespace
from tests.support.shell import Shell

RELEASE_VERBS = {
    "accept-rewrite",
    "check-superseded",
    "converge-check",
    "deploy",
    "explore",
    "history",
    "ledger-init",
    "ledger-repair",
    "pin",
    "plan",
    "promote",
    "race",
    "redeploy",
    "resume",
    "rollback",
    "settle-verify",
    "status",
    "unlock",
    "wait-ci",
}
SIMULATOR_VERBS = {"sim.down", "sim.fault", "sim.push", "sim.status", "sim.up"}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in a folder that has nothing in it."""
    return Shell(folder=tmp_path)


def verb(name: str) -> Task[Any]:
    """A verb of the collection."""
    task: Task[Any] = namespace[name]
    return task


@cache
def options(name: str) -> tuple[Argument, ...]:
    """The options of a verb; Invoke takes each explanation off the verb as it hands it out."""
    return tuple(verb(name).get_arguments())


def test_menu_has_exactly_the_verbs_of_headway_and_of_its_simulator() -> None:
    """A verb that is missing, or that nobody asked for, is seen here."""
    found = set(namespace.task_names)

    assert RELEASE_VERBS | SIMULATOR_VERBS == found


@pytest.mark.slow
@pytest.mark.parametrize("program", ["invoke", "headway"])
def test_list_shows_every_verb_with_its_sentence(shell: Shell, program: str) -> None:
    """`invoke --list` and `headway --list` are the whole menu."""
    said = shell.invoke("--list") if program == "invoke" else shell.headway("--list")

    listed = {
        line.split()[0]
        for line in said.out.splitlines()
        if line.startswith("  ") and line[2:3] != " "
    }
    assert (0, RELEASE_VERBS | SIMULATOR_VERBS) == (said.code, listed)


@pytest.mark.slow
def test_list_imports_no_adapter_and_no_library_of_one(shell: Shell) -> None:
    """Looking at the menu costs what it shows; Python itself tells what was imported."""
    said = shell.invoke("--list", PYTHONPROFILEIMPORTTIME="1")

    imported = {line.rpartition("|")[2].strip() for line in said.err.splitlines()}
    costly = {"aiohttp", "httpx", "pydantic", "uvicorn", "release.desk", "simulator.world"}
    named = {name.removeprefix("headway.") for name in imported}
    assert {"invoke", "release.verb"} <= named
    assert set() == costly & named
    assert [] == [name for name in named if name.startswith("release.adapters")]


@pytest.mark.parametrize("name", sorted(RELEASE_VERBS | SIMULATOR_VERBS))
def test_verb_says_what_it_does_in_one_sentence(name: str) -> None:
    """The menu shows the first line of a verb's docstring, so that line is a sentence."""
    sentence = (verb(name).__doc__ or "").strip()

    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert ". " not in sentence


@pytest.mark.parametrize("name", sorted(RELEASE_VERBS | SIMULATOR_VERBS))
def test_verb_takes_the_options_of_all_and_explains_each_of_its_own(name: str) -> None:
    """Every verb takes --config, --env and --json, no positional word, and explains its options."""
    arguments = options(name)

    assert {"config", "env", "json"} <= {argument.name for argument in arguments}
    assert [] == [argument.name for argument in arguments if argument.positional]
    assert [] == [argument.name for argument in arguments if not argument.help]


def test_every_option_has_one_long_name_alone() -> None:
    """A letter would make `-c` of --commit and of --config, whichever comes first."""
    letters = [
        f"{name} -{short}"
        for name in namespace.task_names
        for argument in options(name)
        for short in argument.names
        if len(short) == 1
    ]

    assert [] == letters
