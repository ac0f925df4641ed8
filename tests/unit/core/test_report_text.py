"""How the verbs that only look read: lines for people, whose last one begins with the answer."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from freezegun import freeze_time

from release.core.history import Entry, EntryKind
from release.core.ledger import Record
from release.core.outcome import Word
from release.core.plan import Batch
from release.core.report import Forecast, Status, SupersededReport
from release.core.report_text import (
    forecast_lines,
    history_lines,
    status_lines,
    superseded_lines,
    to_json,
)
from release.core.sighting import Checks, Fencing, Observation, PointerSight
from release.core.values import Pointer, Release, Tenant
from tests.support.records import (
    AT,
    NEWER,
    OLDER,
    denial,
    digest,
    holder,
    intent,
    job,
    past,
    pin,
    record,
    release,
    sha,
    waiting,
)

HOSTILE = "a\x1b[2J\ndeployed: all is well\u202e"
SHOWN = "a [2J deployed: all is well"
LATEST = Pointer(repository="acme/app", tag="latest")
ACME, GLOBEX, INITECH = (Tenant(slug) for slug in ("acme", "globex", "initech"))
SIGHTS = (
    Observation(tenant=ACME, sha=sha("a")),
    Observation(tenant=GLOBEX, sha=None, reason=HOSTILE),
)
SUPERSEDED = SupersededReport(
    release=Release(sha=OLDER, tag="staging-7a72516"), by=NEWER, head=NEWER, mark=NEWER
)
FORECAST = Forecast(
    release=release("b"),
    environment="production",
    would_end=Word.HELD,
    obstacles=("the kill switch is off", HOSTILE),
    checks=Checks(checks=()),
    candidates=(ACME, GLOBEX, INITECH),
    on_target=(INITECH,),
    batches=(
        Batch(name="canary", tenants=(ACME,), is_canary=True),
        Batch(name="batch-1", tenants=(GLOBEX,)),
    ),
    observations=SIGHTS,
    pointers=(PointerSight(pointer=LATEST, digest=None, sha=None),),
    fencing=Fencing.DOOR,
    warnings=("the head could not be read",),
)


def status(found: Record | None) -> Status:
    """The state of production with this record."""
    pointers = (
        PointerSight(pointer=LATEST, digest=digest("a"), sha=sha("a")),
        PointerSight(pointer=replace(LATEST, tag="next"), digest=digest("b"), sha=None),
    )
    return Status(
        environment="production",
        head=sha("c"),
        record=found,
        observations=SIGHTS,
        pointers=pointers,
        warnings=(HOSTILE,),
    )


def test_superseded_prints_the_newer_commit_alone_on_a_line() -> None:
    """A CI step takes the newer commit from its line, a person reads the sentence."""
    assert superseded_lines(SUPERSEDED) == (
        str(NEWER),
        "superseded: 7f25373 is newer than 7a72516, read in the ledger",
    )


def test_superseded_by_the_branch_says_so() -> None:
    """Under the policy `head` it was not the ledger that named the newer commit."""
    report = replace(SUPERSEDED, mark=OLDER)

    assert superseded_lines(report)[-1].endswith("read on the branch")


def test_latest_says_so_behind_its_warnings() -> None:
    """The first word of the last line is the answer, whatever had to be said before."""
    report = replace(SUPERSEDED, by=None, warnings=(HOSTILE,))

    assert superseded_lines(report) == (
        f"warning: {SHOWN}",
        "latest: nothing newer than 7a72516 is known",
    )


def test_forecast_tells_what_would_be_done_and_what_it_would_come_to() -> None:
    """Warnings, sights, batches, obstacles, then the outcome as first word of the last line."""
    assert forecast_lines(FORECAST) == (
        "warning: the head could not be read",
        "  tenant acme: aaaaaaa",
        f"  tenant globex: no release ({SHOWN})",
        "  pointer acme/app:latest: absent",
        "  would redeploy canary: acme",
        "  would redeploy batch-1: globex",
        "  in the way: the kill switch is off",
        f"  in the way: {SHOWN}",
        (
            "plan: a deploy of bbbbbbb to production would end held; "
            "1 of 3 tenants are on it already (fleet: fenced at the door)"
        ),
    )


def test_status_without_a_record_is_unknown() -> None:
    """A lost record is not told as an idle environment."""
    assert status_lines(status(None)) == (
        f"warning: {SHOWN}",
        "head of the branch: ccccccc",
        "  tenant acme: aaaaaaa",
        f"  tenant globex: no release ({SHOWN})",
        "  pointer acme/app:latest: aaaaaaa",
        f"  pointer acme/app:next: {digest('b')}",
        "unknown: the ledger has no record of production",
    )


def test_status_of_a_record_that_nobody_holds_is_idle() -> None:
    """An unread head and a missing mark are said, not guessed."""
    lines = status_lines(replace(status(record()), head=None))

    assert "head of the branch: unread" == lines[1]
    assert "ledger: epoch 1, mark none" == lines[2]
    assert "idle: nobody holds production" == lines[-1]


def test_status_tells_all_that_the_record_holds() -> None:
    """Holder, next, open intents, pin and denied ranges, text from outside made safe."""
    full = record(
        epoch=7,
        mark=sha("b"),
        holder=holder("b", "1"),
        next=waiting("c", "2"),
        intents=(replace(intent(1, waited_s=120.4), what=HOSTILE),),
        pin=replace(pin(), by=HOSTILE, reason=HOSTILE),
        denied=(replace(denial("a", "c"), reason=HOSTILE),),
    )

    lines = status_lines(status(full))

    assert lines[2:7] == (
        "ledger: epoch 7, mark bbbbbbb",
        "  next: job 2#1-n with ccccccc",
        f"  open intent of job 1#1-n: {SHOWN}, up to 180 s more",
        f"  pinned by {SHOWN} on 2026-03-27 (pin): {SHOWN}; lift it with resume",
        f"  denied: newer than aaaaaaa, up to ccccccc: {SHOWN}",
    )
    assert "held: job 1#1-n holds production for bbbbbbb, claimed" == lines[-1]


def entry(**how: Any) -> Entry:  # noqa: ANN401 - any field of it
    """An outcome of the first job, with these fields."""
    given = {"at": AT, "kind": EntryKind.OUTCOME, "word": "deployed", "reason": "done", "epoch": 1}
    return Entry(**{**given, "job": job(), "release": sha("a"), **how})


def test_history_lists_entries_the_newest_last() -> None:
    """One line each, then how many there are; what is not known is dashes."""
    step = entry(kind=EntryKind.STEP, word="redeploy", reason=HOSTILE, at=None, release=None)
    unreadable = entry(kind=EntryKind.LEDGER, word="unreadable", reason="no record", job=None)

    assert history_lines((entry(), step, unreadable)) == (
        "2026-03-27 12:00:00Z  epoch 1  aaaaaaa  deployed: done (job 1#1-n)",
        f"--------------------  epoch 1  -------  redeploy: {SHOWN} (job 1#1-n)",
        "2026-03-27 12:00:00Z  epoch 1  aaaaaaa  unreadable: no record",
        "history: 3 entries, 1 of them outcomes",
    )


def test_history_of_nothing_counts_none() -> None:
    """A missing record has no past either."""
    assert ("history: 0 entries, 0 of them outcomes",) == history_lines(())


@freeze_time("2026-10-25 00:30")
def test_history_shows_wall_time_in_utc() -> None:
    """The zone of whoever wrote the record does not show through.

    The record is of the night in which Berlin's clocks go back, written at half past two there.
    """
    summer = timezone(timedelta(hours=2))
    written = datetime.now(UTC).astimezone(summer)

    line = history_lines((entry(at=written, word=HOSTILE),))[0]

    assert "+02:00" in written.isoformat()
    assert line.startswith(f"2026-10-25 00:30:00Z  epoch 1  aaaaaaa  {SHOWN}: done")


def test_status_tells_until_when_a_pin_stands() -> None:
    """Whoever waits for its end need not ask."""
    until = datetime(2026, 4, 1, 8, 0, tzinfo=timezone(timedelta(hours=2)))

    lines = status_lines(status(record(pin=pin(until=until))))

    said = "  pinned until 2026-04-01 06:00 UTC by ada on 2026-03-27 (pin): holidays"
    assert f"{said}; lift it with resume" in lines


def test_no_line_can_be_broken_or_reversed_by_text_from_outside() -> None:
    """Whatever tenants, people and other jobs wrote, each line is one line of plain text."""
    full = record(
        intents=(replace(intent(1), what=HOSTILE),),
        pin=replace(pin(), by=HOSTILE, reason=HOSTILE),
        denied=(replace(denial("a", "c"), reason=HOSTILE),),
    )
    told = history_lines((entry(word=HOSTILE, reason=HOSTILE),))

    lines = (*status_lines(status(full)), *told, *forecast_lines(FORECAST))

    assert all(line.isprintable() for line in lines)


def test_report_as_json_is_one_document() -> None:
    """Every report, or several by name, is data with sorted keys and whole commit ids."""
    document = json.loads(to_json({"production": SUPERSEDED}))

    assert str(NEWER) == document["production"]["by"]
    assert ["acme"] == json.loads(to_json(FORECAST))["batches"][0]["tenants"]
    assert "2026-03-27T12:00:00+00:00" == json.loads(to_json(past()))["at"] == AT.isoformat()
