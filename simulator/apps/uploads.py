"""Uploads of blobs to the registry, each in one piece: what a publisher of images needs.

This module must not keep an upload that was only begun.
"""

from simulator.apps.exchange import Exchange, Response
from simulator.faults import Service, Verdict
from simulator.images import CONFIG_TYPE, Document
from simulator.wire import Refusal

__all__ = ["answer_upload"]


async def answer_upload(exchange: Exchange, name: str) -> Response:
    """Begins an upload, or takes the whole blob; raises Refusal and Cut."""
    match exchange.method:
        case "POST":
            place = f"/v2/{name}/blobs/uploads/{exchange.world.choices.token('upload')}"
            headers = {"location": place, "range": "0-0"}
            return Response(status=202, headers=headers)
        case "PUT":
            return await _take_blob(exchange, name)
        case _:
            raise _error(405, "UNSUPPORTED", "send the blob in one piece")


async def _take_blob(exchange: Exchange, name: str) -> Response:
    document = Document(media_type=CONFIG_TYPE, body=exchange.body)

    def act(_: Verdict) -> None:
        if exchange.query.get("digest") != document.digest:
            raise _error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        exchange.world.registry.store(name, document)

    subject = f"{name}:{document.digest}"
    await exchange.perform(Service.REGISTRY, "upload", subject, act=act)
    place = f"/v2/{name}/blobs/{document.digest}"
    headers = {"location": place, "docker-content-digest": document.digest}
    return Response(status=201, headers=headers)


def _error(status: int, code: str, message: str) -> Refusal:
    return Refusal(status, {"errors": [{"code": code, "message": message, "detail": {}}]})
