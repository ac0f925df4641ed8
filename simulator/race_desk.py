"""Answers `race`: which scenarios under which guards, in virtual time or live, as text or JSON.

This module must not run or judge a race itself; `race` and `live` do.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from release.core.policy import Policy
from release.errors import Invalid
from simulator.guards import GUARDS
from simulator.live import run_live
from simulator.race import RaceResult, run_race
from simulator.report import legend, plain, timeline_text, verdict_text
from simulator.scenario import Scenario, load, names

__all__ = ["Answer", "Asked", "answer", "scenario_lines"]

_TOLD = ("incident-2213", "push-during-soak")
"""The two scenarios that tell the story: as it happened, and what its mending left open."""

_SHIPPED = "headway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for; an empty scenario or guard means those that tell the story.

    policy: of the jobs, in place of the recorded one. speed: how many recorded seconds a live race
    lives through in one; None is as fast as the machine allows without losing the order.
    """

    scenario: str = ""
    guard: str = ""
    is_live: bool = False
    speed: float | None = None
    policy: Policy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The text to show, and whether all is as it should be.

    is_good: Headway kept every promise, and what was recorded came out as recorded.
    """

    text: str
    document: str
    is_good: bool


def scenario_lines() -> tuple[str, ...]:
    """A line for each scenario of the library: its name and its title."""
    return tuple(f"{name}: {load(name).title}" for name in names())


def answer(asked: Asked) -> Answer:
    """Runs what was asked for; raises Invalid for a name that is not there."""
    if asked.guard and asked.guard not in GUARDS:
        raise Invalid("no such guard", on=asked.guard, expected=", ".join(GUARDS))
    scenarios = [load(name) for name in ([asked.scenario] if asked.scenario else _TOLD)]
    guards = [asked.guard] if asked.guard else list(GUARDS)
    races = [[_run(scenario, guard, asked) for guard in guards] for scenario in scenarios]
    results = [result for race in races for result in race]
    return Answer(
        text="\n\n".join([*(_text(race) for race in races), _last_line(results)]),
        document=json.dumps({"scenarios": [plain(race) for race in races]}, indent=2),
        is_good=all(_is_good(result) for result in results),
    )


def _run(scenario: Scenario, guard: str, asked: Asked) -> RaceResult:
    if asked.is_live:
        return run_live(scenario, guard, speed=asked.speed)
    return run_race(scenario, guard, asked.policy)


def _is_good(result: RaceResult) -> bool:
    return not result.departures and (result.is_kept or result.guard.name != _SHIPPED)


def _text(race: Sequence[RaceResult]) -> str:
    scenario = race[0].scenario
    parts = [f"{scenario.title}.", scenario.story, legend(scenario)]
    parts += [timeline_text(result) for result in race]
    return "\n\n".join([*parts, verdict_text(race)])


def _last_line(results: Sequence[RaceResult]) -> str:
    """The outcome as its first word: `kept` or `broken`, by the shipped guard where it ran."""
    judged = [result for result in results if result.guard.name == _SHIPPED] or results
    word = "kept" if all(result.is_kept for result in judged) else "broken"
    said = "; ".join(
        f"{result.guard.name} {'keeps' if result.is_kept else 'breaks'} {result.scenario.name}"
        for result in results
    )
    departed = [line for result in results for line in result.departures]
    return f"{word}: {said}" + (f"; not as recorded: {departed[0]}" if departed else "")
