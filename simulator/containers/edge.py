"""The edge as a process: carries requests for tenants to where they live.

This module must not make up what a tenant serves; it answers 502 where none answers it.
"""

from release.errors import HeadwayError, OutcomeUnknown, Unavailable
from simulator.apps.exchange import Exchange, Response
from simulator.containers.caller import Reply, ask, ask_json
from simulator.containers.service import Program
from simulator.containers.service import Service as ServiceProcess
from simulator.faults import Service, Verdict
from simulator.wire import Cut, Refusal, Underway

__all__ = ["EdgeProgram", "make"]

_TENANT_S = 5.0
_HOST = ".localhost"


class EdgeProgram:
    """Proxies `/edge/SLUG/PAGE`, and every page of `SLUG.localhost`."""

    paths = frozenset({"edge"})
    git = None

    def __init__(self, service: ServiceProcess) -> None:
        self._settings = service.settings
        self._addresses: dict[str, str] = {}

    async def begin(self) -> None:
        """Is ready at once: addresses are looked up when they are needed."""

    async def answer(self, exchange: Exchange) -> Response | None:
        """Answers requests for tenants; raises Refusal and Cut."""
        host = exchange.headers.get("host", "").partition(":")[0]
        if host.endswith(_HOST):
            slug, page = host.removesuffix(_HOST), "/".join(exchange.path)
        elif exchange.path[0] == "edge" and len(exchange.path) > 1:
            slug, page = exchange.path[1], "/".join(exchange.path[2:])
        else:
            return None
        if exchange.method not in {"GET", "HEAD"}:
            raise Refusal(405, "<h1>Method not allowed</h1>")

        def act(verdict: Verdict) -> Underway[Reply]:
            return Underway(work=self._carry(slug, page, verdict))

        reply: Reply = await exchange.perform(Service.EDGE, page, slug, act=act)
        kind = reply.headers.get("content-type", "text/plain")
        return Response(status=reply.status, body=reply.body, headers={"content-type": kind})

    async def _carry(self, slug: str, page: str, verdict: Verdict) -> Reply:
        address = await self._find(slug)
        past = f"?stale_s={verdict.stale_s}" if verdict.stale_s else ""
        try:
            return await ask("GET", f"{address}/{page}{past}", timeout_s=_TENANT_S)
        except Unavailable as exc:
            raise Refusal(502, "<!doctype html><title>502</title><h1>Bad gateway</h1>") from exc
        except OutcomeUnknown as exc:
            if exc.seen == TimeoutError.__name__:
                page = "<!doctype html><title>504</title><h1>Gateway timeout</h1>"
                raise Refusal(504, page) from exc
            raise Cut(is_unreached=True) from exc

    async def _find(self, slug: str) -> str:
        if slug not in self._addresses:
            url = f"{self._settings.url('control_plane')}/sim/addresses"
            try:
                self._addresses = await ask_json("GET", url)
            except HeadwayError as exc:
                raise Refusal(502, f"<h1>Bad gateway</h1>\n{exc}") from exc
        if slug not in self._addresses:
            raise Refusal(404, "<!doctype html><title>404</title><h1>No such tenant</h1>")
        return self._addresses[slug]


def make(service: ServiceProcess) -> Program:
    """Makes the program of this service."""
    return EdgeProgram(service)
