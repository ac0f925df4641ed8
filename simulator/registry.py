"""The registry's state: manifests and blobs by digest, tags and every move of a tag.

This module must not speak HTTP; the registry app and the direct port do.
"""

import json
import re
from dataclasses import dataclass, field

from release.errors import Invalid
from simulator.cells import Cell
from simulator.clock import WorldClock
from simulator.faults import Verdict
from simulator.happenings import Kind, Log
from simulator.images import INDEX_TYPE, REVISION_LABEL, Document, build_image, digest_of
from simulator.landings import Landings
from simulator.wire import Refusal

__all__ = ["RegistryState", "Repository"]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(slots=True)
class Repository:
    """What one repository holds."""

    manifests: dict[str, Document] = field(default_factory=dict)
    blobs: dict[str, Document] = field(default_factory=dict)
    tags: dict[str, Cell[str | None]] = field(default_factory=dict)


class RegistryState:
    """Repositories by name; a tag that was never written is absent, as is its repository."""

    def __init__(self, clock: WorldClock, log: Log, landings: Landings) -> None:
        self.repositories: dict[str, Repository] = {}
        self._clock = clock
        self._landings = landings
        self._log = log

    def publish(self, repository: str, tag: str, sha: str | None, *, is_index: bool = False) -> str:
        """Puts the image of a release in and tags it, as its build does; returns the digest.

        sha: None builds an image without our label.
        """
        documents = build_image(sha, repository, tag=tag, is_index=is_index)
        for document in documents:
            self.store(repository, document)
        digest = documents[-1].digest
        self._tag(self.repositories[repository], tag, digest)
        self._log.note(Kind.PUBLISHED, f"{repository}:{tag}", after=sha, note=digest)
        return digest

    def find(self, repository: str, reference: str, *, stale_s: float = 0.0) -> Document | None:
        """The manifest that a tag or digest names, or named `stale_s` ago."""
        stored = self.repositories.get(repository)
        if stored is None:
            return None
        if reference.startswith("sha256:"):
            return stored.manifests.get(reference)
        cell = stored.tags.get(reference)
        digest = cell.at(self._clock.reading_s() - stale_s) if cell else None
        return stored.manifests.get(digest) if digest else None

    def blob(self, repository: str, digest: str) -> Document | None:
        """A blob by its digest."""
        stored = self.repositories.get(repository)
        return stored.blobs.get(digest) if stored else None

    def revision(self, repository: str, reference: str) -> str | None:
        """The release that the image's own label names; of an index, its first image's."""
        document = self.find(repository, reference)
        if document is None:
            return None
        content = json.loads(document.body)
        if document.media_type == INDEX_TYPE:
            return self.revision(repository, content["manifests"][0]["digest"])
        config = self.blob(repository, content.get("config", {}).get("digest", ""))
        labels = json.loads(config.body)["config"].get("Labels") or {} if config else {}
        found = labels.get(REVISION_LABEL)
        return found if isinstance(found, str) else None

    def put(
        self, repository: str, reference: str, document: Document, *, actor: str, verdict: Verdict
    ) -> str:
        """Stores a manifest and, where the reference is a tag, moves the tag; returns the digest.

        Raises Refusal for a digest that does not fit and for parts that are not there.
        """
        if reference.startswith("sha256:") and reference != digest_of(document.body):
            raise _error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        stored = self.repositories.get(repository) or Repository()
        missing = _missing_parts(stored, document)
        if missing:
            raise _error(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", missing)
        if not verdict.has_effect:
            return document.digest

        def land() -> None:
            home = self.repositories.setdefault(repository, Repository())
            home.manifests[document.digest] = document
            if not _DIGEST.fullmatch(reference):
                self._point(repository, reference, document.digest, actor)

        self._landings.add(verdict.late_s, land)
        if verdict.twice_s is not None:
            self._landings.add(verdict.twice_s, land)
        return document.digest

    def store(self, repository: str, document: Document) -> None:
        """Takes a document as it is, in the shelf that its type belongs to."""
        stored = self.repositories.setdefault(repository, Repository())
        shelf = stored.manifests if document.is_manifest else stored.blobs
        shelf[document.digest] = document

    def restore_tag(self, repository: str, tag: str, digest: str) -> None:
        """Lets a tag name again what it named before a restart; nothing happens by that."""
        self._tag(self.repositories.setdefault(repository, Repository()), tag, digest)

    def tags(self, repository: str) -> tuple[str, ...] | None:
        """The tags of a repository in the order of their first write; None when it is unknown."""
        stored = self.repositories.get(repository)
        return tuple(stored.tags) if stored else None

    def plain(self) -> dict[str, dict[str, dict[str, str | None]]]:
        """Every tag, with digest and release, as JSON values."""
        return {
            name: {
                tag: {"digest": cell.value, "sha": self.revision(name, tag)}
                for tag, cell in stored.tags.items()
            }
            for name, stored in self.repositories.items()
        }

    def retag(self, repository: str, tag: str, reference: str, *, actor: str = "operator") -> None:
        """Moves a tag behind everybody's back; raises Invalid when there is no such manifest."""
        document = self.find(repository, reference)
        if document is None:
            raise Invalid("no such manifest", on=f"{repository}:{reference}")
        self._point(repository, tag, document.digest, actor)

    def _point(self, repository: str, tag: str, digest: str, actor: str) -> None:
        before = self.revision(repository, tag)
        self._tag(self.repositories[repository], tag, digest)
        self._log.note(
            Kind.POINTED,
            f"{repository}:{tag}",
            actor=actor,
            before=before,
            after=self.revision(repository, digest),
            note=digest,
        )

    def _tag(self, stored: Repository, tag: str, digest: str) -> None:
        if tag not in stored.tags:
            stored.tags[tag] = Cell(None)
        stored.tags[tag].write(digest, self._clock.reading_s())


def _missing_parts(stored: Repository, document: Document) -> list[str]:
    try:
        content = json.loads(document.body)
        parts = [one["digest"] for one in content.get("manifests", [])]
        blobs = [content["config"]["digest"]] if "config" in content else []
        blobs += [one["digest"] for one in content.get("layers", [])]
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise _error(400, "MANIFEST_INVALID", f"manifest invalid: {exc}") from exc
    missing = [digest for digest in parts if digest not in stored.manifests]
    return missing + [digest for digest in blobs if digest not in stored.blobs]


def _error(status: int, code: str, message: str, missing: list[str] | None = None) -> Refusal:
    details: list[dict[str, object]] = [{"digest": digest} for digest in missing or []]
    errors = [{"code": code, "message": message, "detail": one} for one in details or [{}]]
    return Refusal(status, {"errors": errors})
