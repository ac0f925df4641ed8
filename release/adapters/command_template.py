"""Makes the argument list of a command from a template: words in which {names} stand for values.

This module must not run a command, nor say which names a template may hold; the settings do.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from release.core.printable import printable
from release.core.values import Tenant
from release.errors import Refused

__all__ = ["TENANTS", "CommandTemplate"]

TENANTS = "tenants"
"""The one name that stands for several values."""

# What other tools put in braces is theirs: {.items[*]}, {{.Names}}, {"a": 1}.
_NAME = re.compile(r"\{\{[A-Za-z_]+\}\}|\{(?P<name>[A-Za-z_]+)\}")
_WHOLE = f"{{{TENANTS}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandTemplate:
    """The words of a command, the program first.

    A word that is exactly `{tenants}` becomes one argument for each tenant; within a longer word
    the tenants are joined by `separator`. Every other `{name}` is replaced where it stands, so
    that a word stays one argument whatever the value is. There is no shell that could part it.
    """

    words: tuple[str, ...]
    separator: str = ","

    @property
    def names(self) -> frozenset[str]:
        """Every name that stands in the words."""
        found = (match["name"] for word in self.words for match in _NAME.finditer(word))
        return frozenset(name for name in found if name is not None)

    def expand(
        self, values: Mapping[str, str], tenants: tuple[Tenant, ...] = ()
    ) -> tuple[str, ...]:
        """Puts the values in, for `{tenants}` those of `tenants`.

        Raises Refused for a value that is missing, or that a program could take for an option.
        """
        for name in sorted(self.names - {TENANTS}):
            _check(name, values.get(name, ""))
        for tenant in tenants:
            _check(TENANTS, tenant.slug)
        slugs = tuple(tenant.slug for tenant in tenants)
        known = {**values, TENANTS: self.separator.join(slugs)}
        expanded: list[str] = []
        for word in self.words:
            expanded += slugs if word == _WHOLE else [_replace(word, known)]
        return tuple(expanded)


def _replace(word: str, values: Mapping[str, str]) -> str:
    return _NAME.sub(lambda match: values[match["name"]] if match["name"] else match[0], word)


def _check(name: str, value: str) -> None:
    """The types of our values allow no such thing; this is the second lock on the same door."""
    if not value or value.startswith("-") or printable(value, len(value)) != value:
        raise Refused(
            "can't stand in a command",
            on=f"{{{name}}}",
            seen=repr(printable(value, 80)),
            expected="text that is not empty, begins with no hyphen and has no control character",
            safe="nothing was started",
        )
