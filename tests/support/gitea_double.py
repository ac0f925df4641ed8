"""Answers as a Gitea does, over a commit graph in memory, its documented oddities included.

This module must not know the adapter under test; it is put behind a loopback server.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.support.loopback import Answer, Asked, json_answer

__all__ = ["REPOSITORY", "GiteaDouble"]

REPOSITORY = "acme/shop"
_ROOT = f"/api/v1/repos/{REPOSITORY}/"
_NOT_FOUND = json_answer({"message": "The target couldn't be found."}, status=404)
_PAGE_ROWS = 30


@dataclass(slots=True, kw_only=True)
class GiteaDouble:
    """A repository: `react` answers one request.

    page_rows_max: the page size that larger ones are silently clamped to.
    has_combined: whether there is a combined status; repeats_pages: whether both lists of statuses
        answer their first page whatever is asked.
    variable_status: what reading an Actions variable is answered, when it is not 200.
    """

    commits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    rows: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    protection: dict[str, object] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    files: dict[tuple[str, str], str] = field(default_factory=dict)
    page_rows_max: int = 50
    has_combined: bool = True
    repeats_pages: frozenset[str] = frozenset()
    variable_status: int = 200
    lists_parents: bool = True

    def add_status(self, sha: str, context: str, state: str, *, workflow: str = "ci.yaml") -> None:
        """Adds a row, as every report of CI does; its id counts the rows of the commit."""
        rows = self.rows.setdefault(sha, [])
        rows.append({"id": len(rows) + 1, "context": context, "state": state, "file": workflow})

    def react(self, asked: Asked) -> Answer:
        """Answers one request."""
        parts = urlsplit(asked.target)
        query = dict(parse_qsl(parts.query))
        if not parts.path.startswith(_ROOT):
            return _NOT_FOUND
        kind, _, rest = unquote(parts.path.removeprefix(_ROOT)).partition("/")
        match kind:
            case "compare":
                return self._compare(*rest.split("..."))
            case "commits":
                sha, _, name = rest.partition("/")
                return self._list_statuses(sha, name, query)
            case "actions":
                return self._read_variable(rest.removeprefix("variables/"))
            case "raw" if (rest, query.get("ref", "")) in self.files:
                return Answer(body=self.files[rest, query["ref"]].encode())
        return self._read_reference(kind, rest)

    def _read_reference(self, kind: str, name: str) -> Answer:
        if kind == "branches" and name in self.branches:
            commit = {"id": self.branches[name], "message": "m"}
            return json_answer({"name": name, "commit": commit, **self.protection})
        if kind == "tags" and name in self.tags:
            return json_answer({"name": name, "commit": {"sha": self.tags[name]}})
        found = self._find(name.removeprefix("commits/")) if kind == "git" else None
        return json_answer({"sha": found}) if found else _NOT_FOUND

    def _find(self, reference: str) -> str | None:
        found = [sha for sha in self.commits if sha.startswith(reference)]
        return found[0] if len(found) == 1 else None

    def _reachable(self, sha: str) -> set[str]:
        found: set[str] = set()
        waiting = [sha]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting.extend(self.commits[one])
        return found

    def _compare(self, base: str, head: str) -> Answer:
        """Lists what `head` has beyond `base`; nothing at all when they share no commit."""
        if not {base, head} <= self.commits.keys():
            return _NOT_FOUND
        ours, theirs = self._reachable(head), self._reachable(base)
        beyond = sorted(ours - theirs) if ours & theirs else []
        commits: list[dict[str, object]] = [{"sha": sha} for sha in beyond]
        if self.lists_parents:
            for commit in commits:
                parents = self.commits[str(commit["sha"])]
                commit["parents"] = [{"url": "", "sha": parent} for parent in parents]
        return json_answer({"total_commits": len(beyond), "commits": commits})

    def _list_statuses(self, sha: str, name: str, query: dict[str, str]) -> Answer:
        if sha not in self.commits or (name == "status" and not self.has_combined):
            return _NOT_FOUND
        rows = self.rows.get(sha, [])
        if name == "statuses":
            assert query.get("sort") == "highestindex", "the default order is no order"
            listed = [{**row, "status": row["state"], "state": None} for row in rows]
            return json_answer(self._page(listed, name, query))
        newest = {(row["context"], row["file"]): row for row in rows}
        page = self._page(newest.values(), name, query)
        return json_answer({"state": "", "total_count": len(page), "statuses": page or None})

    def _page(
        self, rows: Iterable[dict[str, object]], name: str, query: dict[str, str]
    ) -> list[dict[str, object]]:
        limit = min(int(query.get("limit", _PAGE_ROWS)), self.page_rows_max)
        page = 1 if name in self.repeats_pages else int(query.get("page", "1"))
        return list(rows)[(page - 1) * limit : page * limit]

    def _read_variable(self, name: str) -> Answer:
        if self.variable_status != 200:
            message = {"message": "user should be the owner of the repo"}
            return json_answer(message, status=self.variable_status)
        if name not in self.variables:
            return _NOT_FOUND
        return json_answer(
            {"owner_id": 1, "repo_id": 2, "name": name, "data": self.variables[name]}
        )
