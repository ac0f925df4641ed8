"""Measures what a push storm cost: deploys, lag behind the newest green release, wasted redeploys.

This module must not run a storm or print; `storms` and the benchmark do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from release.core.outcome import TenantState, Word
from simulator.happenings import Happening, Kind
from simulator.properties import Breach, check_promises
from simulator.storms import BASE, Storm, StormRun

__all__ = ["Figures", "Lag", "measure"]

_DONE = (Word.DEPLOYED, Word.VERIFIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """For how long a newer release whose CI is green had been waiting, in seconds.

    It is counted for each tenant or pointer from the first green CI of the storm until everything
    was on the newest green release or, where that never came, until the last job ended.
    """

    mean_s: float
    worst_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What came of a storm. Instants and lengths are seconds.

    deployed: jobs that ended `deployed` or `verified`; in_storm: those of them that ended before
        the last push. refused: jobs of a commit whose CI is red. other: jobs that ended with any
        other word, of which a storm is to cause none.
    stood_still_s: the longest time in which no tenant moved although one of them could have.
    redeploys: how often a tenant was switched; wasted: how many of them a newer release overtook
        before they had settled.
    converged_s: from the last push until everything was on the newest green release; None when
        that never came. live: the numbers of the pushes that are live at the end.
    """

    deployed: int
    in_storm: int
    superseded: int
    refused: int
    other: int
    tenants: Lag
    pointer: Lag
    stood_still_s: float
    redeploys: int
    wasted: int
    converged_s: float | None
    live: frozenset[int]
    breaches: tuple[Breach, ...]


def measure(run: StormRun) -> Figures:
    """Measures a storm that is over."""
    words = [end.outcome.word for end in run.course.ends]
    last_push_s = run.pushed_s(run.storm.pushes)
    deployed = [end.at_s for end in run.course.ends if end.outcome.word in _DONE]
    known = (*_DONE, Word.SUPERSEDED, Word.REFUSED)
    tracks = {subject: _track(run, subject) for subject in run.course.began}
    newest = max(run.storm.greens, default=BASE)
    is_converged = all(track[-1].number == newest for track in tracks.values())
    moved_s = max(track[-1].since_s for track in tracks.values())
    until_s = moved_s if is_converged else max(moved_s, *(end.at_s for end in run.course.ends))
    tenants = [track for subject, track in tracks.items() if subject != run.pointer]
    landed = [one for one in run.course.happenings if one.kind is Kind.LANDED]
    settled = _find_settled(run)
    return Figures(
        deployed=len(deployed),
        in_storm=sum(at_s < last_push_s for at_s in deployed),
        superseded=words.count(Word.SUPERSEDED),
        refused=words.count(Word.REFUSED),
        other=sum(word not in known for word in words),
        tenants=_lag(run, tenants, until_s),
        pointer=_lag(run, [tracks[run.pointer]], until_s),
        stood_still_s=_stood_still_s(run, tenants, until_s),
        redeploys=len(landed),
        wasted=sum((one.actor, one.subject) not in settled for one in landed),
        converged_s=moved_s - last_push_s if is_converged else None,
        live=frozenset(track[-1].number for track in tracks.values()),
        breaches=check_promises(run.course),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stay:
    """Since when a tenant or a pointer is on the release of a push."""

    since_s: float
    number: int


_Track = tuple[_Stay, ...]


def _track(run: StormRun, subject: str) -> _Track:
    """Where a tenant, as its edge answers, or a pointer was from the start to the end."""
    numbers = {run.storm.sha(number): number for number in range(run.storm.pushes + 1)}
    moves = (one for one in run.course.happenings if one.subject == subject)
    stays = [
        _Stay(since_s=one.at_s + _drain_s(run.storm, one), number=numbers[str(one.after)])
        for one in moves
        if one.kind in {Kind.LANDED, Kind.POINTED}
    ]
    return (_Stay(since_s=run.began_s, number=BASE), *stays)


def _drain_s(storm: Storm, move: Happening) -> float:
    return storm.pace.drain_s if move.kind is Kind.LANDED else 0.0


def _find_settled(run: StormRun) -> frozenset[tuple[str, str]]:
    """The jobs and the tenants that they saw settle."""
    return frozenset(
        (end.job, report.tenant.slug)
        for end in run.course.ends
        for report in end.outcome.tenants_in(TenantState.SETTLED)
    )


def _behind_since_s(run: StormRun, number: int) -> float:
    """When the first newer release became green; never for the newest."""
    return min((run.tested_s(one) for one in run.storm.greens if one > number), default=inf)


def _lag(run: StormRun, tracks: Sequence[_Track], until_s: float) -> Lag:
    """Adds the lag up over every stay, in which it grows by a second each second."""
    area, worst_s = 0.0, 0.0
    for track in tracks:
        for stay, end_s in _ended(track, until_s):
            behind_s = _behind_since_s(run, stay.number)
            lag_s = max(0.0, end_s - behind_s)
            first_s = max(0.0, stay.since_s - behind_s)
            area += (lag_s * lag_s - first_s * first_s) / 2
            worst_s = max(worst_s, lag_s)
    watched_s = until_s - _behind_since_s(run, BASE)
    mean_s = area / (len(tracks) * watched_s) if watched_s > 0 else 0.0
    return Lag(mean_s=mean_s, worst_s=worst_s)


def _ended(track: _Track, until_s: float) -> list[tuple[_Stay, float]]:
    """The stays with the instants at which they ended."""
    ends_s = [later.since_s for _, later in pairwise(track)]
    return list(zip(track, [*ends_s, until_s], strict=True))


def _stood_still_s(run: StormRun, tracks: Sequence[_Track], until_s: float) -> float:
    """The longest time between two moves of any tenant, from when the first of them was behind."""
    moves_s = sorted({stay.since_s for track in tracks for stay in track} | {until_s})
    longest_s = 0.0
    for since_s, next_s in pairwise(moves_s):
        there = [[one.number for one in track if one.since_s <= since_s][-1] for track in tracks]
        behind_s = min(_behind_since_s(run, number) for number in there)
        longest_s = max(longest_s, next_s - max(since_s, behind_s))
    return longest_s
