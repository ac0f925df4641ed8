"""What an image manifest or index is, byte for byte, and what it says of itself.

This module must not fetch anything, and never writes a manifest anew: its digest would change.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from release.core.values import Digest
from release.errors import Invalid

__all__ = ["ACCEPT", "MEDIA_TYPES", "REVISION_LABEL", "Manifest", "label_in"]

MEDIA_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
ACCEPT = ", ".join(MEDIA_TYPES)
"""All four, always: a registry answers 404, or another manifest, where a type is missing."""

REVISION_LABEL = "headway.revision"
"""Our own, as `org.opencontainers.image.revision` leaks into images from the base they build on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest or index as a registry gave it.

    content_type: as the registry said it, for the manifest itself need not.
    """

    digest: Digest
    content_type: str
    body: bytes

    def annotation(self) -> str | None:
        """Our label among its annotations, else among those of what it lists."""
        document = _parse(self.body)
        for holder in (document, *_children(document)):
            if text := _text(holder.get("annotations")):
                return text
        return None

    def first_child(self) -> Digest | None:
        """The first image that an index lists; None for an image.

        Attestations, which builders list beside the images, have the architecture `unknown`.
        """
        children = tuple(_children(_parse(self.body)))
        images = (child for child in children if not _is_attestation(child))
        return _digest(next(images, None) or next(iter(children), None))

    def config(self) -> Digest | None:
        """The blob that holds an image's labels."""
        return _digest(_parse(self.body).get("config"))


def label_in(config: bytes) -> str | None:
    """Our label in the config blob of an image."""
    inner = _parse(config).get("config")
    return _text(inner.get("Labels")) if isinstance(inner, Mapping) else None


def _parse(content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _children(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    listed = document.get("manifests")
    if isinstance(listed, list):
        yield from (child for child in listed if isinstance(child, dict))


def _is_attestation(child: Mapping[str, Any]) -> bool:
    platform = child.get("platform")
    return isinstance(platform, dict) and platform.get("architecture") == "unknown"


def _text(labels: object) -> str | None:
    text = labels.get(REVISION_LABEL) if isinstance(labels, Mapping) else None
    return text if isinstance(text, str) else None


def _digest(descriptor: object) -> Digest | None:
    text = descriptor.get("digest") if isinstance(descriptor, Mapping) else None
    try:
        return Digest(text) if isinstance(text, str) else None
    except Invalid:
        return None
