"""`invoke explore` by its command line: word and exit code, pictures, tokens, data, refusals."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.shell import Said, Shell

pytestmark = pytest.mark.slow

ALONE = ("--jobs", "1", "--tenants", "1", "--faults", "0", "--expiries", "0")
TWO = ("--jobs", "2", "--tenants", "1", "--faults", "0", "--expiries", "0")
BROKEN = ("--guard", "recheck", "--fence", "off", *TWO)
SEARCH = {"outcome", "guard", "scope", "states", "transitions", "depth", "complete", "schedules"}
SEARCH |= {
    "worlds",
    "nodes",
    "executions",
    "time_s",
    "stopped_by",
    "breach",
    "promises",
    "coverage",
}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in a folder that has nothing in it: an exploration needs no configuration."""
    return Shell(folder=tmp_path)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the schedule that is found."""
    return tmp_path_factory.mktemp("broken") / "found.json"


@pytest.fixture(scope="module")
def broken(output: Path) -> Said:
    """What is said of a guard that breaks a promise, its schedule in a file."""
    return Shell(folder=output.parent).invoke("explore", *BROKEN, "--output", str(output))


def token_of(said: Said) -> str:
    """The token behind a picture."""
    (token,) = [line.split()[1] for line in said.out.splitlines() if line.startswith("token ")]
    return token


def test_scope_that_is_kept_ends_in_kept_and_zero(shell: Shell) -> None:
    """The last line says so of all states, and above it each promise has its *sometimes*."""
    said = shell.invoke("explore", *TWO)

    promises = [line for line in said.out.splitlines() if line[:1] == "P"]
    assert ("kept", 0) == said.end
    assert said.last_line.startswith("kept: headway keeps every promise in all ")
    assert ["P1", "P2", "P3", "P4", "P5"] == [line[:2] for line in promises]
    assert ["kept"] * 5 == [line[20:].split()[0] for line in promises]


def test_same_as_json_is_one_document(shell: Shell) -> None:
    """Everything that the text says stands in it."""
    said = shell.invoke("explore", *ALONE, "--json")

    assert 0 == said.code
    assert SEARCH == set(said.document)
    assert ("kept", "headway", None) == tuple(
        said.document[name] for name in ("outcome", "guard", "breach")
    )


def test_guard_that_breaks_ends_in_broken_and_one(broken: Said) -> None:
    """It is drawn with the two writes that conflict, within 100 columns but for the token."""
    picture = broken.out[broken.out.index("guard recheck:") :]
    wide = [line for line in picture.splitlines() if len(line) > 100]

    assert ("broken", 1) == broken.end
    assert 2 == broken.out.count("\nwrite   at ")
    assert {"token", "replay"} == {line.split()[0] for line in wide}
    assert broken.last_line.startswith("broken: recheck breaks P1 never backward: tenant-1 from r2")


def test_guard_that_breaks_as_json_has_the_same_token(shell: Shell, broken: Said) -> None:
    """A machine can replay what a person sees."""
    said = shell.invoke("explore", *BROKEN, "--json")

    assert 1 == said.code
    assert SEARCH | {"token"} == set(said.document)
    assert token_of(broken) == said.document["token"]


def test_token_and_file_replay_the_same(shell: Shell, broken: Said, output: Path) -> None:
    """Both draw the picture again, and end in the word and code of what they replay."""
    token = token_of(broken)

    replays = [shell.invoke("explore", "--replay", text) for text in (token, str(output))]

    picture = broken.out[broken.out.index("guard recheck:") :].partition("\n\nbroken:")[0]
    assert [("broken", 1)] * 2 == [said.end for said in replays]
    assert [picture] * 2 == [said.out.partition("\n\nbroken:")[0] for said in replays]


def test_replay_as_json_says_what_was_broken(shell: Shell, broken: Said) -> None:
    """The outcome, the promise, and the picture as text."""
    said = shell.invoke("explore", "--replay", token_of(broken), "--json")

    assert (1, "broken", "recheck") == (
        said.code,
        said.document["outcome"],
        said.document["guard"],
    )
    assert said.document["breach"].startswith("P1 never backward")
    assert said.document["events"] > 0


def test_matrix_of_one_guard_shows_it_beside_headway(shell: Shell) -> None:
    """The table says in how many events it breaks; what a limit stopped is no word of praise."""
    said = shell.invoke("explore", "--matrix", "--guard", "recheck", "--states", "200")

    rows = [line.split() for line in said.out.splitlines()[2:4]]
    assert ("unfinished", 1) == said.end
    assert ["recheck", "P1", "in", "6"] == rows[0][:4]
    assert ["headway", *["unfinished"] * 8] == rows[1]


def test_matrix_as_json_is_not_disturbed_by_progress(shell: Shell) -> None:
    """Progress is told on stderr, a line for each cell; stdout is the document alone."""
    said = shell.invoke("explore", "--matrix", "--guard", "none", "--states", "200", "--json")

    cells: list[Any] = said.document["matrix"]
    told = [f"{cell['guard']}: {cell['column']}" for cell in cells]
    assert (1, "unfinished") == (said.code, said.document["outcome"])
    assert told == said.err.splitlines()
    assert {"guard", "column", "outcome", "promise", "events", "states"} == set(cells[0])


def test_schedules_by_chance_are_called_sampled(shell: Shell) -> None:
    """They are the same for a seed, and nobody takes them for all schedules."""
    words = ("explore", *ALONE, "--schedules", "200", "--seed", "1")

    one, other = shell.invoke(*words), shell.invoke(*words, "--json")

    assert ("sampled", 0) == one.end
    assert "200 schedules by PCT of depth 3, seed 1" in one.last_line
    assert ("sampled", 200, 1) == tuple(
        other.document[name] for name in ("outcome", "schedules", "seed")
    )
    assert f"{other.document['states']:,} different states" in one.last_line


def test_schedule_by_chance_that_breaks_is_drawn(shell: Shell) -> None:
    """It ends in broken and one, with a picture and a token."""
    said = shell.invoke("explore", *BROKEN, "--schedules", "200", "--seed", "1")

    assert ("broken", 1) == said.end
    assert token_of(said).startswith("hw1.")


@pytest.mark.parametrize(
    "limit", [["--states", "10"], ["--memory", "1"], ["--states", "10", "--json"]], ids=" ".join
)
def test_limit_that_is_reached_leaves_it_unfinished(shell: Shell, limit: list[str]) -> None:
    """It exits 1, since not every state was seen."""
    said = shell.invoke("explore", *ALONE, *limit)

    word = said.document["outcome"] if "--json" in limit else said.word
    assert ("unfinished", 1) == (word, said.code)


def test_coverage_names_the_lines_that_never_ran(shell: Shell) -> None:
    """A line for each file of the pipeline, above the verdict."""
    said = shell.invoke("explore", *ALONE, "--coverage")

    (row,) = [line for line in said.out.splitlines() if line.startswith("release/pipeline.py ")]
    assert ("kept", 0) == said.end
    assert " lines ran  never " in row
    assert "release/stages/claim.py " in said.out


@pytest.mark.parametrize(
    "words",
    [
        ["--guard", "nobody"],
        ["--matrix", "--guard", "nobody"],
        ["--kinds", "earthquake"],
        ["--policy", "maybe"],
        ["--fence", "garden"],
        ["--ledger", "red"],
        ["--story", "tale"],
        ["--jobs", "9"],
        ["--tenants", "0"],
        ["--time", "0"],
        ["--schedules", "many"],
        ["--depth", "deep", "--schedules", "1"],
        ["--replay", "rubbish"],
        ["--replay", "hw1.rubbish"],
        ["--matrix", "--schedules", "5"],
        ["--coverage", "--matrix"],
        ["--config", "headway.toml"],
    ],
    ids=" ".join,
)
def test_words_that_mean_nothing_are_refused(shell: Shell, words: list[str]) -> None:
    """It exits 2 with one sentence that names the option, explores nothing and writes nothing."""
    said = shell.invoke("explore", *words)

    option = next(word for word in words if word.startswith("--")).partition("=")[0]
    assert ("invalid", 2) == said.end
    assert 1 == len(said.out.splitlines())
    assert "Traceback" not in said.err
    assert [] == list(shell.folder.iterdir())
    assert option in said.out or words[-1] in said.out or "explore: " in said.out


def test_file_that_can_not_be_written_is_said(shell: Shell) -> None:
    """The schedule that was found is not lost behind a traceback: the sentence names the file."""
    said = shell.invoke("explore", *BROKEN, "--output", str(shell.folder / "gone" / "found.json"))

    assert ("unavailable", 1) == said.end
    assert "gone/found.json" in said.last_line
