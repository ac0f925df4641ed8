"""The control plane over HTTP: its one JSON contract, behind a bearer token.

This module must not decide what a redeploy does.
"""

from simulator.apps.exchange import Exchange, Response, bearer_of, json_response
from simulator.faults import Service, Verdict
from simulator.wire import Later, Refusal

__all__ = ["answer_control_plane"]


async def answer_control_plane(exchange: Exchange, token: str) -> Response:
    """Answers a request below `/cp`; raises Refusal and Cut."""
    if exchange.path != ("cp", "admin", "tenants", "redeploy-fleet"):
        raise Refusal(404, {"error": "no such endpoint"})
    if exchange.method != "POST":
        raise Refusal(405, {"error": "use POST"}, headers={"allow": "POST"})
    if bearer_of(exchange, "bearer") != token:
        raise Refusal(401, {"error": "unauthorized"}, headers={"www-authenticate": "Bearer"})
    body = exchange.json()
    is_dry_run = isinstance(body, dict) and body.get("dry_run") is True

    def act(verdict: Verdict) -> Later[dict[str, object]]:
        return exchange.world.control_plane.redeploy(body, actor=exchange.actor, verdict=verdict)

    content: dict[str, object] = await exchange.perform(
        Service.CONTROL_PLANE,
        "candidates" if is_dry_run else "redeploy",
        _subject(body, is_dry_run=is_dry_run),
        act=act,
        is_effect=not is_dry_run,
    )
    return json_response(content)


def _subject(body: object, *, is_dry_run: bool) -> str:
    """What rules and scripts call the request, the same words as on the direct port."""
    if not isinstance(body, dict):
        return ""
    tag = str(body.get("target_tag", ""))
    if is_dry_run:
        return tag
    only = body.get("only_slugs")
    slugs = ",".join(map(str, only)) if isinstance(only, list) else "*"
    return f"{slugs} to {tag}"
