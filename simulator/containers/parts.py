"""What happens in all services of one simulation, put together in the order in which it happened.

All of them read the same monotonic clock, so their instants can be compared. This module must not
judge what happened, nor move anything.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from release.errors import HeadwayError
from simulator.containers.caller import ask_json
from simulator.containers.settings import Settings

__all__ = ["Merged", "Parts"]

_ASK_S = 3.0
_MOVE_S = 60.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The services by name, with their addresses; tenants come by way of the control plane."""

    settings: Settings

    @property
    def named(self) -> Mapping[str, str]:
        """The services that tell what happens in them, but for the tenants."""
        silent = {"conductor", *(("registry",) if self.settings.is_registry_real else ())}
        settings = self.settings
        known = (name for name, urls in settings.urls.items() if urls and name not in silent)
        return {name: settings.url(name) for name in known}

    async def tenants(self) -> Mapping[str, str]:
        """The tenants that have registered, by slug; raises HeadwayError."""
        url = f"{self.settings.url('control_plane')}/sim/addresses"
        listed: Mapping[str, str] = await ask_json("GET", url, timeout_s=_ASK_S)
        return listed

    async def ask(self, name: str, path: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """Reads from one service below `/sim/`; raises HeadwayError."""
        return await ask_json("GET", f"{self.named[name]}/sim/{path}", timeout_s=_ASK_S)

    async def move(self, name: str, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401 - as above
        """Pulls a lever of one service; raises HeadwayError."""
        url, token = f"{self.named[name]}/sim/{path}", self.settings.tokens.control
        return await ask_json("POST", url, dict(body), token=token, timeout_s=_MOVE_S)

    async def states(self) -> Mapping[str, Mapping[str, Any]]:
        """The state of every service that can be reached."""
        names = tuple(self.named)
        found = await asyncio.gather(
            *(self.ask(name, "state") for name in names), return_exceptions=True
        )
        pairs = zip(names, found, strict=True)
        return {name: one for name, one in pairs if not isinstance(one, BaseException)}

    async def wait_until_ready(self) -> None:
        """Returns once every service and so many tenants as there are to be say that they are."""
        while not await self._are_ready():  # noqa: ASYNC110 - nobody here could set an event
            await asyncio.sleep(_POLL_S)

    async def _are_ready(self) -> bool:
        """Whether every service says that it is ready, and as many tenants as there are to be."""
        try:
            for name in self.named:
                await self.ask(name, "ready")
            tenants = await self.tenants()
            asked = [ask_json("GET", f"{url}/sim/ready") for url in tenants.values()]
            await asyncio.gather(*asked)
        except HeadwayError:
            return False
        return len(tenants) >= max(1, self.settings.tenants)


@dataclass(slots=True, kw_only=True)
class Merged:
    """Everything that has happened, as JSON values, with instants since `zero_s`.

    The instants of what is handed out never go back, but for what a service had to tell that could
    not be reached for a while.
    """

    parts: Parts
    zero_s: float
    happenings: list[dict[str, object]] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)
    _waiting: list[tuple[float, str, int, dict[str, Any]]] = field(default_factory=list)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def pull(self) -> None:
        """Takes in what is new. Nothing that a reached service knows by now is left out."""
        async with self._lock:
            places = dict(self.parts.named)
            try:
                places |= {f"tenant {slug}": url for slug, url in (await self._tenants()).items()}
            except HeadwayError:
                """Without the control plane nobody knows where they are."""
            told = await asyncio.gather(*(self._ask(name, url) for name, url in places.items()))
            horizons = [at_s for at_s in told if at_s is not None]
            self._hand_out(min(horizons, default=0.0))

    async def _tenants(self) -> Mapping[str, str]:
        return await self.parts.tenants()

    async def _ask(self, name: str, url: str) -> float | None:
        start = self._counts.get(name, 0)
        try:
            told = await ask_json("GET", f"{url}/sim/part?from={start}", timeout_s=_ASK_S)
        except HeadwayError:
            return None
        for one in told["happenings"]:
            self._waiting.append((one["at_s"], name, one["index"], one))
        self._counts[name] = start + len(told["happenings"])
        at_s: float = told["at_s"]
        return at_s

    def _hand_out(self, horizon_s: float) -> None:
        """Hands out what lies before the instant up to which every reached service has told all."""
        self._waiting.sort(key=lambda one: one[:3])
        while self._waiting and self._waiting[0][0] <= horizon_s:
            at_s, _, _, plain = self._waiting.pop(0)
            index = len(self.happenings)
            self.happenings.append(plain | {"index": index, "at_s": round(at_s - self.zero_s, 6)})
