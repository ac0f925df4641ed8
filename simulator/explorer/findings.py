"""What an exploration found, in words and as data: the promises, each with its *sometimes* twin.

A promise that was kept only because nothing tempted it is said to be untried. This module must not
explore.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from release.core.outcome import Word
from simulator.explorer.engine import Exploration
from simulator.explorer.scope import Scope
from simulator.explorer.territory import Territory

__all__ = [
    "Promise",
    "describe_scope",
    "last_line",
    "plain",
    "promises",
    "scope_plain",
    "text",
    "verdict",
    "worst",
]

_ASIDE = (Word.SUPERSEDED.value, Word.HELD.value, Word.STOPPED.value)
_GOOD = (Word.DEPLOYED.value, Word.VERIFIED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promise. sometimes: how often what would tempt it happened, in distinct situations."""

    name: str
    twin: str
    sometimes: int


def promises(territory: Territory) -> tuple[Promise, ...]:
    """The promises, and how often each was tempted in what was explored."""
    words, seen = territory.words, territory.seen
    aside = sum(count for (_, word), count in words.items() if word in _ASIDE)
    refused = sum(count for (_, flavour), count in seen.items() if flavour == "fence refused")
    green = sum(count for (_, word), count in words.items() if word in _GOOD)
    said = sum(count for (_, word), count in words.items() if word == Word.SUPERSEDED.value)
    mended = words["heal", Word.DEPLOYED.value] + words["heal", Word.VERIFIED.value]
    other = sum(words.values()) - green
    return (
        Promise(
            name="P1 never backward",
            twin="an older job stood aside or was refused",
            sometimes=aside + refused,
        ),
        Promise(name="P2 no false green", twin="a job said deployed or verified", sometimes=green),
        Promise(name="P3 no false word", twin="a job said superseded", sometimes=said),
        Promise(
            name="P4 progress", twin="a fresh deploy found what was left behind", sometimes=mended
        ),
        Promise(name="P5 nothing silent", twin="a job ended in another word", sometimes=other),
    )


def describe_scope(scope: Scope) -> str:
    """The scope in one line."""
    names = ", ".join(f"{job.name} deploys r{job.release}" for job in scope.jobs)
    names = names.replace("R deploys r0", "R rolls back to r0")
    kinds = ", ".join(sorted(scope.kinds)) or "nothing fails"
    parts = [
        names,
        f"{scope.tenants} tenants in batches of {scope.batch}",
        f"{scope.faults} faults ({kinds})",
        f"{scope.expiries} expiries",
        f"fence {scope.fence}",
        f"{scope.superseded_by}, {scope.on_newer}",
    ]
    return "; ".join(parts)


def verdict(found: Exploration) -> str:
    """`kept`, `broken` or `unfinished`, the first word of an answer."""
    if found.breach is not None:
        return "broken"
    return "unfinished" if found.stopped_by else "kept"


def worst(words: Iterable[str]) -> str:
    """The word for several explorations together."""
    said = frozenset(words)
    return next((word for word in ("broken", "unfinished") if word in said), "kept")


def text(found: Exploration, *, schedules: int | None = None, picture: str = "") -> str:
    """An exploration as people read it; the first word of the last line is the verdict."""
    territory = found.territory
    lines = [describe_scope(territory.scope), "", *_counts(found, schedules), ""]
    lines += [_promise_line(found, one) for one in promises(territory)]
    lines += ["", *_coverage(territory)]
    if picture:
        lines += ["", picture]
    return "\n".join([*lines, "", last_line(found)])


def last_line(found: Exploration) -> str:
    """The verdict in one line."""
    guard = found.territory.scope.guard
    if found.breach is not None:
        return f"broken: {guard} breaks {found.breach.promise}, in {found.depth} events"
    if found.stopped_by:
        said = f"no promise broken in {found.states:,} states; stopped by the limit of "
        return f"unfinished: {said}{found.stopped_by}, not exhausted"
    return f"kept: {guard} keeps every promise in all {found.states:,} states"


def plain(found: Exploration, *, schedules: int | None = None) -> dict[str, object]:
    """An exploration as data."""
    territory, scope = found.territory, found.territory.scope
    return {
        "outcome": verdict(found),
        "guard": scope.guard,
        "scope": scope_plain(scope),
        "states": found.states,
        "transitions": found.transitions,
        "depth": found.depth,
        "complete": found.complete,
        "schedules": None if schedules is None else str(schedules),
        "worlds": territory.worlds,
        "nodes": len(territory.automaton.nodes) - 2,
        "executions": territory.automaton.executions,
        "time_s": round(found.spent_s, 3),
        "stopped_by": found.stopped_by,
        "breach": found.breach.promise if found.breach else None,
        "promises": {one.name: {one.twin: one.sometimes} for one in promises(territory)},
        "coverage": {
            f"{call}: {flavour}": n for (call, flavour), n in sorted(territory.seen.items())
        },
    }


def scope_plain(scope: Scope) -> Mapping[str, object]:
    """A scope as data."""
    return {
        "jobs": [
            {
                "name": job.name,
                "release": job.release,
                "kind": job.kind.value,
                "push": job.push,
                "after": job.after,
            }
            for job in scope.jobs
        ],
        "tenants": scope.tenants,
        "batch": scope.batch,
        "kinds": sorted(scope.kinds),
        "faults": scope.faults,
        "expiries": scope.expiries,
        "fence": scope.fence,
        "is_life_bounded": scope.is_life_bounded,
        "superseded_by": scope.superseded_by.value,
        "on_newer": scope.on_newer.value,
        "confirmations": scope.confirmations,
        "start": scope.start.value,
    }


def _counts(found: Exploration, schedules: int | None) -> list[str]:
    territory = found.territory
    automaton = territory.automaton
    rate = found.transitions / found.spent_s if found.spent_s else 0.0
    counted = "" if schedules is None else f", standing for {schedules:,} schedules"
    return [
        f"states       {found.states:>14,}{counted}",
        f"transitions  {found.transitions:>14,}  ({rate:,.0f} a second)",
        f"depth        {found.depth:>14,}  complete ends: {found.complete:,}",
        f"worlds       {territory.worlds:>14,}  states of a job: {len(automaton.nodes) - 2:,}",
        f"real runs    {automaton.executions:>14,}  of the pipeline, {automaton.steps:,} steps",
        f"time         {found.spent_s:>12.1f} s",
    ]


def _promise_line(found: Exploration, promise: Promise) -> str:
    is_broken = found.breach is not None and found.breach.promise[:2] == promise.name[:2]
    said = "broken" if is_broken else ("kept" if promise.sometimes else "untried")
    return f"{promise.name:<20} {said:<8} sometimes {promise.twin}: {promise.sometimes:,}"


def _coverage(territory: Territory) -> list[str]:
    """Which call came back with which answer, in how many distinct situations."""
    by_call: dict[str, list[str]] = {}
    for (call, flavour), count in sorted(territory.seen.items()):
        by_call.setdefault(call, []).append(f"{flavour} {count:,}")
    return [f"{call:<22} {'; '.join(answers)}" for call, answers in by_call.items()]
