"""A real registry with a password, and images pushed to it by the standard library alone.

This module must not use anything of Headway, nor an HTTP library that it uses.
"""

import base64
import json
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from hashlib import sha256
from pathlib import Path
from typing import Any

__all__ = ["RealRegistry"]

USERNAME, PASSWORD = "robot", "correct horse"
_HTPASSWD = f"{USERNAME}:$2y$05$eImiTXuWVxfM37uY4JANjOYDw9oK5dyrLde07/2yHpj1o4aDBdPG6\n"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_LISTENING = b"listening on 127.0.0.1:"


class RealRegistry:
    """Debian's `docker-registry` on loopback, with basic auth; everything is kept in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "htpasswd").write_text(_HTPASSWD)
        self._port = 0
        self._process = self._start()

    @staticmethod
    def is_installed() -> bool:
        """Whether this machine has one."""
        return shutil.which("docker-registry") is not None

    @property
    def url(self) -> str:
        """Where it listens; the same after a restart."""
        return f"http://127.0.0.1:{self._port}"

    def _start(self) -> "subprocess.Popen[bytes]":
        config: dict[str, Any] = {
            "version": "0.1",
            "storage": {"filesystem": {"rootdirectory": str(self._folder / "storage")}},
            "http": {"addr": f"127.0.0.1:{self._port}", "secret": "of-the-tests"},
            "auth": {"htpasswd": {"realm": "real", "path": str(self._folder / "htpasswd")}},
        }
        path = self._folder / "config.json"
        path.write_text(json.dumps(config))
        process = subprocess.Popen(
            ["docker-registry", "serve", path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        assert process.stderr is not None
        for line in process.stderr:
            if _LISTENING in line:
                self._port = int(line.partition(_LISTENING)[2].split(b'"')[0].split()[0])
                break
        # Whoever does not read the log would block the registry once the pipe is full.
        self._drain = threading.Thread(target=process.stderr.read, daemon=True)
        self._drain.start()
        return process

    def stop(self) -> None:
        """Ends it; what was pushed stays in the folder."""
        self._process.terminate()
        self._process.wait()
        self._drain.join()
        assert self._process.stderr is not None
        self._process.stderr.close()

    def restart(self) -> None:
        """Starts it anew on the same port."""
        self._process = self._start()

    def request(
        self, method: str, path: str, body: bytes | None = None, kind: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        """Sends one request with the password; a status of an error is returned, not raised."""
        url = path if path.startswith("http") else self.url + path
        pair = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}", "Accept": f"{_MANIFEST}, {_INDEX}"}
        headers |= {"Content-Type": kind} if kind else {}
        request = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310 - loopback
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request) as reply:
                return reply.status, dict(reply.headers), reply.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    def push(
        self, repository: str, tag: str, sha: str, *, is_index: bool = True, label: str = ""
    ) -> str:
        """Pushes the image of a commit, for two architectures or plain; returns its digest.

        label: put on it as `headway.revision`.
        """
        children = []
        for machine in ("amd64", "arm64") if is_index else ("amd64",):
            inner = {"Labels": {"headway.revision": label}} if label else {}
            config = self._blob(repository, json.dumps({"config": inner, "of": sha, "a": machine}))
            layer = self._blob(repository, f"layer {machine} {sha}")
            odd = json.dumps({"schemaVersion": 2, "config": config, "layers": [layer]}, indent=3)
            digest = self.put(repository, "", odd.encode() + b"\n", _MANIFEST)
            children.append(_descriptor(digest, len(odd) + 1, _MANIFEST, machine))
        if not is_index:
            return self.put(repository, tag, odd.encode() + b"\n", _MANIFEST)
        index = json.dumps({"schemaVersion": 2, "manifests": children}, indent=5) + " \n\n"
        return self.put(repository, tag, index.encode(), _INDEX)

    def put(self, repository: str, tag: str, body: bytes, kind: str) -> str:
        """Puts a manifest under a tag, or under its digest; returns the digest."""
        digest = f"sha256:{sha256(body).hexdigest()}"
        path = f"/v2/{repository}/manifests/{tag or digest}"
        status, _, said = self.request("PUT", path, body, kind)
        assert status == 201, said
        return digest

    def point(self, repository: str, tag: str, source: str) -> None:
        """Moves a tag by hand."""
        _, headers, body = self.request("GET", f"/v2/{repository}/manifests/{source}")
        self.put(repository, tag, body, headers["Content-Type"])

    def digest(self, repository: str, tag: str) -> str | None:
        """What a tag names now."""
        status, headers, _ = self.request("GET", f"/v2/{repository}/manifests/{tag}")
        return headers["Docker-Content-Digest"] if status == 200 else None

    def _blob(self, repository: str, text: str) -> dict[str, Any]:
        body = text.encode()
        digest = f"sha256:{sha256(body).hexdigest()}"
        _, headers, _ = self.request("POST", f"/v2/{repository}/blobs/uploads/", b"")
        place = f"{headers['Location']}&digest={digest}"
        status, _, said = self.request("PUT", place, body, "application/octet-stream")
        assert status == 201, said
        return _descriptor(digest, len(body), "application/octet-stream", "")


def _descriptor(digest: str, size: int, kind: str, machine: str) -> dict[str, Any]:
    made: dict[str, Any] = {"mediaType": kind, "digest": digest, "size": size}
    return made | ({"platform": {"architecture": machine, "os": "linux"}} if machine else {})
