"""Reads off one job's journal what a scenario has to know of it: verb, pace, end.

This module must not look at more than one job.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from release.core.outcome import Word
from release.errors import Invalid
from simulator.journals import JobJournal, Line
from simulator.scenario_parts import JobVerb, ScenarioJob

__all__ = [
    "colour_of",
    "drains_s",
    "played",
    "poll_gaps_s",
    "settled_tenants",
    "soak_s_of",
    "verb_of",
    "word_of",
    "writes_s",
]

_USUAL_S = 1.0
"""How long a redeploy takes in a job that had none."""

_MOMENT = timedelta(milliseconds=1)
_SOAK = re.compile(r" for (?P<seconds>\d+) s$")
_GREEN = frozenset({Word.DEPLOYED, Word.REDEPLOYED, Word.VERIFIED, Word.HELD, Word.SUPERSEDED})


def verb_of(job: JobJournal) -> JobVerb | None:
    """What a scenario plays it as; None for a verb that it can't play."""
    match job.stages:
        case ("wait_for_release",):
            return None if word_of(job) is Word.VERIFIED else JobVerb.DEPLOY
        case ("wait_for_release", *_):
            return JobVerb.DEPLOY
        case ("find_images", "observe", *_):
            return JobVerb.ROLLBACK
        case _:
            return None


def word_of(job: JobJournal) -> Word | None:
    """How it ended; None when it was killed, or cancelled, which is played as a kill."""
    told = job.of_kind("outcome")
    if not told:
        return None
    try:
        word = Word(told[-1].one_text("word"))
    except ValueError as exc:
        raise Invalid("not an outcome", on=told[-1].place, expected=", ".join(Word)) from exc
    return None if word is Word.CANCELLED else word


def colour_of(job: JobJournal) -> str:
    """What CI showed."""
    word = word_of(job)
    if word is None:
        return "killed"
    return "green" if word in _GREEN else "red"


def played(job: JobJournal, name: str) -> ScenarioJob:
    """The job as a scenario's.

    What came after a redeploy was told once its answer had come: that is how long it took, on
    average; and it is taken to have landed then.
    """
    verb = verb_of(job)
    assert verb is not None, "what can't be played is left out"
    answer_s = _mean_s(job, "redeploy") or _USUAL_S
    is_killed = word_of(job) is None
    return ScenarioJob(
        name=name,
        release=job.release.short,
        starts=_text(job.starts),
        landing_s=answer_s,
        answer_s=answer_s,
        promote_s=_mean_s(job, "promote"),
        verb=verb,
        run=job.run if job.run != name else "",
        attempt=job.attempt,
        killed=_text(max(job.lines[-1].at, job.starts + _MOMENT)) if is_killed else "",
    )


def settled_tenants(job: JobJournal) -> Iterator[tuple[datetime, str]]:
    """Each tenant that it redeployed and saw settle, and when."""
    sent: tuple[str, ...] = ()
    for line in job.of_kind("redeploy", "settled"):
        if line.kind == "redeploy":
            sent = line.texts("tenants")
        else:
            yield from ((line.at, slug) for slug in sent)
            sent = ()


def soak_s_of(job: JobJournal) -> float | None:
    """For how long it said that its canary soaks; None when it never came to that."""
    for line in job.of_kind("soak"):
        said = _SOAK.search(line.text)
        if said is not None:
            return float(said["seconds"])
    return None


def poll_gaps_s(job: JobJournal) -> Iterator[float]:
    """How long it was from one look at tenants that had not settled to the next."""
    for line in job.of_kind("settling"):
        following = job.after(line)
        if following is not None and following.kind in {"settling", "settled"}:
            yield (following.at - line.at).total_seconds()


def writes_s(job: JobJournal) -> Iterator[float]:
    """How long the write into the ledger took that stands before every effect.

    It is what passed between an effect's announcement and the line before it, unless that was about
    something that lasts, such as a soak.
    """
    for before, line in pairwise(job.lines):
        if line.kind in {"redeploy", "promote"} and before.kind in {"stage", "settled"}:
            yield (line.at - before.at).total_seconds()


def drains_s(job: JobJournal, interval_s: float) -> Iterator[float]:
    """How long tenants went on answering with the release before, after each redeploy.

    interval_s: between looks; a tenant has settled when two of them in a row saw it right.
    """
    answered: Line | None = None
    for line in job.lines:
        if line.kind == "redeploy":
            answered = job.after(line)
        elif line.kind == "settled" and answered is not None:
            took_s = (line.at - answered.at).total_seconds()
            yield max(0.0, took_s - interval_s)
            answered = None


def _mean_s(job: JobJournal, kind: str) -> float:
    """How long the calls of this kind took on average; zero when there was none."""
    took = [_took_s(job, line) for line in job.of_kind(kind)]
    answered = [seconds for seconds in took if seconds is not None]
    return round(sum(answered) / len(answered), 3) if answered else 0.0


def _took_s(job: JobJournal, line: Line) -> float | None:
    following = job.after(line)
    return None if following is None else (following.at - line.at).total_seconds()


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
