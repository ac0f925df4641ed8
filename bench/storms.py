"""Measures push storms in virtual time and prints the tables of docs/liveness.md.

This module must not measure this machine: the seconds are those of the simulated world, and so the
same everywhere.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from release.core.policy import OnNewer, Policy, SupersededBy  # noqa: E402 - on the path only now
from simulator.storm_figures import Figures, Lag, measure  # noqa: E402 - as above
from simulator.storms import Pace, Storm, run_storm  # noqa: E402 - as above

POLICIES = tuple(product(OnNewer, SupersededBy))
STORM_S = 3600.0
EVERY_S = (10.0, 60.0, 120.0, 180.0, 240.0, 360.0, 600.0)
RED_EVERY_S = (60.0, 240.0, 600.0)
RED_EACH = 3
RED_PUSHES = 12
LEDGER_S = (0.1, 0.5, 1.0, 2.0)
FAST_EVERY_S = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0)
FAST_PUSHES = 100


def main() -> int:
    """Prints the tables."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    show("A storm of an hour", (*WHO, *COLUMNS), storm_rows())
    show("The newest commit is red", (*WHO, "live at the end", *COLUMNS), red_rows())
    show("Faster than the ledger", ("on_newer", "ledger_s", *FAST_COLUMNS), fast_rows())
    return 0


WHO = ("push every", "on_newer", "superseded_by")
COLUMNS = (
    *("jobs", "deployed (in storm)", "superseded", "refused", "other red"),
    *("lag of tenants", "lag of pointer", "stood still", "redeploys (wasted)", "converged after"),
)
FAST_COLUMNS = tuple(f"every {every_s:g} s" for every_s in FAST_EVERY_S)


def storm_rows() -> Iterator[tuple[str, ...]]:
    """A row for each pace of pushes and each policy; every commit is green."""
    for every_s, (on_newer, superseded_by) in product(EVERY_S, POLICIES):
        storm = Storm(every_s=every_s, pushes=int(STORM_S / every_s))
        figures = run(storm, on_newer, superseded_by)
        yield (*who(storm, on_newer, superseded_by), *cells(storm, figures))


def red_rows() -> Iterator[tuple[str, ...]]:
    """As `storm_rows`, but the CI of every third commit fails, that of the newest one included."""
    red = frozenset(range(RED_EACH, RED_PUSHES + 1, RED_EACH))
    for every_s, (on_newer, superseded_by) in product(RED_EVERY_S, POLICIES):
        storm = Storm(every_s=every_s, pushes=RED_PUSHES, red=red)
        figures = run(storm, on_newer, superseded_by)
        live = ", ".join(f"push {number}" if number else "none" for number in sorted(figures.live))
        yield (*who(storm, on_newer, superseded_by), live, *cells(storm, figures))


def fast_rows() -> Iterator[tuple[str, ...]]:
    """How many jobs end red where the ledger is slow for the pushes; `!` where the newest does."""
    for on_newer, ledger_s in product(OnNewer, LEDGER_S):
        found = []
        for every_s in FAST_EVERY_S:
            storm = Storm(every_s=every_s, pushes=FAST_PUSHES, pace=Pace(ledger_s=ledger_s))
            figures = run(storm, on_newer, SupersededBy.CLAIMED)
            found.append(f"{figures.other}{'' if figures.converged_s is not None else ' !'}")
        yield (on_newer.value, f"{ledger_s:g} s", *found)


def run(storm: Storm, on_newer: OnNewer, superseded_by: SupersededBy) -> Figures:
    """Runs a storm under a policy that is the protocol's default otherwise."""
    return measure(run_storm(storm, Policy(on_newer=on_newer, superseded_by=superseded_by)))


def who(storm: Storm, on_newer: OnNewer, superseded_by: SupersededBy) -> tuple[str, ...]:
    """The first cells of a row."""
    return f"{storm.every_s:g} s", on_newer.value, superseded_by.value


def cells(storm: Storm, figures: Figures) -> tuple[str, ...]:
    """The cells that tell what came of a storm."""
    after_s = figures.converged_s
    return (
        str(storm.pushes),
        f"{figures.deployed} ({figures.in_storm})",
        str(figures.superseded),
        str(figures.refused),
        str(figures.other),
        lag(figures.tenants),
        lag(figures.pointer),
        f"{figures.stood_still_s:.0f} s",
        f"{figures.redeploys} ({figures.wasted})",
        "never" if after_s is None else "before it" if after_s < 0 else f"{after_s:.0f} s",
    )


def lag(seen: Lag) -> str:
    """The mean lag and the worst one."""
    return f"{seen.mean_s:.0f}, at most {seen.worst_s:.0f} s"


def show(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Prints one table of Markdown."""
    print(f"\n{title}\n")
    for row in (head, ("---",) * len(head), *rows):
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
