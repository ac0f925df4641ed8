"""Tells the CI how a job or a check ended: outputs, the summary of the step, annotations.

This module must not fail a job: a deploy that is done stays done when its summary can't be written.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from release.core.convergence import ConvergenceReport
from release.core.convergence_text import (
    convergence_annotations,
    convergence_markdown,
    convergence_sentence,
)
from release.core.outcome import Outcome
from release.core.printable import printable
from release.core.render import annotations, as_markdown, as_sentence

__all__ = ["CiReport"]

_SUMMARY_BYTES_MAX = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class CiReport:
    """Where one job reports to.

    output_path: takes `name=value`, as GITHUB_OUTPUT; summary_path: takes markdown.
    dotenv_path: takes `name=value` as GitLab's `artifacts:reports:dotenv` reads it.
    stream: takes the annotations: stderr, since stdout is the result; None where a CI has none, as
        GitLab.
    nonce: unguessable text, so that no value can end its own block early.
    """

    nonce: str
    stream: TextIO | None = None
    output_path: Path | None = None
    summary_path: Path | None = None
    dotenv_path: Path | None = None

    def publish(self, outcome: Outcome) -> tuple[str, ...]:
        """Writes everything that this CI takes; returns a sentence for each thing that failed.

        Repeating it appends the outputs and the summary again; the last output counts.
        """
        texts = {"reason": printable(outcome.reason), "sentence": as_sentence(outcome)}
        return self._publish(_facts(outcome), texts, as_markdown(outcome), annotations(outcome))

    def publish_convergence(self, report: ConvergenceReport) -> tuple[str, ...]:
        """Writes a check of convergence as `publish` writes an outcome, under the same names."""
        facts = {
            "outcome": str(report.word),
            "exit_code": str(report.exit_code),
            "release": str(report.target or ""),
            "by": "",
            "epoch": "",
        }
        texts = {"sentence": convergence_sentence(report)}
        page = convergence_markdown(report)
        return self._publish(facts, texts, page, convergence_annotations(report))

    def _publish(
        self,
        facts: Mapping[str, str],
        texts: Mapping[str, str],
        page: str,
        lines: tuple[str, ...],
    ) -> tuple[str, ...]:
        complaints = (
            self._write_outputs(facts, texts),
            self._write_summary(page),
            self._write_dotenv(facts),
            self._annotate(lines),
        )
        return tuple(complaint for complaint in complaints if complaint)

    def _write_outputs(self, facts: Mapping[str, str], texts: Mapping[str, str]) -> str:
        if self.output_path is None:
            return ""
        lines = [f"{name}={value}\n" for name, value in facts.items()]
        lines += [_block(name, text, self.nonce) for name, text in texts.items()]
        return _append(self.output_path, "".join(lines))

    def _write_summary(self, text: str) -> str:
        if self.summary_path is None:
            return ""
        if len(text.encode()) > _SUMMARY_BYTES_MAX:
            return f"the summary is larger than the {_SUMMARY_BYTES_MAX} bytes that CI takes"
        return _append(self.summary_path, text)

    def _write_dotenv(self, facts: Mapping[str, str]) -> str:
        """Replaces our own lines and keeps those of others, for no name may stand there twice."""
        if self.dotenv_path is None:
            return ""
        try:
            known = self.dotenv_path.read_text() if self.dotenv_path.exists() else ""
            kept = [line for line in known.splitlines() if line.partition("=")[0] not in facts]
            lines = [*kept, *(f"{name}={value}" for name, value in facts.items())]
            self.dotenv_path.write_text("\n".join(lines) + "\n")
        except (OSError, UnicodeError) as exc:
            return _complain(self.dotenv_path, exc)
        return ""

    def _annotate(self, lines: tuple[str, ...]) -> str:
        if self.stream is None:
            return ""
        try:
            self.stream.write("".join(f"{line}\n" for line in lines))
            self.stream.flush()
        except (OSError, ValueError) as exc:
            return f"the annotations could not be written: {exc}"
        return ""


def _facts(outcome: Outcome) -> Mapping[str, str]:
    """The outputs that are one plain word each."""
    return {
        "outcome": str(outcome.word),
        "exit_code": str(outcome.exit_code),
        "release": str(outcome.release.sha),
        "by": str(outcome.by or ""),
        "epoch": "" if outcome.epoch is None else str(outcome.epoch),
    }


def _block(name: str, text: str, nonce: str) -> str:
    delimiter = f"headway-{nonce}"
    assert delimiter not in text, "a nonce is unguessable"
    return f"{name}<<{delimiter}\n{text}\n{delimiter}\n"


def _append(path: Path, text: str) -> str:
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            # A step that left its last line open must not swallow our first one.
            if file.tell() and not _ends_line(path):
                file.write("\n")
            file.write(text)
    except OSError as exc:
        return _complain(path, exc)
    return ""


def _ends_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _complain(path: Path, exc: Exception) -> str:
    return f"{path} could not be written: {exc}"
