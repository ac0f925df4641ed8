"""What has happened in a world, in order: the one log that timelines and properties read.

This module must not judge what happened.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from simulator.clock import WorldClock

__all__ = ["Happening", "Kind", "Log"]


class Kind(StrEnum):
    """What sort of thing happened.

    LANDED, LANDING_FAILED and LANDING_REFUSED are what became of one tenant of a redeploy; POINTED
    is a tag that was written. These four, with before and after, are everything that changes what
    production serves. The others tell why.
    """

    PUSHED = "pushed"
    CI = "ci"
    PUBLISHED = "published"
    SWITCHED = "switched"
    ACCEPTED = "accepted"
    ANSWERED = "answered"
    REFUSED = "refused"
    FENCE_RAISED = "fence-raised"
    LANDED = "landed"
    LANDING_FAILED = "landing-failed"
    LANDING_REFUSED = "landing-refused"
    POINTED = "pointed"
    TENANT = "tenant"
    LEDGER = "ledger"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened.

    index: counts from zero without gaps. at_s: virtual or loop seconds since the world began.
    actor: the job that caused it, or `world`.
    subject: a tenant's slug, `repository:tag`, a branch, an environment, or a request.
    before, after: for LANDED and POINTED the releases, as full commit ids; None when unknown.
    """

    index: int
    at_s: float
    actor: str
    kind: Kind
    subject: str
    before: str | None = None
    after: str | None = None
    note: str = ""

    def plain(self) -> dict[str, object]:
        """The happening as JSON values."""
        return {
            "index": self.index,
            "at_s": round(self.at_s, 6),
            "actor": self.actor,
            "kind": self.kind.value,
            "subject": self.subject,
            "before": self.before,
            "after": self.after,
            "note": self.note,
        }


class Log:
    """Takes happenings and hands each to whoever listens, at once and in order."""

    def __init__(self, clock: WorldClock) -> None:
        self.happenings: list[Happening] = []
        self._clock = clock
        self._listeners: list[Callable[[Happening], None]] = []

    def note(  # noqa: PLR0913 - one argument for each question that a timeline asks
        self,
        kind: Kind,
        subject: str,
        *,
        actor: str = "world",
        before: str | None = None,
        after: str | None = None,
        note: str = "",
    ) -> Happening:
        """Writes down that something happened now."""
        happening = Happening(
            index=len(self.happenings),
            at_s=self._clock.reading_s(),
            actor=actor,
            kind=kind,
            subject=subject,
            before=before,
            after=after,
            note=note,
        )
        self.happenings.append(happening)
        for listener in tuple(self._listeners):
            listener(happening)
        self._clock.nudge()
        return happening

    def subscribe(self, listener: Callable[[Happening], None]) -> Callable[[], None]:
        """Calls the listener for everything from now on; the answer ends that."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            self._listeners.remove(listener)

        return unsubscribe

    def of_kind(self, *kinds: Kind) -> tuple[Happening, ...]:
        """What happened of these kinds, in order."""
        return tuple(one for one in self.happenings if one.kind in kinds)
