"""Starts a real registry, distribution's `docker-registry`, on loopback and pushes images to it.

This module must not use the adapter that it helps to test.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from release.core.values import Digest
from tests.support.images import Blob, Index, PushedImage

__all__ = ["DistributionServer", "distribution", "is_installed"]

_PROGRAM = "docker-registry"
_LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")
_TRIES_MAX = 500
_TRY_S = 0.02

Headers = Callable[[str], Mapping[str, str]]


def is_installed() -> bool:
    """Whether this machine has the registry."""
    return shutil.which(_PROGRAM) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionServer:
    """A registry that listens, and its storage.

    headers: what a pusher sends to be let in, for each repository.
    """

    url: str
    storage: Path
    client: httpx.Client
    headers: Headers

    def push(self, repository: str, tag: str, pushed: PushedImage | Index) -> Digest:
        """Pushes an image, or an index with its images, as a builder would."""
        for one in pushed.images if isinstance(pushed, Index) else (pushed,):
            self._upload(repository, one.config)
            self._upload(repository, one.layer)
            self._put(repository, str(one.manifest.digest), one)
        self._put(repository, tag, pushed)
        return pushed.manifest.digest

    def tag_link(self, repository: str, tag: str) -> Path:
        """The file that a write of the tag writes."""
        tags = self.storage / "docker/registry/v2/repositories" / repository / "_manifests/tags"
        return tags / tag / "current/link"

    def raw(self, repository: str, tag: str, *, accept: str) -> bytes:
        """What the registry holds under the tag, byte for byte."""
        headers = {**self.headers(repository), "accept": accept}
        reply = self.client.get(f"/v2/{repository}/manifests/{tag}", headers=headers)
        return reply.raise_for_status().content

    def _upload(self, repository: str, content: Blob) -> None:
        headers = self.headers(repository)
        begun = self.client.post(f"/v2/{repository}/blobs/uploads/", headers=headers)
        place = httpx.URL(begun.raise_for_status().headers["location"])
        done = self.client.put(
            place.copy_merge_params({"digest": str(content.digest)}),
            headers={**headers, "content-type": "application/octet-stream"},
            content=content.body,
        )
        done.raise_for_status()

    def _put(self, repository: str, reference: str, pushed: PushedImage | Index) -> None:
        done = self.client.put(
            f"/v2/{repository}/manifests/{reference}",
            headers={**self.headers(repository), "content-type": pushed.content_type},
            content=pushed.manifest.body,
        )
        done.raise_for_status()


@contextmanager
def distribution(
    folder: Path,
    *,
    auth: Mapping[str, object] | None = None,
    headers: Headers = lambda _repository: {},
) -> Iterator[DistributionServer]:
    """Runs a registry that keeps everything in `folder`; `auth` is that part of its own config."""
    storage = folder / "storage"
    config = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(storage)}},
        "http": {"addr": "127.0.0.1:0", "secret": "of-the-tests"},
        **({"auth": auth} if auth else {}),
    }
    written, log = folder / "config.json", folder / "registry.log"
    written.write_text(json.dumps(config))  # YAML takes JSON.
    with log.open("wb") as output:
        process = subprocess.Popen([_PROGRAM, "serve", written], stdout=output, stderr=output)
    try:
        url = f"http://127.0.0.1:{_wait_for_port(process, log)}"
        with httpx.Client(base_url=url, trust_env=False) as client:
            yield DistributionServer(url=url, storage=storage, client=client, headers=headers)
    finally:
        process.terminate()
        process.wait()


def _wait_for_port(process: "subprocess.Popen[bytes]", log: Path) -> int:
    """Waits, a bounded number of times, until the registry says on which port it listens."""
    for _ in range(_TRIES_MAX):
        if found := _LISTENING.search(log.read_text()):
            return int(found[1])
        try:
            process.wait(_TRY_S)
        except subprocess.TimeoutExpired:
            continue
        break
    message = f"{_PROGRAM} does not listen: {log.read_text()[-2000:]}"
    raise RuntimeError(message)
