"""The bytes of a record: canonical, versioned, bounded, and never half understood."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from release.core.ledger import Pin, PinKind, Record
from release.core.ledger_json import RECORD_BYTES_MAX, SCHEMA, dumps, loads
from release.errors import Invalid
from tests.support.ledger_records import full_record, small_record

RECORD = full_record(reason_length=5)


def test_small_record_is_written_like_this() -> None:
    """Keys are sorted, one to a line; the schema stands at the top; None is left out."""
    data = dumps(small_record(epoch=2))

    assert data.decode() == (
        '{\n "abandoned": [],\n "denied": [],\n "environment": "production",\n "epoch": 2,\n'
        ' "intents": [],\n "past": [],\n "schema": 1,\n "stamp": {\n  "job": {\n   "attempt": 1,\n'
        '   "nonce": "nonce-1",\n   "run": "run-1"\n  },\n  "write": 1\n }\n}\n'
    )


@pytest.mark.parametrize("record", [small_record(), RECORD])
def test_record_comes_back_equal(record: Record) -> None:
    """What was written is read back equal, whatever characters are in it."""
    assert loads(dumps(record)) == record


@settings(deadline=None)
@given(st.text(), st.integers(min_value=0), st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_and_number_comes_back_equal(text: str, epoch: int, lease_s: float) -> None:
    """No text, however odd, and no number keeps a record from being written and read."""
    assert RECORD.holder is not None
    holder = replace(RECORD.holder, lease_s=lease_s)
    record = replace(small_record(), environment=text, epoch=epoch, holder=holder)

    assert loads(dumps(record)) == record


def test_writing_again_gives_the_same_bytes() -> None:
    """Equal records have equal bytes, so that a hash of them names the record."""
    assert dumps(loads(dumps(RECORD))) == dumps(RECORD)


def test_newer_schema_is_refused_by_its_number() -> None:
    """A record of a newer Headway is not touched; the message names both schemas."""
    data = dumps(RECORD).replace(b'"schema": 1', b'"schema": 2')

    with pytest.raises(Invalid, match=r"written by a newer Headway.*seen: schema 2; .*schema 1"):
        loads(data)


@pytest.mark.parametrize("schema", [None, 0, -1, "1", True, 1.0])
def test_schema_that_never_was_is_no_record(schema: object) -> None:
    """A schema is a whole number from one; without one, nothing is taken for a record."""
    plain = json.loads(dumps(RECORD)) | {"schema": schema}

    with pytest.raises(Invalid, match="no record"):
        loads(json.dumps(plain).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b'"record"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        dumps(RECORD)[:-3],
        dumps(RECORD) + b"{}",
        dumps(RECORD).replace(b'"epoch": 41', b'"epoch": 41, "epoch": 42'),
        dumps(RECORD).replace(b'"epoch": 41', b'"epoch": NaN'),
        dumps(RECORD).replace(b'"lease_s": 60.0', b'"lease_s": 1e999'),
        dumps(RECORD).replace(b'"epoch": 41', b'"epoch": ' + b"9" * 5000),
    ],
)
def test_broken_bytes_are_no_record(data: bytes) -> None:
    """Whatever is not exactly a record is Invalid, and the message says where it was found."""
    with pytest.raises(Invalid, match=r"^ledger X: what is stored is no record"):
        loads(data, on="ledger X")


def test_message_names_the_path() -> None:
    """Who has to mend a record by hand is told the key."""
    data = dumps(RECORD).replace(b'"phase": "settling"', b'"phase": "sleeping"')

    with pytest.raises(Invalid, match=r"holder\.phase"):
        loads(data)


def test_record_beyond_the_longest_is_not_written() -> None:
    """The bound is checked before a store is asked."""
    with pytest.raises(Invalid, match=f"can't be written.*at most {RECORD_BYTES_MAX} bytes"):
        dumps(full_record(reason_length=20_000))


def test_bytes_beyond_the_longest_are_not_parsed() -> None:
    """What somebody else put into the store is bounded too."""
    with pytest.raises(Invalid, match="no record"):
        loads(b" " * RECORD_BYTES_MAX + dumps(RECORD))


def test_record_that_could_not_be_read_back_is_not_written() -> None:
    """An instant without offset, or a number beyond all bounds, would lock every later job out."""
    pin = Pin(kind=PinKind.PIN, reason="", by="ada", at=datetime(2026, 1, 2, tzinfo=UTC))
    naive = replace(pin, at=pin.at.replace(tzinfo=None))

    with pytest.raises(Invalid, match="can't be written"):
        dumps(replace(RECORD, pin=naive))
    with pytest.raises(Invalid, match="can't be written"):
        dumps(replace(RECORD, environment=None))  # type: ignore[arg-type]  # a bug of a caller


def test_schema_is_written_as_declared() -> None:
    """The number at the top is the one that this version reads."""
    assert json.loads(dumps(small_record()))["schema"] == SCHEMA
