"""The registry over HTTP: what a retag by digest needs of the distribution API, and its quirks.

This module must not keep anything; the world's registry does.
"""

import json
import re
from typing import NoReturn

from simulator.apps.exchange import Exchange, Response, json_response
from simulator.apps.uploads import answer_upload
from simulator.faults import Service, Verdict
from simulator.images import INDEX_TYPE, MANIFEST_TYPE, Document
from simulator.wire import Refusal

__all__ = ["answer_registry"]

_MANIFEST_BYTES_MAX = 4 * 2**20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_NAME = re.compile(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*")
_TYPES = {
    MANIFEST_TYPE: "OCI manifest found, but accept header does not support OCI manifests",
    INDEX_TYPE: "OCI index found, but accept header does not support OCI indexes",
    "application/vnd.docker.distribution.manifest.v2+json": "manifest type not accepted",
    "application/vnd.docker.distribution.manifest.list.v2+json": "manifest type not accepted",
}


async def answer_registry(exchange: Exchange) -> Response:
    """Answers an admitted request below `/v2`; raises Refusal and Cut."""
    match exchange.path[1:]:
        case () | ("",):
            return json_response({}, headers={"docker-distribution-api-version": "registry/2.0"})
        case (*name, "manifests", reference):
            _check_name("/".join(name), reference)
            if exchange.method == "PUT":
                return await _put_manifest(exchange, "/".join(name), reference)
            return await _get_manifest(exchange, "/".join(name), reference)
        case (*name, "blobs", "uploads", _):
            return await answer_upload(exchange, "/".join(name))
        case (*name, "blobs", digest):
            return await _get_blob(exchange, "/".join(name), digest)
        case (*name, "tags", "list"):
            return await _list_tags(exchange, "/".join(name))
        case _:
            raise Refusal(404, "404 page not found\n")


def _check_name(name: str, reference: str) -> None:
    if reference.startswith("sha256:"):
        if not _DIGEST.fullmatch(reference):
            # What distribution 2.8 makes of a digest that is none.
            raise _error(500, "UNKNOWN", "unknown error", {"Path": "/docker/registry/v2"})
    elif not _TAG.fullmatch(reference) or not _NAME.fullmatch(name):
        raise Refusal(404, "404 page not found\n")


async def _get_manifest(exchange: Exchange, name: str, reference: str) -> Response:
    if exchange.method not in {"GET", "HEAD"}:
        _refuse_method(exchange, "no tag or manifest can be deleted here")

    def act(verdict: Verdict) -> Document:
        registry = exchange.world.registry
        document = registry.find(name, reference, stale_s=verdict.stale_s)
        if document is None:
            raise _error(404, "MANIFEST_UNKNOWN", "manifest unknown", {"Tag": reference})
        if document.media_type not in _accepted(exchange):
            raise _error(404, "MANIFEST_UNKNOWN", _TYPES[document.media_type], {})
        return document

    subject = f"{name}:{reference}"
    document = await exchange.perform(Service.REGISTRY, "manifest", subject, act=act)
    etag = f'"{document.digest}"'
    headers = {"docker-content-digest": document.digest, "etag": etag}
    if etag in exchange.headers.get("if-none-match", ""):
        return Response(status=304, headers=headers)
    headers |= {"content-type": document.media_type, "content-length": str(len(document.body))}
    return Response(body=document.body, headers=headers)


async def _put_manifest(exchange: Exchange, name: str, reference: str) -> Response:
    media_type = exchange.headers.get("content-type", "")

    def act(verdict: Verdict) -> str:
        document = _manifest_in(exchange.body, media_type)
        return exchange.world.registry.put(
            name, reference, document, actor=exchange.actor, verdict=verdict
        )

    digest = await exchange.perform(
        Service.REGISTRY, "point", f"{name}:{reference}", act=act, is_effect=True
    )
    location = f"{exchange.origin}/v2/{name}/manifests/{digest}"
    headers = {"location": location, "docker-content-digest": digest, "content-length": "0"}
    return Response(status=201, headers=headers)


def _manifest_in(body: bytes, media_type: str) -> Document:
    """The manifest that a PUT carries; preconditions are ignored, as real registries do."""
    if len(body) > _MANIFEST_BYTES_MAX:
        raise _error(400, "MANIFEST_INVALID", "manifest invalid", "http: request body too large")
    if media_type not in _TYPES:
        raise _error(400, "MANIFEST_INVALID", "manifest invalid", f"no such type {media_type!r}")
    try:
        claimed = json.loads(body).get("mediaType", media_type)
    except (ValueError, AttributeError) as exc:
        raise _error(400, "MANIFEST_INVALID", "manifest invalid", "not JSON") from exc
    if claimed != media_type:
        raise _error(400, "MANIFEST_INVALID", "manifest invalid", f"its mediaType is {claimed}")
    return Document(media_type=media_type, body=body)


async def _get_blob(exchange: Exchange, name: str, digest: str) -> Response:
    if exchange.method not in {"GET", "HEAD"}:
        _refuse_method(exchange, "blobs come in by an upload")

    def act(_: Verdict) -> Document:
        document = exchange.world.registry.blob(name, digest)
        if document is None:
            raise _error(404, "BLOB_UNKNOWN", "blob unknown to registry", digest)
        return document

    subject = f"{name}:{digest}"
    document = await exchange.perform(Service.REGISTRY, "blob", subject, act=act)
    headers = {
        "content-type": "application/octet-stream",
        "content-length": str(len(document.body)),
        "docker-content-digest": document.digest,
    }
    return Response(body=document.body, headers=headers)


async def _list_tags(exchange: Exchange, name: str) -> Response:
    def act(verdict: Verdict) -> list[str]:
        tags = exchange.world.registry.tags(name)
        if tags is None:
            raise _error(404, "NAME_UNKNOWN", "repository name not known", {"name": name})
        return list(tags[: verdict.page_max])

    tags = await exchange.perform(Service.REGISTRY, "tags", name, act=act)
    return json_response({"name": name, "tags": tags})


def _accepted(exchange: Exchange) -> frozenset[str]:
    """The types that the client accepts; wildcards count for nothing, as with distribution."""
    listed = exchange.headers.get("accept", "").split(",")
    return frozenset(one.partition(";")[0].strip() for one in listed)


def _refuse_method(exchange: Exchange, why: str) -> NoReturn:
    code = "DIGEST_INVALID" if exchange.method == "DELETE" else "UNSUPPORTED"
    raise _error(400 if exchange.method == "DELETE" else 405, code, why, {})


def _error(status: int, code: str, message: str, detail: object) -> Refusal:
    return Refusal(status, {"errors": [{"code": code, "message": message, "detail": detail}]})
