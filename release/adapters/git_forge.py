"""Reads the deploy branch of any git remote, by git alone: no forge API, no checkout.

This module must not guess: what git can't tell, such as what CI says, it refuses or calls unknown.
"""

import re

from release.adapters.git_mirror import GitMirror
from release.core.order import Order
from release.core.printable import printable
from release.core.sighting import Checks
from release.core.switch import Switch, is_switched_on
from release.core.values import Sha
from release.errors import Invalid, Refused, Unavailable

__all__ = ["GitForge"]

_WHOLE = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SHORTENED = re.compile(r"[0-9a-f]{4,63}")
# What git forbids in the name of a ref, and the stars and brackets of its patterns.
_NO_NAME = re.compile(r"^[-/.]|[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|[/.]$|\.lock(/|$)")
_LOCAL_HEAD = "refs/mirror/head"
_LOCAL_SWITCH = "refs/mirror/switch"

# The order of commits needs no file of them. A remote that can't leave them out sends them.
_COMMITS_ONLY = ("--filter=tree:0",)


class GitForge:
    """The deploy branch on a git remote; keeps the promise of `ports.Forge`.

    mirror: is filled with all commits of the branch, and with no file but the switch.
    required_contexts: of CI, which git knows nothing of: `checks` refuses to judge any.
    switch: a file on a branch or another ref; a variable is a forge's own.
    """

    def __init__(
        self,
        mirror: GitMirror,
        *,
        branch: str,
        required_contexts: tuple[str, ...] = (),
        switch: Switch | None = None,
    ) -> None:
        if switch is not None and switch.variable:
            raise Invalid(
                "a git remote has no variables",
                on=f"switch, {switch}",
                expected="a file on a ref",
                advice="Name a file, or configure the forge by its API",
            )
        self._mirror = mirror
        self._head = _full(branch, on="branch")
        self._required_contexts = required_contexts
        self._switch = switch
        self._switch_ref = _full((switch and switch.ref) or branch, on="switch.ref")

    async def head(self) -> Sha:
        """Asks the remote for the newest commit of the branch."""
        found = (await self._mirror.advertised(self._head)).get(self._head)
        if found is None:
            raise Refused(
                "the deploy branch is not there",
                on=f"{self._head} of {self._mirror.remote}",
                safe="nothing was changed",
                advice="Check the name of the branch and what the token may read",
            )
        return Sha(found)

    async def checks(self, sha: Sha) -> Checks:
        """Is green with no checks at all; raises Invalid when any context is required."""
        if self._required_contexts:
            raise Invalid(
                "a git remote has no CI statuses",
                on=sha.short,
                seen=f"required: {', '.join(self._required_contexts)}",
                advice="Configure the forge by its API, or require nothing and deploy from a job "
                "that runs after CI",
            )
        return Checks(checks=())

    async def compare(self, ours: Sha, other: Sha) -> Order:
        """Compares by the whole commit graph; fetches only what the mirror lacks."""
        if ours == other:
            return Order.SAME
        try:
            if not await self._has_fetched(ours, other):
                return Order.UNKNOWN
            is_older = await self._is_ancestor(ours, other)
            is_newer = await self._is_ancestor(other, ours)
        except (Refused, Unavailable):
            return Order.UNKNOWN
        match is_older, is_newer:
            case True, False:
                return Order.OLDER
            case False, True:
                return Order.NEWER
            case False, False:
                return Order.DIVERGED
        return Order.UNKNOWN

    async def is_enabled(self) -> bool:
        """Reads the file as it is on the remote now.

        Raises Refused when the ref or the file is not there, or says neither on nor off.
        """
        if self._switch is None or self._switch.file is None:
            return True
        on = f"{self._switch}, {self._mirror.remote}"
        commit = (await self._mirror.advertised(self._switch_ref)).get(self._switch_ref)
        content = None
        if commit is not None:
            if await self._missing(commit):
                spec = f"+{self._switch_ref}:{_LOCAL_SWITCH}"
                await self._mirror.fetch(spec, options=_COMMITS_ONLY)
            content = await self._mirror.blob(f"{commit}:{self._switch.file}")
        if content is None:
            raise Refused(
                "the kill switch is configured and not there",
                on=on,
                safe="nothing was changed",
                advice="Put the file on the ref, or take the switch out of the configuration",
            )
        return is_switched_on(content.decode("utf-8", "replace"), on=on)

    async def resolve(self, reference: str) -> Sha | None:
        """Tries branch and tag, then a full id, then a shortened one.

        Raises Invalid when the reference names two commits.
        """
        found = await self._resolve_name(reference)
        if found is None and _WHOLE.fullmatch(reference):
            sha = Sha(reference)
            return sha if await self._has_fetched(sha) else None
        if found is None and _SHORTENED.fullmatch(reference):
            return await self._resolve_shortened(reference)
        return found

    async def _resolve_name(self, reference: str) -> Sha | None:
        if _NO_NAME.search(reference):
            return None
        branch, tag = f"refs/heads/{reference}", f"refs/tags/{reference}"
        if reference.startswith("refs/"):
            branch = tag = reference
        peeled = f"{tag}^{{}}"
        found = await self._mirror.advertised(branch, tag, peeled)
        tagged = found.get(peeled, found.get(tag))
        named = found.get(branch) if branch != tag else tagged
        if named and tagged and named != tagged:
            raise _ambiguous(reference, f"branch at {named[:10]}, tag at {tagged[:10]}")
        one = named or tagged
        return Sha(one) if one else None

    async def _resolve_shortened(self, reference: str) -> Sha | None:
        await self._fetch_branch()
        listed = await self._mirror.local("rev-parse", f"--disambiguate={reference}")
        ids = listed.out.decode("ascii", "replace").split()
        commits = sorted(set(ids) - await self._missing(*ids))
        if len(commits) > 1:
            raise _ambiguous(reference, ", ".join(one[:12] for one in commits[:4]))
        return Sha(commits[0]) if commits else None

    async def _has_fetched(self, *shas: Sha) -> bool:
        """Whether the mirror has these commits, after one fetch of what it lacked."""
        missing = await self._missing(*map(str, shas))
        if missing:
            await self._fetch_branch()
            missing = await self._missing(*missing)
        if missing:
            # A commit that left its branch by a force-push may still be had by its id.
            await self._mirror.fetch(*sorted(missing), options=_COMMITS_ONLY)
            missing = await self._missing(*missing)
        return not missing

    async def _fetch_branch(self) -> None:
        await self._mirror.fetch(f"+{self._head}:{_LOCAL_HEAD}", options=_COMMITS_ONLY)

    async def _missing(self, *ids: str) -> set[str]:
        """Those of the ids under which the mirror has no commit."""
        names = "".join(f"{one}\n" for one in ids).encode()
        run = await self._mirror.local("cat-file", "--batch-check", stdin=names)
        lines = run.out.decode("ascii", "replace").splitlines()
        present = {line.split(" ")[0] for line in lines if line.split(" ")[1:2] == ["commit"]}
        return set(ids) - present

    async def _is_ancestor(self, one: Sha, other: Sha) -> bool | None:
        """Whether the first is an ancestor of the second; None when git can't tell."""
        run = await self._mirror.local("merge-base", "--is-ancestor", str(one), str(other))
        if run.cut:
            return None
        return {0: True, 1: False}.get(run.code)


def _full(name: str, *, on: str) -> str:
    """Writes a branch as the full name of its ref; a name under `refs/` is one already."""
    full = name if name.startswith("refs/") else f"refs/heads/{name}"
    if not name or _NO_NAME.search(name):
        raise Invalid("is not the name of a branch or ref", on=on, seen=printable(name, 80))
    return full


def _ambiguous(reference: str, seen: str) -> Invalid:
    return Invalid(
        "the reference names more than one commit",
        on=printable(reference, 80),
        seen=seen,
        advice="Write the full name, such as refs/tags/NAME, or the full commit id",
    )
