"""The registry as a process: what it holds outlives it, as a restarted registry's does.

This module must not know who publishes or promotes.
"""

import base64
from typing import Any

from simulator.apps.exchange import Exchange, Response
from simulator.containers.service import Program, Service
from simulator.happenings import Happening, Kind
from simulator.images import Document

__all__ = ["RegistryProgram", "make"]

_STATE = "registry"


class RegistryProgram:
    """Keeps every document and tag in its folder, and brings them back."""

    paths = frozenset({"v2", "token"})
    git = None

    def __init__(self, service: Service) -> None:
        self._service = service
        self._registry = service.world.registry

    async def begin(self) -> None:
        """Brings back what was kept, and keeps what changes."""
        kept = self._service.keeping.read(_STATE)
        for name, stored in (kept or {}).items():
            for one in stored["documents"]:
                body = base64.b64decode(one["body"])
                self._registry.store(name, Document(media_type=one["media_type"], body=body))
            for tag, digest in stored["tags"].items():
                self._registry.restore_tag(name, tag, digest)
        self._service.world.log.subscribe(self._keep)

    async def answer(self, exchange: Exchange) -> Response | None:
        """Leaves everything to the registry's face."""
        del exchange
        return None

    def _keep(self, happening: Happening) -> None:
        if happening.kind in {Kind.POINTED, Kind.PUBLISHED}:
            self._service.keeping.write(_STATE, self._plain())

    def _plain(self) -> dict[str, Any]:
        return {
            name: {
                "documents": [
                    {
                        "media_type": one.media_type,
                        "body": base64.b64encode(one.body).decode(),
                    }
                    for one in (*stored.blobs.values(), *stored.manifests.values())
                ],
                "tags": {tag: cell.value for tag, cell in stored.tags.items()},
            }
            for name, stored in self._registry.repositories.items()
        }


def make(service: Service) -> Program:
    """Makes the program of this service."""
    return RegistryProgram(service)
