"""The parts of a scenario as values: pushes, jobs, changes of the world, faults, what was recorded.

This module must not read a file or judge how the parts fit together; `scenario` and
`scenario_checks` do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from enum import StrEnum

from release.errors import Invalid
from simulator.faults import FaultRule

__all__ = [
    "Began",
    "Change",
    "CiWord",
    "JobVerb",
    "Recorded",
    "RecordedEvent",
    "ScenarioChange",
    "ScenarioFault",
    "ScenarioJob",
    "ScenarioPush",
    "instant_of",
]


class CiWord(StrEnum):
    """What CI says of a commit, and the forge's own word for it."""

    GREEN = "success"
    RED = "failure"
    PENDING = "pending"


class JobVerb(StrEnum):
    """What a job is: an automatic deploy, or a rollback or a resume that a person runs."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    RESUME = "resume"


class Change(StrEnum):
    """What changes in the world without a job.

    CI: CI says `value` of the release `subject`. IMAGE: the image of the release `subject` is
    there. TENANT: the tenant `subject` behaves as `value`, a word of `Health`. TAG: the tag
    `subject` is moved to the release `value`. SWITCH: the kill switch is set to `value`.
    """

    CI = "ci"
    IMAGE = "image"
    TENANT = "tenant"
    TAG = "tag"
    SWITCH = "switch"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioPush:
    """A push of a release to the deploy branch.

    ci: what CI says of it at once; a change may say otherwise later.
    has_image: whether its image is there at once; a change may bring it later.
    """

    at: str
    release: str
    ci: CiWord = CiWord.GREEN
    has_image: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioJob:
    """A job: which release, when it starts, how long the services take for it.

    landing_s, answer_s: from a redeploy's request to its landing and to its answer.
    promote_s: from the request of a pointer move to its effect.
    run, attempt: of CI; a re-run has the run of its forerunner and another attempt. run: by default
    a run of its own. killed: when it is killed, if it is.
    """

    name: str
    release: str
    starts: str
    landing_s: float
    answer_s: float
    promote_s: float = 0.0
    verb: JobVerb = JobVerb.DEPLOY
    run: str = ""
    attempt: int = 1
    killed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioChange:
    """Something that changes at an instant; `Change` says what subject and value mean."""

    at: str
    what: Change
    subject: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioFault:
    """A fault rule and from when to when it is in force; empty is from the start, or for ever."""

    rule: FaultRule
    at: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """Where the world begins, as far as that is not the first release.

    tenants: the release of each tenant by slug. pointer: of the promoted tag.
    tags: the release of every other tag, such as a floating one.
    """

    tenants: Mapping[str, str] = field(default_factory=dict)
    pointer: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """A line of the record: what a job did at that time of the day."""

    at: str
    job: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """How it ended, as far as it was recorded, and under which guard; releases by their names.

    jobs: green or red, as CI showed them; `killed`, or `waits` for one that never ended.
    Tenants and jobs that are not named, and an empty pointer, were not recorded.
    """

    guard: str
    tenants: Mapping[str, str] = field(default_factory=dict)
    pointer: str = ""
    jobs: Mapping[str, str] = field(default_factory=dict)
    events: tuple[RecordedEvent, ...] = ()


def instant_of(text: str, *, start: datetime, on: str) -> datetime:
    """Reads `05:39:21Z`, which is a time of the day of the start, or a whole instant in UTC.

    Raises Invalid, naming what it is about, for any other text and for an instant before the start.
    """
    instant = _read_instant(text, start)
    if instant is None:
        raise Invalid(
            "not a time",
            on=on,
            seen=repr(text),
            expected="05:39:21Z or 2026-06-04T05:39:21Z, in UTC",
        )
    if instant < start:
        raise Invalid("lies before the start", on=on, seen=text, expected=start.isoformat())
    return instant


def _read_instant(text: str, start: datetime) -> datetime | None:
    try:
        if "T" in text:
            instant = datetime.fromisoformat(text)
            return instant if instant.tzinfo is not None else None
        if not text.endswith("Z"):
            return None
        at = time.fromisoformat(text.removesuffix("Z"))
        return datetime.combine(start.date(), at, UTC) if at.tzinfo is None else None
    except ValueError:
        return None
