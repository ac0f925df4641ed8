"""Shows a check of convergence: lines, a JSON document, a markdown summary, CI annotations.

The first word of the last line is the answer. This module must not find anything out.
"""

from collections.abc import Mapping

from release.core.ci_text import annotate, escape, table
from release.core.convergence import Convergence, ConvergenceReport, Part
from release.core.printable import printable

__all__ = [
    "convergence_annotations",
    "convergence_document",
    "convergence_lines",
    "convergence_markdown",
    "convergence_sentence",
]

_NAMES_SHOWN = 5
_ROWS_MAX = 500
_SENTENCE_MAX = 2000
_TROUBLE = (Convergence.DIVERGED, Convergence.BEHIND, Convergence.UNKNOWN)
_ADVICE = {
    Convergence.BEHIND: "converge-check --repair deploys it",
    Convergence.DIVERGED: "no deploy moves that: see `status`, then rollback or accept-rewrite",
    Convergence.UNKNOWN: "check again, and look at what could not be read",
}


def convergence_sentence(report: ConvergenceReport) -> str:
    """The answer in one line, at most 2000 characters, that begins with its word."""
    target = report.target.short if report.target else "a release that nothing names"
    count = len(report.of_state(Convergence.CONVERGED))
    facts = [f"{count} of {len(report.parts)} on {target}"]
    for state in _TROUBLE:
        parts = report.of_state(state)
        if parts:
            facts.append(f"{len(parts)} {state} ({_names(parts)})")
    facts += [f"held: {reason}" for reason in report.holds]
    facts += [f"not read: {doubt}" for doubt in report.doubts]
    advice = _ADVICE.get(report.word)
    facts += [advice] if advice else []
    said = f"{report.word}: {report.environment}: {'; '.join(facts)}"
    return printable(said, _SENTENCE_MAX)


def convergence_lines(report: ConvergenceReport) -> tuple[str, ...]:
    """A line for each warning and each part, then the sentence."""
    warnings = (f"warning: {printable(warning)}" for warning in report.warnings)
    parts = (f"  {part.name}: {_state(part)}" for part in report.parts)
    return (*warnings, *parts, convergence_sentence(report))


def convergence_document(report: ConvergenceReport) -> Mapping[str, object]:
    """The report as JSON values, under keys that stay as they are from release to release.

    Every key is always there; what is not known is null or empty. Commit ids are whole ones.
    """
    return {
        "outcome": str(report.word),
        "exit_code": report.exit_code,
        "sentence": convergence_sentence(report),
        "environment": report.environment,
        "target": str(report.target) if report.target else None,
        "mark": str(report.mark) if report.mark else None,
        "head": str(report.head) if report.head else None,
        "parts": [
            {
                "name": part.name,
                "state": str(part.state),
                "seen": str(part.seen) if part.seen else None,
                "note": printable(part.note),
            }
            for part in report.parts
        ],
        "held_by": [printable(reason) for reason in report.holds],
        "not_read": [printable(doubt) for doubt in report.doubts],
        "warnings": [printable(warning) for warning in report.warnings],
    }


def convergence_markdown(report: ConvergenceReport) -> str:
    """A summary for a CI page: headline, sentence, what is off, and warnings."""
    off = [part for part in report.parts if part.state is not Convergence.CONVERGED]
    rows = [
        (
            escape(part.name),
            str(part.state),
            f"`{part.seen.short}`" if part.seen else "",
            escape(part.note),
        )
        for part in off[:_ROWS_MAX]
    ]
    more = len(off) - len(rows)
    sections = (
        f"### {report.word}: {escape(report.environment)}",
        escape(convergence_sentence(report), _SENTENCE_MAX),
        table(("part", "state", "seen on", "note"), rows) if rows else "",
        f"{more} more are not listed." if more else "",
        "\n".join(f"- **warning:** {escape(warning)}" for warning in report.warnings[:_ROWS_MAX]),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def convergence_annotations(report: ConvergenceReport) -> tuple[str, ...]:
    """Workflow commands for GitHub and Gitea: an error when something is off, else warnings."""
    title = f"{report.word} on {report.environment}"
    warnings = tuple(printable(warning) for warning in report.warnings)
    sentence = (convergence_sentence(report),)
    if report.exit_code:
        return annotate("error", title, sentence) + annotate("warning", title, warnings)
    if report.word is Convergence.HELD:
        warnings = sentence + warnings
    return annotate("warning", title, warnings)


def _names(parts: tuple[Part, ...]) -> str:
    more = len(parts) - _NAMES_SHOWN
    names = ", ".join(part.name for part in parts[:_NAMES_SHOWN])
    return names + (f" and {more} more" if more > 0 else "")


def _state(part: Part) -> str:
    seen = f", {part.seen.short}" if part.seen else ""
    note = f" ({printable(part.note)})" if part.note else ""
    return f"{part.state}{seen}{note}"
