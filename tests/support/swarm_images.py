"""Images that really run: one static binary, one page that says which release it is.

This module must not send anything.
"""

import io
import json
import platform
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from simulator.swarm_orchestrator import Fate
from tests.support.images import Blob, PushedImage, blob

__all__ = ["HAS_BUSYBOX", "Running", "runnable"]

_BUSYBOX = shutil.which("busybox")
HAS_BUSYBOX = _BUSYBOX is not None and b"/ld-" not in Path(_BUSYBOX).read_bytes()[:4096]
"""Whether this machine has one that needs no library, as of the package `busybox-static`."""

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_MILLISECOND = 1_000_000
_PAGE = "http://127.0.0.1:8080/buildinfo"
_SERVE = (
    "/bin/busybox httpd -f -p 8080 -h /www & trap 'sleep {drain_s}; exit {code}' TERM; "
    "while true; do wait $!; done"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a container of an image does.

    drain_s: how long it goes on serving after it was asked to end.
    """

    fate: Fate = Fate.RUNS
    has_check: bool = True
    drain_s: float = 0.0
    label: str = ""


def runnable(sha: str, how: Running) -> PushedImage:
    """The image of a commit, as small as can be."""
    layer = blob(_layer(sha))
    config = blob(json.dumps(_config(layer, how)).encode())
    manifest = {
        "schemaVersion": 2,
        "mediaType": PushedImage.__dataclass_fields__["content_type"].default,
        "config": _descriptor(config, _CONFIG),
        "layers": [_descriptor(layer, _LAYER)],
    }
    return PushedImage(manifest=blob(json.dumps(manifest).encode()), config=config, layer=layer)


def _layer(sha: str) -> bytes:
    assert _BUSYBOX is not None, "the test was skipped where there is none"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, body, mode in (
            ("bin/busybox", Path(_BUSYBOX).read_bytes(), 0o755),
            ("www/buildinfo", json.dumps({"git_sha": sha}).encode(), 0o644),
        ):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(body), mode
            tar.addfile(member, io.BytesIO(body))
        for name in ("bin/sh", "bin/sleep"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return packed.getvalue()


def _config(layer: Blob, how: Running) -> dict[str, object]:
    script = "sleep 0.2; exit 3" if how.fate is Fate.CRASHES else _SERVE
    # An engine ends what is not healthy by a signal; it tells of that if the exit code is not 0.
    code = 143 if how.fate is Fate.UNHEALTHY else 0
    page = f"{_PAGE}-of-nobody" if how.fate is Fate.UNHEALTHY else _PAGE
    check = {
        "Test": ["CMD", "/bin/busybox", "wget", "-q", "-O", "/dev/null", page],
        "Interval": 300 * _MILLISECOND,
        "Timeout": 3000 * _MILLISECOND,
        "Retries": 2,
        # On a busy machine a good one may take long to start; a bad one is to be found out soon.
        "StartPeriod": 0 if how.fate is Fate.UNHEALTHY else 20_000 * _MILLISECOND,
    }
    config: dict[str, object] = {
        "Entrypoint": ["/bin/sh", "-c", script.format(drain_s=how.drain_s, code=code)],
        "Labels": {"headway.revision": how.label} if how.label else {},
    }
    return {
        "architecture": _MACHINES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {**config, **({"Healthcheck": check} if how.has_check else {})},
        "rootfs": {"type": "layers", "diff_ids": [str(layer.digest)]},
    }


def _descriptor(content: Blob, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "size": len(content.body), "digest": str(content.digest)}
