"""Lays a record into a commit, and takes it out again.

This module must not speak to the remote: `git_ref_ledger` fetches before it and pushes behind it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from release.adapters.git_mirror import GitMirror
from release.core.history import Version
from release.core.ledger import Record
from release.core.ledger_json import dumps, loads
from release.core.printable import printable
from release.errors import Invalid, Unavailable

__all__ = ["StoredRecord", "is_renewal", "load_record", "load_versions", "store_record"]

_FILE = "record.json"
_COMMITS_AT_ONCE = 16
"""How many records one process of git hands out: some megabytes at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """A record and the commit that holds it; the mirror has the commit and its parents."""

    version: str
    parents: tuple[str, ...]
    record: Record


async def load_record(mirror: GitMirror, ref: str, *, on: str) -> StoredRecord:
    """Reads the record of the commit that a local ref names.

    on: where the commit came from, for messages. Raises Invalid when it holds no record.
    """
    names = f"{ref}\n{ref}:{_FILE}\n".encode()
    out = await _run(mirror, "cat-file", "--batch", stdin=names)
    version, kind, commit, rest = _split_batch(out)
    where = f"{on}, {version[:10]}"
    if kind != "commit":
        raise _no_record(where, f"a {kind}", "a commit")
    _, kind, data, _ = _split_batch(rest)
    if kind != "blob":
        raise _no_record(where, f"no file {_FILE}", f"a commit with a file {_FILE}")
    header = commit.partition(b"\n\n")[0].decode("utf-8", "replace").splitlines()
    parents = tuple(line.removeprefix("parent ") for line in header if line.startswith("parent "))
    return StoredRecord(version=version, parents=parents, record=loads(data, on=where))


async def load_versions(mirror: GitMirror, ref: str, *, count_max: int) -> tuple[Version, ...]:
    """Reads the versions that a local ref's chain of commits keeps, the newest last.

    A commit that holds no record of ours is a version without one.
    """
    chain = ("log", "--first-parent", f"--max-count={count_max}", "--format=%H %ct", ref)
    lines = (await _run(mirror, *chain, stdin=b"")).decode("ascii").splitlines()
    commits = [line.split(" ") for line in reversed(lines)]
    versions: list[Version] = []
    for start in range(0, len(commits), _COMMITS_AT_ONCE):
        some = commits[start : start + _COMMITS_AT_ONCE]
        names = "".join(f"{commit}:{_FILE}\n" for commit, _ in some)
        out = await _run(mirror, "cat-file", "--batch", stdin=names.encode())
        for _, written_s in some:
            _, kind, data, out = _split_batch(out)
            at = datetime.fromtimestamp(int(written_s), UTC)
            versions.append(Version(record=_load(data) if kind == "blob" else None, at=at))
    return tuple(versions)


def _load(data: bytes) -> Record | None:
    try:
        return loads(data)
    except Invalid:
        return None


async def store_record(
    mirror: GitMirror, record: Record, *, parents: tuple[str, ...], at: datetime, nonce: str
) -> StoredRecord:
    """Builds blob, tree and commit in the mirror; raises Invalid when the record can't be written.

    nonce: makes the commit another one than any that was ever built from the same record.
    """
    blob = await _build(mirror, "hash-object", "-w", "--stdin", stdin=dumps(record))
    tree = await _build(mirror, "mktree", stdin=f"100644 blob {blob}\t{_FILE}\n".encode())
    state = record.holder.phase if record.holder else "free"
    message = (
        f"{printable(record.environment, 60)}: epoch {record.epoch}, {state}\n\n"
        f"stamp: {record.stamp.job} write {record.stamp.write}\nnonce: {nonce}\n"
    )
    version = await _build(
        mirror,
        "commit-tree",
        tree,
        *(text for parent in parents for text in ("-p", parent)),
        stdin=message.encode(),
        environment=_identity(at),
    )
    return StoredRecord(version=version, parents=parents, record=record)


def is_renewal(before: Record, after: Record) -> bool:
    """Whether a write only says that somebody still lives or waits, which no history needs."""
    return _lasting(before) == _lasting(replace(after, stamp=before.stamp))


def _lasting(record: Record) -> Record:
    """The record with everything that a renewal changes put to one value, the stamp apart."""
    return replace(
        record,
        holder=record.holder and replace(record.holder, beat=0),
        next=record.next and replace(record.next, beat=0),
        intents=tuple(replace(intent, waited_s=0.0) for intent in record.intents),
    )


def _identity(at: datetime) -> dict[str, str]:
    fields = (
        ("NAME", "headway"),
        ("EMAIL", "headway@localhost"),
        ("DATE", f"@{int(at.timestamp())} +0000"),
    )
    return {
        f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER") for field, value in fields
    }


def _split_batch(out: bytes) -> tuple[str, str, bytes, bytes]:
    """Takes the first object off what `cat-file --batch` said: id, kind, content, and the rest."""
    line, _, rest = out.partition(b"\n")
    words = line.decode("utf-8", "replace").split(" ")
    if len(words) != 3 or not words[2].isdigit():  # noqa: PLR2004 - id, kind and size
        return words[0], "missing object", b"", rest
    size = int(words[2])
    return words[0], words[1], rest[:size], rest[size + 1 :]


async def _build(
    mirror: GitMirror, *arguments: str, stdin: bytes, environment: Mapping[str, str] | None = None
) -> str:
    out = await _run(mirror, *arguments, stdin=stdin, environment=environment)
    return out.decode("ascii").strip()


async def _run(
    mirror: GitMirror, *arguments: str, stdin: bytes, environment: Mapping[str, str] | None = None
) -> bytes:
    run = await mirror.local(*arguments, stdin=stdin, environment=environment)
    if not run.is_done:
        raise Unavailable(
            "git could not work in its local mirror",
            on=arguments[0],
            seen=run.cut or printable(run.err),
            safe="nothing was changed",
        )
    return run.out


def _no_record(on: str, seen: str, expected: str) -> Invalid:
    return Invalid(
        "what is stored is no record",
        on=on,
        seen=seen,
        expected=expected,
        safe="nothing was changed",
        advice="Put the last good commit back on the ref, then run ledger-repair",
    )
