"""Writes a scenario as the JSON that it is read from, as short as it can be and easy to edit.

This module must not touch a file.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from release.core.codec import to_plain
from release.core.values import Digest, Sha, Tenant
from simulator.scenario import Scenario

__all__ = ["scenario_text"]

_TEXTS = (Sha, Digest, Tenant)
_LINE_MAX = 100


def scenario_text(scenario: Scenario) -> str:
    """The scenario as JSON, a line for each part of a list; what is as by default is left out."""
    return _laid_out(_pruned(scenario), "") + "\n"


def _pruned(value: Any) -> Any:  # noqa: ANN401 - JSON has no narrower type
    if isinstance(value, tuple):
        return [_pruned(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _pruned(item) for name, item in value.items()}
    if not is_dataclass(value) or isinstance(value, _TEXTS):
        return to_plain(value)
    kept = {}
    for one in fields(value):
        found = getattr(value, one.name)
        usual = one.default if one.default_factory is MISSING else one.default_factory()
        if found != usual:
            kept[one.name] = _pruned(found)
    return kept


def _laid_out(value: Any, indent: str) -> str:  # noqa: ANN401 - JSON has no narrower type
    """JSON on one line where that is short or holds no list or object, else a line for each."""
    flat = json.dumps(value, ensure_ascii=False)
    inner = indent + " "
    parts = list(value.values()) if isinstance(value, dict) else value
    is_nested = isinstance(value, dict | list) and any(isinstance(p, dict | list) for p in parts)
    if not isinstance(value, dict | list) or (
        len(indent + flat) <= _LINE_MAX and not (is_nested and indent == "")
    ):
        return flat
    if isinstance(value, dict):
        shown = [f"{json.dumps(name)}: {_laid_out(item, inner)}" for name, item in value.items()]
        return "{\n" + ",\n".join(inner + line for line in shown) + f"\n{indent}}}"
    if not is_nested:
        return flat
    return "[\n" + ",\n".join(inner + _laid_out(item, inner) for item in value) + f"\n{indent}]"
