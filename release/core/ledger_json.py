"""The record as bytes: canonical JSON, which every ledger store keeps as it is.

This module must not read or write a store, and must not mend what it can't understand.
"""

import json
from typing import Any, NoReturn

from release.core.codec import from_plain, to_plain
from release.core.ledger import Record
from release.errors import Invalid

__all__ = ["RECORD_BYTES_MAX", "SCHEMA", "dumps", "loads"]

SCHEMA = 1
"""The schema that this version writes, and the only one that it reads."""

RECORD_BYTES_MAX = 2**20
"""The longest record that is written or read: some ten times a full one."""

_SAFE = "nothing was changed"


def dumps(record: Record) -> bytes:
    """Writes a record; equal records have equal bytes.

    Keys are sorted, and the text is ASCII, so that nothing that a record carries can fail to be
    encoded. Raises Invalid when the record is too long, or could not be read back: what a store
    can't give back must never be in it.
    """
    try:
        plain = {"schema": SCHEMA, **to_plain(record)}
        text = json.dumps(plain, indent=1, sort_keys=True, allow_nan=False) + "\n"
        data = text.encode("ascii")
        is_same = loads(data) == record
    except (TypeError, ValueError) as exc:
        raise Invalid("the record can't be written", seen=str(exc)[:160], safe=_SAFE) from exc
    except Invalid as exc:
        raise Invalid(
            "the record can't be written", seen=exc.seen, expected=exc.expected, safe=_SAFE
        ) from exc
    if not is_same:
        raise Invalid("the record would be read back as another one", safe=_SAFE)
    return data


def loads(data: bytes, *, on: str = "record") -> Record:
    """Reads a record; raises Invalid, naming the path, for anything else.

    on: where the bytes were found, for the message.
    """
    if len(data) > RECORD_BYTES_MAX:
        raise _no_record(on, f"{len(data)} bytes", f"at most {RECORD_BYTES_MAX} bytes")
    try:
        plain = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as exc:
        raise _no_record(on, str(exc)[:160], "JSON") from exc
    if not isinstance(plain, dict):
        raise _no_record(on, type(plain).__name__, "an object")
    _check_schema(plain.pop("schema", None), on)
    try:
        record: Record = from_plain(Record, plain)
    except Invalid as exc:
        raise _no_record(on, str(exc), f"a record of schema {SCHEMA}") from exc
    return record


def _check_schema(schema: object, on: str) -> None:
    if type(schema) is not int or schema < 1:
        raise _no_record(on, f"schema {schema!r}", f"schema {SCHEMA}")
    if schema > SCHEMA:
        raise Invalid(
            "the record was written by a newer Headway",
            on=on,
            seen=f"schema {schema}",
            expected=f"schema {SCHEMA}",
            safe=_SAFE,
            advice="Use the version that the other jobs of this environment use",
        )


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses a key that stands twice, of which JSON would silently take the last."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {twice!r} stands twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _no_record(on: str, seen: str, expected: str) -> Invalid:
    return Invalid(
        "what is stored is no record",
        on=on,
        seen=seen,
        expected=expected,
        safe=_SAFE,
        advice="Put the last good record back, then run ledger-repair",
    )
