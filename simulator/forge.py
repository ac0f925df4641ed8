"""The forge's state: commits and their ancestry, branches, CI statuses, variables, files.

This module must not speak HTTP; the forge app and the direct port do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from release.core.order import Order
from release.errors import Invalid
from simulator.cells import Cell
from simulator.clock import WorldClock
from simulator.happenings import Kind, Log

__all__ = ["CiStatus", "ForgeState"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CiStatus:
    """One row of a commit's statuses; `number` counts from one for each commit."""

    number: int
    context: str
    state: str
    at: datetime


@dataclass(slots=True)
class ForgeState:
    """Commits by id, each with its parents; history may be rewritten by pushing elsewhere.

    required: the contexts, globs allowed, that the branch protection names for each branch.
    """

    clock: WorldClock
    log: Log
    commits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    branches: dict[str, Cell[str]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    required: dict[str, tuple[str, ...]] = field(default_factory=dict)
    variables: dict[str, Cell[str | None]] = field(default_factory=dict)
    files: dict[tuple[str, str], Cell[bytes | None]] = field(default_factory=dict)
    _statuses: dict[str, list[CiStatus]] = field(default_factory=dict)

    def add_commit(self, sha: str, parents: Iterable[str] = ()) -> None:
        """Adds a commit; raises Invalid when a parent is not there yet."""
        listed = tuple(parents)
        missing = [parent for parent in listed if parent not in self.commits]
        if missing:
            raise Invalid("a parent is unknown", on=sha, seen=", ".join(missing))
        self.commits.setdefault(sha, listed)

    def push(self, branch: str, sha: str, *, actor: str = "push") -> None:
        """Moves the branch to a commit, wherever that is; raises Invalid when it is unknown."""
        if sha not in self.commits:
            raise Invalid("no such commit", on=sha, advice="Add it with add_commit first")
        before = self.branches[branch].value if branch in self.branches else None
        if branch in self.branches:
            self.branches[branch].write(sha, self.clock.reading_s())
        else:
            self.branches[branch] = Cell(sha)
        self.log.note(Kind.PUSHED, branch, actor=actor, before=before, after=sha)

    def head(self, branch: str, *, stale_s: float = 0.0) -> str | None:
        """The commit that the branch points at, or pointed at `stale_s` ago; None if unknown."""
        cell = self.branches.get(branch)
        return cell.at(self.clock.reading_s() - stale_s) if cell else None

    def set_status(self, sha: str, context: str, state: str) -> None:
        """Adds a row of CI status, as every report of CI does; the newest of a context counts."""
        rows = self._statuses.setdefault(sha, [])
        rows.append(
            CiStatus(
                number=len(rows) + 1,
                context=context,
                state=state,
                at=self.clock.utc(),
            )
        )
        self.log.note(Kind.CI, sha, after=state, note=context)

    def statuses(self, sha: str) -> tuple[CiStatus, ...]:
        """Every row of a commit, in the order in which they were added."""
        return tuple(self._statuses.get(sha, ()))

    def latest_statuses(self, sha: str) -> tuple[CiStatus, ...]:
        """The newest row of each context, newest first."""
        newest = {row.context: row for row in self.statuses(sha)}
        return tuple(sorted(newest.values(), key=lambda row: row.number, reverse=True))

    def set_variable(self, name: str, value: str | None, *, actor: str = "operator") -> None:
        """Sets an Actions variable, such as the kill switch; None deletes it."""
        before = self.variable(name)
        self.variables.setdefault(name, Cell(None)).write(value, self.clock.reading_s())
        self.log.note(Kind.SWITCHED, name, actor=actor, before=before, after=value)

    def variable(self, name: str, *, stale_s: float = 0.0) -> str | None:
        """The value of a variable, or its value `stale_s` ago."""
        cell = self.variables.get(name)
        return cell.at(self.clock.reading_s() - stale_s) if cell else None

    def write_file(self, branch: str, path: str, content: bytes | None) -> None:
        """Puts a file on a branch, outside of the history; None removes it."""
        cell = self.files.setdefault((branch, path), Cell(None))
        cell.write(content, self.clock.reading_s())
        shown = None if content is None else content.decode(errors="replace")[:80]
        self.log.note(Kind.SWITCHED, f"{branch}:{path}", actor="operator", after=shown)

    def file(self, branch: str, path: str, *, stale_s: float = 0.0) -> bytes | None:
        """What a file on a branch holds, or held `stale_s` ago."""
        cell = self.files.get((branch, path))
        return cell.at(self.clock.reading_s() - stale_s) if cell else None

    def resolve(self, reference: str) -> str | None:
        """The commit that a branch, a tag or a unique abbreviated id (4 digits or more) names."""
        named = self.head(reference) or self.tags.get(reference)
        if named is not None:
            return named
        if reference in self.commits:
            return reference
        if len(reference) < 4:  # noqa: PLR2004 - as git does
            return None
        found = [sha for sha in self.commits if sha.startswith(reference)]
        return found[0] if len(found) == 1 else None

    def reachable(self, sha: str) -> frozenset[str]:
        """The commit and all its ancestors."""
        found: set[str] = set()
        waiting = [sha]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting.extend(self.commits.get(one, ()))
        return frozenset(found)

    def missing_from(self, base: str, head: str) -> tuple[str, ...]:
        """The commits of `head` that `base` does not contain, in the order of their adding."""
        wanted = self.reachable(head) - self.reachable(base)
        return tuple(sha for sha in self.commits if sha in wanted)

    def order(self, ours: str, other: str) -> Order:
        """How `ours` stands to `other`; UNKNOWN when either is not known here."""
        if ours not in self.commits or other not in self.commits:
            return Order.UNKNOWN
        if ours == other:
            return Order.SAME
        if ours in self.reachable(other):
            return Order.OLDER
        return Order.NEWER if other in self.reachable(ours) else Order.DIVERGED

    def plain(self) -> Mapping[str, object]:
        """Branches, variables and the newest statuses, as JSON values."""
        return {
            "branches": {name: cell.value for name, cell in self.branches.items()},
            "commits": {sha: list(parents) for sha, parents in self.commits.items()},
            "variables": {name: cell.value for name, cell in self.variables.items()},
            "statuses": {
                sha: {row.context: row.state for row in self.latest_statuses(sha)}
                for sha in self._statuses
            },
        }
