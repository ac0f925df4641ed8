"""One job's line to the services of a world in virtual time, failing as real adapters do.

A request is a job of its own: it goes on when whoever sent it is cancelled, killed or out of
patience. This module must not know any port.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from release.errors import (
    Conflict,
    FenceRefused,
    HeadwayError,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from simulator.faults import Call, Service, Verdict
from simulator.scheduler import Job, Join, Pause, Scheduler
from simulator.wire import Cut, Later, Refusal, perform
from simulator.world import World

__all__ = ["Line", "Patience"]

T = TypeVar("T")

_RETRY_DELAYS_S = (0.5, 1.0, 2.0)
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_CONFLICT = 409
_FENCE = 412
_TOO_MANY = 429
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a job waits for an answer, in seconds: to a read, an effect, a tenant's edge."""

    read_s: float = 30.0
    effect_s: float = 120.0
    edge_s: float = 10.0


class _Unanswered(Exception):
    """The caller's patience is spent; the request goes on."""


class Line:
    """Sends calls of one actor."""

    def __init__(
        self, world: World, scheduler: Scheduler, *, actor: str, patience: Patience | None = None
    ) -> None:
        self.world = world
        self.scheduler = scheduler
        self.actor = actor
        self.patience = patience or Patience()
        self._last_effect: Job[Any] | None = None

    async def send(
        self, call: Call, act: Callable[[Verdict], T | Later[T]], *, within_s: float
    ) -> T:
        """Sends one request; raises Refusal, Cut, or _Unanswered as an untranslated failure."""
        request = self.scheduler.spawn(
            call.operation, perform(self.world, call, act), is_background=True
        )
        if call.is_effect and call.service is not Service.LEDGER:
            self._last_effect = request
        if not await Join((request,), within_s):
            raise _Unanswered
        return request.result()

    async def late_answer(self, within_s: float) -> Any:  # noqa: ANN401 - whatever was asked for
        """Waits for the answer of the effect that was sent last; None when none comes in time."""
        request = self._last_effect
        if request is None or not await Join((request,), within_s) or request.error is not None:
            return None
        return request.result()

    async def read(self, call: Call, act: Callable[[Verdict], T | Later[T]]) -> T:
        """Reads with bounded retry; raises Unavailable, Refused and FenceRefused."""
        for delay_s in (*_RETRY_DELAYS_S, None):
            try:
                return await self.send(call, act, within_s=self.patience.read_s)
            except (Cut, _Unanswered, Refusal) as exc:
                if isinstance(exc, Refusal) and exc.status not in _TRANSIENT:
                    raise _refused(call, exc) from exc
                if delay_s is None:
                    raise Unavailable(
                        "could not be read", on=_on(call), seen=_shown(exc), safe="nothing changed"
                    ) from exc
                await Pause(delay_s)
        raise asyncio.InvalidStateError("unreachable: the last try returns or raises")

    async def effect(self, call: Call, act: Callable[[Verdict], T | Later[T]]) -> T:
        """Sends an effect once; raises Refused, FenceRefused, Conflict, OutcomeUnknown and
        Unavailable, as its class says.
        """
        try:
            return await self.send(call, act, within_s=self.patience.effect_s)
        except Refusal as exc:
            if exc.status == _TOO_MANY:
                raise Unavailable("was not taken", on=_on(call), seen="HTTP 429") from exc
            if exc.status >= _SERVER_ERROR:
                raise _unknown(call, exc) from exc
            raise _refused(call, exc) from exc
        except Cut as exc:
            if exc.is_unreached:
                raise Unavailable("could not be reached", on=_on(call)) from exc
            raise _unknown(call, exc) from exc
        except _Unanswered as exc:
            raise _unknown(call, exc) from exc


def _refused(call: Call, refusal: Refusal) -> HeadwayError:
    body = refusal.body if isinstance(refusal.body, dict) else {}
    if refusal.status == _FENCE and "fence_seen" in body:
        return FenceRefused(int(body["fence_seen"]), on=_on(call))
    if refusal.status == _CONFLICT:
        return Conflict("another write came first", on=_on(call))
    return Refused("was refused", on=_on(call), seen=_shown(refusal), safe="nothing was changed")


def _unknown(call: Call, exc: Exception) -> OutcomeUnknown:
    return OutcomeUnknown(
        "was sent and not answered", on=_on(call), seen=_shown(exc), safe="it may still land"
    )


def _on(call: Call) -> str:
    return f"{call.service} {call.operation} {call.subject}"


def _shown(exc: Exception) -> str:
    match exc:
        case Refusal():
            return f"HTTP {exc.status}: {exc.body}"[:200]
        case Cut(is_unreached=True):
            return "connection refused"
        case Cut():
            return "the connection was cut"
        case _:
            return "no answer in time"
