"""Reads the answers of a Gitea or Forgejo into values.

This module must not send a request; `gitea` does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from release.adapters.http import Reply, refused
from release.core.contexts import StatusRow
from release.core.values import Sha
from release.errors import Invalid, Unavailable

__all__ = [
    "SERVICE",
    "Beyond",
    "accept",
    "as_object",
    "beyond",
    "required_contexts_of",
    "sha_at",
    "status_rows",
    "text_at",
]

SERVICE = "gitea"
"""How messages call the forge."""

_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """The commits that one history has beyond another.

    parents: those of every commit that was listed; empty when the answer shows none.
    is_whole: whether every one of the `total` commits was listed.
    """

    total: int
    parents: frozenset[str]
    is_whole: bool

    def contradicts(self, root: Sha) -> bool:
        """Whether the list proves that `root` is no ancestor: it then would be some parent."""
        return self.is_whole and bool(self.parents) and str(root) not in self.parents


def accept(reply: Reply, *, advice: str = "") -> Reply:
    """Passes an answer with status 200 on; raises Refused for any other."""
    if reply.status != _OK:
        raise refused(SERVICE, reply, advice=advice)
    return reply


def as_object(reply: Reply) -> Mapping[str, object]:
    """The answer as a JSON object; raises Unavailable when it is none."""
    answer = reply.json(SERVICE)
    if not isinstance(answer, Mapping):
        raise _unreadable("an object", answer)
    return answer


def status_rows(reply: Reply) -> tuple[StatusRow, ...]:
    """The rows of one page of CI statuses, combined or as a list.

    An older Gitea answers an empty body where there are none.
    """
    if not reply.body.strip():
        return ()
    answer = reply.json(SERVICE)
    listed = answer.get("statuses") if isinstance(answer, Mapping) else answer
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise _unreadable("a list of statuses", listed)
    return tuple(_status_row(entry) for entry in listed)


def _status_row(entry: object) -> StatusRow:
    number = entry.get("id") if isinstance(entry, Mapping) else None
    if not isinstance(entry, Mapping) or not isinstance(number, int):
        raise _unreadable("a status with its id", entry)
    # A listed row says `status`, the combined answer and what was posted say `state`.
    state = entry.get("status") or entry.get("state") or "unknown"
    return StatusRow(context=text_at(entry, "context"), state=str(state), number=number)


def required_contexts_of(branch: Mapping[str, object]) -> tuple[str, ...]:
    """The contexts that the protection of a branch requires; none when it does not look at CI."""
    if branch.get("enable_status_check") is False:
        return ()
    contexts = branch.get("status_check_contexts") or []
    if not isinstance(contexts, list) or not all(isinstance(one, str) for one in contexts):
        raise _unreadable("a list of contexts", contexts)
    return tuple(contexts)


def beyond(reply: Reply) -> Beyond:
    """The commits that a comparison lists; raises Unavailable when it has no total."""
    answer = as_object(reply)
    total = answer.get("total_commits")
    commits = answer.get("commits") or []
    if not isinstance(total, int) or not isinstance(commits, list):
        raise _unreadable("a comparison with total_commits", answer)
    parents = frozenset(parent for commit in commits for parent in _parents(commit))
    return Beyond(total=total, parents=parents, is_whole=len(commits) >= total)


def _parents(commit: object) -> tuple[str, ...]:
    listed = commit.get("parents") if isinstance(commit, Mapping) else None
    entries = listed if isinstance(listed, Sequence) else ()
    return tuple(str(one.get("sha")) for one in entries if isinstance(one, Mapping))


def sha_at(answer: Mapping[str, object], *keys: str) -> Sha:
    """The commit id under these keys, one in the other; raises Unavailable when there is none."""
    found: object = answer
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    try:
        return Sha(str(found))
    except Invalid as exc:
        raise _unreadable(f"a commit id as {'.'.join(keys)}", found) from exc


def text_at(answer: Mapping[str, object], key: str) -> str:
    """The text under a key; raises Unavailable when there is none."""
    found = answer.get(key)
    if not isinstance(found, str):
        raise _unreadable(f"text as {key}", found)
    return found


def _unreadable(expected: str, seen: object) -> Unavailable:
    return Unavailable(
        "answered what we can't read",
        on=SERVICE,
        seen=repr(seen)[:80],
        expected=expected,
        safe="nothing was changed",
    )
