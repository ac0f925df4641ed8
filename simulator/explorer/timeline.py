"""Tells a replay as a timeline: when which turn was, what was written, and what was under way.

This module must not draw or word anything.
"""

from dataclasses import dataclass
from enum import StrEnum

from simulator.explorer.replay import Replay, Turn
from simulator.explorer.schedule import WORLD
from simulator.explorer.timing import instants
from simulator.explorer.worlds import NOBODY, Flying, World

__all__ = ["Moment", "Span", "SpanEnd", "Timeline", "Write", "timeline"]


class SpanEnd(StrEnum):
    """How a request that was under way ended."""

    LANDED = "landed"
    GONE = "gone"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A request that was under way from one turn to another, both counted from zero.

    last: the turn in which it landed for good or was given up; that of the end while it is open.
    """

    request: Flying
    first: int
    last: int
    end: SpanEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """What a turn changed for the world to see. job: whose request did it; None for no job's.

    what: a tenant's name, or `the pointer`. before, after: releases by index.
    """

    turn: int
    job: int | None
    what: str
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One turn and when it was, in seconds from the beginning."""

    number: int
    at_s: float
    turn: Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A replay as it went in time."""

    replay: Replay
    moments: tuple[Moment, ...]
    spans: tuple[Span, ...]
    writes: tuple[Write, ...]

    def conflicting(self) -> tuple[Write, ...]:
        """The last two writes to whatever the broken promise names; fewer when there are fewer."""
        named = [one for one in self.writes if _is_named(one.what, self.replay.breach)]
        return tuple(named[-2:])


def timeline(replay: Replay) -> Timeline:
    """The timeline of a replay; what was written under way counts as of the turn it landed in."""
    pairs = zip(instants(replay), replay.turns, strict=True)
    moments = (Moment(number=at + 1, at_s=one[0], turn=one[1]) for at, one in enumerate(pairs))
    writes = (write for at, turn in enumerate(replay.turns) for write in _writes(replay, at, turn))
    return Timeline(
        replay=replay, moments=tuple(moments), spans=tuple(_spans(replay)), writes=tuple(writes)
    )


def _is_named(what: str, promise: str) -> bool:
    words = promise.replace(",", " ").replace(":", " ").split()
    return what in words or (what == "the pointer" and "pointer" in words)


def _spans(replay: Replay) -> list[Span]:
    """Follows each request; one that has landed at some of its tenants is still the same one."""
    found: list[Span] = []
    flying: list[tuple[Flying, int]] = []
    for at, turn in enumerate(replay.turns):
        left = list(turn.after.flying)
        stay: list[tuple[Flying, int]] = []
        for request, first in flying:
            now = _find_again(request, left)
            if now is not None:
                left.remove(now)
                stay.append((now, first))
            else:
                end = SpanEnd.LANDED if turn.step.actor == WORLD else SpanEnd.GONE
                found.append(Span(request=request, first=first, last=at, end=end))
        flying = stay + [(one, at) for one in left]
    final = len(replay.turns) - 1
    found += [Span(request=one, first=at, last=final, end=SpanEnd.OPEN) for one, at in flying]
    return sorted(found, key=lambda span: (span.first, span.last))


def _find_again(request: Flying, among: list[Flying]) -> Flying | None:
    if request in among:
        return request
    for one in among:
        is_part = set(one.tenants) < set(request.tenants)
        if is_part and one._replace(tenants=request.tenants) == request:
            return one
    return None


def _writes(replay: Replay, at: int, turn: Turn) -> list[Write]:
    job = _author(replay, turn)
    return [
        Write(turn=at, job=job, what=what, before=before, after=after)
        for what, before, after in _changes(replay, turn.before, turn.after)
    ]


def _author(replay: Replay, turn: Turn) -> int | None:
    """Whose request changed something: the job that goes on, or the one whose request lands."""
    if turn.step.actor != WORLD:
        names = [job.name for job in replay.model.cast.jobs]
        return names.index(turn.step.actor)
    ended = [one for one in turn.before.flying if one not in turn.after.flying]
    return ended[0].job if ended else None


def _changes(replay: Replay, before: World, after: World) -> list[tuple[str, int, int]]:
    cast = replay.model.cast
    changed = [
        (cast.name_of(number), old.serving, new.serving)
        for number, (old, new) in enumerate(zip(before.tenants, after.tenants, strict=True))
        if new.serving not in (old.serving, NOBODY)
    ]
    pointers = zip(before.pointers, after.pointers, strict=True)
    changed += [
        ("the pointer", old.release, new.release)
        for old, new in pointers
        if old.release != new.release
    ]
    return changed
