"""One tenant: which release its container runs, and what its edge answers while the old one drains.

This module must not know who moved it or why.
"""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from release.errors import Invalid
from simulator.choices import Choices

__all__ = ["Answer", "Health", "Lag", "SimTenant", "Swap"]

_HTML = "text/html; charset=utf-8"
_JSON = "application/json"


class Health(StrEnum):
    """How a tenant behaves.

    BROKEN: the next image that lands never comes up; the container dies, the edge answers 502.
    WEDGED: redeploys succeed and the container runs the target, yet the edge goes on serving the
    old one until this is mended. HTML: `/buildinfo` is a 404 page. DEV: it answers `dev`.
    SLOW: it answers after `delay_s`. GONE: nobody listens.
    """

    HEALTHY = "healthy"
    BROKEN = "broken"
    WEDGED = "wedged"
    HTML = "html"
    DEV = "dev"
    SLOW = "slow"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """For how long, after a landing, the edge still answers from the container that drains.

    The length is chosen from `low_s` to `high_s`. flaps: meanwhile every other answer is the new
    one's already, the first one the old one's.
    """

    low_s: float = 0.0
    high_s: float = 0.0
    flaps: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.low_s <= self.high_s:
            raise Invalid(
                "not a drain lag",
                seen=f"{self.low_s}..{self.high_s} s",
                expected="0 <= low <= high",
            )

    @classmethod
    def parse(cls, text: str) -> "Lag":
        """Reads `30` seconds, `10-40` for one in between, or `flapping:30`; raises Invalid."""
        flaps, plain = text.startswith("flapping:"), text.removeprefix("flapping:")
        low, _, high = plain.partition("-")
        try:
            return cls(low_s=float(low), high_s=float(high or low), flaps=flaps)
        except ValueError as exc:
            raise Invalid(
                "not a drain lag", on=text, expected="seconds such as 30, 10-40 or flapping:30"
            ) from exc

    @classmethod
    def fixed(cls, lag_s: float) -> "Lag":
        """Always the same length."""
        return cls(low_s=lag_s, high_s=lag_s)

    @classmethod
    def ranged(cls, low_s: float, high_s: float) -> "Lag":
        """A length chosen anew for each landing."""
        return cls(low_s=low_s, high_s=high_s)

    @classmethod
    def flapping(cls, lag_s: float) -> "Lag":
        """Old and new in turn, for so long."""
        return cls(low_s=lag_s, high_s=lag_s, flaps=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """One landing: the release before and after, and until when the one before is still served.

    after: None when the new container died, and nothing runs.
    """

    at_s: float
    before: str | None
    after: str | None
    drained_at_s: float
    flaps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an edge answers, as it goes over the wire; `delay_s` passes first."""

    status: int
    content_type: str
    body: bytes
    delay_s: float = 0.0


class SimTenant:
    """A tenant of the simulated fleet."""

    def __init__(self, slug: str, sha: str | None, *, lag: Lag | None = None) -> None:
        self.slug = slug
        self.lag = lag or Lag()
        self.health = Health.HEALTHY
        self.delay_s = 0.0
        self.reads = 0
        self.image: str | None = None
        self._first = sha
        self._swaps: list[Swap] = []
        self._flips = 0

    @property
    def running(self) -> str | None:
        """The release that its container runs, whatever the edge answers; None when none runs."""
        return self._swaps[-1].after if self._swaps else self._first

    def land(self, sha: str, at_s: float, choices: Choices, *, is_image_broken: bool) -> bool:
        """Swaps the container for one of `sha`; says whether the new one came up."""
        before = self.running
        is_up = self.health is not Health.BROKEN and not is_image_broken
        lag_s = choices.between(f"lag {self.slug}", self.lag.low_s, self.lag.high_s)
        drained_at_s = math.inf if self.health is Health.WEDGED else at_s + lag_s
        self._swaps.append(
            Swap(
                at_s=at_s,
                before=before,
                after=sha if is_up else None,
                drained_at_s=drained_at_s if is_up else at_s,
                flaps=self.lag.flaps and self.health is not Health.WEDGED,
            )
        )
        self._flips = 0
        return is_up

    def kill(self, at_s: float) -> None:
        """Its container dies and nothing takes its place."""
        self._swaps.append(Swap(at_s=at_s, before=self.running, after=None, drained_at_s=at_s))

    def mend(self, at_s: float) -> None:
        """Makes it healthy: what a wedge kept alive is drained, a dead container stays dead."""
        self.health = Health.HEALTHY
        self._swaps = [
            replace(swap, drained_at_s=at_s) if math.isinf(swap.drained_at_s) else swap
            for swap in self._swaps
        ]

    def pending(self, at_s: float) -> Swap | None:
        """The oldest landing whose former container still drains at that instant."""
        for swap in self._swaps:
            if swap.at_s <= at_s < swap.drained_at_s:
                return swap
        return None

    def serving(self, at_s: float) -> str | None:
        """The release that its edge answers with at that instant; while it flaps, the old one."""
        swap = self.pending(at_s)
        if swap is not None:
            return swap.before
        landed = [swap for swap in self._swaps if swap.at_s <= at_s]
        return landed[-1].after if landed else self._first

    def buildinfo(self, at_s: float) -> Answer | None:
        """Answers one read of `/buildinfo`; None when the connection is refused."""
        self.reads += 1
        sha = self.serving(at_s)
        swap = self.pending(at_s)
        if swap is not None and swap.flaps:
            self._flips += 1
            sha = swap.after if self._flips % 2 == 0 else swap.before
        match self.health:
            case Health.GONE:
                return None
            case Health.HTML:
                page = b"<!doctype html><title>404</title><h1>Not found</h1>"
                return Answer(status=404, content_type=_HTML, body=page)
            case _ if sha is None:
                page = b"<!doctype html><title>502</title><h1>Bad gateway</h1>"
                return Answer(status=502, content_type=_HTML, body=page)
            case Health.DEV:
                return Answer(status=200, content_type=_JSON, body=b'{"git_sha": "dev"}')
            case Health.SLOW | Health.HEALTHY | Health.BROKEN | Health.WEDGED:
                body = b'{"git_sha": "%s"}' % sha.encode()
                delay_s = self.delay_s if self.health is Health.SLOW else 0.0
                return Answer(status=200, content_type=_JSON, body=body, delay_s=delay_s)

    @property
    def is_gone(self) -> bool:
        """Whether nobody listens."""
        return self.health is Health.GONE

    def is_healthy(self) -> bool:
        """Whether its container answers a health check, which says nothing of its release."""
        return self.running is not None and not self.is_gone

    def plain(self, at_s: float) -> dict[str, object]:
        """The tenant as JSON values."""
        swap = self.pending(at_s)
        left_s = None if swap is None or math.isinf(swap.drained_at_s) else swap.drained_at_s - at_s
        return {
            "slug": self.slug,
            "serving": self.serving(at_s),
            "running": self.running,
            "image": self.image,
            "is_draining": swap is not None,
            "drained_in_s": left_s,
            "health": self.health.value,
            "delay_s": self.delay_s,
            "lag": {"low_s": self.lag.low_s, "high_s": self.lag.high_s, "flaps": self.lag.flaps},
            "reads": self.reads,
        }
