"""The published table: which scopes the shipped pipeline was taken through, and what is expected.

This module must not explore anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from release.core.policy import OnNewer, SupersededBy
from simulator.explorer.scope import Kind, Scope, Start
from simulator.explorer.stories import cast_story

__all__ = ["ROWS", "Row"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: a scope, and the promise that does not hold in it; empty where all hold.

    outside: the assumption that the scope steps out of, where a promise breaks.
    schedules: how many are run by chance where the scope is too large to exhaust; zero exhausts.
    """

    title: str
    scope: Scope
    broken: str = ""
    outside: str = ""
    schedules: int = 0


_TWO = Scope(jobs=cast_story("deploys", 2))
_LOSSES = frozenset({Kind.TIMEOUT, Kind.LOST, Kind.CRASH})
_TIMEOUT = frozenset({Kind.TIMEOUT})
_ONE = replace(_TWO, faults=1, expiries=1)
_SMALL = replace(_ONE, tenants=2)


def _fences(title: str, scope: Scope) -> list[Row]:
    return [
        Row(title=f"{title}, {words}", scope=replace(scope, fence=fence))
        for fence, words in (
            ("landing", "fenced at landing"),
            ("door", "at the door"),
            ("none", "unfenced"),
        )
    ]


def _each(*kinds: Kind, scope: Scope = _SMALL) -> list[Row]:
    return [
        Row(title=f"2 x {scope.tenants}, {kind}", scope=replace(scope, kinds=frozenset({kind})))
        for kind in kinds
    ]


_TABLE = [
    Row(title="2 x 3, nothing fails", scope=_TWO),
    *_fences("2 x 3, one fault, one expiry", replace(_ONE, kinds=_LOSSES)),
    *_fences("2 x 3, two faults, one expiry", replace(_ONE, faults=2, kinds=_LOSSES)),
    *_fences("2 x 8, one fault, one expiry", replace(_ONE, tenants=8, kinds=_LOSSES)),
    *_fences(
        "3 x 3, one fault, one expiry",
        replace(_ONE, jobs=cast_story("deploys", 3), kinds=_TIMEOUT),
    ),
    Row(
        title="2 x 3, policy head",
        scope=replace(_ONE, kinds=_TIMEOUT, superseded_by=SupersededBy.HEAD),
    ),
    Row(title="2 x 3, policy finish", scope=replace(_ONE, kinds=_TIMEOUT, on_newer=OnNewer.FINISH)),
    Row(
        title="2 x 3, policies head and finish",
        scope=replace(
            _ONE, kinds=_TIMEOUT, superseded_by=SupersededBy.HEAD, on_newer=OnNewer.FINISH
        ),
    ),
    Row(
        title="3 x 2, policy finish",
        scope=replace(_TWO, jobs=cast_story("deploys", 3), tenants=2, on_newer=OnNewer.FINISH),
    ),
    Row(
        title="2 x 3, swap outcomes unknown",
        scope=replace(_ONE, kinds=frozenset({Kind.SWAP_UNKNOWN})),
    ),
    Row(
        title="rollback against a deploy",
        scope=replace(_SMALL, jobs=cast_story("rollback", 1), kinds=_TIMEOUT),
    ),
    Row(
        title="rollback against two deploys",
        scope=replace(_TWO, tenants=2, jobs=cast_story("rollback", 2)),
    ),
    Row(
        title="re-run of an old commit",
        scope=replace(_SMALL, expiries=0, jobs=cast_story("rerun", 2), kinds=_TIMEOUT),
    ),
    Row(
        title="one commit twice at once",
        scope=replace(_SMALL, expiries=0, jobs=cast_story("twin", 2), kinds=_TIMEOUT),
    ),
    Row(
        title="force-push",
        scope=replace(
            _SMALL, jobs=cast_story("rewrite", 2), rewritten=True, is_healed=False, kinds=_TIMEOUT
        ),
    ),
    Row(
        title="empty ledger over a running fleet",
        scope=replace(_SMALL, start=Start.EMPTY, kinds=_TIMEOUT),
    ),
    Row(
        title="the ledger is behind the fleet",
        scope=replace(_SMALL, start=Start.BEHIND, kinds=_TIMEOUT),
    ),
    Row(
        title="2 x 2, unfenced, a bound is waited out in two parts",
        scope=replace(_SMALL, fence="none", renewals=2, kinds=_TIMEOUT),
    ),
    *_each(
        *(Kind.CANCEL, Kind.UNREACHABLE, Kind.REFUSED, Kind.NO_EFFECT, Kind.DEFERRED, Kind.TWICE),
        *(Kind.PARTIAL, Kind.STALE_HEAD, Kind.STALE_REGISTRY, Kind.REGRESS, Kind.BROKEN),
        *(Kind.CHURN, Kind.SWITCH, Kind.PIN),
    ),
    Row(
        title="2 x 3, batches land tenant by tenant",
        scope=replace(_ONE, kinds=frozenset({Kind.PIECEMEAL, Kind.TIMEOUT})),
    ),
    Row(
        title="2 x 2, tenants drain, two confirmations",
        scope=replace(_TWO, tenants=2, confirmations=2, kinds=frozenset({Kind.LAG})),
    ),
    Row(
        title="2 x 1, ledger lost or set back, fenced at landing",
        scope=replace(_SMALL, tenants=1, kinds=frozenset({Kind.LEDGER_LOST})),
    ),
    Row(
        title="2 x 2, answered before it landed, unfenced",
        scope=replace(_SMALL, fence="none", kinds=frozenset({Kind.DEFERRED})),
        broken="P1",
        outside="a final answer is final",
    ),
    Row(
        title="2 x 2, lands a second time, unfenced",
        scope=replace(_SMALL, fence="none", kinds=frozenset({Kind.TWICE})),
        broken="P1",
        outside="a final answer is final",
    ),
    Row(
        title="2 x 2, lands beyond its bound, unfenced",
        scope=replace(_SMALL, fence="none", is_life_bounded=False, kinds=_TIMEOUT),
        broken="P1",
        outside="every effect lands within its bound",
    ),
    Row(
        title="2 x 2, ledger set back, unfenced",
        scope=replace(_SMALL, fence="none", kinds=frozenset({Kind.LEDGER_LOST})),
        broken="P1",
        outside="the ledger is never set back",
    ),
]

ROWS: Mapping[str, Row] = {row.title: row for row in _TABLE}
"""The rows by title, in the order of the table."""
