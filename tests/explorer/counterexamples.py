"""The scopes that the tests of replays share, each small enough to be explored in a moment.

This file must not judge what an exploration found.
"""

from dataclasses import replace
from functools import cache

from simulator.explorer.engine import explore
from simulator.explorer.schedule import Schedule, find_schedule
from simulator.explorer.scope import JobSpec, Kind, Scope
from simulator.explorer.territory import Territory

__all__ = ["SCOPES", "find", "pair"]

_JOBS = (JobSpec(name="A", release=1, push=1), JobSpec(name="B", release=2, push=2))


def pair(guard: str, *kinds: Kind, faults: int = 0, expiries: int = 0) -> Scope:
    """Two jobs, the second one of the newer release, on a fleet that compares no epoch."""
    return Scope(
        jobs=_JOBS,
        guard=guard,
        kinds=frozenset(kinds),
        faults=faults,
        expiries=expiries,
        fence="none",
    )


SCOPES = {
    "none": pair("none"),
    "before-verify": pair("before-verify"),
    "before-effects": pair("before-effects"),
    "recheck": pair("recheck"),
    "mutex": pair("mutex"),
    "lease": pair("lease", expiries=1),
    "lease-retry": pair("lease", Kind.TIMEOUT, faults=1),
    "lease-piecemeal": pair("lease", Kind.PIECEMEAL, Kind.CRASH, faults=1),
    "lease-reread": pair("lease-reread", expiries=1),
    "person-lock": pair("person-lock"),
    "cancel-running": pair("cancel-running"),
    "believes-the-plane": pair("believes-the-plane"),
    "tag-without-read-back": replace(pair("tag-without-read-back"), tenants=1),
}
"""Where an earlier design breaks a promise, by the design and by what it takes."""


@cache
def find(name: str) -> Schedule:
    """The shortest schedule that breaks a promise in the scope of that name."""
    schedule = find_schedule(explore(Territory(SCOPES[name])))
    assert schedule is not None, f"{name} breaks a promise"
    return schedule
