"""Values become plain JSON and come back equal; whatever does not fit is refused with its path."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from release.core.codec import from_plain, to_plain
from release.core.ledger import Intent, Pin, Record
from release.core.values import Digest, Image, JobId, Release, Sha, Tenant
from release.errors import Invalid
from tests.support.ledger_records import full_record, small_record

RELEASE = Release(
    sha=Sha("7" * 40),
    tag="staging-7777777",
    images=(Image(repository="acme/app", digest=Digest("sha256:" + "a" * 64)),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    tenants: tuple[Tenant, ...] = ()
    length_s: float = 1.0
    count: int = 0
    is_open: bool = False
    note: str | None = "a default that is not None"


def _mended(plain: Any, *path: str | int, value: object) -> Any:  # noqa: ANN401 - parsed JSON
    """The same JSON with another value at the path."""
    place = plain
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return plain


def test_value_with_one_field_is_that_fields_text() -> None:
    """A commit, a digest and a tenant read as people write them."""
    plain = to_plain(RELEASE)

    assert plain == {
        "sha": "7" * 40,
        "tag": "staging-7777777",
        "images": [{"repository": "acme/app", "digest": "sha256:" + "a" * 64}],
    }


@pytest.mark.parametrize("record", [small_record(), full_record(reason_length=5)])
def test_record_comes_back_equal(record: Record) -> None:
    """Nothing of a record is lost on the way to JSON and back."""
    assert from_plain(Record, to_plain(record)) == record


def test_values_by_name_come_back_by_their_type() -> None:
    """A mapping keeps its names; a value in it that does not fit is refused with its path."""
    kind = Mapping[str, Release]

    assert from_plain(kind, to_plain({"acme": RELEASE})) == {"acme": RELEASE}
    with pytest.raises(Invalid, match=r"^releases\.acme: does not fit"):
        from_plain(kind, {"acme": None}, "releases")
    with pytest.raises(Invalid, match=r"^releases: does not fit .*expected: an object"):
        from_plain(kind, [], "releases")


def test_field_that_is_none_is_left_out_and_comes_back_as_none() -> None:
    """What is left out was None, also where the default is something else."""
    plain = to_plain(_Box(note=None))

    assert "note" not in plain
    assert from_plain(_Box, plain) == _Box(note=None)


def test_whole_number_is_taken_for_a_duration() -> None:
    """A hand-written 60 is as good as 60.0."""
    box = from_plain(_Box, {"length_s": 60})

    assert box.length_s == 60.0
    assert isinstance(box.length_s, float)


def test_instant_keeps_its_offset() -> None:
    """An instant is written with its offset from UTC and read back to the microsecond."""
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

    assert from_plain(datetime, to_plain(at)) == at


@pytest.mark.parametrize(
    ("plain", "path"),
    [
        ({"tenants": "acme"}, "tenants"),
        ({"tenants": ["acme", "-bad-"]}, r"tenants\[1\]"),
        ({"tenants": ["acme", 7]}, r"tenants\[1\]"),
        ({"length_s": "60"}, "length_s"),
        ({"length_s": float("nan")}, "length_s"),
        ({"length_s": float("inf")}, "length_s"),
        ({"length_s": 10**400}, "length_s"),
        ({"length_s": True}, "length_s"),
        ({"count": 1.0}, "count"),
        ({"count": True}, "count"),
        ({"is_open": 1}, "is_open"),
        ({"note": 7}, "note"),
        ({"nonsense": 7}, "nonsense"),
        (["acme"], "value"),
        (None, "value"),
    ],
)
def test_value_that_does_not_fit_is_refused_with_its_path(plain: object, path: str) -> None:
    """No JSON value is bent into the declared type, and the message says where it stands."""
    with pytest.raises(Invalid, match=f"^{path}: "):
        from_plain(_Box, plain)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("holder", "release", "sha"), "7777777"),
        (("holder", "phase"), "sleeping"),
        (("holder", "job", "attempt"), 0),
        (("intents", 3, "job", "run"), "a b"),
        (("pin", "at"), "2026-01-02T03:04:05"),
        (("pin", "at"), "yesterday"),
        (("pin", "at"), 7),
        (("past", 99, "release", "images", 2, "digest"), "sha256:abc"),
    ],
)
def test_broken_part_of_a_record_is_refused_with_its_path(
    path: tuple[str | int, ...], value: object
) -> None:
    """Also what a value's own check refuses is told with the path to it."""
    plain = _mended(to_plain(full_record(reason_length=5)), *path, value=value)
    said = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)[1:]

    with pytest.raises(Invalid) as caught:
        from_plain(Record, plain)

    assert said.startswith(caught.value.on)
    assert len(caught.value.on) > len("past")


@pytest.mark.parametrize("kind", [Record, Intent, Pin, JobId])
def test_missing_key_is_refused(kind: type) -> None:
    """A required key that is not there is named."""
    with pytest.raises(Invalid, match="missing key"):
        from_plain(kind, {})


def test_unknown_key_deep_inside_is_refused_with_its_path() -> None:
    """A key of a later schema is never dropped in silence."""
    plain = _mended(to_plain(full_record(reason_length=5)), "holder", "job", "host", value="x")

    with pytest.raises(Invalid, match=r"^holder\.job\.host: unknown key"):
        from_plain(Record, plain)
