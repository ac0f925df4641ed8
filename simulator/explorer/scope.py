"""What is explored: the jobs, the fleet, the guard, and which choices the world has how often.

This module must not run anything.
"""

from dataclasses import dataclass
from enum import StrEnum

from release.core.policy import OnNewer, SupersededBy
from release.errors import Invalid
from simulator.guards import SHIPPED

__all__ = ["FENCES", "JobKind", "JobSpec", "Kind", "Scope", "Start"]


class Kind(StrEnum):
    """A kind of choice that the world has beside the order of events.

    Each of these costs one of `faults` each time it is chosen, but for LAG and PIECEMEAL, which
    say how effects land.
    """

    TIMEOUT = "timeout"
    LOST = "lost"
    CRASH = "crash"
    CANCEL = "cancel"
    SWAP_UNKNOWN = "swap-unknown"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    NO_EFFECT = "no-effect"
    DEFERRED = "deferred"
    TWICE = "twice"
    PARTIAL = "partial"
    STALE_HEAD = "stale-head"
    STALE_REGISTRY = "stale-registry"
    REGRESS = "regress"
    BROKEN = "broken"
    CHURN = "churn"
    SWITCH = "switch"
    PIN = "pin"
    LEDGER_LOST = "ledger-lost"
    LAG = "lag"
    PIECEMEAL = "piecemeal"


FREE = frozenset({Kind.LAG, Kind.PIECEMEAL})
FENCES = ("landing", "door", "none", "swarm")


class JobKind(StrEnum):
    """Which verb a job runs. HEAL is the fresh deploy of the head after everything else."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    HEAL = "heal"


class Start(StrEnum):
    """What the ledger holds before the first job: the release that runs, or nothing at all.

    BEHIND: the first tenant runs the newest release already, of which the ledger has never heard.
    """

    STEADY = "steady"
    EMPTY = "empty"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """One job: what it deploys, and after which push and which other job it may begin.

    release: its index; zero is what runs at the beginning, higher ones are newer.
    after: the number of a job that has to be over before this one begins; None is any time.
    """

    name: str
    release: int
    kind: JobKind = JobKind.DEPLOY
    push: int = 0
    after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One exploration.

    faults, expiries: how often a fault may strike, and how often a lease or a bound may run out
        while its job still lives.
    renewals: how often a holder renews its lease in the time of a bound, and so in how many parts
        a bound is waited out.
    is_life_bounded: whether every effect lands within its bound, as P1 assumes where no fence is.
    rewritten: whether the newest release is of a rewritten branch, which shares only the first
        release with the others.
    is_literal: whether records of the ledger that no job can tell apart count as different.
    """

    jobs: tuple[JobSpec, ...]
    tenants: int = 3
    batch: int = 3
    guard: str = SHIPPED
    kinds: frozenset[Kind] = frozenset()
    faults: int = 0
    expiries: int = 0
    fence: str = "landing"
    is_life_bounded: bool = True
    superseded_by: SupersededBy = SupersededBy.CLAIMED
    on_newer: OnNewer = OnNewer.YIELD
    confirmations: int = 1
    renewals: int = 1
    start: Start = Start.STEADY
    rewritten: bool = False
    is_healed: bool = True
    is_literal: bool = False

    def __post_init__(self) -> None:
        for name, least, most in (
            ("tenants", 1, 12),
            ("batch", 1, 12),
            ("faults", 0, 5),
            ("expiries", 0, 5),
            ("confirmations", 1, 5),
            ("renewals", 1, 3),
        ):
            seen = getattr(self, name)
            if not least <= seen <= most:
                expected = f"a number from {least} to {most}"
                raise Invalid("out of range", on=f"--{name}", seen=str(seen), expected=expected)
        if not 1 <= len(self.jobs) <= _JOBS_MAX:
            expected = f"1 to {_JOBS_MAX} jobs"
            raise Invalid("out of range", on="--jobs", seen=str(len(self.jobs)), expected=expected)
        if self.fence not in FENCES:
            raise Invalid(
                "no such fence", on="--fence", seen=self.fence, expected=", ".join(FENCES)
            )

    @property
    def newest(self) -> int:
        """The index of the newest release."""
        return max(job.release for job in self.jobs)

    def has(self, kind: Kind) -> bool:
        """Whether the world has this kind of choice."""
        return kind in self.kinds


_JOBS_MAX = 4
