"""Images as bytes, small and written oddly, so that whoever parses and writes them again is caught.

This module must not send anything.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from release.core.values import Digest

__all__ = ["Blob", "Index", "PushedImage", "blob", "image", "index"]

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Some content and its digest."""

    body: bytes
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedImage:
    """The manifest of one image and the blobs that it names."""

    manifest: Blob
    config: Blob
    layer: Blob
    content_type: str = _MANIFEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A list of images for several architectures."""

    manifest: Blob
    images: tuple[PushedImage, ...]
    content_type: str = _INDEX


def blob(body: bytes) -> Blob:
    """Some content with its digest."""
    return Blob(body=body, digest=Digest(f"sha256:{sha256(body).hexdigest()}"))


def image(name: str, *, labels: Mapping[str, str] | None = None) -> PushedImage:
    """An image of one layer that holds its name; its manifest has odd spaces and no mediaType."""
    config = blob(json.dumps({"config": {"Labels": labels}, "name": name}).encode())
    layer = blob(f"layer of {name}".encode())
    manifest = {
        "schemaVersion": 2,
        "config": _descriptor(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [_descriptor(layer, "application/vnd.oci.image.layer.v1.tar")],
    }
    odd = json.dumps(manifest, indent=3, separators=(" ,", " :  ")) + "\n\n"
    return PushedImage(manifest=blob(odd.encode()), config=config, layer=layer)


def index(*images: PushedImage) -> Index:
    """A list of the images, written with odd spaces and no mediaType."""
    listed = [_descriptor(one.manifest, one.content_type) for one in images]
    odd = json.dumps({"schemaVersion": 2, "manifests": listed}, indent=5) + " \n\n "
    return Index(manifest=blob(odd.encode()), images=images)


def _descriptor(content: Blob, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "size": len(content.body), "digest": str(content.digest)}
