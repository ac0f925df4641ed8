"""Prints the explorer's table: every published scope, exhausted, with states, schedules and time.

    python bench/explore.py            every row: some twenty-five minutes of one core
    python bench/explore.py "2 x 3"    the rows whose titles hold these words

A row ends `kept` when every promise holds in every state of the scope, `broken` where it steps out
of an assumption and the shortest schedule that breaks the promise was found, and `unfinished` where
a limit stopped it. Times are processor time, for the machine may have other things to do.
"""

import sys
from dataclasses import replace
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).parents[1]))

from simulator.explorer.counting import count_small
from simulator.explorer.engine import Exploration, Limits, explore
from simulator.explorer.findings import verdict
from simulator.explorer.rows import ROWS, Row
from simulator.explorer.sampling import sample
from simulator.explorer.territory import Territory

_COUNTED_MAX = 3_000_000
_HEAD = ("scope", "kinds of choice", "verdict", "states", "schedules", "real runs", "time")
_SAMPLED = 100_000
_PATIENCE_S = 1800.0
"""Ten minutes of one core that has twice as much to do besides."""


def main(words: list[str]) -> int:
    """Prints a line of the table for each row, as soon as it is known."""
    titles = [title for title in ROWS if all(word in title for word in words)]
    print("| " + " | ".join(_HEAD) + " |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: |")
    bad = 0
    for title in titles:
        row = ROWS[title]
        began_s = process_time()
        found = explore(Territory(row.scope), Limits(time_s=_PATIENCE_S))
        print(_line(row, found, process_time() - began_s), flush=True)
        bad += not _is_expected(row, found)
    return 1 if bad else 0


def _is_expected(row: Row, found: Exploration) -> bool:
    said = found.breach.promise[:2] if found.breach else ""
    return said == row.broken and not (found.stopped_by and row.broken)


def _line(row: Row, found: Exploration, spent_s: float) -> str:
    scope = row.scope
    word = verdict(found)
    if found.breach is not None:
        word = f"broken: {found.breach.promise[:2]} in {found.depth} events ({row.outside})"
    if found.stopped_by:
        word = f"unfinished ({found.stopped_by}); {_sampled(row)}"
    count = count_small(found, _COUNTED_MAX)
    schedules = "" if count is None else f"{count:.2e}"
    cells = (
        row.title,
        ", ".join(sorted(scope.kinds)),
        word,
        f"{found.states:,}",
        schedules,
        f"{found.territory.automaton.executions:,}",
        f"{spent_s:.1f} s",
    )
    return "| " + " | ".join(cells) + " |"


def _sampled(row: Row) -> str:
    """What single schedules by chance show, where the scope is too large."""
    chosen = sample(Territory(replace(row.scope)), schedules=_SAMPLED, seed=1, depth=3)
    said = chosen.breach.promise if chosen.breach else "no breach"
    return f"PCT: {chosen.schedules:,} schedules, depth 3, seed 1: {said}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
