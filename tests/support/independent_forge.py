"""A forge with Gitea's API over a bare repository, written from its documented shapes alone.

This module must not use anything of Headway. It has the habits that callers trip over: pages that
are clamped without a word, a combined state that speaks of one page, errors for who is no owner.
"""

import base64
import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.git_repository import GitRepository

__all__ = ["GiteaShaped"]

_PAGE = 50
Reply = tuple[int, object]


class GiteaShaped:
    """Serves `/api/v1/repos/acme/shop` of one repository.

    statuses: rows for each commit, oldest first; every change of a context is a row of its own.
    required: globs that the protection of the branch requires.
    bends: sees each request first, and may answer in the forge's place.
    """

    def __init__(self, repository: GitRepository, *, token: str) -> None:
        self.repository = repository
        self.token = token
        self.statuses: dict[str, list[tuple[str, str]]] = {}
        self.required: list[str] = []
        self.bends: Callable[[str], Reply | None] = lambda _path: None
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        """The address of the forge, without the API's path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, target: str, authorization: str | None) -> Reply:
        """Answers one GET."""
        url = urlsplit(target)
        path, query = unquote(url.path), parse_qs(url.query)
        self.asked.append(target)
        if (bent := self.bends(path)) is not None:
            return bent
        if authorization != f"token {self.token}":
            return 401, {"message": f"bad token {authorization}", "url": "https://docs"}
        for pattern, reader in _ROUTES:
            if found := re.fullmatch(f"/api/v1/repos/acme/shop/{pattern}", path):
                return reader(self, query, *found.groups())
        return 404, {"message": "not found", "url": "https://docs"}

    def branch(self, _query: dict[str, list[str]], name: str) -> Reply:
        """A branch, with what its protection requires."""
        commit = self._find(f"refs/heads/{name}")
        if commit is None:
            return 404, {"message": "branch does not exist"}
        return 200, {
            "name": name,
            "commit": {"id": commit, "message": "m", "verification": {"verified": False}},
            "protected": True,
            "enable_status_check": bool(self.required),
            "status_check_contexts": self.required,
            "user_can_push": False,
        }

    def combined(self, query: dict[str, list[str]], sha: str) -> Reply:
        """The newest row of each context, in pages; state and total speak of this page alone."""
        rows = self.statuses.get(sha, [])
        newest = {context: (index, state) for index, (context, state) in enumerate(rows, 1)}
        if not newest:
            return 200, {"state": "", "sha": "", "total_count": 0, "statuses": None}
        shown = _page([_status(i, c, s) for c, (i, s) in newest.items()], query)
        states = {one["status"] for one in shown}
        state = "failure" if "failure" in states else "success"
        return 200, {"state": state, "sha": sha, "total_count": len(shown), "statuses": shown}

    def history(self, query: dict[str, list[str]], sha: str) -> Reply:
        """Every row ever posted, in pages."""
        rows = self.statuses.get(sha, [])
        return 200, _page([_status(i, c, s) for i, (c, s) in enumerate(rows, 1)], query)

    def compare(self, _query: dict[str, list[str]], base: str, head: str) -> Reply:
        """The commits of `head` that `base` lacks."""
        if not (self._find(f"{base}^{{commit}}") and self._find(f"{head}^{{commit}}")):
            return 404, {"message": "unknown revision"}
        listed = self.repository.git("rev-list", "--parents", f"{base}..{head}").splitlines()
        commits = [line.split() for line in listed]
        shaped = [{"sha": one, "parents": [{"sha": p} for p in rest]} for one, *rest in commits]
        return 200, {"total_commits": len(shaped), "commits": shaped, "files": None}

    def commit(self, _query: dict[str, list[str]], name: str) -> Reply:
        """One commit by its id, in full or shortened."""
        sha = self._find(f"{name}^{{commit}}")
        return (200, {"sha": sha, "parents": []}) if sha else (404, {"message": "no commit"})

    def variable(self, _query: dict[str, list[str]], _name: str) -> Reply:
        """What anybody gets who is not the owner."""
        return 403, {"message": "user should be the owner of the repo", "url": "https://docs"}

    def raw(self, query: dict[str, list[str]], path: str) -> Reply:
        """A file, as text and not as JSON."""
        try:
            text = self.repository.git("cat-file", "blob", f"{query['ref'][0]}:{path}")
        except Exception:  # noqa: BLE001 - whatever git says, the forge says 404
            return 404, {"message": "no such file"}
        return 200, text.encode()

    def _find(self, name: str) -> str | None:
        try:
            return self.repository.git("rev-parse", "--verify", "--quiet", name)
        except Exception:  # noqa: BLE001 - git ends with an error where there is none
            return None


def _page(rows: list[dict[str, Any]], query: dict[str, list[str]]) -> list[dict[str, Any]]:
    size = min(int(query.get("limit", ["30"])[0]) or 30, _PAGE)
    page = int(query.get("page", ["1"])[0])
    return rows[(page - 1) * size : page * size]


def _status(index: int, context: str, state: str) -> dict[str, Any]:
    return {"id": index, "status": state, "context": context, "target_url": "", "creator": None}


_ROUTES: tuple[tuple[str, Callable[..., Reply]], ...] = (
    (r"branches/(.+)", GiteaShaped.branch),
    (r"commits/([0-9a-f]+)/status", GiteaShaped.combined),
    (r"commits/([0-9a-f]+)/statuses", GiteaShaped.history),
    (r"compare/(\w+)\.\.\.(\w+)", GiteaShaped.compare),
    (r"git/commits/(.+)", GiteaShaped.commit),
    (r"actions/variables/(.+)", GiteaShaped.variable),
    (r"raw/(.+)", GiteaShaped.raw),
)


def _handler(forge: GiteaShaped) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            status, said = forge.answer(self.path, self.headers["Authorization"])
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json;charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keeps quiet."""

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True

    return Handler


def basic(token: str) -> str:
    """How git shows a token."""
    return f"Basic {base64.b64encode(f'x-access-token:{token}'.encode()).decode()}"
