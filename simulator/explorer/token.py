"""Writes a schedule as one line that can be pasted anywhere, or as a file, and reads it back.

A token holds names and no numbers of one exploration: it says the same under another Python and in
another checkout. This module must not replay anything.
"""

import json
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BinasciiError
from typing import Any

from release.errors import Invalid
from simulator.explorer.schedule import Schedule
from simulator.explorer.schedule_form import from_form, to_form

__all__ = ["from_file_text", "from_token", "is_token", "to_file_text", "to_token"]

_VERSION = 1
_PREFIX = f"hw{_VERSION}."
_TOKEN = re.compile(r"hw(\d{1,4})\.(.*)", re.DOTALL)
_LETTERS = re.compile(r"[A-Za-z0-9_-]+")
_FORMAT = "headway-schedule"
_TEXT_BYTES_MAX = 1 << 20
"""How long a schedule may get that is unpacked: no token makes a reader hold more."""

_SHORTHAND = b" ".join(
    (
        b'"jobs":[{"name":"A","release":1,"push":1},{"name":"B","release":2,"push":2}',
        b'"tenants":"batch":"guard":"kinds":"faults":"expiries":"fence":"none","door","landing"',
        b'"timeout","lost","crash","cancel","lag","piecemeal","is_life_bounded":false,"kind":',
        b'["world","event","a fresh deploy of the newest release"],["heal",',
        b'"fleet.late_answer","registry.late_answer","forge.is_enabled","clock.now_s",',
        b'"conflict"],"timeout"],"answer lost"],"time passed"],"changed"],"stale"],"draining"],',
        b"P3 no false superseded: said superseded by P2 no false green: said deployed, tenant-1",
        b'"fleet.candidates","ok"],"registry.point","ok"],"registry.resolve","ok"],',
        b'"fleet.redeploy","ok"],"edge.observe","ok"],"forge.head","ok"],',
        b'"ledger.read","ok"],"ledger.changed","ledger.swap","ok"],["A","ledger.swap","ok"],["B",',
        b'["world","event","push of r1"],["world","event","push of r2"],["A","ledger.read","ok"],',
        b'{"promise":"P1 never backward: tenant-1 from r2 back to r1","scope":{"jobs":[{"name":',
    )
)
"""What most schedules hold, so that a token does not spell it out. It is part of the version."""


def is_token(text: str) -> bool:
    """Whether a text looks like a token of some version, rather than like the name of a file."""
    return _TOKEN.fullmatch("".join(text.split())) is not None


def to_token(schedule: Schedule) -> str:
    """The schedule in one line of letters, digits, `-`, `_` and one full stop."""
    form = to_form(schedule)
    form["choices"] = [_short(one) for one in form["choices"]]
    packer = zlib.compressobj(level=9, zdict=_SHORTHAND)
    packed = packer.compress(_compact(form).encode()) + packer.flush()
    return _PREFIX + urlsafe_b64encode(packed).decode().rstrip("=")


def from_token(text: str) -> Schedule:
    """Reads a token, line breaks in it or not; raises Invalid when it is torn or foreign."""
    found = _TOKEN.fullmatch("".join(text.split()))
    if found is None:
        raise _bad("not a token", text, f"{_PREFIX} and letters behind it")
    if int(found[1]) != _VERSION:
        raise _foreign(f"the token {_shown(text)}", f"version {found[1]}")
    form = _parse(_unpack(found[2], text), f"the token {_shown(text)}")
    choices = form.get("choices")
    if isinstance(choices, list):
        form["choices"] = [_long(one) for one in choices]
    return from_form(form)


def to_file_text(schedule: Schedule) -> str:
    """The schedule as a JSON file: one choice a line, so that people can read and mend it."""
    form = to_form(schedule)
    choices = ",\n".join(f"    {json.dumps(one)}" for one in form.pop("choices"))
    head = {"format": _FORMAT, "version": _VERSION, **form}
    begun = json.dumps(head, indent=2).removesuffix("\n}")
    return f'{begun},\n  "choices": [\n{choices}\n  ]\n}}\n'


def from_file_text(text: str, name: str) -> Schedule:
    """Reads such a file's text, or a token that was saved; raises Invalid.

    name: of the file, for what is said about it.
    """
    if is_token(text):
        return from_token(text)
    form = _parse(text, name)
    if form.pop("format", None) != _FORMAT:
        raise Invalid("not a schedule", on=name, expected=f'"format": "{_FORMAT}"')
    version = form.pop("version", None)
    if version != _VERSION:
        raise _foreign(name, f"version {version!r}"[:40])
    return from_form(form)


def _compact(form: dict[str, Any]) -> str:
    return json.dumps(form, separators=(",", ":"), ensure_ascii=True)


def _short(choice: dict[str, Any]) -> list[Any]:
    return list(choice.values())


def _long(choice: object) -> object:
    """A choice by its names again; what is none is left for the reader of the form to refuse."""
    names = ("actor", "operation", "flavour", "which")
    if not isinstance(choice, list) or len(choice) > len(names):
        return choice
    return dict(zip(names, choice, strict=False))


def _unpack(letters: str, text: str) -> str:
    if not _LETTERS.fullmatch(letters):
        raise _bad("a token with foreign letters in it", text, "letters, digits, - and _")
    unpacker = zlib.decompressobj(zdict=_SHORTHAND)
    try:
        packed = urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
        unpacked = unpacker.decompress(packed, _TEXT_BYTES_MAX)
        held = unpacked.decode()
    except (BinasciiError, zlib.error, UnicodeDecodeError) as problem:
        raise _bad("a token that was torn or changed", text, "the whole token") from problem
    if not unpacker.eof or unpacker.unused_data:
        raise _bad("a token that was torn", text, "the whole token, to its last letter")
    return held


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        form = json.loads(text)
    except (ValueError, RecursionError) as problem:
        seen = str(problem)[:80]
        raise Invalid("not JSON", on=name, seen=seen, safe="nothing ran") from problem
    if not isinstance(form, dict):
        raise Invalid("not a schedule", on=name, seen=text[:40], expected="a JSON object")
    return form


def _foreign(name: str, seen: str) -> Invalid:
    return Invalid(
        "a schedule of another version",
        on=name,
        seen=seen,
        expected=f"version {_VERSION}",
        safe="nothing ran",
        advice="Replay it with the Headway that printed it",
    )


def _bad(failed: str, text: str, expected: str) -> Invalid:
    advice = "Copy the token again, from its first letter to its last"
    return Invalid(failed, on=_shown(text), expected=expected, safe="nothing ran", advice=advice)


def _shown(text: str) -> str:
    line, most = "".join(text.split()), 24
    return line if len(line) <= most else f"{line[:most]}..."
