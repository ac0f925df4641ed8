"""Where a kill switch lives, and what its text means.

This module must not read the switch; a forge does, live, and brings the text.
"""

from dataclasses import dataclass

from release.core.printable import printable
from release.errors import Invalid, Refused

__all__ = ["Switch", "is_switched_on"]

_ON = frozenset({"on", "true", "1", "yes"})
_OFF = frozenset({"off", "false", "0", "no"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A kill switch: a CI variable of the repository, or a file on a ref; exactly one of both.

    ref: where the file is read; None means the deploy branch.
    """

    variable: str | None = None
    file: str | None = None
    ref: str | None = None

    def __post_init__(self) -> None:
        if bool(self.variable) == bool(self.file):
            raise Invalid(
                "names no place, or two",
                on="switch",
                seen=f"variable {self.variable!r} and file {self.file!r}",
                expected="exactly one of variable and file",
            )
        if self.ref and not self.file:
            raise Invalid("has a ref but no file", on="switch", seen=f"ref {self.ref!r}")

    def __str__(self) -> str:
        if self.variable:
            return f"variable {self.variable}"
        return f"file {self.file}" + (f" on {self.ref}" if self.ref else "")


def is_switched_on(text: str, *, on: str) -> bool:
    """Reads the text of a switch: on, true, 1 and yes enable; off, false, 0 and no disable.

    Raises Refused for any other text: a switch that can't be understood is never taken for on.
    """
    word = text.strip().casefold()
    if word in _ON:
        return True
    if word in _OFF:
        return False
    raise Refused(
        "the kill switch says neither on nor off",
        on=on,
        seen=repr(printable(text, 40)),
        expected="on, true, 1, yes or off, false, 0, no",
        safe="nothing was changed",
        advice="Set it to one of these words and run again",
    )
