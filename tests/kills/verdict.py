"""Judges one kill by what the simulator wrote down, never by what Headway says of itself.

This module must not start anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

__all__ = [
    "Course",
    "Late",
    "find_backward",
    "find_late",
    "find_unconverged",
    "has_left_open",
    "list_span_s",
]

Happened = Mapping[str, Any]
"""One happening of the simulator's log, as JSON has it."""

_MOVES = ("landed", "pointed")
_LISTING = "control_plane.candidates"
_BEFORE_EFFECTS = ("claimed", "draining")


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What happened in one world, and how it stands at the end.

    releases: every commit, oldest first; the last one is what the world has to end on.
    """

    happenings: Sequence[Happened]
    state: Mapping[str, Any]
    releases: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A landing that came so long after the intent of its effect was written."""

    subject: str
    after_s: float


def find_unconverged(course: Course) -> tuple[str, ...]:
    """Every tenant and pointer that does not end on the newest release, with what it is on."""
    newest = course.releases[-1]
    found = [
        (slug, sha)
        for slug, tenant in course.state["tenants"].items()
        for sha in (tenant["running"], tenant["serving"])
    ]
    found += [(name, pointer["sha"]) for name, pointer in course.state["pointers"].items()]
    wrong = dict.fromkeys(f"{name} is on {str(sha)[:7]}" for name, sha in found if sha != newest)
    return tuple(wrong)


def find_backward(course: Course) -> tuple[str, ...]:
    """Every move of a tenant or pointer from a release to an older one, in order."""
    rank = {sha: number for number, sha in enumerate(course.releases)}
    moves = (one for one in course.happenings if one["kind"] in _MOVES and one["before"])
    return tuple(
        f"{one['subject']}: {one['before'][:7]} to {one['after'][:7]} by {one['actor']}"
        for one in moves
        if rank[one["after"]] < rank[one["before"]]
    )


def list_span_s(happenings: Iterable[Happened], actor: str) -> float:
    """How long a job took from its first list of the tenants to the last one before its effects.

    The first is the beginning of `observe`, the last the end of `take_over`, which is all the time
    that a job can spend waiting for another one. Its own work in between is part of it.
    """
    own = [one for one in happenings if one["actor"] == actor]
    early = takewhile(lambda one: not _is_past_take_over(one), own)
    lists = [one["at_s"] for one in early if _is_listing(one)]
    assert lists, f"{actor} never listed the tenants"
    return float(lists[-1] - lists[0])


def has_left_open(happenings: Iterable[Happened], actor: str) -> bool:
    """Whether the last record that a job wrote has open intents in it.

    It is asked of the whole log: a push that was under way when its job died may land after that.
    """
    own = (one for one in happenings if one["kind"] == "ledger" and one["actor"] == actor)
    notes = [str(one["note"]) for one in own]
    return bool(notes) and not notes[-1].endswith(", 0 open intents")


def find_late(happenings: Sequence[Happened], actor: str) -> tuple[Late, ...]:
    """Every landing of a job, with its distance from the last write of that job to the ledger.

    The write was its intent. What lands later than the bound less the margin to send within breaks
    the assumption that the promise rests on.
    """
    found, written_s, intents = [], 0.0, dict[str, float]()
    for one in happenings:
        if one["actor"] != actor:
            continue
        if one["kind"] == "ledger":
            written_s = one["at_s"]
        elif one["kind"] == "accepted":
            slugs = one["subject"].partition(" to ")[0].split(",")
            intents |= dict.fromkeys(slugs, written_s)
        elif one["kind"] in _MOVES:
            began_s = intents.get(one["subject"], written_s)
            found.append(Late(subject=one["subject"], after_s=one["at_s"] - began_s))
    return tuple(found)


def _is_listing(one: Happened) -> bool:
    return one["kind"] == "fault" and str(one["subject"]).startswith(_LISTING)


def _is_past_take_over(one: Happened) -> bool:
    """Whether the job writes down a phase in which it may send effects."""
    if one["kind"] in {"accepted", "pointed"}:
        return True
    phase = one["note"].partition(", held by ")[2].partition(",")[0].rpartition(" ")[2]
    return one["kind"] == "ledger" and bool(phase) and phase not in (*_BEFORE_EFFECTS, "nobody")
