"""A counterexample is drawn so that a person sees who did what when, and what was under way."""

from dataclasses import replace
from pathlib import Path

import pytest

from release.errors import Invalid
from simulator.explorer.picture import COLUMNS, draw, replay_text
from simulator.explorer.replay import Diverged, replay
from simulator.explorer.timeline import SpanEnd, timeline
from simulator.explorer.timing import instants
from simulator.explorer.token import to_file_text, to_token
from tests.explorer.counterexamples import SCOPES, find

RECHECK = """\
guard recheck: A deploy r1, B deploy r2; 3 tenants, fence none. 6 events, 2 preemptions, 0 faults, 0
expiries.

  #   time s  A B  what happens                                           tenants   pointer  ledger
              . .                                                         r0 r0 r0  r0       e0 - m0
  1      0.0  . .  push of r1
  2      1.0  * .  A reads the branch: r1
  3      2.0  | .  push of r2
  4      3.0  | *  B reads the branch: r2
  5      4.0  | *  B redeploys r2 at tenant-1                             r2 r0 r0
  6      5.0  * |  A redeploys r1 at tenant-1                             r1 r0 r0

* acts  | runs  . not begun  $ over  x dead; ledger: epoch, holder, mark, intents

write   at 4.0 s, by event 5: B took tenant-1 from r0 to r2
write   at 5.0 s, by event 6: A took tenant-1 from r2 to r1
broken  at 5.0 s, by event 6: P1 never backward: tenant-1 from r2 back to r1.
"""


def picture(name: str) -> str:
    """What is drawn of a counterexample."""
    return draw(find(name), replay(find(name)))


def test_picture_shows_lanes_writes_promise_token_and_command() -> None:
    """The whole of a small counterexample, as it is printed."""
    token = to_token(find("recheck"))

    expected = f"{RECHECK}\ntoken   {token}\nreplay  invoke explore --replay {token}"

    assert expected == picture("recheck")


@pytest.mark.parametrize("name", SCOPES)
def test_picture_fits_a_terminal_in_plain_letters(name: str) -> None:
    """Nothing but the token is wider than 100 columns, and nothing needs more than ASCII."""
    lines = picture(name).splitlines()

    drawn = [line for line in lines if not line.startswith(("token ", "replay "))]
    assert max(map(len, drawn)) <= COLUMNS
    assert all(line.isascii() and line == line.rstrip() for line in lines)


def test_request_under_way_is_a_lane_of_its_own() -> None:
    """A request whose answer was lost is seen from where it was sent to where it lands."""
    lines = picture("lease-retry").splitlines()

    marked = [line for line in lines if " * .  a  A redeploys r1 at tenant-1; timeout" in line]
    landed = [line for line in lines if "    |  a  A's r1 lands at tenant-1 (request a)" in line]
    under_way = [line for line in lines if " * .  :  A moves the pointer to r1" in line]
    assert [1, 1, 1] == [len(marked), len(landed), len(under_way)]


def test_span_goes_from_sending_to_landing() -> None:
    """A span knows its two turns, and that it landed."""
    (span,) = timeline(replay(find("lease-retry"))).spans

    turns = replay(find("lease-retry")).turns
    assert "timeout" == turns[span.first].step.flavour
    assert "A's r1 lands at tenant-1" == turns[span.last].step.flavour
    assert SpanEnd.LANDED is span.end


@pytest.mark.parametrize("name", SCOPES)
def test_time_never_falls(name: str) -> None:
    """Each event is after the one before it."""
    at_s = instants(replay(find(name)))

    assert sorted(set(at_s)) == list(at_s)


def test_lease_runs_out_a_lease_after_the_last_write_of_its_holder() -> None:
    """The time that a wait stands for has passed since what it waits for was last written."""
    found = replay(find("lease"))

    at_s = instants(found)

    flavours = [(one.step.actor, one.step.operation, one.step.flavour) for one in found.turns]
    written_s = at_s[flavours.index(("A", "ledger.swap", "ok"))]
    ran_out_s = at_s[flavours.index(("B", "ledger.changed", "time passed"))]
    assert ran_out_s - written_s >= 900.0


def test_effect_is_sent_while_its_intent_is_fresh() -> None:
    """A job whose clock says so has looked at it within the margin since its intent was written."""
    found = replay(find("tag-without-read-back"))

    at_s = instants(found)

    operations = [one.step.operation for one in found.turns]
    looks = [at for at, one in enumerate(operations) if one == "clock.now_s"]
    assert looks
    assert all(operations[look - 1] == "ledger.swap" for look in looks)
    assert all(at_s[look] - at_s[look - 1] <= 5.0 for look in looks)


def test_both_writes_are_named_with_their_jobs() -> None:
    """The last two writes to what the promise names are told, also one that landed late."""
    first, second = timeline(replay(find("lease-retry"))).conflicting()

    assert ("tenant-1", 1, 1, 2) == (first.what, first.job, first.before, first.after)
    assert ("tenant-1", 0, 2, 1) == (second.what, second.job, second.before, second.after)


def test_token_and_file_are_replayed_alike(tmp_path: Path) -> None:
    """`--replay` takes either, and draws the same picture."""
    path = tmp_path / "found.json"
    path.write_text(to_file_text(find("mutex")), encoding="utf-8")

    drawn = replay_text(str(path))

    assert drawn == replay_text(to_token(find("mutex"))) == picture("mutex")


@pytest.mark.parametrize("words", ["nowhere.json", "/", "\0", "x" * 5000, ""])
def test_what_is_neither_token_nor_file_is_refused(words: str) -> None:
    """A name that leads nowhere is the caller's mistake, and what was expected is said."""
    with pytest.raises(Invalid, match="expected: a token"):
        replay_text(words)


def test_promise_that_is_kept_by_now_is_said_to_be() -> None:
    """A schedule whose breach was mended since is shown with both what it was and what it is."""
    schedule = find("recheck")
    shorter = replace(schedule, steps=schedule.steps[:-1])

    drawn = replay_text(to_token(shorter))

    assert "kept    nothing was broken\n" in drawn
    assert "but     the schedule was recorded as one that breaks P1 never backward" in drawn


def test_schedule_without_events_is_drawn() -> None:
    """A schedule in which nothing happens shows the world as it begins."""
    drawn = replay_text(to_token(replace(find("recheck"), steps=(), promise="")))

    assert "r0 r0 r0  r0       e0 - m0" in drawn


def test_file_of_another_design_says_where_it_diverges(tmp_path: Path) -> None:
    """A file whose jobs go another way by now names the event and what there is instead."""
    path = tmp_path / "found.json"
    text = to_file_text(find("recheck")).replace('"guard": "recheck"', '"guard": "mutex"')
    path.write_text(text, encoding="utf-8")

    with pytest.raises(Diverged, match=r"event 2: expected A forge\.head: ok"):
        replay_text(str(path))
