"""The record that a ledger keeps for one environment, and the values in it.

This module must not say when a change of the record is allowed: `claim` and `standing` decide, and
`transitions` builds the changed record.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from release.core.order import Order, Orders
from release.core.values import Digest, JobId, Release, Sha

__all__ = [
    "PAST_MAX",
    "Denial",
    "Effect",
    "Holder",
    "Intent",
    "Next",
    "Past",
    "Phase",
    "Pin",
    "PinKind",
    "Record",
    "Stamp",
]

PAST_MAX = 100
"""How many outcomes the record keeps; the store's own history keeps the rest."""


class Phase(StrEnum):
    """Where the holder is in the life of its job."""

    CLAIMED = "claimed"
    DRAINING = "draining"
    ROLLING = "rolling"
    SETTLING = "settling"
    SOAKING = "soaking"
    PROMOTING = "promoting"


class Effect(StrEnum):
    """What an intent is about: a scoped redeploy, a pointer move, or something never recorded."""

    REDEPLOY = "redeploy"
    PROMOTE = "promote"
    UNKNOWN = "unknown"


class PinKind(StrEnum):
    """Which verb set the pin."""

    PIN = "pin"
    ROLLBACK = "rollback"
    UNLOCK = "unlock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Who wrote the record, and that job's how-manieth write it was: no two writes share one."""

    job: JobId
    write: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The job that holds the record, and for how long its silence is taken for life.

    lease_s: a reader that saw `beat` unchanged for so long, on its own clock, may call the lease
        run out. A store's own clock is never asked.
    beat: the number of this job's last write. It is watched instead of the whole record, which a
        waiting job or an observer changes too.
    """

    job: JobId
    release: Release
    phase: Phase
    lease_s: float
    beat: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """Under `finish`: the one newer job that waits for the holder, without an epoch.

    lease_s and beat: as for a holder; a waiting job that fell silent is dropped.
    """

    job: JobId
    release: Release
    lease_s: float
    beat: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What an effect is about to do, written down before it is sent.

    number: counts the intents of this job; a repeated effect has an intent of its own.
    what: for people, such as `acme, globex to staging-7f25373`.
    bound_s: the longest that the effect may still land, from the start of the swap that wrote it.
    waited_s: how much of that earlier take-overs have already waited out.
    """

    job: JobId
    number: int
    epoch: int
    effect: Effect
    what: str
    bound_s: float
    waited_s: float = 0.0

    @property
    def remaining_s(self) -> float:
        """How long a take-over still waits for this intent, zero when it may be dropped."""
        return max(0.0, self.bound_s - self.waited_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """Holds automatic deploys until it is lifted or, where `until` is set, that instant (UTC)."""

    kind: PinKind
    reason: str
    by: str
    at: datetime
    until: datetime | None = None

    def is_active(self, utc: datetime) -> bool:
        """Whether the pin still stands at that instant; wall time decides nothing else."""
        return self.until is None or utc < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A range of bad releases: newer than `after`, up to and including `upto`.

    fixed_in: once set, whatever is newer than `after` and does not contain it is denied too.
    """

    after: Sha
    upto: Sha
    reason: str
    fixed_in: Sha | None = None

    @property
    def span(self) -> str:
        """The range, as people read it."""
        if self.fixed_in is not None:
            return f"newer than {self.after.short} without {self.fixed_in.short}"
        return f"newer than {self.after.short}, up to {self.upto.short}"

    def denies(self, orders: Orders) -> bool:
        """Whether the release that `orders` speaks for is denied; an unknown order denies.

        orders: must hold how that release stands to every commit named here.
        """
        stands = {sha: orders.get(sha, Order.UNKNOWN) for sha in (self.after, self.upto)}
        if stands[self.after] is Order.UNKNOWN:
            return True
        if stands[self.after] is not Order.NEWER:
            return False
        if self.fixed_in is not None:
            fixed = orders.get(self.fixed_in, Order.UNKNOWN)
            return fixed not in {Order.SAME, Order.NEWER}
        return stands[self.upto] in {Order.SAME, Order.OLDER, Order.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """How a job ended, for `history` and for finding a release by its digests."""

    job: JobId
    release: Release
    epoch: int
    word: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The one record of an environment; all of it is compared and swapped together.

    epoch: every claim adds one; it is the fencing token of the claim's effects.
    mark: the newest release ever claimed or seen, or the target of the last rollback; None while
        no tenant of the environment has ever told a release.
    abandoned: releases that a rewritten branch left behind; at most PAST_MAX.
    """

    environment: str
    stamp: Stamp
    epoch: int = 0
    mark: Sha | None = None
    holder: Holder | None = None
    next: Next | None = None
    intents: tuple[Intent, ...] = ()
    pin: Pin | None = None
    denied: tuple[Denial, ...] = ()
    abandoned: tuple[Sha, ...] = ()
    past: tuple[Past, ...] = ()

    def __hash__(self) -> int:
        """Goes by the stamp: no two writes share one, and a record is long."""
        return hash((self.stamp, self.epoch))

    def shas(self) -> tuple[Sha, ...]:
        """Every commit that a decision on this record compares with, once each."""
        found = [self.mark] if self.mark else []
        found += [party.release.sha for party in (self.holder, self.next) if party]
        for denial in self.denied:
            found += [denial.after, denial.upto]
            found += [denial.fixed_in] if denial.fixed_in else []
        return tuple(dict.fromkeys(found))

    def is_pinned(self, utc: datetime) -> bool:
        """Whether a pin stands at that instant."""
        return self.pin is not None and self.pin.is_active(utc)

    def denial(self, orders: Orders) -> Denial | None:
        """The first denial of the release that `orders` speaks for."""
        return next((denial for denial in self.denied if denial.denies(orders)), None)

    def release_of(self, repository: str, digest: Digest) -> Sha | None:
        """The release that was last deployed or claimed with this manifest, newest first."""
        parties = [party.release for party in (self.holder, self.next) if party]
        parties += [past.release for past in reversed(self.past)]
        for release in parties:
            if release.digest(repository) == digest:
                return release.sha
        return None
