"""Serves all faces of a world on sockets, in the event loop that runs.

One port for everybody, and one more for each named job, so that the simulator knows who asks. This
module must not listen anywhere but on 127.0.0.1, unless it is told an address of a container.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from release.errors import Unavailable
from simulator.apps.exchange import Receive, Scope, Send
from simulator.apps.gateway import CUT, Gateway, OwnFace, no_face
from simulator.apps.simulation import Simulation
from simulator.apps.tokens import RegistryLogin, TokenDesk, Tokens
from simulator.git_host import GitHost
from simulator.world import World

__all__ = ["Faces", "FacesSetup"]

_LOOPBACK = "127.0.0.1"
_BACKLOG = 1024
_START_S = 10.0
_STOP_S = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FacesSetup:
    """How the faces are served.

    actors: the jobs that get a port of their own. git: the repository behind the forge, if any.
    token_lifetime_s: of the registry's bearer tokens.
    host: the address to listen on. listen: ports by actor, `""` for everybody's; any free one for
    whom it does not name. own: what is answered before the faces are asked.
    """

    actors: Sequence[str] = ()
    tokens: Tokens = field(default_factory=Tokens)
    login: RegistryLogin = RegistryLogin.BEARER
    token_lifetime_s: float = 300.0
    git: GitHost | None = None
    on_request: Callable[[], None] = lambda: None
    host: str = _LOOPBACK
    listen: Mapping[str, int] = field(default_factory=dict)
    own: OwnFace = no_face


class _CuttingProtocol(H11Protocol):
    """Lets an app cut the connection that its request came in by."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - handed on as they are
        super().__init__(*args, **kwargs)
        inner = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            extended = {**(scope.get("extensions") or {}), CUT: self.transport.abort}
            await inner({**scope, "extensions": extended}, receive, send)

        self.app = app


class _QuietServer(Server):
    """Leaves the signals to the program that it is part of, and ends as soon as it is told to."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.ended = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield

    async def main_loop(self) -> None:
        """Waits for the end, where the server would look for it ten times in a second."""
        await self.ended.wait()


class Faces:
    """Serves while it is entered; leaving closes every socket and cuts whatever is still held.

    port: everybody's. ports: each actor's own. stopped: set when a client asks for the end.
    """

    def __init__(self, world: World, setup: FacesSetup | None = None) -> None:
        self.world = world
        self.setup = setup or FacesSetup()
        self.port = 0
        self.ports: dict[str, int] = {}
        self.stopped = asyncio.Event()
        self._sockets: list[socket.socket] = []
        self._server: _QuietServer | None = None
        self._serving: asyncio.Task[None] | None = None

    def url(self, actor: str | None = None) -> str:
        """The address of all faces, for everybody or for one job."""
        port = self.port if actor is None else self.ports[actor]
        return f"http://{_LOOPBACK}:{port}"

    async def __aenter__(self) -> Self:
        self.port = self._listen("")
        self.ports = {actor: self._listen(actor) for actor in self.setup.actors}
        gateway = self._gateway({port: actor for actor, port in self.ports.items()})
        config = Config(
            gateway,
            http=_CuttingProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=_STOP_S,
        )
        self._server = _QuietServer(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=self._sockets))
        await self._wait_until_started(self._server, self._serving)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None, "entered before it is left"
        assert self._serving is not None, "entered before it is left"
        self._server.ended.set()
        await self._serving
        for one in self._sockets:
            one.close()

    def _listen(self, actor: str) -> int:
        # Only of a socket that says that it is TCP does asyncio turn Nagle's algorithm off, which
        # would cost each answer 40 ms.
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        # A program that was ended and started again finds its port in use for a while without it.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((self.setup.host, self.setup.listen.get(actor, 0)))
        listening.listen(_BACKLOG)
        listening.setblocking(False)  # noqa: FBT003 - the name of the method says what it is
        self._sockets.append(listening)
        return int(listening.getsockname()[1])

    def _gateway(self, actors: Mapping[int, str]) -> Gateway:
        setup = self.setup
        simulation = Simulation(tokens=setup.tokens, git=setup.git, shut_down=self.stopped.set)
        return Gateway(
            world=self.world,
            simulation=simulation,
            desk=TokenDesk(self.world.clock, setup.token_lifetime_s),
            login=setup.login,
            actors=dict(actors),
            on_request=setup.on_request,
            own=setup.own,
        )

    async def _wait_until_started(self, server: Server, serving: "asyncio.Task[None]") -> None:
        deadline_s = asyncio.get_running_loop().time() + _START_S
        while not server.started:
            if serving.done() or asyncio.get_running_loop().time() > deadline_s:
                raise Unavailable("did not start", on="simulator", expected=f"within {_START_S} s")
            await asyncio.sleep(0.001)
