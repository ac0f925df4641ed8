"""Keeps the record in a file of this machine, safe between processes.

This module must not be used on a folder that several machines share: their locks may not meet.
"""

import asyncio
import fcntl
import os
import re
from hashlib import sha256
from pathlib import Path

from release.adapters.ledger_wait import wait_for_change
from release.core.ledger import Record
from release.core.ledger_json import RECORD_BYTES_MAX, dumps, loads
from release.errors import Conflict, Invalid, OutcomeUnknown, Refused, Unavailable
from release.ports import Clock, Reading

__all__ = ["FileLedger"]

_HEADER = re.compile(rb"headway ledger, generation ([1-9][0-9]{0,17})\n")
_HEADER_BYTES_MAX = 64
_LOCK_POLL_S = 0.01


class FileLedger:
    """A ledger in one file, which every write replaces; keeps the promise of `ports.Ledger`.

    Beside it stands a lock file that is never removed. A version is the generation, which each
    write counts up, and a hash of the record: a file that was mended by hand is another version.

    lock_wait_s: how long a swap waits for the swaps of others before it is Unavailable.
    """

    def __init__(
        self, path: Path, *, clock: Clock, poll_s: float = 0.5, lock_wait_s: float = 10.0
    ) -> None:
        self._path = Path(os.path.realpath(path))
        self._clock = clock
        self._poll_s = poll_s
        self._lock_wait_s = lock_wait_s

    async def read(self) -> Reading:
        """Reads the record as it is; raises Invalid when the file holds none, and Unavailable."""
        return await asyncio.to_thread(self._read)

    async def swap(self, expected: str | None, record: Record) -> str:
        """Writes the record if the version is still `expected`, durably.

        Raises Conflict, Invalid when the file holds no record, Refused when this user may not
        write, Unavailable, and OutcomeUnknown when the disk did not confirm the write.
        """
        data = dumps(record)
        end_s = await self._clock.now_s() + self._lock_wait_s
        # The whole swap is one call in one thread: a job that is cancelled in the midst of it can
        # not let go of the lock while the thread is still writing.
        while (version := await asyncio.to_thread(self._try_swap, expected, data)) is None:
            if await self._clock.now_s() >= end_s:
                raise Unavailable(
                    f"the lock was not free within {self._lock_wait_s:g} s",
                    on=str(self._lock_path),
                    safe="nothing was written",
                )
            await self._clock.sleep(_LOCK_POLL_S)
        return version

    async def changed(self, version: str | None, within_s: float) -> Reading:
        """Waits for another version, at most `within_s`."""
        return await wait_for_change(
            self.read, self._clock, version=version, within_s=within_s, poll_s=self._poll_s
        )

    @property
    def _lock_path(self) -> Path:
        return self._path.with_name(self._path.name + ".lock")

    def _read(self) -> Reading:
        generation, data = self._load()
        if not generation:
            return Reading(record=None, version=None)
        return Reading(record=loads(data, on=str(self._path)), version=_version(generation, data))

    def _load(self) -> tuple[int, bytes]:
        """Reads generation and record; generation 0 is a missing file.

        It takes no lock: a file that is replaced as a whole is always one that somebody wrote.
        """
        try:
            with self._path.open("rb") as file:
                content = file.read(_HEADER_BYTES_MAX + RECORD_BYTES_MAX + 1)
        except FileNotFoundError:
            return 0, b""
        except OSError as exc:
            raise self._failure(exc, "could not be read") from exc
        header = _HEADER.match(content)
        if header is None:
            raise Invalid(
                "what is stored is no record",
                on=str(self._path),
                seen=repr(content[:40]),
                expected="'headway ledger, generation N' in the first line",
                safe="nothing was changed",
                advice="Put the last good file back, then run ledger-repair",
            )
        return int(header[1]), content[header.end() :]

    def _try_swap(self, expected: str | None, data: bytes) -> str | None:
        """Swaps under the lock; None when another process has the lock."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as exc:
            raise self._failure(exc, "could not be locked") from exc
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        except OSError as exc:
            raise self._failure(exc, "could not be locked") from exc
        else:
            return self._swap(expected, data)
        finally:
            os.close(lock)

    def _swap(self, expected: str | None, data: bytes) -> str:
        generation, stored = self._load()
        found = _version(generation, stored) if generation else None
        if found != expected:
            raise Conflict(
                "another writer came first",
                on=str(self._path),
                seen=f"version {found}",
                expected=f"version {expected}",
                safe="nothing was written",
            )
        generation += 1
        self._replace(b"headway ledger, generation %d\n%s" % (generation, data))
        return _version(generation, data)

    def _replace(self, content: bytes) -> None:
        temporary = self._path.with_name(self._path.name + ".new")
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except OSError as exc:
            raise self._failure(exc, "could not be written") from exc
        try:
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as exc:
            raise OutcomeUnknown(
                "the disk did not confirm the write",
                on=str(self._path),
                seen=str(exc),
                safe="read again before writing",
            ) from exc

    def _failure(self, exc: OSError, failed: str) -> Refused | Unavailable:
        kind = Refused if isinstance(exc, PermissionError) else Unavailable
        return kind(
            f"the ledger {failed}",
            on=str(self._path),
            seen=exc.strerror or str(exc),
            safe="nothing was changed",
        )


def _version(generation: int, data: bytes) -> str:
    return f"{generation}-{sha256(data).hexdigest()[:16]}"
