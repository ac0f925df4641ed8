"""Every guard under every temptation: the length of the shortest schedule that breaks a promise.

This module must not explore by itself or print; `engine` does the one, the desk the other.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from simulator.explorer.engine import Exploration, Limits, explore
from simulator.explorer.findings import verdict, worst
from simulator.explorer.scope import Kind, Scope
from simulator.explorer.stories import cast_story
from simulator.explorer.territory import Territory
from simulator.guards import GUARDS, SHIPPED

__all__ = ["COLUMNS", "Cell", "matrix", "matrix_plain", "matrix_text", "matrix_word"]

_SMALL = Scope(jobs=cast_story("deploys", 2), tenants=2, fence="none")

COLUMNS: Mapping[str, Scope] = {
    "nothing": _SMALL,
    "expiry": replace(_SMALL, expiries=1),
    "timeout": replace(_SMALL, faults=1, kinds=frozenset({Kind.TIMEOUT})),
    "no effect": replace(_SMALL, faults=1, kinds=frozenset({Kind.NO_EFFECT})),
    "stale head": replace(_SMALL, faults=1, kinds=frozenset({Kind.STALE_HEAD})),
    "unreachable": replace(_SMALL, faults=1, kinds=frozenset({Kind.UNREACHABLE})),
    "crash": replace(_SMALL, faults=1, kinds=frozenset({Kind.CRASH})),
    "re-run": replace(_SMALL, jobs=cast_story("rerun", 2)),
}
"""What the world does to the jobs in each column, two deploys of two tenants in all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One guard in one column. events: of the shortest schedule that breaks it, zero for none."""

    guard: str
    column: str
    word: str
    promise: str
    events: int
    states: int


def matrix(
    guards: tuple[str, ...] = (), *, limits: Limits, tell: Callable[[str], None] | None = None
) -> tuple[Cell, ...]:
    """Explores every guard in every column; all guards when none is named."""
    return tuple(_cells(guards or tuple(GUARDS), limits, tell))


def _cells(
    guards: tuple[str, ...], limits: Limits, tell: Callable[[str], None] | None
) -> Iterator[Cell]:
    for guard in guards:
        for column, scope in COLUMNS.items():
            if tell is not None:
                tell(f"{guard}: {column}")
            found = explore(Territory(replace(scope, guard=guard)), limits)
            yield _cell(guard, column, found)


def _cell(guard: str, column: str, found: Exploration) -> Cell:
    promise = found.breach.promise if found.breach else ""
    return Cell(
        guard=guard,
        column=column,
        word=verdict(found),
        promise=promise,
        events=found.depth if found.breach else 0,
        states=found.states,
    )


def matrix_text(cells: tuple[Cell, ...]) -> str:
    """The table: a row for each guard, its first promise broken, and the length in each column."""
    width = max(len(cell.guard) for cell in cells)
    head = f"{'guard':<{width}}  " + "".join(f"{column:>12}" for column in COLUMNS)
    lines = [head, "-" * len(head)]
    for guard in dict.fromkeys(cell.guard for cell in cells):
        row = {cell.column: cell for cell in cells if cell.guard == guard}
        lines.append(
            f"{guard:<{width}}  " + "".join(f"{_shown(row[name]):>12}" for name in COLUMNS)
        )
    broken = len({cell.guard for cell in cells if cell.word == "broken"})
    said = "a promise and the number of events in the shortest schedule that breaks it"
    return "\n".join([*lines, "", f"{said}; `kept`: every state was seen", _last(cells, broken)])


def matrix_plain(cells: tuple[Cell, ...]) -> list[dict[str, object]]:
    """The table as data."""
    return [
        {
            "guard": cell.guard,
            "column": cell.column,
            "outcome": cell.word,
            "promise": cell.promise,
            "events": cell.events,
            "states": cell.states,
        }
        for cell in cells
    ]


def matrix_word(cells: tuple[Cell, ...]) -> str:
    """What came of the shipped guard in all columns: `kept`, `broken` or `unfinished`."""
    return worst(cell.word for cell in cells if cell.guard == SHIPPED)


def _shown(cell: Cell) -> str:
    return f"{cell.promise[:2]} in {cell.events}" if cell.word == "broken" else cell.word


def _last(cells: tuple[Cell, ...], broken: int) -> str:
    shipped = [cell for cell in cells if cell.guard == SHIPPED]
    guards = len({cell.guard for cell in cells}) - bool(shipped)
    word = matrix_word(cells)
    return f"{word}: {SHIPPED} in {len(shipped)} scopes; broken: {broken} of {guards} other guards"
