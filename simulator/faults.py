"""What goes wrong, as rules: a rule matches calls and says what becomes of them.

This module must not carry a fault out; `wire` and the services do what a verdict says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from release.errors import Invalid

__all__ = ["PASS", "Call", "FaultKind", "FaultRule", "Faults", "Service", "Verdict"]

_WORLD = "world"


class Service(StrEnum):
    """Whom a call is made to."""

    FORGE = "forge"
    GIT = "git"
    CONTROL_PLANE = "control_plane"
    EDGE = "edge"
    REGISTRY = "registry"
    LEDGER = "ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to one service, as rules and scripts see it.

    actor: the job that makes it. operation, subject: as `docs` of each service lists them, such as
    `redeploy` of `acme,globex to staging-7f25373`.
    is_effect: whether it may change production.
    """

    actor: str
    service: Service
    operation: str
    subject: str
    is_effect: bool = False

    def __str__(self) -> str:
        return f"{self.actor}: {self.service}.{self.operation} {self.subject}"


class FaultKind(StrEnum):
    """What becomes of a call.

    DELAY: `before_s` pass before it is acted on, `after_s` before it is answered.
    REFUSE: answered `status` without being acted on. CUT_BEFORE: the request is lost.
    LOSE_ANSWER: acted on, then the connection is cut, or with `status` a gateway answers that.
    LATE: answered as if done, and takes effect `late_s` later.
    STAGGERED: a redeploy lands tenant by tenant, `gap_s` apart, in `order`.
    TWICE: takes effect, and once more `late_s` later. NO_EFFECT: answered as if done, never is.
    STALE: a read answers the state of `stale_s` ago. CLAMP_PAGE: at most `page` items in a page.
    EXPIRED_TOKEN: answered 401.

    With operation `landing` and a tenant as subject, LATE, NO_EFFECT and TWICE are about this
    tenant alone; `row` is then the `ssm_status` of its row, and `absent` leaves the row out.
    """

    DELAY = "delay"
    REFUSE = "refuse"
    CUT_BEFORE = "cut_before"
    LOSE_ANSWER = "lose_answer"
    LATE = "late"
    STAGGERED = "staggered"
    TWICE = "twice"
    NO_EFFECT = "no_effect"
    STALE = "stale"
    CLAMP_PAGE = "clamp_page"
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - the name of a fault, not a token


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """Which calls a fault is about, and what it does to them.

    service, operation, subject, actor: globs; a call of the world's own parts to each other is
    matched only by a rule that names `world`. after: lets so many matching calls pass first.
    times: acts on so many calls, then never again; None is for ever.
    """

    kind: FaultKind
    service: str = "*"
    operation: str = "*"
    subject: str = "*"
    actor: str = "*"
    after: int = 0
    times: int | None = None
    status: int = 0
    before_s: float = 0.0
    after_s: float = 0.0
    late_s: float = 0.0
    gap_s: float = 0.0
    stale_s: float = 0.0
    page: int = 0
    order: tuple[str, ...] = ()
    row: str = ""

    def __post_init__(self) -> None:
        if self.kind is FaultKind.REFUSE and not 400 <= self.status <= 599:  # noqa: PLR2004 - HTTP
            raise Invalid(
                "no such refusal", on="status", seen=str(self.status), expected="400..599"
            )
        if self.kind is FaultKind.CLAMP_PAGE and self.page < 1:
            raise Invalid("a page has items", on="page", seen=str(self.page), expected="1 or more")

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> "FaultRule":
        """Builds a rule from JSON values; raises Invalid for an unknown key or kind."""
        known = {one.name for one in fields(cls)}
        unknown = sorted(set(plain) - known)
        if unknown or "kind" not in plain:
            raise Invalid(
                "not a fault rule",
                on=", ".join(unknown) or "kind",
                expected=", ".join(sorted(known)),
            )
        try:
            given = dict(plain) | {"kind": FaultKind(plain["kind"])}
            if "order" in plain:
                given["order"] = tuple(plain["order"])
            return cls(**given)
        except (TypeError, ValueError) as exc:
            kinds = ", ".join(kind.value for kind in FaultKind)
            raise Invalid("not a fault rule", on="kind", seen=str(exc), expected=kinds) from exc

    def matches(self, call: Call) -> bool:
        """Whether the rule is about this call, its counts apart."""
        is_own = call.actor == _WORLD and self.actor != _WORLD
        return (
            not is_own
            and fnmatchcase(call.service, self.service)
            and fnmatchcase(call.operation, self.operation)
            and fnmatchcase(call.subject, self.subject)
            and fnmatchcase(call.actor, self.actor)
        )

    def plain(self) -> dict[str, object]:
        """The rule as JSON values, without what it leaves as it is."""
        given: dict[str, object] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name == "kind" or value != one.default:
                given[one.name] = list(value) if isinstance(value, tuple) else value
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What all rules together make of one call; the default lets it pass."""

    before_s: float = 0.0
    after_s: float = 0.0
    refuse_status: int = 0
    is_cut_before: bool = False
    is_answer_lost: bool = False
    gateway_status: int = 0
    late_s: float = 0.0
    twice_s: float | None = None
    gap_s: float = 0.0
    order: tuple[str, ...] = ()
    has_effect: bool = True
    stale_s: float = 0.0
    page_max: int | None = None
    row: str = ""


PASS = Verdict()
"""The verdict on a call that no rule is about."""


@dataclass(slots=True)
class _Counted:
    rule: FaultRule
    seen: int = 0
    acted: int = 0


@dataclass(slots=True)
class Faults:
    """The rules in force, counted; rules that match one call all act on it."""

    _rules: dict[int, _Counted] = field(default_factory=dict)
    _added: int = 0

    def add(self, rule: FaultRule) -> int:
        """Puts a rule in force; returns its number."""
        self._added += 1
        self._rules[self._added] = _Counted(rule)
        return self._added

    def remove(self, number: int) -> bool:
        """Takes a rule out of force; False when there is none of that number."""
        return self._rules.pop(number, None) is not None

    def clear(self) -> None:
        """Takes every rule out of force."""
        self._rules.clear()

    def judge(self, call: Call) -> tuple[Verdict, tuple[FaultRule, ...]]:
        """Says what becomes of a call, and which rules acted; counts it."""
        if not self._rules:
            return PASS, ()
        acting = []
        for counted in self._rules.values():
            rule = counted.rule
            if not rule.matches(call):
                continue
            counted.seen += 1
            is_spent = rule.times is not None and counted.acted >= rule.times
            if counted.seen > rule.after and not is_spent:
                counted.acted += 1
                acting.append(rule)
        return (_merge(acting) if acting else PASS), tuple(acting)

    def plain(self) -> list[dict[str, object]]:
        """The rules in force and their counts, as JSON values."""
        return [
            {"number": number, "seen": one.seen, "acted": one.acted, **one.rule.plain()}
            for number, one in self._rules.items()
        ]


def _merge(rules: list[FaultRule]) -> Verdict:
    merged: dict[str, Any] = {
        "before_s": sum(rule.before_s for rule in rules),
        "after_s": sum(rule.after_s for rule in rules),
        "row": next((rule.row for rule in rules if rule.row), ""),
    }
    for rule in rules:
        merged |= _particular(rule)
    return Verdict(**merged)


def _particular(rule: FaultRule) -> dict[str, Any]:
    """What a kind adds to a verdict, delays apart, which add up over rules."""
    by_kind: dict[FaultKind, dict[str, Any]] = {
        FaultKind.DELAY: {},
        FaultKind.REFUSE: {"refuse_status": rule.status},
        FaultKind.CUT_BEFORE: {"is_cut_before": True},
        FaultKind.LOSE_ANSWER: {"is_answer_lost": True, "gateway_status": rule.status},
        FaultKind.LATE: {"late_s": rule.late_s},
        FaultKind.STAGGERED: {"gap_s": rule.gap_s, "order": rule.order},
        FaultKind.TWICE: {"twice_s": rule.late_s},
        FaultKind.NO_EFFECT: {"has_effect": False},
        FaultKind.STALE: {"stale_s": rule.stale_s},
        FaultKind.CLAMP_PAGE: {"page_max": rule.page},
        FaultKind.EXPIRED_TOKEN: {"refuse_status": 401},
    }
    return by_kind[rule.kind]
