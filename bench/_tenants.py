"""A loopback server that answers as thousands of tenants do, for benchmarks to read.

This module must not measure anything. Run by itself it prints its port and serves until killed.
"""

import socket
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

__all__ = ["GIT_SHA", "answer_buildinfo"]

GIT_SHA = "7f25373" + "0" * 33
_BODY = b'{"git_sha": "%s"}' % GIT_SHA.encode()
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))],
}
_END = {"type": "http.response.body", "body": _BODY}


async def answer_buildinfo(
    _scope: dict[str, Any],
    _receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answers every path with the same release: the smallest ASGI application there is."""
    await send(_START)
    await send(_END)


def main() -> None:
    """Serves on a free port of loopback, and prints it once connections are taken."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(2048)
        print(listener.getsockname()[1], flush=True)
        config = uvicorn.Config(
            answer_buildinfo, access_log=False, log_level="warning", lifespan="off", backlog=2048
        )
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
