"""Shows what came of races: a timeline for each guard, and a table of verdicts; or all as JSON.

This module must not run or judge anything.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta

from simulator.properties import Breach
from simulator.race import RaceResult, colour
from simulator.scenario import Scenario
from simulator.timeline import Moment, moments

__all__ = ["legend", "plain", "table_text", "tenant_counts", "timeline_text", "verdict_text"]

_LETTERS = 26


def timeline_text(result: RaceResult) -> str:
    """The timeline of one guard: time, job, action, one letter for each tenant and the pointer."""
    scenario = result.scenario
    lines = [f"{scenario.name} under {result.guard.name}: {result.guard.title}", ""]
    width = max(len("tenants"), len(scenario.tenants))
    jobs = max(len(job.name) for job in scenario.jobs)
    lines.append(
        f"{'time':8}  {'job':{jobs}}  {'tenants':{width}}  {scenario.promoted_tag}  action"
    )
    for moment in moments(result):
        letters = "".join(_letter(scenario, sha) for sha in moment.tenants.values())
        pointer = _letter(scenario, moment.pointer).ljust(len(scenario.promoted_tag))
        shown = f"{moment.clock}  {moment.job:{jobs}}  {letters:{width}}  {pointer}"
        lines.append(f"{shown}  {_with_names(scenario, moment.action)}")
    return "\n".join(lines)


def verdict_text(results: Sequence[RaceResult]) -> str:
    """The verdicts side by side, then each promise broken and the step that broke it."""
    scenario = results[0].scenario
    rows: list[tuple[str, ...]] = [
        ("guard", "verdict", "tenants at the end", scenario.promoted_tag, "jobs")
    ]
    rows += [_row(result) for result in results]
    lines = [table_text(rows)]
    for result in results:
        lines += [f"{result.guard.name}: {line}" for line in _breach_lines(result)]
    return "\n".join(lines)


def table_text(rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side, the first row underlined."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def tenant_counts(result: RaceResult) -> dict[str, int]:
    """How many tenants ended on each release, by its name."""
    return dict(Counter(map(result.scenario.name_of, result.tenants.values())))


def legend(scenario: Scenario) -> str:
    """What the letters of a timeline mean, and who the tenants are."""
    letters = ", ".join(
        f"{_letter(scenario, str(sha))} {name} {sha.short}"
        for name, sha in scenario.releases.items()
    )
    tenants = ", ".join(tenant.slug for tenant in scenario.tenants)
    return f"Letters: {letters}. Tenants, from the left: {tenants}."


def plain(results: Sequence[RaceResult]) -> dict[str, object]:
    """The same as JSON values: the scenario, and for each guard verdict, end and timeline."""
    scenario = results[0].scenario
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "story": scenario.story,
        "source": scenario.source,
        "assumed": scenario.assumed,
        "releases": {name: str(sha) for name, sha in scenario.releases.items()},
        "guards": {result.guard.name: _plain_result(result) for result in results},
    }


def _plain_result(result: RaceResult) -> dict[str, object]:
    return {
        "verdict": _verdict(result),
        "title": result.guard.title,
        "departures": list(result.departures),
        "breaches": [
            {
                "promise": breach.promise,
                "at_s": breach.at_s,
                "clock": _clock(result, breach),
                "job": breach.job,
                "step": breach.step,
            }
            for breach in result.breaches
        ],
        "end": {
            "tenants": dict(result.tenants),
            "pointer": result.pointer,
            "jobs": {
                end.job: {
                    "outcome": end.outcome.word.value,
                    "exit_code": end.outcome.exit_code,
                    "colour": colour(end.outcome),
                    "reason": end.outcome.reason,
                }
                for end in result.ends
            },
        },
        "timeline": [_plain_moment(moment) for moment in moments(result)],
    }


def _plain_moment(moment: Moment) -> dict[str, object]:
    return {
        "at_s": moment.at_s,
        "clock": moment.clock,
        "job": moment.job,
        "action": moment.action,
        "tenants": dict(moment.tenants),
        "pointer": moment.pointer,
    }


def _row(result: RaceResult) -> tuple[str, ...]:
    jobs = ", ".join(
        f"{job} {shown} ({result.words[job]})" if shown != result.words[job] else f"{job} {shown}"
        for job, shown in sorted(result.colours.items())
    )
    name_of = result.scenario.name_of
    ended = ", ".join(f"{count} {name}" for name, count in tenant_counts(result).items())
    return (result.guard.name, _verdict(result), ended, name_of(result.pointer), jobs)


def _verdict(result: RaceResult) -> str:
    return "every promise kept" if result.is_kept else "BROKEN"


def _breach_lines(result: RaceResult) -> Iterable[str]:
    """One line for each promise broken, with the first step that broke it."""
    seen: dict[str, list[Breach]] = {}
    for breach in result.breaches:
        seen.setdefault(breach.promise, []).append(breach)
    for promise, breaches in seen.items():
        first = breaches[0]
        more = f" (and {len(breaches) - 1} more)" if len(breaches) > 1 else ""
        step = _with_names(result.scenario, first.step)
        yield f"{promise}: broken at {_clock(result, first)} by job {first.job}: {step}{more}"
    for departure in result.departures:
        yield f"not as recorded: {departure}"


def _clock(result: RaceResult, breach: Breach) -> str:
    return f"{result.scenario.start + timedelta(seconds=breach.at_s):%H:%M:%S}"


def _letter(scenario: Scenario, sha: str) -> str:
    """The initial of a release, or where two begin alike its place in the alphabet."""
    named = [*scenario.releases]
    name = scenario.name_of(sha)
    if len({one[0] for one in named}) == len(named) or name not in named:
        return name[0]
    return chr(ord("a") + named.index(name) % _LETTERS)


def _with_names(scenario: Scenario, text: str) -> str:
    """Puts the scenario's names for the short commit ids, which say nothing about their order."""
    for name, sha in scenario.releases.items():
        text = text.replace(f"staging-{sha.short}", name).replace(sha.short, name)
    return text
