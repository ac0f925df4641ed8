"""Knows every key of the settings, and reads those that come as text: HEADWAY_* and flags.

This module must not read the process environment, nor say whether a value is a good one.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from release.core.printable import printable
from release.errors import Invalid
from release.settings import Tables

__all__ = [
    "PLAIN_VARIABLES",
    "Override",
    "check_keys",
    "is_secret",
    "is_token_variable",
    "read_flags",
    "read_variables",
    "variable_name",
]

PLAIN_VARIABLES = frozenset({"HEADWAY_CONFIG", "HEADWAY_DOTENV", "HEADWAY_ENV"})
"""The variables that stand for no key: which file, which environment, where to write a dotenv."""

_PREFIX = "HEADWAY_"
_TOKEN_VARIABLE = re.compile(r"HEADWAY_[A-Z0-9]+(?:_[A-Z0-9]+)*_(?:TOKEN|PASSWORD)")
_SECRET_KEYS = frozenset({"token", "password"})
_CLOSE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A value over the file's, as JSON has it, and where it came from."""

    path: tuple[str, ...]
    value: object
    origin: str


def variable_name(path: tuple[str, ...]) -> str:
    """The environment variable that sets a key."""
    return _PREFIX + "__".join(path).upper()


def is_secret(path: tuple[str, ...]) -> bool:
    """Whether a value at this path might be a token that somebody put there by mistake."""
    return bool(_SECRET_KEYS & set(path))


def is_token_variable(name: str) -> bool:
    """Whether an environment variable holds a token of Headway's, by its name."""
    return _TOKEN_VARIABLE.fullmatch(name) is not None


def check_keys(plain: Mapping[str, object], source: str, *, under: tuple[str, ...] = ()) -> None:
    """Raises Invalid for a key that no table has, naming its path and one that is close to it.

    under: the path of `plain` in the file, when it is an environment's own tables.
    """
    for path, known in _find_unknown(plain, Tables, ()):
        raise Invalid(
            "unknown key",
            on=f"{source}: {printable('.'.join((*under, *path)), 160)}",
            expected=", ".join(sorted(known)),
            safe="nothing was touched",
            advice=_suggest((*under, *path), known),
        )


def _find_unknown(
    plain: Mapping[str, object], kind: type, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Yields the path of each key that its table does not have, and the keys that it has."""
    known = _keys(kind)
    for key, value in plain.items():
        if key not in known:
            yield (*path, key), known
            continue
        inner = known[key]
        is_list = get_origin(inner) is tuple
        items = value if is_list and isinstance(value, list) else [value]
        table = get_args(inner)[0] if is_list else inner
        for number, item in enumerate(items):
            if is_dataclass(table) and isinstance(table, type) and isinstance(item, dict):
                name = f"{key}[{number}]" if is_list else key
                yield from _find_unknown(item, table, (*path, name))


def _suggest(path: tuple[str, ...], known: Mapping[str, Any]) -> str:
    *tables, key = path
    close = get_close_matches(key, known, n=1, cutoff=_CLOSE)
    if close:
        return f"Did you mean {'.'.join((*tables, close[0]))}"
    elsewhere = [".".join(leaf) for leaf in _leaves() if leaf[-1] == key]
    return f"Did you mean {elsewhere[0]}" if elsewhere else ""


def read_variables(
    variables: Mapping[str, str], named: frozenset[str] = frozenset()
) -> tuple[Override, ...]:
    """Reads the HEADWAY_* variables that set a key; an empty one counts as not there.

    named: variables that the file names as the source of a token. Raises Invalid for a HEADWAY_*
    variable that means nothing, and never shows its value.
    """
    by_name = {variable_name(path): path for path in _leaves()}
    found = []
    for name in sorted(variables):
        text = variables[name]
        if not name.startswith(_PREFIX) or not text or name in PLAIN_VARIABLES | named:
            continue
        if name in by_name:
            origin = f"environment variable {name}"
            value = _convert(text, _leaves()[by_name[name]], origin)
            found.append(Override(path=by_name[name], value=value, origin=origin))
        elif not is_token_variable(name):
            close = get_close_matches(name, [*by_name, *PLAIN_VARIABLES], n=1, cutoff=_CLOSE)
            raise Invalid(
                "no such setting",
                on=f"environment variable {printable(name, 100)}",
                expected="HEADWAY_<TABLE>__<KEY>, or a token's HEADWAY_<NAME>_TOKEN",
                safe="nothing was touched",
                advice=f"Did you mean {close[0]}" if close else "",
            )
    return tuple(found)


def read_flags(flags: Mapping[str, str]) -> tuple[Override, ...]:
    """Reads flags by their dotted path, such as `settle.budget_s`; raises Invalid for others."""
    found = []
    for dotted, text in flags.items():
        path = tuple(dotted.split("."))
        if path not in _leaves():
            known = [".".join(leaf) for leaf in _leaves()]
            close = get_close_matches(dotted, known, n=1, cutoff=_CLOSE)
            raise Invalid(
                "no such setting",
                on=f"flag {printable(dotted, 100)}",
                safe="nothing was touched",
                advice=f"Did you mean {close[0]}" if close else "",
            )
        origin = f"flag {dotted}"
        value = _convert(text, _leaves()[path], origin)
        found.append(Override(path=path, value=value, origin=origin))
    return tuple(found)


def _convert(text: str, kind: Any, origin: str) -> object:  # noqa: ANN401 - any type of a key
    """Reads text as the type of its key; lists are TOML, or words parted by commas."""
    try:
        if get_origin(kind) is tuple:
            if text.lstrip().startswith("["):
                return tomllib.loads(f"value = {text}")["value"]
            return [word.strip() for word in text.split(",") if word.strip()]
        if kind in {int, float}:
            return kind(text)
    except ValueError as exc:
        expected = "a list" if get_origin(kind) is tuple else "a number"
        seen = repr(printable(text, 40))
        raise Invalid("does not fit", on=origin, seen=seen, expected=expected) from exc
    return text


@cache
def _leaves() -> Mapping[tuple[str, ...], Any]:
    """Every key that holds no table, by its path, with its type."""
    return dict(_walk(Tables, ()))


def _walk(kind: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401
    for key, inner in _keys(kind).items():
        if is_dataclass(inner):
            yield from _walk(inner, (*path, key))
        elif path:
            # What lies at the top is the name of the environment, which has a variable and a flag
            # of its own, or a list of tables, which only a file can hold.
            yield (*path, key), inner


@cache
def _keys(kind: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a dataclass
    hints = get_type_hints(kind)
    return {one.name: _bare(hints[one.name]) for one in fields(kind)}


def _bare(kind: Any) -> Any:  # noqa: ANN401 - any type
    """The type itself, without its limits and without None."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in {Union, UnionType}:
        (inner,) = (option for option in get_args(kind) if option is not NoneType)
        return _bare(inner)
    return kind
