"""The one ASGI app over all faces: finds the face by host name and path, and tells of failures.

This module must not know what a face answers.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.apps.control_plane import answer_control_plane
from simulator.apps.edge import answer_edge
from simulator.apps.exchange import (
    Exchange,
    Receive,
    Response,
    Scope,
    Send,
    as_response,
    read_request,
)
from simulator.apps.forge import answer_forge
from simulator.apps.git import answer_git
from simulator.apps.registry import answer_registry
from simulator.apps.registry_auth import admit, answer_token, challenge
from simulator.apps.simulation import Simulation, answer_simulation
from simulator.apps.tokens import RegistryLogin, TokenDesk
from simulator.wire import Cut, Refusal
from simulator.world import World

__all__ = ["CUT", "Gateway", "OwnFace", "no_face"]

CUT = "headway.cut"
"""The ASGI extension, a function, by which the server lets an app cut the connection."""

OwnFace = Callable[[Exchange], Awaitable[Response | None]]
"""What a service in a process of its own answers itself; None leaves it to the faces."""

_TENANT_HOST = re.compile(r"([A-Za-z0-9-]+)\.localhost(?::\d+)?")
_UNAUTHORIZED = 401
_LOGGER = logging.getLogger("headway.simulator")


async def no_face(_: Exchange) -> Response | None:
    """Leaves every request to the faces."""
    return None


@dataclass(slots=True, kw_only=True)
class Gateway:
    """All faces of one world.

    actors: which job a request comes from, by the port that it came in by.
    on_request: is told of every request, as a simulation that nobody uses any more ends itself.
    own: is asked before any face.
    """

    world: World
    simulation: Simulation
    desk: TokenDesk
    login: RegistryLogin = RegistryLogin.BEARER
    actors: dict[int, str] = field(default_factory=dict)
    on_request: Callable[[], None] = lambda: None
    own: OwnFace = no_face

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or cuts its connection."""
        if scope["type"] != "http":
            return
        self.on_request()
        port = (scope.get("server") or ("", 0))[1]
        actor = self.actors.get(port, "somebody")
        try:
            exchange = await read_request(scope, receive, world=self.world, actor=actor)
            response = await self.own(exchange) or await self._answer(exchange)
        except Refusal as refusal:
            response = as_response(refusal)
        except Cut:
            await _cut(scope, receive)
            return
        except Exception:
            # A bug of the simulator's own: its traceback belongs into the log, the rest goes on.
            _LOGGER.exception("%s %s", scope["method"], scope["path"])
            response = Response(status=500, body=b"the simulator failed; see its log")
        await _send_head(response, send)
        if scope["method"] == "HEAD":
            await send(_part(b""))
        elif response.stream is None:
            await send(_part(response.body))
        else:
            await _stream(response.stream, receive, send)

    async def _answer(self, exchange: Exchange) -> Response:
        tenant = _TENANT_HOST.fullmatch(exchange.headers.get("host", ""))
        if tenant:
            return await answer_edge(exchange, tenant[1], "/".join(exchange.path))
        tokens = self.simulation.tokens
        match exchange.path:
            case ("edge", slug, page):
                return await answer_edge(exchange, slug, page)
            case ("cp", *_):
                return await answer_control_plane(exchange, tokens.control_plane)
            case ("api", "v1", *_):
                return await answer_forge(exchange, tokens)
            case ("v2", *_):
                return await self._answer_registry(exchange)
            case ("token",):
                return answer_token(exchange, tokens, self.desk)
            case ("sim", *_):
                return await answer_simulation(exchange, self.simulation)
            case ("git", *rest) | rest:
                return await self._answer_git(exchange, tuple(rest))

    async def _answer_registry(self, exchange: Exchange) -> Response:
        admit(exchange, self.login, tokens=self.simulation.tokens, desk=self.desk)
        try:
            return await answer_registry(exchange)
        except Refusal as refusal:
            if refusal.status == _UNAUTHORIZED and self.login is not RegistryLogin.OPEN:
                raise challenge(exchange, self.login, fault="invalid_token") from refusal
            raise

    async def _answer_git(self, exchange: Exchange, path: tuple[str, ...]) -> Response:
        owner, name = self.world.layout.forge_repository.split("/")
        host = self.simulation.git
        if host is None or path[:2] not in {(owner, f"{name}.git"), (owner, name)}:
            raise Refusal(404, {"message": "nothing is served here"})
        return await answer_git(exchange, host, self.simulation.tokens, path=path[2:])


async def _cut(scope: Scope, receive: Receive) -> None:
    """Cuts the connection without an answer, and waits until the server has noticed."""
    extensions: Mapping[str, Any] = scope.get("extensions") or {}
    cut = extensions.get(CUT)
    if cut is None:
        raise ConnectionAbortedError("this server can't cut a connection")
    cut()
    while (await receive())["type"] != "http.disconnect":
        """The rest of the request is of no use."""


async def _send_head(response: Response, send: Send) -> None:
    headers = dict(response.headers)
    if response.stream is None:
        headers.setdefault("content-length", str(len(response.body)))
    encoded = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})


def _part(body: bytes, *, has_more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": has_more}


async def _stream(stream: AsyncIterator[bytes], receive: Receive, send: Send) -> None:
    """Sends chunks until the stream ends or the client is gone."""

    async def pump() -> None:
        async for chunk in stream:
            await send(_part(chunk, has_more=True))
        await send(_part(b""))

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            """The request was read already; only its end is of interest."""

    tasks = {asyncio.create_task(pump()), asyncio.create_task(watch())}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
