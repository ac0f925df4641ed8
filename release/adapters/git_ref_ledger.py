"""Keeps the record on a ref of a git remote: a commit for each write, swapped in by a leased push.

This module must not decide what a record says, nor read a forge's API: any remote will do.

The record is the file `record.json` of the commit, and the commit's id is the version. A write has
the commit before it as parent, so that the chain of commits is the whole history; but a renewal
takes the place of the write that it renews. The remote compares the ref's old id when it moves it,
which makes the push a compare-and-swap; the lease compares it on our side already.
"""

import asyncio
from collections.abc import Callable

from release.adapters.git_command import GitRun
from release.adapters.git_mirror import GitMirror
from release.adapters.git_push import Pushed, read_push
from release.adapters.git_record import (
    StoredRecord,
    is_renewal,
    load_record,
    load_versions,
    store_record,
)
from release.adapters.ledger_wait import wait_for_change
from release.core.history import Version
from release.core.ledger import Record
from release.core.printable import printable
from release.errors import Conflict, OutcomeUnknown, Refused, Unavailable
from release.ports import Clock, Reading

__all__ = ["GitRefLedger"]

_LOCAL_REF = "refs/mirror/ledger"
_CHAIN_REF = "refs/mirror/chain"
_PUSHES_MAX = 4
_PUSH_PAUSE_S = 0.25


class GitRefLedger:
    """A ledger on a git remote; keeps the promise of `ports.Ledger`.

    mirror: of this ledger alone, in a folder of this process alone.
    ref: two components at least under `refs/`; one per environment. Under `refs/heads/`, for forges
        that take no other, renewals are kept as commits too: a branch may refuse to be rewritten.
    nonce: makes a text that no other call, in any process, ever made; it tells our commit from one
        of another writer with the same content.
    """

    def __init__(
        self,
        mirror: GitMirror,
        ref: str,
        *,
        clock: Clock,
        nonce: Callable[[], str],
        poll_s: float = 2.0,
    ) -> None:
        self._mirror = mirror
        self._ref = ref
        self._on = f"{ref} of {mirror.remote}"
        self._clock = clock
        self._nonce = nonce
        self._poll_s = poll_s
        self._known: StoredRecord | None = None
        self._lock = asyncio.Lock()

    async def read(self) -> Reading:
        """Reads the record that the ref names now; raises Invalid, Unavailable and Refused."""
        async with self._lock:
            await self._tidy()
            stored = await self._read()
        if stored is None:
            return Reading(record=None, version=None)
        return Reading(record=stored.record, version=stored.version)

    async def swap(self, expected: str | None, record: Record) -> str:
        """Pushes the record if the ref still names `expected`; see `ports.Ledger`.

        Raises OutcomeUnknown also when the ref stays locked on the remote.
        """
        async with self._lock:
            await self._tidy()
            parents = await self._find_parents(expected, record)
            stored = await store_record(
                self._mirror,
                record,
                parents=parents,
                at=await self._clock.utc_now(),
                nonce=self._nonce(),
            )
            await self._push(expected, stored.version)
            self._known = stored
        return stored.version

    async def changed(self, version: str | None, within_s: float) -> Reading:
        """Asks the remote for the ref every `poll_s`, at most for `within_s`."""
        return await wait_for_change(
            self.read, self._clock, version=version, within_s=within_s, poll_s=self._poll_s
        )

    async def versions(self, count_max: int) -> tuple[Version, ...]:
        """Reads the newest writes that the chain of commits keeps, at most so many, newest last.

        A read, safe to repeat. Raises Unavailable and Refused.
        """
        async with self._lock:
            await self._tidy()
            if await self._advertised() is None:
                return ()
            spec = f"+{self._ref}:{_CHAIN_REF}"
            is_there = await self._mirror.fetch(spec, options=(f"--depth={count_max}",))
            if not is_there:
                return ()
            return await load_versions(self._mirror, _CHAIN_REF, count_max=count_max)

    async def _tidy(self) -> None:
        """Begins a new mirror now and then; what is known goes with the old one."""
        if self._mirror.is_worn:
            self._known = None
            await self._mirror.restart()

    async def _read(self) -> StoredRecord | None:
        """Reads the ref; what a fetch brings counts, also when it is newer than the answer."""
        advertised = await self._advertised()
        if advertised is None:
            self._known = None
        elif self._known is None or self._known.version != advertised:
            # Two commits deep, so that a renewal of this one can name the parent of it.
            spec = f"+{self._ref}:{_LOCAL_REF}"
            is_there = await self._mirror.fetch(spec, options=("--depth=2",))
            self._known = None
            if is_there:
                self._known = await load_record(self._mirror, _LOCAL_REF, on=self._on)
        return self._known

    async def _advertised(self) -> str | None:
        return (await self._mirror.advertised(self._ref)).get(self._ref)

    async def _find_parents(self, expected: str | None, record: Record) -> tuple[str, ...]:
        """Chooses the parents of the next commit, and makes sure that the mirror has them."""
        if expected is None:
            return ()
        before = self._known
        if before is None or before.version != expected:
            before = await self._read()
        if before is None or before.version != expected:
            raise self._conflict(before.version if before else None, expected)
        if not self._ref.startswith("refs/heads/") and is_renewal(before.record, record):
            return before.parents
        return (before.version,)

    async def _push(self, expected: str | None, commit: str) -> None:
        """Pushes the commit; returns only when the ref names it.

        A ref that is locked is an answer, behind which nothing was written: the same commit may be
        pushed again under the same lease.
        """
        for _ in range(_PUSHES_MAX):
            lease = f"{self._ref}:{expected or ''}"
            run = await self._mirror.push(f"{commit}:{self._ref}", lease=lease)
            match read_push(run):
                case Pushed.WRITTEN:
                    return
                case Pushed.LOST:
                    # A proxy, too, may have sent the push twice, and the second one lost to ours.
                    found = await self._find_after(run)
                    if found == commit:
                        return
                    raise self._conflict(found, expected)
                case Pushed.REFUSED:
                    raise self._refused(run)
                case Pushed.BROKEN if self._mirror.has_sent_nothing(run):
                    raise self._mirror.failure(run)
                case Pushed.BROKEN:
                    raise self._unknown(run, "the answer to a push never came")
                case Pushed.BUSY:
                    found = await self._advertised()
                    if found != expected:
                        raise self._conflict(found, expected)
            await self._clock.sleep(_PUSH_PAUSE_S)
        raise self._unknown(run, f"the remote did not take {_PUSHES_MAX} pushes")

    async def _find_after(self, run: GitRun) -> str | None:
        """Reads the ref after a push; who can't read it does not know what became of the push."""
        try:
            return await self._advertised()
        except Unavailable as exc:
            raise self._unknown(run, "the ref could not be read after a push that lost") from exc

    def _conflict(self, found: str | None, expected: str | None) -> Conflict:
        return Conflict(
            "another writer came first",
            on=self._on,
            seen=found or "another commit, or none",
            expected=expected or "no such ref",
            safe="nothing was written",
        )

    def _refused(self, run: GitRun) -> Refused:
        return Refused(
            "the git remote refuses to have this ref written",
            on=self._on,
            seen=_said(run),
            safe="nothing was written",
            advice="Let the token push to it, or set ledger.ref to another one: every forge takes "
            "one under refs/heads/, such as refs/heads/headway/production",
        )

    def _unknown(self, run: GitRun, failed: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            failed, on=self._on, seen=_said(run), safe="read the ledger again before writing"
        )


def _said(run: GitRun) -> str:
    """What git and the remote said of the ref, on one line."""
    _, _, line = run.out.decode("utf-8", "replace").partition("\n!\t")
    summary = line.partition("\n")[0].rpartition("\t")[2]
    return run.cut or printable(f"{summary} {run.err}", 300)
