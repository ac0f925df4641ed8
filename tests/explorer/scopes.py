"""Tiny scopes that both engines can exhaust.

This module must not run anything.
"""

from typing import Any

from simulator.explorer.scope import JobSpec, Kind, Scope

__all__ = ["ALONE", "overlap", "single"]

ALONE = JobSpec(name="A", release=1)
_OLDER = JobSpec(name="A", release=1, push=1)
_NEWER = JobSpec(name="B", release=2, push=2)


def single(*kinds: Kind, **changes: Any) -> Scope:  # noqa: ANN401 - any field of a scope
    """One job of one tenant, and as many faults as there are kinds."""
    plain = {"tenants": 1, "batch": 1, "kinds": frozenset(kinds), "faults": len(kinds)}
    return Scope(**{"jobs": (ALONE,), **plain, **changes})


def overlap(guard: str, *kinds: Kind, **changes: Any) -> Scope:  # noqa: ANN401 - as above
    """An older and a newer job of one tenant under a guard, and nothing after them."""
    plain = {"tenants": 1, "batch": 1, "kinds": frozenset(kinds), "faults": len(kinds)}
    plain |= {"guard": guard, "is_healed": False}
    return Scope(jobs=(_OLDER, _NEWER), **{**plain, **changes})
