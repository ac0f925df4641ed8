"""Everything that may happen in a state, found once for all states that agree in what it rests on.

A job's moves rest on the world and on where that job is; the events on the world, and on where the
jobs are only when one of them may die. This module must not decide which move is taken.
"""

from simulator.explorer.scope import Kind
from simulator.explorer.territory import Move, Territory

__all__ = ["Steps"]

_CACHE_MAX = 400_000


class Steps:
    """The moves of one territory, remembered."""

    def __init__(self, territory: Territory) -> None:
        self._territory = territory
        everywhere, nodes = ~territory.all_nodes, territory.all_nodes
        may_die = territory.scope.has(Kind.CRASH)
        keys = [everywhere | mask for mask in territory.node_masks]
        kept = [nodes & ~mask for mask in territory.node_masks]
        self._parts = tuple(
            zip(
                [*keys, -1 if may_die else everywhere],
                [*kept, 0 if may_die else nodes],
                [dict[int, tuple[Move, ...]]() for _ in range(territory.jobs + 1)],
                strict=True,
            )
        )

    def moves(self, state: int) -> list[Move]:
        """Everything that may happen in a state, always in the same order."""
        found = []
        for part, (key_mask, keep_mask, cache) in enumerate(self._parts):
            key = state & key_mask
            known = cache.get(key)
            if known is None:
                known = self._find(state, part)
                if len(cache) > _CACHE_MAX:
                    cache.clear()
                cache[key] = known
            kept = state & keep_mask
            settle = self._territory.settle
            found += [
                move._replace(target=settle(kept | (move.target & ~keep_mask))) for move in known
            ]
        return found

    def targets(self, state: int) -> list[int]:
        """Where each move leads, as often as moves lead there."""
        settle, found = self._territory.settle, []
        for key_mask, keep_mask, cache in self._parts:
            known = cache.get(state & key_mask)
            if known is None:
                return [move.target for move in self.moves(state)]
            kept = state & keep_mask
            found += [settle(kept | (move.target & ~keep_mask)) for move in known]
        return found

    def _find(self, state: int, part: int) -> tuple[Move, ...]:
        territory = self._territory
        if part < territory.jobs:
            return tuple(territory.job_moves(state, part))
        return tuple(territory.event_moves(state))
