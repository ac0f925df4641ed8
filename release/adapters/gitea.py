"""Reads a Gitea or Forgejo: branch head, CI statuses, ancestry, kill switch, names of commits.

This module must not write to the forge, nor judge: `core.contexts` says what a status means.
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from release.adapters.gitea_wire import (
    SERVICE,
    Beyond,
    accept,
    as_object,
    beyond,
    required_contexts_of,
    sha_at,
    status_rows,
    text_at,
)
from release.adapters.http import Http, HttpPool
from release.core.contexts import StatusRow, judge_contexts, newest_rows
from release.core.order import Order
from release.core.sighting import Checks
from release.core.switch import Switch, is_switched_on
from release.core.values import Secret, Sha
from release.errors import HeadwayError, Invalid, Refused, Unavailable

__all__ = ["GiteaForge", "gitea_http"]

_FORBIDDEN = frozenset({401, 403})
_MISSING = frozenset({404, 405})
_UNKNOWN_REFERENCE = frozenset({400, 404, 409, 422})
_PAGE_LIMIT = 50
_PAGES_MAX = 200
_COMPARE_BYTES_MAX = 32 * 2**20
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_HEX = re.compile(r"[0-9a-f]{4,64}")
_REFERENCE = re.compile(
    r"(?!\.|.*(?:\.\.|//|/\.|@\{))[^\x00-\x20\x7f~^:?*\[\\/-][^\x00-\x20\x7f~^:?*\[\\]*"
)
_LEAN = (("stat", "false"), ("files", "false"), ("verification", "false"))


def gitea_http(pool: HttpPool, server_url: str, token: Secret | None) -> Http:
    """The API of the forge at `server_url`; without a token it is read as anybody reads it."""
    headers = {"authorization": Secret(f"token {token.reveal()}")} if token else {}
    return Http(
        pool,
        SERVICE,
        f"{server_url.rstrip('/')}/api/v1",
        headers=headers,
        body_bytes_max=_COMPARE_BYTES_MAX,
    )


class GiteaForge:
    """A `Forge` over the API that Gitea 1.22 and later and Forgejo have in common."""

    def __init__(  # noqa: PLR0913 - one for each thing that an operator configures
        self,
        http: Http,
        *,
        repository: str,
        branch: str,
        required_contexts: tuple[str, ...] | None = None,
        own_context: str | None = None,
        switch: Switch | None = None,
    ) -> None:
        """Raises Invalid for a repository or branch that can't be one.

        required_contexts: names or globs; None takes those that the protection of the branch
            requires, read anew each time. An empty one requires nothing.
        own_context: the deploy job's own context, which it must not wait for.
        """
        if not _REPOSITORY.fullmatch(repository) or {".", ".."} & set(repository.split("/")):
            raise Invalid("not a repository", on=repr(repository)[:120], expected="owner/name")
        if not _REFERENCE.fullmatch(branch):
            raise Invalid("not a branch", on=repr(branch)[:120])
        self._http = http
        self._root = f"repos/{repository}"
        self._repository = repository
        self._branch = branch
        self._required = required_contexts
        self._own = own_context
        self._switch = switch

    async def head(self) -> Sha:
        """Reads the newest commit of the deploy branch."""
        return sha_at(await self._read_branch(), "commit", "id")

    async def checks(self, sha: Sha) -> Checks:
        """Reads the newest status of every required context of the commit."""
        required = self._required
        if required is None:
            required = required_contexts_of(await self._read_branch())
        if not required:
            return Checks(checks=())
        rows = await self._read_newest_rows(sha)
        return judge_contexts(required, rows, own=self._own)

    async def compare(self, ours: Sha, other: Sha) -> Order:
        """Says how `ours` stands to `other`, from the commits that each has beyond the other.

        The forge answers "no commits" also for histories without a common root, and when it failed
        to find their merge base. So both directions are asked, and the one that lists commits must
        show the other commit as a parent.
        """
        if ours == other:
            return Order.SAME
        ahead = await self._read_beyond(base=other, head=ours)
        behind = await self._read_beyond(base=ours, head=other)
        if ahead is None or behind is None or not (ahead.total or behind.total):
            return Order.UNKNOWN
        if ahead.total and behind.total:
            return Order.DIVERGED
        listed, root = (ahead, other) if ahead.total else (behind, ours)
        if listed.contradicts(root):
            return Order.UNKNOWN
        return Order.NEWER if ahead.total else Order.OLDER

    async def is_enabled(self) -> bool:
        """Reads the kill switch live; True also when none is configured.

        Raises Refused when a configured switch does not exist, or says neither on nor off.
        """
        if self._switch is None:
            return True
        if self._switch.variable:
            return await self._read_variable(self._switch.variable)
        return await self._read_switch_file(self._switch.file or "", self._switch.ref)

    async def resolve(self, reference: str) -> Sha | None:
        """Finds the commit that a branch, tag or abbreviated id names; None when there is none."""
        if not _REFERENCE.fullmatch(reference):
            return None
        name = quote(reference, safe="/")
        if _HEX.fullmatch(reference):
            sha = await self._find(f"{self._root}/git/commits/{name}", "sha", params=_LEAN)
            if sha is not None and str(sha).startswith(reference):
                return sha
        for path, keys in (
            (f"branches/{name}", ("commit", "id")),
            (f"tags/{name}", ("commit", "sha")),
        ):
            sha = await self._find(f"{self._root}/{path}", *keys)
            if sha is not None:
                return sha
        return None

    async def _find(
        self, path: str, *keys: str, params: Sequence[tuple[str, str]] = ()
    ) -> Sha | None:
        reply = await self._http.read(path, params=params)
        if reply.status in _UNKNOWN_REFERENCE:
            return None
        return sha_at(as_object(accept(reply)), *keys)

    async def _read_branch(self) -> Mapping[str, object]:
        reply = await self._http.read(f"{self._root}/branches/{quote(self._branch, safe='/')}")
        advice = f"Look at forge.branch ({self._branch}) and at what the forge token may read"
        return as_object(accept(reply, advice=advice))

    async def _read_newest_rows(self, sha: Sha) -> tuple[StatusRow, ...]:
        """Reads the combined status, which lists the newest row of each context of each workflow.

        Where a server has no such list, or repeats its first page for ever, the whole history of
        the commit tells the same.
        """
        newest = await self._read_pages(f"{self._root}/commits/{sha}/status")
        if newest is not None:
            return newest
        # Sorted by growing number, so that what arrives while we page lands on later pages.
        path = f"{self._root}/commits/{sha}/statuses"
        history = await self._read_pages(path, ("sort", "highestindex"))
        if history is None:
            raise Refused(
                "its CI statuses can't be listed",
                on=f"{SERVICE} commit {sha.short}",
                seen="no such list, or one that repeats the same page",
                safe="nothing was changed",
                advice="Look whether the commit has been pushed, and what the token may read",
            )
        return newest_rows(history)

    async def _read_pages(
        self, path: str, *params: tuple[str, str]
    ) -> tuple[StatusRow, ...] | None:
        """Reads pages until an empty one: servers clamp the page size and miscount their totals.

        None when there is no such list, or a page brings nothing new.
        """
        rows: dict[tuple[str, int], StatusRow] = {}
        for page in range(1, _PAGES_MAX + 1):
            paging = (("page", str(page)), ("limit", str(_PAGE_LIMIT)))
            reply = await self._http.read(path, params=(*params, *paging))
            if reply.status in _MISSING:
                return None
            found = {(row.context, row.number): row for row in status_rows(accept(reply))}
            if not found:
                return tuple(rows.values())
            if found.keys() <= rows.keys():
                return None
            rows |= found
        raise Unavailable(
            f"more than {_PAGES_MAX} pages of CI statuses",
            on=f"{SERVICE} {path}",
            safe="none used",
        )

    async def _read_beyond(self, *, base: Sha, head: Sha) -> Beyond | None:
        """Reads the commits of `head` that `base` lacks; None when the forge does not say."""
        path = f"{self._root}/compare/{base}...{head}"
        try:
            return beyond(accept(await self._http.read(path, params=_LEAN)))
        except HeadwayError:
            return None

    async def _read_variable(self, name: str) -> bool:
        place = f"variable {name} of {self._repository}"
        advice = (
            f"Create the Actions variable {name} on the repository itself, with the value on; "
            "one of the organisation is not seen"
        )
        reply = await self._http.read(f"{self._root}/actions/variables/{quote(name, safe='')}")
        if reply.status in _FORBIDDEN:
            advice = (
                "Only an owner's token may read Actions variables: give forge.token one, or keep "
                "the switch in a file (forge.switch.file)"
            )
        answer = as_object(accept(reply, advice=advice))
        return is_switched_on(text_at(answer, "data"), on=f"{SERVICE} {place}")

    async def _read_switch_file(self, file: str, ref: str | None) -> bool:
        ref = ref or self._branch
        path = f"{self._root}/raw/{quote(file.lstrip('/'), safe='/')}"
        reply = await self._http.read(path, params=(("ref", ref),))
        accept(reply, advice=f"Commit the file {file} on {ref}, holding the word on or off")
        text = reply.body.decode("utf-8", errors="replace")
        return is_switched_on(text, on=f"{SERVICE} file {file} on {ref} of {self._repository}")
