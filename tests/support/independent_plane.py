"""A control plane and its tenants, written from the contract alone, with the habits of real ones.

This module must not use anything of Headway: it stands for services that others wrote. Time is
counted in requests, so that no test has to wait for a clock.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

__all__ = ["HTML", "JSON", "Act", "FleetWorld", "Habit", "Landing", "Plane", "Reply", "Served"]

REDEPLOY = "/cp/admin/tenants/redeploy-fleet"
Reply = tuple[int, dict[str, str], bytes]
JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html; charset=utf-8"}


@dataclass(slots=True, kw_only=True)
class Served:
    """What one tenant runs, and how its edge answers.

    drains: how many more answers still come from the container before.
    shows: makes an answer in the place of /buildinfo; None answers as it should.
    """

    sha: str
    before: str = ""
    drains: int = 0
    shows: "Callable[[Served], Reply | bytes] | None" = None

    def answer(self) -> Reply | bytes:
        """One answer of the edge; bytes are sent as they are, and the connection is cut."""
        if self.shows is not None:
            return self.shows(self)
        sha = self.sha
        if self.drains > 0:
            self.drains, sha = self.drains - 1, self.before
        told = {"git_sha": sha, "built_at": "2026-01-01T00:00:00Z", "extra": {"deep": [1, None]}}
        return 200, JSON, json.dumps(told).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A tenant changed from one release to another, by a request with this epoch."""

    slug: str
    before: str
    after: str
    fence: int | None


@dataclass(slots=True, kw_only=True)
class Act:
    """One request for a redeploy, as a habit may bend it.

    lands: which tenants really change, and says: the rows of the answer. A habit may change both,
    and `status`, `headers` and `body` too; `cut` ends the connection without an answer.
    later: lands after the answer, when the world is told to `land_late`.
    """

    asked: dict[str, Any]
    slugs: list[str]
    lands: list[str]
    rows: list[dict[str, Any]]
    is_ok: bool = True
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON))
    body: bytes | None = None
    cut: bool = False
    later: bool = False


Habit = Callable[[Act], None]


class FleetWorld:
    """The state of all tenants, and everything that ever landed.

    tick: is told of every request, with its kind, before it is handled and after it.
    """

    def __init__(self, slugs: list[str], sha: str, *, drains: int = 0) -> None:
        self.tenants = {slug: Served(sha=sha, before=sha) for slug in slugs}
        self.drains = drains
        self.landings: list[Landing] = []
        self.late: list[tuple[str, str, int | None]] = []
        self.asked: list[dict[str, Any]] = []
        self.authorizations: list[str | None] = []
        self.habits: list[Habit] = []
        self.always: Habit = lambda _act: None
        self.tick: Callable[[str], None] = lambda _kind: None
        self.dry_rows: Callable[[list[dict[str, Any]]], Any] = lambda rows: rows
        self.images: dict[str, str] = {}
        self.lock = threading.RLock()
        self._by_label = {slug.lower(): tenant for slug, tenant in self.tenants.items()}

    def at(self, label: str) -> Served | None:
        """The tenant of a DNS label, in which upper and lower case are one."""
        return self._by_label.get(label.lower())

    def land(self, slug: str, tag: str, fence: int | None) -> None:
        """Changes a tenant; the old container goes on answering while it drains."""
        with self.lock:
            tenant, sha = self.tenants[slug], self.images[tag]
            self.landings.append(Landing(slug=slug, before=tenant.sha, after=sha, fence=fence))
            if sha != tenant.sha:
                tenant.before, tenant.sha, tenant.drains = tenant.sha, sha, self.drains

    def land_late(self) -> None:
        """Lets everything land that was held back."""
        with self.lock:
            late, self.late = self.late, []
            for slug, tag, fence in late:
                self.land(slug, tag, fence)

    def redeploy(self, asked: dict[str, Any]) -> Act:
        """Carries out one request as the contract has it, bent by the habit whose turn it is."""
        slugs = list(asked.get("only_slugs") or self.tenants)
        rows = [_row(slug, asked["target_tag"], index) for index, slug in enumerate(slugs)]
        act = Act(asked=asked, slugs=slugs, lands=list(slugs), rows=rows)
        (self.habits.pop(0) if self.habits else self.always)(act)
        for slug in act.lands:
            landing = (slug, asked["target_tag"], asked.get("fence"))
            if act.later:
                self.late.append(landing)
            else:
                self.land(*landing)
        return act


def _row(slug: str, tag: str, index: int) -> dict[str, Any]:
    """A row of an old control plane: without `verified_on_target`, with fields nobody knows."""
    return {
        "slug": slug,
        "phase": "canary" if index == 0 else f"batch-{index}",
        "ssm_status": "Success",
        "ssm_exit_code": None,
        "healthz_ok": True,
        "running_image": f"registry/{tag}",
        "error": None,
        "instance_id": "i-0123",
        "timings": {"pull_s": 3.5},
    }


class Plane:
    """Serves a world on loopback: the control plane, and every tenant at /SLUG/buildinfo."""

    def __init__(self, world: FleetWorld, *, token: str) -> None:
        self.world = world
        self.token = token
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where both are."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()

    def tenant(self, path: str) -> Reply | bytes:
        """Answers for one tenant, or for none with a router's page."""
        slug = path.strip("/").partition("/")[0]
        with self.world.lock:
            tenant = self.world.at(slug)
            return tenant.answer() if tenant else (404, HTML, b"<h1>no such tenant</h1>")

    def control(self, authorization: str | None, body: bytes) -> Reply | bytes:
        """Answers a request to the control plane."""
        self.world.authorizations.append(authorization)
        if authorization != f"Bearer {self.token}":
            said = {"error": f"bad token {authorization}"}
            return 401, JSON, json.dumps(said).encode()
        asked = json.loads(body)
        with self.world.lock:
            self.world.asked.append(asked)
            if asked.get("confirm") is not True or asked.get("only_slugs") == []:
                return 400, JSON, b'{"error": "confirm and a scope are needed"}'
            if asked.get("dry_run"):
                names = self.world.tenants
                rows = [{"slug": one, "ssm_status": "DryRun", "odd": True} for one in names]
                made = {"ok": True, "results": self.world.dry_rows(rows), "took_ms": 12}
                return 200, JSON, json.dumps(made).encode()
            act = self.world.redeploy(asked)
        if act.cut:
            return b""
        told = json.dumps({"ok": act.is_ok, "results": act.rows, "took_ms": 12}).encode()
        return act.status, act.headers, told if act.body is None else act.body


def _handler(plane: Plane) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            plane.world.tick("edge")
            self._send(plane.tenant(urlsplit(self.path).path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            is_dry = b'"dry_run": true' in body
            plane.world.tick("list" if is_dry else "before-redeploy")
            reply = plane.control(self.headers["Authorization"], body)
            plane.world.tick("listed" if is_dry else "after-redeploy")
            self._send(reply)

        def _send(self, reply: Reply | bytes) -> None:
            if isinstance(reply, bytes):
                self.wfile.write(reply)
                self.close_connection = True
                return
            status, headers, body = reply
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keeps quiet."""

        def handle(self) -> None:
            try:
                super().handle()
            except (ConnectionError, TimeoutError):
                self.close_connection = True

    return Handler
