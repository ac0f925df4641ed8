"""Builds the images of a release: tiny, but real documents with real digests.

This module must not store them.
"""

import hashlib
import json
from dataclasses import dataclass

__all__ = [
    "CONFIG_TYPE",
    "INDEX_TYPE",
    "MANIFEST_TYPE",
    "REVISION_LABEL",
    "Document",
    "build_image",
    "digest_of",
]

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
REVISION_LABEL = "headway.revision"
"""The label by which an image names its own release; base images leak the usual one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Bytes in a registry, by their digest."""

    media_type: str
    body: bytes

    @property
    def digest(self) -> str:
        """`sha256:` and the digest of the bytes."""
        return digest_of(self.body)

    @property
    def is_manifest(self) -> bool:
        """Whether it is stored as a manifest, not as a blob."""
        return self.media_type in {MANIFEST_TYPE, INDEX_TYPE}


def digest_of(body: bytes) -> str:
    """The digest of some bytes, as a registry writes it."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def build_image(
    sha: str | None, repository: str, *, tag: str = "", is_index: bool = False
) -> tuple[Document, ...]:
    """Builds config, manifest and, where asked for, an index over it; the last one is the image.

    The same release gets another digest in each repository, and under each tag. sha: None leaves
    our label out.
    """
    labels = {} if sha is None else {REVISION_LABEL: sha}
    config = _document(
        CONFIG_TYPE,
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": {**labels, "headway.name": f"{repository}:{tag}"}},
            "rootfs": {"type": "layers", "diff_ids": []},
        },
    )
    manifest = _document(
        MANIFEST_TYPE,
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor(config),
            "layers": [],
        },
    )
    if not is_index:
        return config, manifest
    entry = _descriptor(manifest) | {"platform": {"architecture": "amd64", "os": "linux"}}
    index = _document(INDEX_TYPE, {"schemaVersion": 2, "manifests": [entry]})
    return config, manifest, index


def _document(media_type: str, content: dict[str, object]) -> Document:
    # The odd indent and the newline at the end are there on purpose: who parses and writes a
    # manifest again, instead of passing its bytes on, ends up with another digest.
    return Document(media_type=media_type, body=json.dumps(content, indent=3).encode() + b"\n")


def _descriptor(document: Document) -> dict[str, object]:
    return {
        "mediaType": document.media_type,
        "digest": document.digest,
        "size": len(document.body),
    }
