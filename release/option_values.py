"""Reads the values of options that are more than a word: instants, counts, lists of tenants.

This module must not know any verb; what does not fit is Invalid, before anything is touched.
"""

from datetime import UTC, datetime

from release.core.printable import printable
from release.core.values import Tenant
from release.errors import Invalid

__all__ = ["read_count", "read_instant", "read_tenants"]

_SAFE = "nothing was touched"
_MOST = 10**9


def read_instant(text: str, *, on: str) -> datetime:
    """Reads an instant of ISO 8601; without an offset it is one of UTC."""
    try:
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise Invalid(
            "is no instant",
            on=f"{on} {printable(text, 60)}",
            expected="such as 2026-12-24T18:00, which is UTC, or 2026-12-24T18:00+01:00",
            safe=_SAFE,
        ) from exc


def read_count(text: str, *, on: str, least: int = 1, most: int = _MOST) -> int:
    """Reads a whole number from `least`, which is not negative, to `most`."""
    is_short = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    count = int(text) if is_short else -1
    if not least <= count <= most:
        raise Invalid(
            "is no count",
            on=f"{on} {printable(text, 60)}",
            expected=f"a whole number from {least} to {most}",
            safe=_SAFE,
        )
    return count


def read_tenants(text: str, *, on: str) -> tuple[Tenant, ...]:
    """Reads tenants parted by commas; empty text is none, and a list that names none is Invalid."""
    named = [name.strip() for name in text.split(",")]
    tenants = tuple(Tenant(name) for name in named if name)
    if text and not tenants:
        raise Invalid("names no tenant", on=f"{on} {text}", safe=_SAFE)
    return tenants
