"""How two releases stand to one another, by ancestry alone; never by clock, run id or queue.

This module must not ask a forge: whoever has asked brings the answers as a mapping.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from release.core.values import Sha

__all__ = ["Order", "Orders", "newest"]


class Order(StrEnum):
    """How OUR release stands to another one.

    SAME: the same commit. OLDER: ours is an ancestor of the other. NEWER: the other is an ancestor
    of ours. DIVERGED: neither, as after a force-push or on a foreign branch. UNKNOWN: it could not
    be read, which is not "older" and not "newer".
    """

    SAME = "same"
    OLDER = "older"
    NEWER = "newer"
    DIVERGED = "diverged"
    UNKNOWN = "unknown"


Orders = Mapping[Sha, Order]
"""How our release stands to each other release that a decision needs."""


def newest(found: Iterable[Sha], orders: Mapping[tuple[Sha, Sha], Order]) -> Sha | None:
    """Picks the release that is newer than all others found; None when there is no such one.

    orders: how the first of each pair stands to the second, for every pair of distinct releases.
    """
    candidates = tuple(dict.fromkeys(found))
    for candidate in candidates:
        others = (other for other in candidates if other != candidate)
        if all(orders[candidate, other] is Order.NEWER for other in others):
            return candidate
    return None
