"""The way in from outside: carries requests for every face to the service whose face it is.

So the host needs one address, as with the simulator in one process, and it stays the same when a
service is started again. This module must not answer anything itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from release.errors import OutcomeUnknown, Unavailable
from simulator.apps.exchange import Exchange, Response
from simulator.containers.caller import ask
from simulator.containers.settings import Settings
from simulator.wire import Cut, Refusal

__all__ = ["Front"]

_SERVICE_OF = {
    "cp": "control_plane",
    "edge": "edge",
    "token": "registry",
    "v2": "registry",
}
_ANSWER_S = 600.0
_SAFE = ":@!$&'()*+,;="
_OWN_HEADERS = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Front:
    """Carries requests on; a job's come out at the port of that job again."""

    settings: Settings

    async def carry(self, exchange: Exchange) -> Response:
        """Carries one request; raises Refusal 502 when nobody is there, and Cut as it was cut."""
        path = "/".join(_quoted(exchange))
        query = f"?{exchange.raw_query}" if exchange.raw_query else ""
        actor = exchange.actor if exchange.actor in self.settings.listen.ports else ""
        url = f"{self.settings.url(_service_of(exchange), actor)}/{path}{query}"
        headers = _passed_on(exchange.headers)
        try:
            reply = await ask(
                exchange.method, url, body=exchange.body, headers=headers, timeout_s=_ANSWER_S
            )
        except Unavailable as exc:
            raise Refusal(502, f"<h1>Bad gateway</h1>\n{exc}") from exc
        except OutcomeUnknown as exc:
            raise Cut from exc
        length = reply.headers.get("content-length", str(len(reply.body)))
        answered = _passed_on(reply.headers) | {"content-length": length}
        return Response(status=reply.status, body=reply.body, headers=answered)


def _service_of(exchange: Exchange) -> str:
    if exchange.headers.get("host", "").partition(":")[0].endswith(".localhost"):
        return "edge"
    return _SERVICE_OF.get(exchange.path[0], "forge")


def _quoted(exchange: Exchange) -> list[str]:
    return [quote(part, safe=_SAFE) for part in exchange.path]


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of whoever is at the other end, not of the connection to it."""
    return {name: text for name, text in headers.items() if name not in _OWN_HEADERS}
