"""How a check of convergence reads: lines, a document, a summary, annotations."""

import json
from dataclasses import replace
from typing import Any

from release.core.convergence import Convergence, ConvergenceReport, Part
from release.core.convergence_text import (
    convergence_annotations,
    convergence_document,
    convergence_lines,
    convergence_markdown,
    convergence_sentence,
)
from tests.support.records import sha

HOSTILE = "a\x1b[2J\n| `converged`: all is well\u202e"


def part(name: str, state: Convergence, letter: str | None = "a", note: str = "") -> Part:
    """A part by its name, seen on a release by one letter."""
    return Part(name=name, state=state, seen=sha(letter) if letter else None, note=note)


GOOD = part("tenant acme", Convergence.CONVERGED, "b")
OLD = part("tenant globex", Convergence.BEHIND, note="older")
FOREIGN = part("pointer acme/app:latest", Convergence.DIVERGED, "c", "another history")
SILENT = part("tenant initech", Convergence.UNKNOWN, None, HOSTILE)


def report(*parts: Part, **how: Any) -> ConvergenceReport:  # noqa: ANN401 - any field of it
    """A report on these parts, which should be on release b."""
    given = {"environment": "production", "target": sha("b"), "mark": sha("a"), "head": sha("b")}
    return ConvergenceReport(parts=parts, **{**given, **how})


def test_sentence_begins_with_the_word_and_counts_what_is_off() -> None:
    """Each kind of trouble is counted, with the first names, and the advice comes last."""
    told = convergence_sentence(report(GOOD, OLD, FOREIGN, SILENT))

    assert told == (
        "diverged: production: 1 of 4 on bbbbbbb; 1 diverged (pointer acme/app:latest); "
        "1 behind (tenant globex); 1 unknown (tenant initech); "
        "no deploy moves that: see `status`, then rollback or accept-rewrite"
    )


def test_many_names_are_shortened() -> None:
    """Five are named, the others counted."""
    many = tuple(replace(OLD, name=f"tenant t{number}") for number in range(7))

    assert "7 behind (tenant t0, tenant t1, tenant t2, tenant t3, tenant t4 and 2 more)" in (
        convergence_sentence(report(*many))
    )


def test_sentence_says_what_holds_and_what_was_not_read() -> None:
    """A hold needs no advice; a doubt has one."""
    held = convergence_sentence(report(OLD, held_by=("pinned by ada (pin): the fair",)))
    doubtful = convergence_sentence(report(GOOD, target=None, doubts=("the head",)))

    assert held.endswith("1 behind (tenant globex); held: pinned by ada (pin): the fair")
    assert "unknown: production: 1 of 1 on a release that nothing names; not read: the head" in (
        doubtful
    )


def test_lines_name_every_part_and_end_with_the_sentence() -> None:
    """Warnings first; text from outside can break no line."""
    found = report(GOOD, OLD, SILENT, warnings=(HOSTILE,))

    lines = convergence_lines(found)

    assert lines[1:3] == (
        "  tenant acme: converged, bbbbbbb",
        "  tenant globex: behind, aaaaaaa (older)",
    )
    assert convergence_sentence(found) == lines[-1]
    assert all(line.isprintable() for line in lines)


def test_document_has_every_key_and_whole_commits() -> None:
    """What is not known is null or empty."""
    full = json.loads(json.dumps(convergence_document(report(GOOD, SILENT))))
    empty = convergence_document(report(GOOD, target=None, mark=None, head=None))

    assert ("unknown", 1, str(sha("b"))) == (full["outcome"], full["exit_code"], full["target"])
    assert {"name": "tenant acme", "state": "converged", "seen": str(sha("b")), "note": ""} == (
        full["parts"][0]
    )
    assert full["parts"][1]["seen"] is None
    assert [None] * 3 == [empty[key] for key in ("target", "mark", "head")]
    assert full.keys() == empty.keys()


def test_summary_lists_what_is_off_and_nothing_else() -> None:
    """Hundreds of converged tenants would hide the one that matters; its cells are safe."""
    page = convergence_markdown(report(GOOD, OLD, SILENT, warnings=("odd",)))

    assert page.startswith("### behind: production\n")
    assert "| tenant globex | behind | `aaaaaaa` | older |" in page
    assert "| tenant acme |" not in page
    assert "\\| \\`converged\\`: all is well" in page
    assert "- **warning:** odd" in page


def test_summary_of_a_large_fleet_is_bounded() -> None:
    """At most 500 rows, and the rest is counted."""
    page = convergence_markdown(report(*[OLD] * 503))

    assert 500 == page.count("| tenant globex |")
    assert "3 more are not listed." in page


def test_summary_of_what_has_converged_has_no_table() -> None:
    """The headline and the sentence say it all."""
    page = convergence_markdown(report(GOOD))

    assert page == f"### converged: production\n\n{convergence_sentence(report(GOOD))}\n"


def test_annotations_alarm_only_when_something_is_off() -> None:
    """An error, with the warnings beside it; a hold is a warning; converged is silent."""
    behind = convergence_annotations(report(OLD, warnings=("odd",)))
    held = convergence_annotations(report(OLD, held_by=("a pin",)))

    assert ["::error title=behind on production", "::warning title=behind on production"] == [
        line.rpartition("::")[0] for line in behind
    ]
    assert held[0].startswith("::warning title=held on production::held: production")
    assert () == convergence_annotations(report(GOOD))
