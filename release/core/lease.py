"""Tells whether a lease has run out, by watching the holder's beat on the reader's own clock.

This module must not read a clock; the instants come in, in monotonic seconds.
"""

from dataclasses import dataclass

from release.core.ledger import Holder, Intent, Next
from release.core.values import JobId

__all__ = ["LeaseWatch", "watch_lease"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseWatch:
    """Since when this reader has seen the same beat of the same job."""

    job: JobId
    beat: int
    lease_s: float
    since_s: float

    def remaining_s(self, now_s: float) -> float:
        """How long the beat has to stay unchanged until the lease has run out; zero when it has."""
        return max(0.0, self.since_s + self.lease_s - now_s)


def watch_lease(
    before: LeaseWatch | None,
    party: Holder | Next,
    now_s: float,
    *,
    intents: tuple[Intent, ...] = (),
) -> LeaseWatch:
    """Goes on watching the same beat, or begins anew at `now_s` with another one.

    intents: open ones. A party that waits for the answer to an effect of its own can't renew, so
        that its silence is taken for life until the bound of that effect.
    """
    if before is not None and (before.job, before.beat) == (party.job, party.beat):
        return before
    own = (intent.remaining_s for intent in intents if intent.job == party.job)
    lease_s = max((party.lease_s, *own))
    return LeaseWatch(job=party.job, beat=party.beat, lease_s=lease_s, since_s=now_s)
