"""The tokens that the faces ask for, and the registry's own short-lived ones.

This module must not speak HTTP.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from simulator.clock import WorldClock

__all__ = ["RegistryLogin", "TokenDesk", "Tokens"]

_LIFETIME_S = 300.0


class RegistryLogin(StrEnum):
    """How the registry wants to be logged in to: not at all, by password, by token server."""

    OPEN = "open"
    BASIC = "basic"
    BEARER = "bearer"


def _make() -> str:
    return secrets.token_hex(20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What each face asks for, made up for one simulation; none is shown by `repr`.

    forge_owner: may also read variables, which other forge tokens may not.
    control: moves the simulation itself, below `/sim/`.
    """

    forge: str = field(default_factory=_make, repr=False)
    forge_owner: str = field(default_factory=_make, repr=False)
    control_plane: str = field(default_factory=_make, repr=False)
    control: str = field(default_factory=_make, repr=False)
    registry_user: str = "robot"
    registry_password: str = field(default_factory=_make, repr=False)


@dataclass(slots=True)
class TokenDesk:
    """The registry's token server: hands out tokens for scopes, and says what one is good for.

    lifetime_s: in the world's time, so that a token may expire in the middle of a run.
    """

    clock: WorldClock
    lifetime_s: float = _LIFETIME_S
    _granted: dict[str, tuple[frozenset[str], float]] = field(default_factory=dict)

    def grant(self, scopes: Iterable[str]) -> str:
        """Hands out a token for scopes such as `repository:acme/app:pull,push`."""
        now_s = self.clock.reading_s()
        self._granted = {
            token: granted for token, granted in self._granted.items() if granted[1] > now_s
        }
        rights = set()
        for scope in scopes:
            resource, _, actions = scope.rpartition(":")
            rights |= {f"{resource}:{action}" for action in actions.split(",")}
        token = _make()
        self._granted[token] = frozenset(rights), now_s + self.lifetime_s
        return token

    def find_fault(self, token: str, scope: str) -> str:
        """Why a token is no good for a scope, in the words of a challenge; empty when it is."""
        rights, expires_s = self._granted.get(token, (frozenset(), 0.0))
        if expires_s <= self.clock.reading_s():
            return "invalid_token"
        resource, _, actions = scope.rpartition(":")
        wanted = {f"{resource}:{action}" for action in actions.split(",") if resource}
        return "" if wanted <= rights else "insufficient_scope"
