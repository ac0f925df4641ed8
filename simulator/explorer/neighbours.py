"""Answers `race --neighbours`: explores the schedules around a scenario's own, guard by guard.

This module must not run the scenario itself; `race` does.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic

from release.core.policy import Policy
from release.errors import Invalid
from simulator.explorer.counterexample import Counterexample, find_counterexample
from simulator.explorer.counting import count_small
from simulator.explorer.engine import Exploration, Limits, explore
from simulator.explorer.findings import plain, verdict, worst
from simulator.explorer.scenario_scopes import CHOICES, Played, Retold, retell
from simulator.explorer.scope import JobKind, Scope
from simulator.explorer.territory import Territory
from simulator.guards import GUARDS, SHIPPED
from simulator.race import guard_then
from simulator.race_desk import Answer
from simulator.scenario import Scenario, load

__all__ = ["answer_neighbours"]

_COUNTED_MAX = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Explored:
    """What was found under one guard with one kind of choices; found is let go of when told."""

    guard: str
    choices: str
    word: str
    said: str
    document: dict[str, object]
    example: Counterexample | None


def answer_neighbours(
    scenario: str,
    *,
    guard: str = "",
    policy: Policy | None = None,
    time_s: float = 600.0,
    tell: Callable[[str], None] | None = None,
) -> Answer:
    """Explores around a scenario, under the recorded guard and Headway, or one guard alone.

    time_s: for all of it together. tell: takes a line of progress. Raises Invalid for a name that
    is not there, and for a scenario that can't be explored.
    """
    if guard and guard not in GUARDS:
        raise Invalid("no such guard", on="--guard", seen=guard, expected=", ".join(GUARDS))
    if not time_s > 0:
        raise Invalid("must be more than zero", on="--time", seen=f"{time_s:g}")
    loaded = load(scenario)
    retold = retell(loaded, policy)
    explored = tuple(_explore_all(retold, _guards(loaded, guard), time_s, tell))
    word = _judge(explored)
    document = {
        "outcome": word,
        "scenario": loaded.name,
        "jobs": [_job_plain(job) for job in retold.jobs],
        "notes": list(retold.notes),
        "explorations": [one.document for one in explored],
    }
    return Answer(
        text="\n".join([*_head(loaded, retold), *_body(explored), _last_line(word, explored)]),
        document=json.dumps(document, indent=2),
        is_good=word == "kept",
    )


def _guards(scenario: Scenario, guard: str) -> tuple[str, ...]:
    if guard:
        return (GUARDS[guard].name,)
    return tuple(dict.fromkeys((guard_then(scenario), SHIPPED)))


def _explore_all(
    retold: Retold, guards: tuple[str, ...], time_s: float, tell: Callable[[str], None] | None
) -> Iterator[_Explored]:
    """Each exploration may take an equal part of the time that is left."""
    ends_s, left = monotonic() + time_s, len(guards) * len(CHOICES)
    for guard in guards:
        is_broken = False
        for choices, scope in retold.scopes(guard).items():
            # What breaks without a fault breaks with one too, by the same schedule.
            if not is_broken:
                if tell is not None:
                    tell(f"{guard}: {CHOICES[choices]}")
                share_s = max((ends_s - monotonic()) / left, time_s / 100)
                found = _explore(scope, choices, Limits(time_s=share_s))
                is_broken = found.word == "broken"
                yield found
            left -= 1


def _explore(scope: Scope, choices: str, limits: Limits) -> _Explored:
    found = explore(Territory(scope), limits)
    count = count_small(found, _COUNTED_MAX)
    example = find_counterexample(found, limits)
    shown = plain(found, schedules=count)
    token = {"token": example.token} if example else {}
    return _Explored(
        guard=scope.guard,
        choices=choices,
        word=verdict(found),
        said=_say(found, count),
        document={"choices": choices, **shown, **token},
        example=example,
    )


def _say(found: Exploration, count: int | None) -> str:
    if found.breach is not None:
        return f"broken: {found.breach.promise}, in {found.depth} events"
    if found.stopped_by:
        said = f"no promise broken in {found.states:,} states, and not all were seen"
        return f"unfinished: {said} within {found.stopped_by}"
    standing = f", standing for {count:,} schedules" if count is not None else ""
    return f"kept: in all {found.states:,} states{standing}"


def _judge(explored: tuple[_Explored, ...]) -> str:
    """The word for all of it, by the shipped guard where it was explored."""
    judged = [one.word for one in explored if one.guard == SHIPPED]
    return worst(judged or [one.word for one in explored])


def _head(scenario: Scenario, retold: Retold) -> Iterator[str]:
    scope = retold.scope
    yield f"{scenario.title}."
    yield ""
    for job in retold.jobs:
        yield f"{job.spec.name:<8} {_part(job)}: {job.recorded.name}"
    yield (
        f"{scope.tenants} tenants in batches of {scope.batch}; fence {scope.fence}; "
        f"{scope.superseded_by}, {scope.on_newer}"
    )
    yield from retold.notes
    yield ""


def _part(job: Played) -> str:
    what = "rolls back to" if job.spec.kind is JobKind.ROLLBACK else "deploys"
    again = " once more" if job.spec.after is not None else ""
    return f"{what} r{job.spec.release}, {job.recorded.release}{again}"


def _job_plain(job: Played) -> dict[str, object]:
    return {
        "name": job.spec.name,
        "recorded": job.recorded.name,
        "kind": job.spec.kind.value,
        "release": job.spec.release,
        "recorded_release": job.recorded.release,
        "after": job.spec.after,
    }


def _body(explored: tuple[_Explored, ...]) -> Iterator[str]:
    for one in explored:
        yield f"{one.guard}: {CHOICES[one.choices]}"
        yield f"  {one.said}"
        if one.example is not None:
            yield from ("", one.example.picture)
        yield ""


def _last_line(word: str, explored: tuple[_Explored, ...]) -> str:
    """The outcome as its first word, and what each guard came to."""
    said = []
    for guard in dict.fromkeys(one.guard for one in explored):
        ours = [one for one in explored if one.guard == guard]
        broken = next((one for one in ours if one.example is not None), None)
        if broken is not None and broken.example is not None:
            said.append(f"{guard} breaks {broken.example.schedule.broken}")
        elif any(one.word == "unfinished" for one in ours):
            said.append(f"{guard} broke nothing in what was seen")
        else:
            said.append(f"{guard} keeps every promise around it")
    return f"{word}: {'; '.join(said)}"
