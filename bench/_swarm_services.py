"""Twenty services of a one-node swarm, a registry beside it, and commits with images to roll out.

This module must not measure anything.
"""

import io
import json
import platform
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx

__all__ = ["LABEL", "REPOSITORY", "Services", "git", "services"]

PREFIX = "headway-bench"
REPOSITORY = "bench/app"
LABEL = "headway-bench.tenant"
_OCI = "application/vnd.oci.image"
_LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_SCRIPT = "trap 'exit 0' TERM; while true; do sleep 3600 & wait $!; done"
_READY_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What a run works on. names: of the services."""

    registry: str
    names: tuple[str, ...]
    repository: Path
    commits: list[str]

    @property
    def image(self) -> str:
        """The repository as the engine pulls it."""
        return f"{self.registry.removeprefix('http://')}/{REPOSITORY}"

    def push(self) -> tuple[str, str]:
        """Makes a commit and its image; the commit, and the digest."""
        tree = git(self.repository, "mktree", stdin=b"")
        above = [word for parent in self.commits[-1:] for word in ("-p", parent)]
        sha = git(self.repository, "commit-tree", tree, *above, "-m", f"{len(self.commits)}")
        git(self.repository, "update-ref", "refs/heads/main", sha)
        self.commits.append(sha)
        return sha, _push_image(self.registry, sha)


@contextmanager
def services(folder: Path, count: int, *, monitor_s: float) -> Iterator[Services]:
    """Starts everything, and removes it again."""
    log = folder / "registry.log"
    config = folder / "registry.json"
    config.write_text(
        json.dumps(
            {
                "version": "0.1",
                "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
                "http": {"addr": "127.0.0.1:0"},
            }
        )
    )
    with log.open("wb") as output:
        command = ["docker-registry", "serve", str(config)]
        registry = subprocess.Popen(command, stdout=output, stderr=output)
    is_ours = "inactive" in _docker("info", "--format", "{{.Swarm.LocalNodeState}}")
    try:
        if is_ours:
            _docker("swarm", "init", "--advertise-addr", "127.0.0.1")
        made = Services(
            registry=_wait_for_registry(log),
            names=tuple(f"{PREFIX}-{number:02}" for number in range(count)),
            repository=folder / "repository",
            commits=[],
        )
        made.repository.mkdir()
        git(made.repository, "init", "--bare", "--quiet")
        _, digest = made.push()
        for name in made.names:
            _create(name, f"{made.image}@{digest}", monitor_s)
        yield made
    finally:
        found = _docker("service", "ls", "-q", "--filter", f"label={LABEL}").split()
        if found:
            _docker("service", "rm", *found)
        _wait_until_gone()
        images = _docker("images", "-q", "--filter", f"reference=127.0.0.1:*/{REPOSITORY}").split()
        if images:
            _docker("rmi", "-f", *set(images))
        if is_ours:
            _docker("swarm", "leave", "--force")
        registry.terminate()
        registry.wait()


def git(repository: Path, *words: str, stdin: bytes | None = None) -> str:
    """Runs git in a repository; what it says."""
    who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    done = subprocess.run(
        ["git", *who, *words], cwd=repository, input=stdin, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def _create(name: str, image: str, monitor_s: float) -> None:
    policy = ["--update-monitor", f"{monitor_s}s", "--update-failure-action", "rollback"]
    labels = ["--label", f"{LABEL}={name.removeprefix(f'{PREFIX}-')}"]
    quiet = ["--quiet", "--detach=false", "--no-resolve-image"]
    _docker("service", "create", *quiet, "--name", name, *labels, *policy, image)


def _docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, check=True, text=True).stdout


def _wait_for_registry(log: Path) -> str:
    until_s = time.monotonic() + _READY_S
    while time.monotonic() < until_s:
        if found := _LISTENING.search(log.read_text()):
            return f"http://127.0.0.1:{found[1]}"
        time.sleep(0.05)
    raise TimeoutError(log.read_text()[-1000:])


def _wait_until_gone() -> None:
    until_s = time.monotonic() + _READY_S
    while time.monotonic() < until_s:
        if not _docker("ps", "-aq", "--filter", f"name={PREFIX}-").split():
            return
        time.sleep(0.2)


def _push_image(registry: str, sha: str) -> str:
    """Pushes the image of a commit: one static binary, and the commit as a label."""
    layer = _layer()
    config = {
        "architecture": _MACHINES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {
            "Entrypoint": ["/bin/sh", "-c", _SCRIPT],
            "Labels": {"headway.revision": sha},
        },
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }
    packed = json.dumps(config).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_OCI}.manifest.v1+json",
        "config": _descriptor(packed, f"{_OCI}.config.v1+json"),
        "layers": [_descriptor(layer, f"{_OCI}.layer.v1.tar")],
    }
    with httpx.Client(base_url=registry, trust_env=False) as client:
        for blob in (layer, packed):
            begun = client.post(f"/v2/{REPOSITORY}/blobs/uploads/").raise_for_status()
            place = httpx.URL(begun.headers["location"]).copy_merge_params(
                {"digest": _digest(blob)}
            )
            client.put(place, content=blob).raise_for_status()
        body = json.dumps(manifest).encode()
        kind = {"content-type": f"{_OCI}.manifest.v1+json"}
        place = httpx.URL(f"/v2/{REPOSITORY}/manifests/staging-{sha[:7]}")
        client.put(place, content=body, headers=kind).raise_for_status()
    return _digest(body)


def _layer() -> bytes:
    busybox = shutil.which("busybox")
    if busybox is None:
        raise FileNotFoundError("busybox, as of the package busybox-static")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        body = Path(busybox).read_bytes()
        member = tarfile.TarInfo("bin/busybox")
        member.size, member.mode = len(body), 0o755
        tar.addfile(member, io.BytesIO(body))
        for name in ("bin/sh", "bin/sleep"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return packed.getvalue()


def _digest(content: bytes) -> str:
    return f"sha256:{sha256(content).hexdigest()}"


def _descriptor(content: bytes, kind: str) -> dict[str, object]:
    return {"mediaType": kind, "digest": _digest(content), "size": len(content)}
