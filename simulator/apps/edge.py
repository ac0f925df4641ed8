"""The tenants' edges over HTTP: `/buildinfo` and `/healthz`, public, by path or by host name.

This module must not decide what a tenant serves.
"""

from simulator.apps.exchange import Exchange, Response, json_response
from simulator.faults import Service, Verdict
from simulator.tenants import Answer
from simulator.wire import Cut, Later, Refusal

__all__ = ["answer_edge"]


async def answer_edge(exchange: Exchange, slug: str, page: str) -> Response:
    """Answers a request for one tenant; raises Refusal and Cut."""
    world = exchange.world
    if exchange.method not in {"GET", "HEAD"}:
        raise Refusal(405, "<h1>Method not allowed</h1>")
    if page == "buildinfo":

        def act(verdict: Verdict) -> Later[Answer]:
            return world.buildinfo(slug, verdict)

        answer: Answer = await exchange.perform(Service.EDGE, "buildinfo", slug, act=act)
        return Response(
            status=answer.status, body=answer.body, headers={"content-type": answer.content_type}
        )
    if page == "healthz":
        is_healthy = await exchange.perform(
            Service.EDGE, "healthz", slug, act=lambda _: _is_healthy(exchange, slug)
        )
        return json_response({"ok": is_healthy}, status=200 if is_healthy else 503)
    raise Refusal(404, "<h1>Not found</h1>")


def _is_healthy(exchange: Exchange, slug: str) -> bool:
    tenant = exchange.world.fleet.tenants.get(slug)
    if tenant is None:
        raise Refusal(404, "<h1>No such tenant</h1>")
    if tenant.is_gone:
        raise Cut(is_unreached=True)
    return tenant.is_healthy()
