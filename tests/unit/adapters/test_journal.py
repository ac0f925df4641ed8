"""Journals: plain lines for people, JSON for machines, and never a secret or a failed job."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

from release.adapters.journal import ConsoleJournal, JsonLinesJournal, TeeJournal
from release.core.values import Secret, Sha
from release.ports import Event

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CLAIMED = Event(kind="claimed", text="claimed epoch 8", data={"epoch": 8})


def now() -> datetime:
    """An instant that stands still."""
    return AT


def test_console_shows_time_and_text() -> None:
    """People see the time in UTC, and a sentence."""
    stream = io.StringIO()

    ConsoleJournal(stream, now=now).tell(CLAIMED)

    assert "03:04:05Z claimed epoch 8\n" == stream.getvalue()


def test_console_line_is_one_line_that_a_terminal_does_not_obey() -> None:
    """Text from outside brings in neither escapes nor lines, which CI might take for commands."""
    stream = io.StringIO()

    ConsoleJournal(stream, now=now).tell(Event(kind="x", text="a\x1b[2J\n::set-output name=x::y"))

    assert "03:04:05Z a [2J ::set-output name=x::y\n" == stream.getvalue()


def test_console_that_knows_no_umlauts_gets_escapes() -> None:
    """A stream in ASCII is no reason to fail."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="\n")

    ConsoleJournal(stream, now=now).tell(Event(kind="x", text="fünf"))

    assert b"03:04:05Z f\\xfcnf\n" == raw.getvalue()


def test_console_that_is_gone_stops_nobody() -> None:
    """Telling a closed stream is silence."""
    stream = io.StringIO()
    stream.close()

    ConsoleJournal(stream, now=now).tell(CLAIMED)

    assert stream.closed


def test_file_takes_one_line_of_json_for_each_event(tmp_path: Path) -> None:
    """Events are appended, with instant, kind, text and data, in a file for its owner alone."""
    path = tmp_path / "journal.jsonl"

    for _ in range(2):
        JsonLinesJournal(path, now=now).tell(CLAIMED)

    expected = {"at": AT.isoformat(), "kind": "claimed", "text": CLAIMED.text, "data": {"epoch": 8}}
    assert [expected, expected] == [json.loads(line) for line in path.read_text().splitlines()]
    assert 0o600 == path.stat().st_mode & 0o777


def test_secret_is_never_written(tmp_path: Path) -> None:
    """A secret that was put into an event by mistake is blotted out, however deep it lies."""
    path = tmp_path / "journal.jsonl"
    token = Secret("t0ken-5c1d")
    data = {"token": token, "deep": [{"x": (token, Sha("a" * 40))}], "number": 1.5, "none": None}

    JsonLinesJournal(path, now=now).tell(Event(kind="x", text="x", data=data))

    assert "t0ken" not in path.read_text()
    written = json.loads(path.read_text())["data"]
    assert ["(redacted)", "a" * 40] == written["deep"][0]["x"]
    assert ("(redacted)", 1.5, None) == (written["token"], written["number"], written["none"])


def test_data_without_end_is_cut(tmp_path: Path) -> None:
    """Data that holds itself is cut off in the depth."""
    path = tmp_path / "journal.jsonl"
    endless: list[object] = []
    endless.append(endless)

    JsonLinesJournal(path, now=now).tell(Event(kind="x", text="x", data={"a": endless}))

    assert len(path.read_text()) < 1000


def test_file_that_can_not_be_written_counts_what_was_lost(tmp_path: Path) -> None:
    """A full or missing disk stops no deploy."""
    journal = JsonLinesJournal(tmp_path / "gone" / "journal.jsonl", now=now)

    journal.tell(CLAIMED)

    assert 1 == journal.lost


def test_tee_tells_all(tmp_path: Path) -> None:
    """Several journals are told in order."""
    stream = io.StringIO()
    path = tmp_path / "journal.jsonl"

    TeeJournal(ConsoleJournal(stream, now=now), JsonLinesJournal(path, now=now)).tell(CLAIMED)

    assert "epoch 8" in stream.getvalue()
    assert "epoch 8" in path.read_text()
