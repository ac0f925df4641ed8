"""Serves bare repositories over git's smart HTTP: git's own `http-backend` on loopback.

This module must not know Headway: it is what a git host is to a git client.
"""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Self

__all__ = ["GitHttp", "GitRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GitRequest:
    """A request as it arrived."""

    method: str
    path: str
    query: str
    authorization: str | None

    @property
    def is_push(self) -> bool:
        """Whether it carries an update of refs."""
        return self.method == "POST" and self.path.endswith("/git-receive-pack")


Cuts = Callable[[GitRequest], bool]
Refusal = Callable[[GitRequest], int | None]


class GitHttp:
    """All repositories under a folder, at `url`/NAME.

    authorization: when given, the header that every request must bring.
    cuts: which requests are carried out and then answered by a cut connection.
    refusal: the status that a request is answered with instead; None carries it out.
    """

    def __init__(self, root: Path, *, authorization: str | None = None) -> None:
        self.root = root
        self.authorization = authorization
        self.cuts: Cuts = lambda _: False
        self.refusal: Refusal = lambda _: None
        self.requests: list[GitRequest] = []
        self._lock = Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """The address, without the name of a repository."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                service._serve(self)

            do_POST = do_GET  # noqa: N815 - the name that the standard library looks for

            def log_message(self, *_: object) -> None:
                """Keeps quiet."""

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        path, _, query = handler.path.partition("?")
        request = GitRequest(
            method=handler.command,
            path=path,
            query=query,
            authorization=handler.headers["Authorization"],
        )
        body = _read_body(handler)
        with self._lock:
            self.requests.append(request)
        status = self.refusal(request)
        if status is None and self.authorization not in {None, request.authorization}:
            status = 401
        if status is not None:
            _answer(handler, status, [("WWW-Authenticate", 'Basic realm="git"')], b"")
            return
        status, headers, content = self._run_backend(handler, request, body)
        if self.cuts(request):
            handler.close_connection = True
            return
        _answer(handler, status, headers, content)

    def _run_backend(
        self, handler: BaseHTTPRequestHandler, request: GitRequest, body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        environment = {
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_PROTOCOL": handler.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
            "PATH": os.environ["PATH"],
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query,
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": "tester",
            "REQUEST_METHOD": request.method,
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=environment, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        pairs = [line.partition(": ") for line in head.decode().split("\r\n")]
        headers = [(name, value) for name, _, value in pairs if name != "Status"]
        status = next((value for name, _, value in pairs if name == "Status"), "200")
        return int(status.split()[0]), headers, content


def _read_body(handler: BaseHTTPRequestHandler) -> bytes:
    if handler.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
    body = b""
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
    return body


def _answer(
    handler: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], content: bytes
) -> None:
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)
