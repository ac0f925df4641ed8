"""Compares, over the whole library, what happened then with what Headway does.

This module must not print; `race_desk` hands on what it makes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from simulator.guards import SHIPPED
from simulator.race import RaceResult, run_race
from simulator.report import table_text, tenant_counts
from simulator.scenario import Scenario, load, names

__all__ = ["Comparison", "compare_all", "comparison_plain", "comparison_text", "listing"]

_HEADER = ("scenario", "design then", "what happened then", "replay", "what Headway does")
_NOT_RECORDED = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One scenario under the design that was in force, and under Headway.

    then: None for a scenario that nobody recorded.
    """

    scenario: Scenario
    then: RaceResult | None
    now: RaceResult

    @property
    def is_good(self) -> bool:
        """Whether it went as recorded then, and every promise is kept now."""
        return self.now.is_kept and not (self.then and self.then.departures)


def compare_all() -> tuple[Comparison, ...]:
    """Replays every scenario of the library, in the order of their names."""
    return tuple(_compare(load(name)) for name in names())


def _compare(scenario: Scenario) -> Comparison:
    recorded = scenario.recorded
    return Comparison(
        scenario=scenario,
        then=run_race(scenario, recorded.guard) if recorded else None,
        now=run_race(scenario, SHIPPED),
    )


def comparison_text(compared: Sequence[Comparison]) -> str:
    """The table, each replay that is not as recorded with its reason, and a sentence on all."""
    rows = [_HEADER, *(_row(one) for one in compared)]
    lines = [table_text(rows), ""]
    for one in compared:
        departures = one.then.departures if one.then else ()
        lines += [f"not as recorded: {one.scenario.name}: {line}" for line in departures]
        lines += [f"broken: {one.scenario.name}: {breach.step}" for breach in one.now.breaches]
    return "\n".join([*lines, _sentence(compared)])


def comparison_plain(compared: Sequence[Comparison]) -> list[dict[str, object]]:
    """The same as JSON values."""
    return [
        {
            **_heading(one.scenario),
            "story": one.scenario.story,
            "assumed": one.scenario.assumed,
            "then": _plain(one.then) if one.then else None,
            SHIPPED: _plain(one.now),
        }
        for one in compared
    ]


def listing() -> tuple[Mapping[str, str], ...]:
    """Name, title and source of every scenario of the library."""
    return tuple(_heading(load(name)) for name in names())


def _heading(scenario: Scenario) -> dict[str, str]:
    return {"scenario": scenario.name, "title": scenario.title, "source": scenario.source}


def _row(one: Comparison) -> tuple[str, ...]:
    name, now = one.scenario.name, _end(one.now, one.now.words.values())
    kept = "kept" if one.now.is_kept else f"BROKEN {' '.join(_promises(one.now))}"
    if one.then is None:
        return (name, _NOT_RECORDED, _NOT_RECORDED, "made up", f"{kept}: {now}")
    broken = " ".join(_promises(one.then)) or "kept"
    replay = "NOT AS RECORDED" if one.then.departures else "as recorded"
    then = f"{broken}: {_end(one.then, one.then.colours.values())}"
    return (name, one.then.guard.name, then, replay, f"{kept}: {now}")


def _end(result: RaceResult, jobs: Iterable[str]) -> str:
    """Where tenants and pointer ended, and how the jobs did, in counts."""
    tenants = [f"{count} {name}" for name, count in tenant_counts(result).items()]
    pointer = f"{result.scenario.promoted_tag} {result.scenario.name_of(result.pointer)}"
    ended = [f"{count} {word}" for word, count in sorted(Counter(jobs).items())]
    return f"{', '.join(tenants)}; {pointer}; {', '.join(ended)}"


def _promises(result: RaceResult) -> Iterator[str]:
    """The broken promises by their numbers, each once."""
    yield from sorted({breach.promise.partition(" ")[0] for breach in result.breaches})


def _sentence(compared: Sequence[Comparison]) -> str:
    kept = sum(one.now.is_kept for one in compared)
    recorded = [one.then for one in compared if one.then]
    same = sum(not result.departures for result in recorded)
    word = "kept" if kept == len(compared) else "broken"
    return (
        f"{word}: Headway keeps every promise in {kept} of {len(compared)} scenarios; "
        f"{same} of {len(recorded)} replays end as recorded"
    )


def _plain(result: RaceResult) -> dict[str, object]:
    colours, words, name_of = result.colours, result.words, result.scenario.name_of
    return {
        "guard": result.guard.name,
        "title": result.guard.title,
        "promises_broken": list(_promises(result)),
        "is_as_recorded": not result.departures if result.is_recorded else None,
        "departures": list(result.departures),
        "tenants": {slug: name_of(sha) for slug, sha in result.tenants.items()},
        "pointer": name_of(result.pointer),
        "jobs": {job: {"colour": colours[job], "outcome": words[job]} for job in colours},
    }
