"""Writes branches, commits and CI statuses as Gitea writes them.

This module must not read a request's token, nor the world.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from simulator.apps.exchange import Exchange
from simulator.forge import CiStatus

__all__ = ["branch_of", "combined_of", "commit_of", "page_of", "status_of"]

T = TypeVar("T")

_PAGE_DEFAULT = 30
_PAGE_MAX = 50
_WORST_FIRST = ("error", "failure", "warning", "pending", "success", "skipped")


def page_of(exchange: Exchange, rows: Sequence[T], *, clamp: int | None) -> tuple[T, ...]:
    """The page that the query asks for, no longer than the server wants it, which it never says."""
    limit = exchange.number("limit", _PAGE_DEFAULT)
    size = min(limit if limit > 0 else _PAGE_DEFAULT, _PAGE_MAX, clamp or _PAGE_MAX)
    start = (max(exchange.number("page", 1), 1) - 1) * size
    return tuple(rows[start : start + size])


def branch_of(name: str, head: str, required: Iterable[str]) -> dict[str, object]:
    """A branch; its head is `commit.id`."""
    contexts = list(required)
    return {
        "name": name,
        "commit": {"id": head, "message": "", "url": "", "author": None, "committer": None},
        "protected": bool(contexts),
        "required_approvals": 0,
        "enable_status_check": bool(contexts),
        "status_check_contexts": contexts,
        "user_can_push": False,
        "user_can_merge": False,
        "effective_branch_protection_name": name if contexts else "",
    }


def commit_of(sha: str, parents: Iterable[str]) -> dict[str, object]:
    """A commit and its parents."""
    return {
        "sha": sha,
        "url": "",
        "parents": [{"sha": parent, "url": ""} for parent in parents],
        "commit": {"message": "", "author": None, "committer": None},
    }


def status_of(row: CiStatus) -> dict[str, object]:
    """One row; its word is called `status` here, and `updated_at` never differs."""
    at = row.at.isoformat()
    return {
        "id": row.number,
        "status": row.state,
        "target_url": "",
        "description": "",
        "url": "",
        "context": row.context,
        "creator": None,
        "created_at": at,
        "updated_at": at,
    }


def combined_of(sha: str, rows: Sequence[CiStatus]) -> dict[str, object]:
    """The combined status, whose `state` and `total_count` speak of this page alone."""
    states = {row.state for row in rows}
    return {
        "state": next((word for word in _WORST_FIRST if word in states), ""),
        "sha": sha,
        "total_count": len(rows),
        "statuses": [status_of(row) for row in rows] or None,
        "commit_url": "",
        "url": "",
    }
