"""Makes the timeline of a race: what was done when and by whom, and what everything served then.

This module must not judge or print; `properties` and `report` do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from simulator.happenings import Happening, Kind
from simulator.race import RaceResult

__all__ = ["Moment", "moments"]

_SHOWN = frozenset(
    {"claimed", "claim-lost", "redeploy", "soak", "draining", "guard", "verify", "promote"}
    | {"outcome", "warning"}
)
_CHANGES = frozenset({Kind.LANDED, Kind.POINTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of a timeline.

    clock: the time of the day, as recorded. job: who did it, or `push`.
    tenants: the release of each tenant by slug; pointer: that of the promoted tag.
    """

    at_s: float
    clock: str
    job: str
    action: str
    tenants: Mapping[str, str]
    pointer: str


def moments(result: RaceResult) -> tuple[Moment, ...]:
    """The timeline of a race, in order; what happened at one instant in the order it happened."""
    entries = sorted([*_happened(result), *_told(result)], key=lambda entry: entry.place)
    happened, lines = 0, []
    for entry in entries:
        happened = max(happened, entry.happened)
        lines.append(_moment(result, entry, happened))
    return tuple(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A line to come. happened: how many things have happened once it is told, as far as known."""

    at_s: float
    rank: int
    job: str
    action: str
    happened: int = 0

    @property
    def place(self) -> tuple[float, int]:
        """At one instant, what a job is about to do goes first, and its outcome last."""
        return self.at_s, self.rank


def _happened(result: RaceResult) -> Iterable[_Entry]:
    changes = [one for one in result.course.happenings if _is_shown(result, one)]
    for (actor, kind, _), group in groupby(changes, _together):
        grouped = tuple(group)
        yield _Entry(
            at_s=grouped[-1].at_s,
            rank=1,
            job=actor,
            action=_describe(result, kind, grouped),
            happened=grouped[-1].index + 1,
        )


def _together(one: Happening) -> tuple[str, Kind, int]:
    """What makes one line: in a live race the tenants of a batch land a moment apart."""
    return one.actor, one.kind, round(one.at_s)


def _is_shown(result: RaceResult, one: Happening) -> bool:
    if one.kind is Kind.PUSHED:
        return one.before is not None
    return one.kind in _CHANGES and one.subject in result.course.began and one.actor != "world"


def _describe(result: RaceResult, kind: Kind, group: tuple[Happening, ...]) -> str:
    name = result.scenario.name_of(group[0].after)
    if kind is Kind.PUSHED:
        return f"push of {name} to {group[0].subject}"
    subjects = ", ".join(one.subject for one in group)
    is_back = any(
        breach.promise.startswith("P1")
        and breach.job == group[0].actor
        and group[0].at_s <= breach.at_s <= group[-1].at_s
        for breach in result.breaches
    )
    return f"{subjects} now on {name}" + ("  << BACKWARD" if is_back else "")


def _told(result: RaceResult) -> Iterable[_Entry]:
    for told in result.told:
        if told.event.kind in _SHOWN:
            rank = 2 if told.event.kind == "outcome" else 0
            yield _Entry(at_s=told.at_s, rank=rank, job=told.actor, action=told.event.text)
    for end in result.ends:
        if not any(told.actor == end.job and told.event.kind == "outcome" for told in result.told):
            said = f"{end.outcome.word}: {end.outcome.reason}"
            yield _Entry(at_s=end.at_s, rank=2, job=end.job, action=said)


def _moment(result: RaceResult, entry: _Entry, happened: int) -> Moment:
    live = result.course.live(happened)
    clock = result.scenario.start + timedelta(seconds=entry.at_s)
    return Moment(
        at_s=entry.at_s,
        clock=f"{clock:%H:%M:%S}",
        job=entry.job,
        action=entry.action,
        tenants={tenant.slug: live[tenant.slug] for tenant in result.scenario.tenants},
        pointer=live[result.pointer_name],
    )
