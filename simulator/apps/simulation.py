"""The simulation's own face: its state, its stream of events, and the levers that move it.

This module must not be shown to a deploy job; every lever asks for the control token.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from release.errors import HeadwayError
from simulator.apps.exchange import Exchange, Response, bearer_of, json_response
from simulator.apps.levers import LEVERS, ci_state
from simulator.apps.tokens import Tokens
from simulator.git_host import CiReport, GitHost, NewCommit
from simulator.happenings import Happening
from simulator.wire import Refusal
from simulator.world import World

__all__ = ["Simulation", "answer_simulation"]

_HEARTBEAT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What the levers move: the git host, where there is one, and the end of it all."""

    tokens: Tokens
    git: GitHost | None
    shut_down: Callable[[], None]


async def answer_simulation(exchange: Exchange, simulation: Simulation) -> Response:
    """Answers a request below `/sim`; raises Refusal."""
    path = exchange.path[1:]
    if exchange.method == "GET":
        return _answer_read(exchange, path)
    if exchange.method != "POST":
        raise Refusal(405, {"error": "use GET or POST"})
    if bearer_of(exchange, "bearer") != simulation.tokens.control:
        raise Refusal(401, {"error": "the control token is required"})
    body = exchange.json()
    if not isinstance(body, dict):
        raise Refusal(400, {"error": "the body must be an object"})
    try:
        return json_response(await _move(exchange.world, simulation, path, body))
    except (HeadwayError, KeyError, TypeError, ValueError) as exc:
        raise Refusal(400, {"error": f"{type(exc).__name__}: {exc}"}) from exc


def _answer_read(exchange: Exchange, path: tuple[str, ...]) -> Response:
    world = exchange.world
    match path:
        case ("state",):
            return json_response(world.snapshot())
        case ("happenings",):
            start = max(0, exchange.number("from", 0))
            return json_response([one.plain() for one in world.log.happenings[start:]])
        case ("events",):
            last_seen = exchange.headers.get("last-event-id", "")
            start = int(last_seen) + 1 if last_seen.isdecimal() else exchange.number("from", 0)
            headers = {"content-type": "text/event-stream", "cache-control": "no-store"}
            return Response(headers=headers, stream=_events(world, max(0, start)))
        case _:
            raise Refusal(404, {"error": "no such endpoint"})


async def _events(world: World, index: int) -> AsyncIterator[bytes]:
    """Replays from an index, then goes on live; a comment now and then keeps the line open."""
    happenings = world.log.happenings
    yield b": headway simulator\n\n"
    while True:
        while index < len(happenings):
            one = happenings[index]
            data = json.dumps(one.plain())
            yield f"id: {one.index}\nevent: {one.kind}\ndata: {data}\n\n".encode()
            index += 1
        has_news = partial(_is_longer, happenings, index)
        if not await world.clock.wait_until(has_news, _HEARTBEAT_S):
            yield b": still here\n\n"


def _is_longer(happenings: Sequence[Happening], index: int) -> bool:
    return len(happenings) > index


async def _move(
    world: World, simulation: Simulation, path: tuple[str, ...], body: Mapping[str, Any]
) -> dict[str, object]:
    match path:
        case ("push",):
            return await _push(world, simulation, body)
        case ("shutdown",):
            simulation.shut_down()
            return {"shutdown": True}
        case (lever,) if lever in LEVERS:
            return LEVERS[lever](world, body)
        case (lever, name) if lever in LEVERS:
            return LEVERS[lever](world, {**body, "name": name})
        case _:
            raise Refusal(404, {"error": "no such endpoint"})


async def _push(world: World, simulation: Simulation, body: Mapping[str, Any]) -> dict[str, object]:
    if simulation.git is None:
        raise Refusal(409, {"error": "this simulation has no git repository to push to"})
    state = ci_state(body.get("ci", "green"))
    number = len(world.forge.commits) + 1
    message = str(body.get("message") or f"Release number {number}")
    ci = CiReport(state=state, after_s=float(body.get("ci_after_s", 0.0)))
    parent = body.get("parent")
    if parent is not None and parent not in world.forge.commits:
        raise Refusal(400, {"error": f"no such parent: {parent}"})
    commit = NewCommit(
        message=message, files={"RELEASE": f"{number}: {message}\n"}, ci=ci, parent=parent
    )
    sha = await simulation.git.push(commit)
    return {"sha": sha, "tag": world.layout.image_tag(sha), "branch": world.layout.branch}
