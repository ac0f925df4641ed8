"""Which lines of the pipeline an exploration runs: what ran is told, and so is what never did."""

import sys
from pathlib import Path

import pytest

from release.pipeline import run_job
from simulator.explorer.engine import explore
from simulator.explorer.line_coverage import FileLines, LineCoverage, lines_plain, lines_text
from simulator.explorer.territory import Territory
from tests.explorer.scopes import single

_PIPELINE = Path(run_job.__code__.co_filename)
_SOURCE = _PIPELINE.read_text("utf-8").splitlines()


@pytest.fixture(scope="module")
def files() -> dict[str, FileLines]:
    """The lines that one job of one tenant runs where nothing fails."""
    with LineCoverage() as lines:
        explore(Territory(single()))
    return {one.name.partition("/")[2]: one for one in lines.files()}


def line(text: str) -> int:
    """The number of the one line of the pipeline that holds a text."""
    (found,) = [number for number, one in enumerate(_SOURCE, 1) if text in one]
    return found


def test_a_line_that_every_job_runs_ran(files: dict[str, FileLines]) -> None:
    """The line in which a stage is awaited is among those that ran."""
    assert line("await stage(run)") in files["pipeline.py"].ran


def test_a_line_that_needs_a_lost_claim_never_ran(files: dict[str, FileLines]) -> None:
    """Where nobody takes a claim away, the way back to `observe` is listed as never run."""
    assert line("claims += 1") in files["pipeline.py"].never


def test_a_line_without_code_is_none(files: dict[str, FileLines]) -> None:
    """Docstrings, imports and heads of functions are no lines that could run."""
    heads = {line("async def run_job"), line("release.ports import"), line('"""Makes the run')}

    assert set() == heads & files["pipeline.py"].lines


def test_files_are_the_pipeline_and_each_of_its_stages(files: dict[str, FileLines]) -> None:
    """A stage that no job of the scope runs is there as well, with no line of it run."""
    stages = _PIPELINE.parent / "stages"

    expected = {f"stages/{one.name}" for one in stages.glob("*.py")} - {"stages/__init__.py"}
    assert {"pipeline.py"} | expected == set(files)
    assert frozenset() == files["stages/repair.py"].ran


def test_the_tracer_that_was_there_is_there_again() -> None:
    """A debugger or a coverage run goes on behind it."""
    before = sys.gettrace()

    with LineCoverage():
        inside = sys.gettrace()

    assert (True, False) == (sys.gettrace() is before, inside is before)


def test_lines_are_told_as_ranges() -> None:
    """Neighbouring lines are one range; a file of which nothing ran lists none."""
    some = FileLines(name="a.py", lines=frozenset({1, 2, 3, 5, 8}), ran=frozenset({5}))
    none = FileLines(name="b.py", lines=frozenset({1}), ran=frozenset())

    told, plain = lines_text((some, none)).splitlines(), lines_plain((some, none))

    assert told[0].endswith("1 of    5 lines ran  never 1-3, 8")
    assert told[1].endswith("0 of    1 lines ran")
    assert {"lines": 5, "ran": 1, "never": [1, 2, 3, 8]} == plain["a.py"]
