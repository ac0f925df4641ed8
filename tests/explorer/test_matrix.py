"""Every earlier design dies, each by the temptation that it does not stand: the shortest schedules.

The lengths are pinned: a longer one means that the explorer has become blind to something, a
shorter one that a design or the world has changed.
"""

from dataclasses import replace

import pytest

from simulator.explorer.engine import Limits, explore
from simulator.explorer.matrix import COLUMNS, matrix, matrix_plain, matrix_text
from simulator.explorer.territory import Territory
from simulator.guards import GUARDS

DEATHS = {
    "none": ("nothing", "P1", 4),
    "before-verify": ("nothing", "P1", 4),
    "before-effects": ("nothing", "P1", 6),
    "recheck": ("nothing", "P1", 6),
    "mutex": ("nothing", "P1", 11),
    "lease": ("expiry", "P1", 10),
    "lease-reread": ("expiry", "P3", 9),
    "person-lock": ("nothing", "P1", 8),
    "acquisition-fence": ("nothing", "P1", 15),
    "timestamp-order": ("nothing", "P1", 11),
    "run-id-order": ("timeout", "P1", 8),
    "fail-closed-green": ("unreachable", "P3", 4),
    "tag-without-read-back": ("nothing", "P2", 29),
    "verify-any-200": ("no effect", "P2", 30),
    "cancel-running": ("nothing", "P1", 10),
    "floating-tag": ("nothing", "P2", 6),
    "heal-to-head": ("nothing", "P2", 7),
    "believes-the-plane": ("nothing", "P2", 4),
    "warns-when-unreachable": ("nothing", "P1", 4),
    "one-status-page": ("nothing", "P1", 4),
}


@pytest.mark.parametrize("guard", DEATHS)
def test_earlier_design_dies_in_a_shortest_schedule_of_so_many_events(guard: str) -> None:
    """Each design breaks a promise under one temptation, in no fewer events than these."""
    column, promise, events = DEATHS[guard]

    found = explore(Territory(replace(COLUMNS[column], guard=guard)))

    assert found.breach is not None
    assert (promise, events) == (found.breach.promise[:2], found.depth)


def test_every_guard_but_the_shipped_one_has_its_death_pinned() -> None:
    """A design that is added to the table is added here."""
    assert {*GUARDS} == {*DEATHS, "headway"}


def test_shipped_pipeline_is_kept_where_nothing_fails() -> None:
    """Two deploys of two tenants, in every order of events: every promise holds."""
    found = explore(Territory(COLUMNS["nothing"]))

    assert found.is_exhausted
    assert found.complete > 0


def test_table_has_a_cell_for_each_column_and_names_what_was_not_exhausted() -> None:
    """A limit that stops an exploration is said in its cell, and in the first word."""
    cells = matrix(("recheck", "headway"), limits=Limits(states=60))

    text = matrix_text(cells)

    assert 2 * len(COLUMNS) == len(cells) == len(matrix_plain(cells))
    assert "P1 in 6" in text
    assert "unfinished" in text
    assert text.splitlines()[-1].startswith("unfinished: headway in 8 scopes")
