"""Says which settings a fleet of each kind needs, and which of them can't be together.

This module must not build a `Config`; `validation` does, and asks here.
"""

import re
from collections.abc import Mapping
from typing import Any

from release.adapters.command_template import TENANTS, CommandTemplate
from release.fleet_settings import CommandScope, CommandTable, FencedAt, FleetKind, SwarmTable
from release.setting_errors import Places, name_misfit, name_missing, show
from release.settings import Tables

__all__ = ["check_fleet", "find_missing"]

_FLEET_URL = ("fleet", "url")
_EDGE_URL = ("edge", "url")
_NEEDED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    FleetKind.CONTROL_PLANE: (_FLEET_URL, _EDGE_URL),
    FleetKind.SWARM: (),
    FleetKind.COMMAND: (
        ("fleet", "command", "candidates"),
        ("fleet", "command", "redeploy"),
        _EDGE_URL,
    ),
}
_TABLES = {"swarm": FleetKind.SWARM, "command": FleetKind.COMMAND}
_RELEASE = frozenset({"sha", "tag"})
_NAMES_OF_CANDIDATES = _RELEASE | {"environment"}
_NAMES_OF_FENCE = _NAMES_OF_CANDIDATES | {"epoch", TENANTS}
_NAMES_OF_REDEPLOY = _NAMES_OF_CANDIDATES | {"epoch", "image", "phase"}
# Where an image is kept, without the tag or digest that a release adds.
_IMAGE = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[a-z0-9._-]+)*")


def find_missing(plain: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """The keys that the fleet's kind needs and that are not set, in the order of the file."""
    kind = _get(plain, ("fleet", "kind"))
    needed = _NEEDED.get(FleetKind.CONTROL_PLANE if kind is None else str(kind), ())
    return tuple(path for path in needed if _get(plain, path) is None)


def _get(plain: Mapping[str, Any], path: tuple[str, ...]) -> object:
    """The value of a key; None when it, or a table on the way to it, is not there."""
    found: object = plain
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def check_fleet(tables: Tables, places: Places) -> None:
    """Raises Invalid for a key of another kind, and for those of its own that don't go together."""
    fleet = tables.fleet
    if fleet.url is not None and fleet.kind is not FleetKind.CONTROL_PLANE:
        raise name_misfit(places.of(_FLEET_URL), show(fleet.url), f"none with kind {fleet.kind}")
    for name, kind in _TABLES.items():
        if getattr(fleet, name) is not None and fleet.kind is not kind:
            place = places.of(("fleet", name))
            raise name_misfit(place, "a table", f"none with kind {fleet.kind}")
    if fleet.swarm is not None:
        _check_swarm(fleet.swarm, places)
    if fleet.command is not None:
        _check_command(fleet.command, tables, places)


def _check_swarm(swarm: SwarmTable, places: Places) -> None:
    _check_image(swarm.image, ("fleet", "swarm", "image"), places)
    key, _, value = swarm.label.partition("=")
    if not swarm.label.isprintable() or not key or " " in swarm.label or "=" in value:
        place = places.of(("fleet", "swarm", "label"))
        raise name_misfit(place, show(swarm.label), "a label, such as headway.tenant or team=shop")
    for name, other in (("tls_cert", "tls_key"), ("tls_key", "tls_cert")):
        if getattr(swarm, name) is None and getattr(swarm, other) is not None:
            raise name_missing(("fleet", "swarm", name), places)


def _check_image(image: str | None, path: tuple[str, ...], places: Places) -> None:
    if image is not None and not _IMAGE.fullmatch(image):
        raise name_misfit(
            places.of(path), show(image), "registry.example.com/acme/shop, without tag or digest"
        )


def _check_command(command: CommandTable, tables: Tables, places: Places) -> None:
    scoped = {TENANTS} if command.scope is CommandScope.BATCH else {"tenant"}
    _check_words("candidates", command.candidates, _NAMES_OF_CANDIDATES, places)
    named = _check_words("redeploy", command.redeploy, _NAMES_OF_REDEPLOY | scoped, places)
    if not scoped <= named:
        # Without it the command would move the whole fleet.
        raise _lacks("redeploy", f"{{{min(scoped)}}}, with scope {command.scope}", places)
    if not named & (_RELEASE | {"image"}):
        raise _lacks("redeploy", "{tag}, {sha} or {image}", places)
    _check_fence(command, named, places)
    _check_image(command.image, ("fleet", "command", "image"), places)
    for code in command.unknown_exit_codes:
        if command.fence is not None and code == command.fenced_exit_code:
            place = places.of(("fleet", "command", "unknown_exit_codes"))
            raise name_misfit(place, str(code), "another code than fenced_exit_code")
    left_s = tables.lease.redeploy_bound_s - tables.lease.send_margin_s
    if command.kill_after_s >= left_s:
        place = places.of(("fleet", "command", "kill_after_s"))
        expected = f"less than {left_s:g}, which is redeploy_bound_s less send_margin_s"
        raise name_misfit(place, f"{command.kill_after_s:g}", expected)


def _check_fence(command: CommandTable, named: frozenset[str], places: Places) -> None:
    if command.fence is None:
        if command.fenced is FencedAt.LANDING:
            # A claim has to raise the fence of tenants that it does not move, too.
            raise name_missing(("fleet", "command", "fence"), places)
        return
    if "epoch" not in _check_words("fence", command.fence, _NAMES_OF_FENCE, places):
        raise _lacks("fence", "{epoch}", places)
    if command.fenced is FencedAt.LANDING and "epoch" not in named:
        raise _lacks("redeploy", '{epoch}, with fenced = "landing"', places)


def _check_words(
    key: str, words: tuple[str, ...], known: frozenset[str], places: Places
) -> frozenset[str]:
    """Returns the names that stand in the words, each of which is known."""
    place = places.of(("fleet", "command", key))
    if not words[0].strip() or CommandTemplate(words=words[:1]).names:
        raise name_misfit(place, show(words[0]), "a program's name or path as its first word")
    if any("\0" in word for word in words):
        raise name_misfit(place, "a word with a zero byte", "text")
    names = CommandTemplate(words=words).names
    for name in sorted(names - known):
        expected = ", ".join(f"{{{one}}}" for one in sorted(known))
        raise name_misfit(place, f"{{{name}}}", expected)
    return names


def _lacks(key: str, expected: str, places: Places) -> Exception:
    return name_misfit(places.of(("fleet", "command", key)), "a command without", expected)
