"""Everything that may happen in a state, found once for all states that agree in what it rests on.

A job's moves rest on the world and on where that job is; the events on the world alone, and they
leave every job where it is, but for those that are dead behind them. This module must not decide
which move is taken.
"""

from collections.abc import Iterator

from simulator.explorer.territory import Move, Territory

__all__ = ["Steps"]

_CACHE_MAX = 400_000

_Found = tuple[tuple[Move, int], ...]
"""Moves, and with each the bits of a state that it leaves as they are."""


class Steps:
    """The moves of one territory, remembered."""

    def __init__(self, territory: Territory) -> None:
        self._territory = territory
        everywhere = ~territory.all_nodes
        keys = [*(everywhere | mask for mask in territory.node_masks), everywhere]
        self._parts = tuple(
            (part, key_mask, dict[int, _Found]()) for part, key_mask in enumerate(keys)
        )

    def moves(self, state: int) -> list[Move]:
        """Everything that may happen in a state, always in the same order."""
        settle = self._territory.settle
        return [
            move._replace(target=settle(state & kept | (move.target & ~kept)))
            for move, kept in self._find_all(state)
        ]

    def targets(self, state: int) -> list[int]:
        """Where each move leads, as often as moves lead there."""
        settle = self._territory.settle
        return [
            settle(state & kept | (move.target & ~kept)) for move, kept in self._find_all(state)
        ]

    def _find_all(self, state: int) -> Iterator[tuple[Move, int]]:
        for part, key_mask, cache in self._parts:
            key = state & key_mask
            known = cache.get(key)
            if known is None:
                if len(cache) > _CACHE_MAX:
                    cache.clear()
                known = cache[key] = self._find(state, part)
            yield from known

    def _find(self, state: int, part: int) -> _Found:
        territory = self._territory
        nodes = territory.all_nodes
        if part < territory.jobs:
            kept = nodes & ~territory.node_masks[part]
            return tuple((move, kept) for move in territory.job_moves(state, part))
        return tuple(
            (move, nodes & ~territory.dead_nodes(move.target))
            for move in territory.event_moves(state)
        )
