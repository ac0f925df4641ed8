"""The promises, checked on what happened in a world and on what its jobs said.

P1 never backward, P2 no false green, P3 no false superseded, P4 progress. This module must not run
anything, nor know which guard was in force.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from release.core.order import Order
from release.core.outcome import Outcome, TenantState, Word
from simulator.forge import ForgeState
from simulator.happenings import Happening, Kind

__all__ = ["Breach", "Course", "JobEnd", "check_promises"]

_EFFECTS = (Kind.LANDED, Kind.POINTED)
_SAYS_LIVE = frozenset({Word.DEPLOYED, Word.VERIFIED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A promise that was broken, by which step of which job, and when."""

    promise: str
    at_s: float
    job: str
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """How a job ended, and how many things had happened by then."""

    job: str
    outcome: Outcome
    at_s: float
    happenings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What happened in one world: where its tenants and pointers began, and everything after.

    began: the release of each tenant by slug and of each pointer by name. newest: the newest
    deployable release, which everything is on when all jobs of a race have ended (P4).
    waiting: the jobs that never ended. rollbacks, resumes: the jobs in which a person goes back on
    purpose, and lets deploys go on. is_healthy: whether the fleet could be brought on the newest.
    """

    forge: ForgeState
    began: Mapping[str, str]
    newest: str
    happenings: Sequence[Happening]
    ends: Sequence[JobEnd]
    waiting: tuple[str, ...] = ()
    rollbacks: frozenset[str] = frozenset()
    resumes: frozenset[str] = frozenset()
    is_healthy: bool = True

    def live(self, count: int | None = None) -> dict[str, str]:
        """The release of every tenant and pointer after the first `count` happenings, or all."""
        live = dict(self.began)
        for one in self.happenings[:count]:
            if one.kind in _EFFECTS and one.subject in live and one.after is not None:
                live[one.subject] = one.after
        return live


def check_promises(course: Course) -> tuple[Breach, ...]:
    """Finds every breach, in the order of time."""
    found = [
        *_backward(course),
        *_undone_rollbacks(course),
        *_false_words(course),
        *_no_progress(course),
    ]
    return tuple(sorted(found, key=lambda breach: breach.at_s))


def _backward(course: Course) -> Iterable[Breach]:
    for one in course.happenings:
        is_effect = one.kind in _EFFECTS and one.subject in course.began
        if not is_effect or one.actor in course.rollbacks:
            continue
        if one.before is None or one.after is None:
            continue
        if course.forge.order(one.after, one.before) is Order.OLDER:
            step = f"{one.subject} from {one.before[:7]} back to {one.after[:7]}"
            yield Breach(promise="P1 never backward", at_s=one.at_s, job=one.actor, step=step)


def _undone_rollbacks(course: Course) -> Iterable[Breach]:
    """Finds what an automatic job brought back although a rollback had taken it away.

    What a person has named as the release that mends may come, and what is newer than that.
    """
    target, since_s = "", 0.0
    for one in course.happenings:
        if one.kind not in _EFFECTS or one.subject not in course.began or one.after is None:
            continue
        if one.actor in course.rollbacks:
            target, since_s = one.after, one.at_s
            continue
        mends = [
            str(end.outcome.release.sha)
            for end in course.ends
            if end.job in course.resumes and since_s <= end.at_s <= one.at_s
        ]
        is_mended = any(
            course.forge.order(one.after, mend) in {Order.SAME, Order.NEWER} for mend in mends
        )
        if target and not is_mended and course.forge.order(one.after, target) is Order.NEWER:
            step = f"{one.subject} to {one.after[:7]}, which a rollback to {target[:7]} took away"
            yield Breach(promise="P1 never backward", at_s=one.at_s, job=one.actor, step=step)


def _false_words(course: Course) -> Iterable[Breach]:
    for end in course.ends:
        outcome, ours = end.outcome, str(end.outcome.release.sha)
        named = {report.tenant.slug for report in outcome.tenants_in(TenantState.QUARANTINED)}
        behind = [
            subject
            for subject, sha in course.live(end.happenings).items()
            if subject not in named
            and course.forge.order(sha, ours) not in {Order.SAME, Order.NEWER}
        ]
        if outcome.word in _SAYS_LIVE and behind:
            step = f"said {outcome.word} while {_some(behind)} was not on {ours[:7]}"
            yield Breach(promise="P2 no false green", at_s=end.at_s, job=end.job, step=step)
        by = str(outcome.by) if outcome.by else ours
        if outcome.word is Word.SUPERSEDED and course.forge.order(ours, by) is not Order.OLDER:
            step = f"said superseded by {by[:7]}, which is not newer"
            yield Breach(promise="P3 no false superseded", at_s=end.at_s, job=end.job, step=step)


def _no_progress(course: Course) -> Iterable[Breach]:
    for job in course.waiting:
        at_s = max((one.at_s for one in course.happenings), default=0.0)
        yield Breach(promise="P4 progress", at_s=at_s, job=job, step="the job never ended")
    behind = [subject for subject, sha in course.live().items() if sha != course.newest]
    if behind and course.ends and course.is_healthy:
        last = max(course.ends, key=lambda end: end.at_s)
        step = f"all jobs ended, and this is not on {course.newest[:7]}: {_some(behind)}"
        yield Breach(promise="P4 progress", at_s=last.at_s, job=last.job, step=step)


def _some(subjects: Sequence[str], shown: int = 3) -> str:
    named = ", ".join(subjects[:shown])
    return named + (f" and {len(subjects) - shown} more" if len(subjects) > shown else "")
