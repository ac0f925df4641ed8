"""Puts the snapshots of all services together, so that they read as that of one world.

This module must not ask anybody.
"""

from collections.abc import Mapping
from typing import Any

from simulator.world import Layout

__all__ = ["merge"]

_UNKNOWN_FENCE: Mapping[str, Any] = {"kind": "unknown", "seen": {}}


def merge(layout: Layout, states: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The snapshot of the whole; a part whose service can't be reached is empty in it.

    `unreached` names those services.
    """
    forge, plane = states.get("forge", {}), states.get("control_plane", {})
    registry = states.get("registry", {}).get("registry", {})
    tag = layout.pointer_tag
    return {
        "environment": layout.environment,
        "branch": layout.branch,
        "head": forge.get("head"),
        "tenants": plane.get("tenants", {}),
        "pointers": {
            name: {"tag": tag, **tags[tag]} for name, tags in registry.items() if tag in tags
        },
        "registry": registry,
        "fence": plane.get("fence", _UNKNOWN_FENCE),
        "in_flight": sum(one.get("in_flight", 0) for one in states.values()),
        "forge": forge.get("forge", {}),
        "ledger": forge.get("ledger"),
        "unreached": sorted({"forge", "registry", "control_plane", "edge"} - set(states)),
    }
