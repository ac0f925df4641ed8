"""What is said of a wrong setting: where it came from, what was seen, what is expected.

This module must not judge a setting, and must not show a value that might be a token.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from release.core.printable import printable
from release.errors import Invalid
from release.overrides import variable_name

__all__ = ["Places", "move", "name_misfit", "name_missing", "show"]

_USERINFO = re.compile(r"//[^/@\s]*@")
_SAFE = "nothing was touched"
_CI_SOURCES: Mapping[tuple[str, ...], str] = {
    ("forge", "url"): "GITHUB_SERVER_URL or CI_SERVER_URL",
    ("forge", "repository"): "GITHUB_REPOSITORY or CI_PROJECT_PATH",
    ("forge", "branch"): "GITHUB_REF or CI_COMMIT_BRANCH, in the run of a push",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Says for messages where the value of a key came from."""

    source: str
    origins: Mapping[tuple[str, ...], str]

    def of(self, path: tuple[str, ...]) -> str:
        """The variable or flag that set the key, or the file and the path of the key in it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        shown = path[0] + "".join(f"[{one}]" if one.isdigit() else f".{one}" for one in path[1:])
        return f"{self.source}: {shown}"


def name_missing(
    path: tuple[str, ...], places: Places, *, also: Sequence[tuple[str, ...]] = ()
) -> Invalid:
    """Makes the error of a key that is not set, and tells every source that it could have.

    also: what is missing besides it.
    """
    told = f", or {_CI_SOURCES[path]} of the CI" if path in _CI_SOURCES else ""
    others = ", ".join(".".join(other) for other in also)
    return Invalid(
        "is missing",
        on=places.of(path),
        expected=f"{path[-1]} in [{'.'.join(path[:-1])}], or {variable_name(path)}{told}",
        safe=_SAFE,
        advice=f"Missing too: {others}" if others else "",
    )


def name_misfit(place: str, seen: str, expected: str) -> Invalid:
    """Makes the error of a value that does not fit; `seen` must be safe to show."""
    return Invalid("does not fit", on=place, seen=seen, expected=expected, safe=_SAFE)


def move(exc: Invalid, place: str) -> Invalid:
    """Says of an error that a value raised where that value stands."""
    return Invalid(
        exc.failed, on=place, seen=exc.seen, expected=exc.expected, safe=_SAFE, advice=exc.advice
    )


def show(value: object) -> str:
    """A value as a message shows it: short, printable, without the user part of a URL."""
    return repr(_USERINFO.sub("//(hidden)@", printable(str(value), 80)))
