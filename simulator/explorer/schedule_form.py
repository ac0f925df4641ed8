"""A schedule as plain data whose every choice is a name, and back, with every fault said by path.

Tokens and files share this form. This module must not read a file or compress anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from enum import StrEnum
from typing import Any, TypeVar

from release.errors import Invalid
from simulator.explorer.schedule import WORLD, Schedule, Step
from simulator.explorer.scope import JobSpec, Kind, Scope

__all__ = ["from_form", "to_form"]

_STEPS_MAX = 10_000
_WHICH_MAX = 10_000
_KINDS = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}

T = TypeVar("T")


def to_form(schedule: Schedule) -> dict[str, Any]:
    """The schedule as JSON values, always in the same order; what has its default is left out."""
    choices = []
    for step in schedule.steps:
        choice = {"actor": step.actor, "operation": step.operation, "flavour": step.flavour}
        choices.append(choice | ({"which": step.which} if step.which else {}))
    return {
        "promise": schedule.promise,
        "scope": _plain_fields(schedule.scope),
        "choices": choices,
    }


def from_form(form: Mapping[str, Any]) -> Schedule:
    """The schedule of such values; raises Invalid and says where something is wrong."""
    known = _known(form, "", ("promise", "scope", "choices"))
    choices = _typed(known.get("choices"), list, "choices")
    if len(choices) > _STEPS_MAX:
        raise _off("choices", f"{len(choices)} choices", f"at most {_STEPS_MAX}")
    return Schedule(
        scope=_scope(_typed(known.get("scope"), dict, "scope")),
        steps=tuple(_step(one, f"choices[{at}]") for at, one in enumerate(choices)),
        promise=_typed(known.get("promise", ""), str, "promise"),
    )


def _plain_fields(value: Scope | JobSpec) -> dict[str, Any]:
    held = {one.name: getattr(value, one.name) for one in fields(value)}
    defaults = {one.name: one.default for one in fields(value)}
    return {name: _plain(one) for name, one in held.items() if one != defaults[name]}


def _plain(value: object) -> object:
    match value:
        case JobSpec():
            return _plain_fields(value)
        case StrEnum():
            return value.value
        case tuple():
            return [_plain(one) for one in value]
        case frozenset():
            return sorted(str(one) for one in value)
        case _:
            return value


def _scope(form: dict[str, Any]) -> Scope:
    found: dict[str, Any] = {}
    _known(form, "scope", [one.name for one in fields(Scope)])
    for name, value in form.items():
        path = f"scope.{name}"
        if name == "jobs":
            jobs = enumerate(_typed(value, list, path))
            found[name] = tuple(_job(one, f"{path}[{at}]") for at, one in jobs)
        elif name == "kinds":
            listed = _typed(value, list, path)
            found[name] = frozenset(_word(Kind, one, path) for one in listed)
        else:
            found[name] = _setting(value, _default(Scope, name), path)
    if "jobs" not in found:
        raise _off("scope.jobs", "nothing", "a list of jobs")
    names = [job.name for job in found["jobs"]]
    if WORLD in names or len(set(names)) < len(names):
        raise _off("scope.jobs", ", ".join(names), f"names that differ, and none of them {WORLD!r}")
    return Scope(**found)


def _job(form: object, path: str) -> JobSpec:
    held = _typed(form, dict, path)
    _known(held, path, [one.name for one in fields(JobSpec)])
    found: dict[str, Any] = {
        name: _setting(one, _job_default(name), f"{path}.{name}") for name, one in held.items()
    }
    for name in ("name", "release"):
        if name not in found:
            raise _off(f"{path}.{name}", "nothing", "to be given")
    return JobSpec(**found)


def _job_default(name: str) -> object:
    """What a value of that field is like; `after` is a number where it is given at all."""
    return {"name": "", "release": 0, "after": 0}.get(name, _default(JobSpec, name))


def _default(holder: type[Scope | JobSpec], name: str) -> object:
    by_name: dict[str, Field[Any]] = {one.name: one for one in fields(holder)}
    default = by_name[name].default
    return None if default is MISSING else default


def _setting(value: object, like: object, path: str) -> object:
    """A value of the kind of `like`."""
    if isinstance(like, StrEnum):
        return _word(type(like), value, path)
    return _typed(value, type(like), path)


def _step(form: object, path: str) -> Step:
    known = _known(_typed(form, dict, path), path, ("actor", "operation", "flavour", "which"))
    which = _typed(known.get("which", 0), int, f"{path}.which")
    if not 0 <= which <= _WHICH_MAX:
        raise _off(f"{path}.which", str(which), f"a number from 0 to {_WHICH_MAX}")
    return Step(
        actor=_typed(known.get("actor"), str, f"{path}.actor"),
        operation=_typed(known.get("operation"), str, f"{path}.operation"),
        flavour=_typed(known.get("flavour"), str, f"{path}.flavour"),
        which=which,
    )


def _known(form: Mapping[str, Any], path: str, names: Sequence[str]) -> Mapping[str, Any]:
    for name in form:
        if name not in names:
            raise _off(f"{path}.{name}".lstrip("."), "an unknown key", ", ".join(names))
    return form


Word = TypeVar("Word", bound=StrEnum)


def _word(words: type[Word], value: object, path: str) -> Word:
    for word in words:
        if word.value == value:
            return word
    raise _off(path, repr(value)[:80], ", ".join(words))


def _typed(value: object, wanted: type[T], path: str) -> T:
    if type(value) is not wanted:
        seen = "nothing" if value is None else repr(value)[:80]
        raise _off(path, seen, _KINDS.get(wanted, wanted.__name__))
    return value


def _off(path: str, seen: str, expected: str) -> Invalid:
    return Invalid(
        "a schedule that can't be read", on=path, seen=seen, expected=expected, safe="nothing ran"
    )
