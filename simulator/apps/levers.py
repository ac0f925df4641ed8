"""The levers of a simulation that act on its world at once: faults, tenants, options and the like.

This module must not check who pulls them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from release.core.values import Tenant
from simulator.control_plane import FenceKind
from simulator.faults import FaultRule, Service
from simulator.tenants import Health, Lag
from simulator.wire import Refusal
from simulator.world import World

__all__ = ["LEVERS", "Lever", "ci_state"]

Lever = Callable[[World, Mapping[str, Any]], dict[str, object]]
"""Acts on a world by a JSON body, in which `name` is the last segment of the path."""

_CI_STATES = {"green": "success", "red": "failure", "pending": "pending"}


def ci_state(word: object) -> str:
    """The forge's word for `green`, `red` or `pending`; raises Refusal 400 for another."""
    if word not in _CI_STATES:
        raise Refusal(400, {"error": f"ci must be one of {', '.join(_CI_STATES)}"})
    return _CI_STATES[str(word)]


def _set_fault(world: World, body: Mapping[str, Any]) -> dict[str, object]:
    if body.get("clear"):
        world.faults.clear()
    elif "remove" in body:
        if not world.faults.remove(int(body["remove"])):
            raise Refusal(404, {"error": f"no rule number {body['remove']}"})
    else:
        return {"number": world.faults.add(FaultRule.parse(body)), "faults": world.faults.plain()}
    return {"faults": world.faults.plain()}


def _set_tenant(world: World, body: Mapping[str, Any]) -> dict[str, object]:
    fleet, slug = world.fleet, str(body["name"])
    if slug not in fleet.tenants:
        if "add" not in body:
            raise Refusal(404, {"error": f"no tenant {slug}"})
        fleet.add([Tenant(slug).slug], body["add"])
    if body.get("remove"):
        del fleet.tenants[slug]
        return {"removed": slug}
    if "health" in body:
        world.set_health(slug, Health(body["health"]), delay_s=float(body.get("delay_s", 0.0)))
    if "lag" in body:
        world.set_lag(slug, Lag(**body["lag"]))
    return fleet.tenants[slug].plain(world.clock.reading_s())


def _set_options(world: World, body: Mapping[str, Any]) -> dict[str, object]:
    plane = world.control_plane
    if "fence" in body:
        plane.fence_kind = FenceKind(body["fence"])
    plane.timing.landing_s = float(body.get("landing_s", plane.timing.landing_s))
    plane.timing.answer_s = float(body.get("answer_s", plane.timing.answer_s))
    world.fleet.has_inspection = bool(body.get("has_inspection", world.fleet.has_inspection))
    for service, latency_s in dict(body.get("latency_s", {})).items():
        world.latency_s[Service(service)] = float(latency_s)
    return {
        "fence": plane.fence_kind.value,
        "landing_s": plane.timing.landing_s,
        "answer_s": plane.timing.answer_s,
        "has_inspection": world.fleet.has_inspection,
        "latency_s": {service.value: one for service, one in world.latency_s.items()},
    }


def _set_switch(world: World, body: Mapping[str, Any]) -> dict[str, object]:
    world.forge.set_variable(world.layout.switch, body.get("value"))
    return {"switch": world.layout.switch, "value": body.get("value")}


def _write_file(world: World, body: Mapping[str, Any]) -> dict[str, object]:
    content = body.get("content")
    branch = str(body.get("branch") or world.layout.branch)
    encoded = None if content is None else str(content).encode()
    world.forge.write_file(branch, body["path"], encoded)
    return {"branch": branch, "path": body["path"]}


def _report_ci(world: World, body: Mapping[str, Any]) -> dict[str, object]:
    world.report_ci(body["sha"], ci_state(body.get("ci")))
    return {"sha": body["sha"], "ci": body.get("ci")}


def _retag(world: World, body: Mapping[str, Any]) -> dict[str, object]:
    world.registry.retag(body["repository"], body["tag"], body["reference"])
    return {"sha": world.registry.revision(body["repository"], body["tag"])}


def _break_release(world: World, body: Mapping[str, Any]) -> dict[str, object]:
    broken = world.fleet.broken
    mark = broken.add if body.get("broken") else broken.discard
    mark(str(body["name"]))
    return {"broken": sorted(broken)}


LEVERS: Mapping[str, Lever] = {
    "ci": _report_ci,
    "faults": _set_fault,
    "file": _write_file,
    "options": _set_options,
    "releases": _break_release,
    "retag": _retag,
    "switch": _set_switch,
    "tenants": _set_tenant,
}
"""Every lever by the first segment of its path below `/sim/`."""
