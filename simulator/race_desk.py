"""Answers `race`: which scenarios under which guards, in virtual time or live, as text or JSON.

This module must not run or judge a race itself; `race` and `live` do.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from release.core.policy import Policy
from release.errors import Invalid
from simulator.guards import GUARDS, SHIPPED, TOLD
from simulator.library import compare_all, comparison_plain, comparison_text, listing
from simulator.live import run_live
from simulator.race import RaceResult, guard_then, run_race
from simulator.recording import record, write_whole
from simulator.report import legend, plain, timeline_text, verdict_text
from simulator.scenario import Scenario, load

__all__ = ["Answer", "Asked", "answer", "answer_all", "answer_list", "answer_record", "check_words"]

_TOLD = ("incident-2213", "push-during-soak")
"""The two scenarios that tell the story: as it happened, and what its mending left open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for; an empty scenario means those two, and an empty guard the one that was in
    force and the shipped one, or for those two the three that tell the story.

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


def check_words(modes: Mapping[str, bool], words: Mapping[str, str]) -> None:
    """Raises Invalid for words of the command line that do not go together.

    An option that would do nothing was meant otherwise.
    """
    chosen = [mode for mode, is_on in modes.items() if is_on]
    alone = {"--live"} if chosen == ["--neighbours"] else {"--scenario", "--guard", "--live"}
    if len(chosen) > 1 or (chosen and any(words[name] for name in alone)):
        raise Invalid("are asked for one at a time", on=f"race {chosen[0]} and another option")
    for name, mode in (("--output", "--record"), ("--time", "--neighbours")):
        if words[name] and not modes[mode]:
            raise Invalid(f"goes with {mode}", on=name)
    if chosen == ["--neighbours"] and not words["--scenario"]:
        raise Invalid("needs --scenario", on="--neighbours")


def answer(asked: Asked) -> Answer:
    """Runs what was asked for; raises Invalid for a name that is not there."""
    if asked.guard and asked.guard not in GUARDS:
        raise Invalid("no such guard", on=asked.guard, expected=", ".join(GUARDS))
    scenarios = [load(name) for name in ([asked.scenario] if asked.scenario else _TOLD)]
    races = [
        [_run(scenario, guard, asked) for guard in _guards(scenario, asked)]
        for scenario in scenarios
    ]
    results = [result for race in races for result in race]
    return Answer(
        text="\n\n".join([*(_text(race) for race in races), _last_line(results)]),
        document=json.dumps({"scenarios": [plain(race) for race in races]}, indent=2),
        is_good=all(_is_good(result) for result in results),
    )


def answer_all() -> Answer:
    """Runs the whole library: what happened then, and what Headway does."""
    compared = compare_all()
    return Answer(
        text=comparison_text(compared),
        document=json.dumps({"scenarios": comparison_plain(compared)}, indent=2),
        is_good=all(one.is_good for one in compared),
    )


def answer_list() -> Answer:
    """Names the library's scenarios, each with its title and its source."""
    listed = listing()
    lines = [f"{one['scenario']}: {one['title']} ({one['source']})" for one in listed]
    document = json.dumps({"scenarios": listed}, indent=2)
    return Answer(text="\n".join(lines), document=document, is_good=True)


def answer_record(journals: Sequence[str], *, output: str) -> Answer:
    """Makes a scenario of journals, and writes it into the file when one is named.

    Raises Invalid and Unavailable; then nothing was written.
    """
    if output and not output.endswith(".json"):
        raise Invalid("a scenario's file ends in .json", on="--output", seen=output)
    name = Path(output).name.removesuffix(".json") if output else "recorded"
    text = record(journals, name=name)
    if not output:
        return Answer(text=text.rstrip(), document=text.rstrip(), is_good=True)
    write_whole(text, output)
    said = f"recorded: {output}; replay it with race --scenario {output}"
    return Answer(
        text=said,
        document=json.dumps({"outcome": "recorded", "file": output}, indent=2),
        is_good=True,
    )


def _guards(scenario: Scenario, asked: Asked) -> Sequence[str]:
    if asked.guard:
        return (asked.guard,)
    then = guard_then(scenario)
    return TOLD if then in TOLD else (then, SHIPPED)


def _run(scenario: Scenario, guard: str, asked: Asked) -> RaceResult:
    if asked.is_live:
        if not scenario.is_plain:
            raise Invalid(
                "has more than pushes and deploys, which is played in virtual time alone",
                on=f"--live of {scenario.name}",
            )
        return run_live(scenario, guard, speed=asked.speed)
    return run_race(scenario, guard, asked.policy)


def _is_good(result: RaceResult) -> bool:
    return not result.departures and (result.is_kept or result.guard.name != SHIPPED)


def _text(race: Sequence[RaceResult]) -> str:
    scenario = race[0].scenario
    parts = [f"{scenario.title}.", scenario.story, legend(scenario)]
    parts += [timeline_text(result) for result in race]
    return "\n\n".join([*parts, verdict_text(race)])


def _last_line(results: Sequence[RaceResult]) -> str:
    """The outcome as its first word: `kept` or `broken`, by the shipped guard where it ran."""
    judged = [result for result in results if result.guard.name == SHIPPED] or results
    word = "kept" if all(result.is_kept for result in judged) else "broken"
    said = "; ".join(
        f"{result.guard.name} {'keeps' if result.is_kept else 'breaks'} {result.scenario.name}"
        for result in results
    )
    departed = [line for result in results for line in result.departures]
    return f"{word}: {said}" + (f"; not as recorded: {departed[0]}" if departed else "")
