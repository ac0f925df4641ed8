"""The kinds of value that a setting may have: text, durations, and where a token is found.

This module must not know any table or key; `settings` and `fleet_settings` do.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

__all__ = ["EXACT", "Seconds", "Text", "Timeout", "TokenSource"]

EXACT = ConfigDict(extra="forbid", strict=True)
"""How every table is read: no key that it does not have, no value of another type."""

Text = Annotated[str, Field(min_length=1, max_length=2000)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Timeout = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSource:
    """Where a token is found: in an environment variable or in a file; never the token itself."""

    __pydantic_config__: ClassVar[ConfigDict] = EXACT
    env: Text | None = None
    file: Text | None = None

    def __post_init__(self) -> None:
        if bool(self.env) == bool(self.file):
            # Pydantic adds the path of the key to a ValueError, which is not known here.
            raise ValueError('exactly one of { env = "NAME" } and { file = "/path" }')

    def __str__(self) -> str:
        return f"environment variable {self.env}" if self.env else f"file {self.file}"
