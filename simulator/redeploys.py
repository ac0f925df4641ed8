"""The words of a redeploy: what a request asks for, what one tenant is told, how it ended there.

This module must not touch a tenant.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.wire import Refusal

__all__ = ["End", "Group", "LandingOrder", "Redeploy", "parse_redeploy"]

_SOAK_S = 60
_BATCH_SIZE = 3
_ENVIRONMENT = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Tenants that are switched together; `soak_s` passes before the next group."""

    phase: str
    slugs: tuple[str, ...]
    soak_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeploy:
    """A request that was understood. fence: None when it carries none."""

    target_tag: str
    groups: tuple[Group, ...]
    is_dry_run: bool
    environment: str
    fence: int | None
    stragglers_max: int

    @property
    def slugs(self) -> tuple[str, ...]:
        """Every tenant in its order."""
        return tuple(slug for group in self.groups for slug in group.slugs)


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingOrder:
    """What one tenant is told to do. fence: None when the request carries none."""

    slug: str
    target_tag: str
    actor: str
    environment: str
    fence: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What the remote command on one tenant said when it ended."""

    status: str
    exit_code: int | None = 0
    error: str = ""


def parse_redeploy(body: object, listed: tuple[str, ...]) -> Redeploy:
    """Reads a request; raises Refusal 400 where the contract says so.

    listed: the tenants that there are. One that is asked for and is not among them is left out, and
    has no row in the answer.
    """
    if not isinstance(body, Mapping) or body.get("confirm") is not True:
        raise Refusal(400, {"error": "confirm must be true"})
    tag = body.get("target_tag")
    if not isinstance(tag, str) or not tag:
        raise Refusal(400, {"error": "target_tag is required"})
    fence = body.get("fence")
    if fence is not None and type(fence) is not int:
        raise Refusal(400, {"error": "fence must be an integer"})
    return Redeploy(
        target_tag=tag,
        groups=_groups(body, _scope(body, listed)),
        is_dry_run=body.get("dry_run") is True,
        environment=str(body.get("environment") or _ENVIRONMENT),
        fence=fence,
        stragglers_max=_integer(body, "max_stragglers", default=0, least=0),
    )


def _scope(body: Mapping[str, object], listed: tuple[str, ...]) -> tuple[str, ...]:
    only = body.get("only_slugs")
    if only is None:
        return listed
    if not isinstance(only, list) or not only:
        raise Refusal(400, {"error": "only_slugs must not be empty"})
    return tuple(slug for slug in only if slug in listed)


def _groups(body: Mapping[str, object], slugs: tuple[str, ...]) -> tuple[Group, ...]:
    soak_s = _integer(body, "soak_seconds", default=_SOAK_S, least=0)
    size = _integer(body, "batch_size", default=_BATCH_SIZE, least=1)
    canary = body.get("canary_slug")
    groups = []
    if canary in slugs:
        groups.append(Group(phase="canary", slugs=(str(canary),), soak_s=float(soak_s)))
    rest = tuple(slug for slug in slugs if slug != canary)
    for number, start in enumerate(range(0, len(rest), size), start=1):
        groups.append(Group(phase=f"batch-{number}", slugs=rest[start : start + size]))
    return tuple(groups)


def _integer(body: Mapping[str, object], name: str, *, default: int, least: int) -> int:
    value = body.get(name)
    if value is None:
        return default
    if type(value) is not int or value < least:
        raise Refusal(400, {"error": f"{name} must be an integer of at least {least}"})
    return value
