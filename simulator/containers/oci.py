"""A small client of the OCI distribution API: what a release's images are read and published by.

It works on any registry that keeps to the API, so that a real one may take the place of the
simulated one. This module must not know what a release is, beyond the label that names it.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin

from release.errors import HeadwayError, Invalid, Unavailable
from simulator.containers.caller import Reply, ask
from simulator.images import INDEX_TYPE, MANIFEST_TYPE, REVISION_LABEL, Document, digest_of

__all__ = ["OciClient", "Pointed"]

_TYPES = (
    INDEX_TYPE,
    MANIFEST_TYPE,
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ASKED = frozenset({"scope", "service"})
_UNAUTHORIZED = 401
_NOT_FOUND = 404
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointed:
    """What a tag names: the digest of its manifest, and the release that its label tells."""

    digest: str
    sha: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OciClient:
    """Asks one registry, with a password where it wants one."""

    url: str
    user: str
    password: str

    async def find(self, repository: str, reference: str) -> Pointed | None:
        """What a tag or digest names; None when there is no such thing. Raises Unavailable."""
        reply = await self._ask("GET", f"/v2/{repository}/manifests/{reference}")
        if reply.status == _NOT_FOUND:
            return None
        digest = digest_of(_body_of(reply, reference))
        content = reply.json()
        while "manifests" in content:
            first = content["manifests"][0]["digest"]
            content = (await self._read(f"/v2/{repository}/manifests/{first}")).json()
        blob = content["config"]["digest"]
        config = (await self._read(f"/v2/{repository}/blobs/{blob}")).json()
        labels = config.get("config", {}).get("Labels") or {}
        return Pointed(digest=digest, sha=labels.get(REVISION_LABEL))

    async def tags(self, repository: str) -> Sequence[str]:
        """The tags of a repository; none when it is unknown. Raises Unavailable."""
        reply = await self._ask("GET", f"/v2/{repository}/tags/list")
        return () if reply.status == _NOT_FOUND else tuple(reply.json().get("tags") or ())

    async def publish(self, repository: str, tag: str, documents: Sequence[Document]) -> None:
        """Puts an image there, the last document being what the tag is to name; safe to repeat.

        Raises Unavailable when the registry does not take it.
        """
        for document in documents:
            if not document.is_manifest:
                await self._put_blob(repository, document)
        for document in documents:
            if document.is_manifest:
                name = tag if document is documents[-1] else document.digest
                await self.point(repository, name, document)

    async def point(self, repository: str, reference: str, document: Document) -> None:
        """Stores a manifest under a tag or its digest. Raises Unavailable."""
        path = f"/v2/{repository}/manifests/{reference}"
        headers = {"content-type": document.media_type}
        reply = await self._ask("PUT", path, body=document.body, headers=headers)
        if not reply.is_ok:
            raise Unavailable("was not taken", on=path, seen=f"HTTP {reply.status}")

    async def retag(self, repository: str, tag: str, reference: str) -> None:
        """Makes a tag name what another tag or a digest names; raises Invalid without that."""
        reply = await self._ask("GET", f"/v2/{repository}/manifests/{reference}")
        if not reply.is_ok:
            raise Invalid("no such manifest", on=f"{repository}:{reference}")
        kind = reply.headers.get("content-type", MANIFEST_TYPE)
        await self.point(repository, tag, Document(media_type=kind, body=reply.body))

    async def _put_blob(self, repository: str, document: Document) -> None:
        path = f"/v2/{repository}/blobs/{document.digest}"
        if (await self._ask("HEAD", path)).is_ok:
            return
        begun = await self._ask("POST", f"/v2/{repository}/blobs/uploads/")
        place = urljoin(f"{self.url}/", begun.headers.get("location", ""))
        mark = "&" if "?" in place else "?"
        target = f"{place}{mark}{urlencode({'digest': document.digest})}".removeprefix(self.url)
        headers = {"content-type": "application/octet-stream"}
        reply = await self._ask("PUT", target, body=document.body, headers=headers)
        if not reply.is_ok:
            raise Unavailable("was not taken", on=path, seen=f"HTTP {reply.status}")

    async def _read(self, path: str) -> Reply:
        reply = await self._ask("GET", path)
        if not reply.is_ok:
            raise Unavailable("could not be read", on=path, seen=f"HTTP {reply.status}")
        return reply

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Asks, and once more with what the registry wants to see of whoever asks."""
        given = {"accept": ", ".join(_TYPES), **(headers or {})}
        try:
            reply = await ask(method, self.url + path, body=body, headers=given)
            if reply.status == _UNAUTHORIZED:
                login = await self._login(reply.headers.get("www-authenticate", ""))
                given |= {"authorization": login}
                reply = await ask(method, self.url + path, body=body, headers=given)
        except HeadwayError as exc:
            raise Unavailable("did not answer", on="the registry", seen=str(exc)) from exc
        return reply

    async def _login(self, challenge: str) -> str:
        basic = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if not challenge.lower().startswith("bearer"):
            return f"Basic {basic}"
        words: dict[str, str] = dict(_PARAMETER.findall(challenge))
        query = urlencode([(name, words[name]) for name in words if name in _ASKED])
        # The realm says how the registry calls itself, which is not how it is called from here.
        reply = await ask(
            "GET", f"{self.url}/token?{query}", headers={"authorization": f"Basic {basic}"}
        )
        return f"Bearer {reply.json()['token']}"


def _body_of(reply: Reply, reference: str) -> bytes:
    if not reply.is_ok:
        raise Unavailable("could not be read", on=reference, seen=f"HTTP {reply.status}")
    try:
        json.loads(reply.body)
    except ValueError as exc:
        raise Unavailable("is not a manifest", on=reference) from exc
    return reply.body
