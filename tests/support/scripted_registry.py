"""A registry on loopback whose every answer a test decides, and what was asked of it.

This module must not keep what is written to it: the real registry and the simulator do that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from release.adapters.http import HttpPool
from release.adapters.registry import OciRegistry
from release.adapters.registry_auth import Credentials
from tests.support.clocks import StillClock
from tests.support.images import Index, PushedImage
from tests.support.loopback import Answer, Asked, Cut, Loopback, json_answer

__all__ = ["Routes", "ask", "error", "held", "scripted", "writes"]

T = TypeVar("T")
Routes = Mapping[str, Answer | Cut | Callable[[Asked], Answer]]


def error(status: int, code: str, message: str = "") -> Answer:
    """An error in the shape that registries give it."""
    return json_answer({"errors": [{"code": code, "message": message}]}, status=status)


def held(pushed: PushedImage | Index) -> Answer:
    """The answer of a registry that holds the manifest."""
    headers = {
        "content-type": pushed.content_type,
        "docker-content-digest": str(pushed.manifest.digest),
    }
    return Answer(body=pushed.manifest.body, headers=headers)


def scripted(routes: Routes) -> Loopback:
    """Answers by method and path, as `GET /v2/acme/app/manifests/v1`; knows no other manifest."""

    def react(asked: Asked) -> Answer | Cut:
        path = asked.target.partition("?")[0]
        answer = routes.get(f"{asked.method} {path}", error(404, "MANIFEST_UNKNOWN"))
        return answer(asked) if callable(answer) else answer

    return Loopback(react=react)


def ask(
    server: Loopback,
    say: Callable[[OciRegistry], Awaitable[T]],
    *,
    credentials: Credentials | None = None,
    clock: StillClock | None = None,
) -> T:
    """Runs `say` with the adapter on the server, and both to their end."""

    async def run() -> T:
        async with server, HttpPool(clock=clock or StillClock()) as pool:
            return await say(OciRegistry(pool, server.url, credentials=credentials))

    return asyncio.run(run())


def writes(server: Loopback) -> list[Asked]:
    """Every request that would change something."""
    return [asked for asked in server.asked if asked.method not in {"GET", "HEAD"}]
