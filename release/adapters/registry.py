"""Speaks to one OCI registry: which manifest a tag names, whose it is, and moving a tag to another.

It must not decide whether a pointer may move, nor read back what it wrote: whoever calls does.

No registry offers a compare-and-swap on tags: preconditions such as If-Match are ignored, and of
two writers who each write and read back, both can see their own. A pointer is therefore safe only
while its writers are serialised by the ledger, and reading back is a tripwire, no lock.
"""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import urljoin, urlsplit

from release.adapters.http import Http, HttpPool, Reply, refused
from release.adapters.in_flight import InFlight
from release.adapters.manifest import ACCEPT, MEDIA_TYPES, Manifest, label_in
from release.adapters.registry_auth import Credentials, RegistryAuth, is_trusted_target
from release.core.values import Digest, Pointer, Secret, Sha
from release.errors import Invalid, Refused, Unavailable

__all__ = ["OciRegistry"]

# The grammar of the distribution specification, stricter than what reads well: `a/../b` is none.
_NAME_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_NAME_PART}(?:/{_NAME_PART})*")
_REFERENCE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|sha256:[0-9a-f]{64}")

_UNAUTHORIZED, _NOT_FOUND = 401, 404
_MANIFEST_ABSENT = frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN"})
_BLOB_ABSENT = frozenset({"BLOB_UNKNOWN", "NAME_UNKNOWN"})
_NOT_ACCEPTED = "accept header"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECTS_MAX = 3
_NESTING_MAX = 3

_ADVICE = {
    401: "Check registry.username, or docker's configuration: the account may not do this here",
    403: "Do not retry; check that the account may push to this repository",
    404: "Do not retry; push the image to this repository first",
    405: "Do not retry; the registry takes no writes here",
    409: "Do not retry; the tag is immutable there, allow it to move",
    412: "Do not retry; the tag is immutable there, allow it to move",
}
_ADVICE_BY_CODE = {
    "TAG_INVALID": _ADVICE[412],
    "MANIFEST_BLOB_UNKNOWN": _ADVICE[404],
    "DENIED": _ADVICE[403],
}


class OciRegistry:
    """The Registry port on the OCI distribution protocol; one instance serves all repositories.

    Manifests are moved by their digest and as the bytes that they are: parsing and writing them
    again would change the digest. Absence is believed only from the registry's own error code; a
    5xx, a proxy's page or a refusal is never taken for it.

    base_url: scheme, host and port, without `/v2`; Invalid is raised for one that must not be used.
    send_within_s: how long `point` may read and log in before it writes. A write that began later
        could take effect after the bound of its intent, which counts from before the call; so it
        is given up instead. write_within_s: how long the answer to the write may take. Both
        together must stay below that bound.
    """

    def __init__(
        self,
        pool: HttpPool,
        base_url: str,
        *,
        credentials: Credentials | None = None,
        send_within_s: float = 20.0,
        write_within_s: float = 30.0,
    ) -> None:
        self._pool = pool
        self._base_url = base_url
        self._service = f"registry {urlsplit(base_url).netloc}"
        self._http = Http(pool, self._service, base_url)
        self._auth = RegistryAuth(pool, base_url, credentials=credentials)
        self._send_within_s, self._write_within_s = send_within_s, write_within_s
        self._in_flight: InFlight[bool] = InFlight()

    async def resolve(self, repository: str, reference: str) -> Digest | None:
        """Reads which manifest a tag or digest names; None only when the registry says absent.

        Safe to repeat. Raises Unavailable, also for an answer that is no manifest or does not
        match its digest; Refused; Invalid for a name that no registry can hold.
        """
        manifest = await self._manifest(repository, reference)
        return manifest.digest if manifest else None

    async def revision(self, repository: str, digest: Digest) -> Sha | None:
        """Reads the release that `headway.revision` names, an annotation or a label of the config.

        The manifest's own annotations come first; an index is followed to its first image. None
        when there is none, or it is no full commit id. Safe to repeat. Raises as `resolve` does.
        """
        manifest = await self._manifest(repository, digest.value)
        for _ in range(_NESTING_MAX):
            if manifest is None:
                return None
            if text := manifest.annotation():
                return _as_sha(text)
            child = manifest.first_child()
            if child is None:
                config = manifest.config()
                blob = await self._blob(repository, config) if config else None
                return _as_sha(label_in(blob)) if blob else None
            manifest = await self._manifest(repository, child.value)
        return None

    async def point(self, pointer: Pointer, digest: Digest) -> None:
        """Moves the pointer to a manifest of the same repository. An EFFECT: sent at most once.

        Writes nothing when the pointer is right already, which also spares a repository of
        immutable tags. Sent again only after a 401, behind which nothing was changed. Reading back
        is the caller's.

        Raises:
            Refused: nothing was changed, and repeating it would not help.
            OutcomeUnknown: it was sent; it may take effect, now or later.
            Unavailable: nothing was written, or it was turned away for sending too much.
        """
        await self._in_flight.send(self._point(pointer, digest))

    async def late_answer(self, within_s: float) -> bool:
        """Waits for the answer to a move whose wait was cancelled; see `ports.Registry`."""
        return await self._in_flight.late_answer(within_s) or False

    async def _point(self, pointer: Pointer, digest: Digest) -> bool:
        send_by_s = await self._pool.clock.now_s() + self._send_within_s
        manifest = await self._manifest(pointer.repository, digest.value)
        if manifest is None:
            raise Refused(
                "holds no such manifest",
                on=f"{self._service} {pointer.repository}",
                seen=f"absent: {digest}",
                safe=f"{pointer} was not touched",
                advice=_ADVICE[404],
            )
        current = await self._manifest(pointer.repository, pointer.tag)
        if current is not None and current.digest == digest:
            return True
        reply = await self._put(pointer, manifest, send_by_s=send_by_s)
        if not 200 <= reply.status < 300:  # noqa: PLR2004 - the range of success
            raise refused(self._service, reply, advice=_advice(reply))
        return True

    async def _put(self, pointer: Pointer, manifest: Manifest, *, send_by_s: float) -> Reply:
        authorization = await self._auth.authorization(pointer.repository)
        reply = await self._put_once(pointer, manifest, authorization, send_by_s=send_by_s)
        if reply.status != _UNAUTHORIZED:
            return reply
        earned = await self._auth.answer(pointer.repository, reply)
        if earned == authorization:
            return reply
        return await self._put_once(pointer, manifest, earned, send_by_s=send_by_s)

    async def _put_once(
        self,
        pointer: Pointer,
        manifest: Manifest,
        authorization: Secret | None,
        *,
        send_by_s: float,
    ) -> Reply:
        if await self._pool.clock.now_s() > send_by_s:
            raise Unavailable(
                "took too long to get ready to move the pointer",
                on=f"{self._service} {pointer}",
                expected=f"within {self._send_within_s} s",
                safe="nothing was sent, as it could have landed after its bound",
            )
        return await self._http.effect(
            "PUT",
            _path(pointer.repository, "manifests", pointer.tag),
            headers={"content-type": manifest.content_type, **_with(authorization)},
            content=manifest.body,
            timeout_s=self._write_within_s,
        )

    async def _manifest(self, repository: str, reference: str) -> Manifest | None:
        reply = await self._read(repository, _path(repository, "manifests", reference))
        if _is_absent(reply, _MANIFEST_ABSENT):
            return None
        if reply.status != 200:  # noqa: PLR2004 - the HTTP status
            raise refused(self._service, reply, advice=_read_advice(reply))
        content_type = reply.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() not in MEDIA_TYPES:
            raise self._unusable(reply, content_type or "no content type", "an image manifest")
        digest = _digest_of(reply.body)
        named = reference if reference.startswith("sha256:") else str(digest)
        for claimed in (reply.headers.get("docker-content-digest") or named, named):
            if claimed != str(digest):
                raise self._unusable(reply, f"content of {digest}", claimed)
        return Manifest(digest=digest, content_type=content_type, body=reply.body)

    async def _blob(self, repository: str, digest: Digest) -> bytes | None:
        reply = await self._read(repository, _path(repository, "blobs", digest.value))
        for _ in range(_REDIRECTS_MAX):
            if reply.status not in _REDIRECTS:
                break
            reply = await self._follow(reply)
        if _is_absent(reply, _BLOB_ABSENT):
            return None
        if reply.status != 200:  # noqa: PLR2004 - the HTTP status
            raise refused(self._service, reply, advice=_read_advice(reply))
        if _digest_of(reply.body) != digest:
            raise self._unusable(reply, f"content of {_digest_of(reply.body)}", str(digest))
        return reply.body

    async def _follow(self, reply: Reply) -> Reply:
        """Reads a blob where the registry keeps it, without any of our credentials."""
        try:
            target = urljoin(reply.url, reply.headers.get("location", ""))
        except ValueError:
            target = ""
        if not is_trusted_target(self._base_url, target):
            raise refused(self._service, reply, advice="Its redirect leads to no trusted place")
        address = target.partition("?")[0]  # Its query is often a signature.
        return await Http(self._pool, f"storage of {self._service}", address).read(target)

    async def _read(self, repository: str, path: str) -> Reply:
        authorization = await self._auth.authorization(repository)
        reply = await self._http.read(path, headers={"accept": ACCEPT, **_with(authorization)})
        if reply.status != _UNAUTHORIZED:
            return reply
        earned = await self._auth.answer(repository, reply)
        if earned == authorization:
            return reply
        return await self._http.read(path, headers={"accept": ACCEPT, **_with(earned)})

    def _unusable(self, reply: Reply, seen: str, expected: str) -> Unavailable:
        return Unavailable(
            "answered something else than was asked for",
            on=f"{self._service} {reply.url}",
            seen=seen,
            expected=expected,
            safe="nothing was changed",
        )


def _path(repository: str, kind: str, reference: str) -> str:
    """The path of a manifest or blob; a name that is none must not reach another path."""
    if not _REPOSITORY.fullmatch(repository):
        raise Invalid("not a repository", on=repr(repository)[:160], expected="like acme/app")
    if not _REFERENCE.fullmatch(reference):
        raise Invalid(
            "not a tag or digest", on=repr(reference)[:160], expected="like v1 or sha256:…"
        )
    return f"/v2/{repository}/{kind}/{reference}"


def _with(authorization: Secret | None) -> Mapping[str, Secret]:
    return {"authorization": authorization} if authorization else {}


def _digest_of(content: bytes) -> Digest:
    return Digest(f"sha256:{sha256(content).hexdigest()}")


def _as_sha(text: str | None) -> Sha | None:
    try:
        return Sha(text) if text else None
    except Invalid:
        return None


def _errors_in(reply: Reply) -> tuple[tuple[str, str], ...]:
    """The code and message of each error that a registry lists; none when it is not its own."""
    try:
        said = json.loads(reply.body)
        return tuple((str(e["code"]), str(e.get("message", ""))) for e in said["errors"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()


def _is_absent(reply: Reply, codes: frozenset[str]) -> bool:
    """Whether the registry itself says that it holds no such thing.

    A 404 about the Accept header has the same code, but the manifest is there.
    """
    errors = _errors_in(reply) if reply.status == _NOT_FOUND else ()
    return bool(errors) and all(
        code in codes and _NOT_ACCEPTED not in message for code, message in errors
    )


def _read_advice(reply: Reply) -> str:
    if reply.status == _NOT_FOUND:
        return "Check the repository's name and the registry's address; absence was not proven"
    return _ADVICE[401] if reply.status in {401, 403} else ""


def _advice(reply: Reply) -> str:
    codes = (code for code, _ in _errors_in(reply))
    by_code = next((_ADVICE_BY_CODE[code] for code in codes if code in _ADVICE_BY_CODE), "")
    return by_code or _ADVICE.get(reply.status, "Do not retry; the registry will not take it")
