"""Turns values of this package into JSON and back, by their declared types.

A value with one field (`Sha`, `Digest`, `Tenant`) is that field's text. Unknown and missing keys
are refused with their path, so that a record of another schema is never half understood. This
module must not know any particular value.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from release.core.values import Digest, Sha, Tenant
from release.errors import HeadwayError, Invalid

__all__ = ["from_plain", "to_plain"]

_TEXTS: tuple[type, ...] = (Sha, Digest, Tenant)


def to_plain(value: object) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Turns a value into what `json.dumps` takes; fields that are None are left out."""
    if isinstance(value, _TEXTS):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {name: to_plain(item) for name, item in value.items()}
    if is_dataclass(value):
        pairs = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: to_plain(item) for name, item in pairs if item is not None}
    return value


def from_plain(kind: Any, plain: object, path: str = "") -> Any:  # noqa: ANN401 - by declared type
    """Builds a value of type `kind` from parsed JSON; raises Invalid naming the path."""
    if get_origin(kind) in {Union, UnionType}:
        (inner,) = (option for option in get_args(kind) if option is not NoneType)
        return None if plain is None else from_plain(inner, plain, path)
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        if not isinstance(plain, list):
            raise _misfit(path, plain, "a list")
        return tuple(from_plain(item, one, f"{path}[{n}]") for n, one in enumerate(plain))
    if get_origin(kind) is Mapping:
        item = get_args(kind)[1]
        if not isinstance(plain, Mapping):
            raise _misfit(path, plain, "an object")
        return {name: from_plain(item, one, _joined(path, name)) for name, one in plain.items()}
    if is_dataclass(kind) and kind not in _TEXTS:
        return _build_dataclass(kind, plain, path)
    return _build_scalar(kind, plain, path)


def _build_scalar(kind: Any, plain: Any, path: str) -> Any:  # noqa: ANN401 - by declared type
    if kind in _TEXTS or issubclass(kind, StrEnum):
        return _construct(lambda: kind(plain), path, plain, kind.__name__)
    if kind is datetime:
        instant = _construct(lambda: datetime.fromisoformat(plain), path, plain, "an instant")
        if instant.tzinfo is None:
            raise _misfit(path, plain, "an instant with its offset from UTC")
        return instant
    if kind is float and type(plain) is int:
        return _construct(lambda: float(plain), path, plain, "a number that fits")
    if type(plain) is not kind or (kind is float and not isfinite(plain)):
        raise _misfit(path, plain, kind.__name__)
    return plain


def _build_dataclass(kind: Any, plain: Any, path: str) -> Any:  # noqa: ANN401 - by declared type
    if not isinstance(plain, Mapping):
        raise _misfit(path, plain, "an object")
    hints = _hints(kind)
    unknown = sorted(set(plain) - set(hints))
    if unknown:
        raise Invalid("unknown key", on=_joined(path, unknown[0]))
    required = {field.name for field in fields(kind) if _is_required(field)}
    optional = {name for name, hint in hints.items() if NoneType in get_args(hint)}
    missing = sorted(required - optional - set(plain))
    if missing:
        raise Invalid("missing key", on=_joined(path, missing[0]))
    given = {
        name: from_plain(hint, plain[name], _joined(path, name))
        for name, hint in hints.items()
        if name in plain
    }
    # None is left out when it is written, so that what is left out is None, whatever the default.
    given |= dict.fromkeys(optional - set(plain))
    return _construct(lambda: kind(**given), path, plain, kind.__name__)


def _construct(build: Callable[[], Any], path: str, plain: object, expected: str) -> Any:  # noqa: ANN401 - whatever `build` builds
    """Calls a constructor, whose own checks know nothing of the path."""
    try:
        return build()
    except HeadwayError as exc:
        raise Invalid(
            exc.failed, on=path or "value", seen=exc.seen or exc.on, expected=exc.expected
        ) from exc
    except (TypeError, ValueError, OverflowError) as exc:
        raise _misfit(path, plain, expected) from exc


def _is_required(field: Any) -> bool:  # noqa: ANN401 - dataclasses.Field is generic over nothing
    return field.default is MISSING and field.default_factory is MISSING


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _misfit(path: str, plain: object, expected: str) -> Invalid:
    return Invalid("does not fit", on=path or "value", seen=repr(plain)[:80], expected=expected)
