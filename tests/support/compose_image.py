"""The image of the simulator's containers, built once for each state of the checkout.

This module must not start a container.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from release.errors import Unavailable
from simulator.compose_project import ComposeProject, project_of

__all__ = ["PREFIX", "image", "project_name"]

CHECKOUT = Path(__file__).resolve().parents[2]
PREFIX = f"{project_of(CHECKOUT)}-test"
"""What the names of all projects of this checkout's tests begin with."""

_LOCK = Path(tempfile.gettempdir()) / f"{PREFIX}.lock"
_MAKE_S = 900.0
_SHOWN = 16
_DIGITS = 6


def project_name(world: str) -> str:
    """The name of a world's project: another checkout, and another world, have another one.

    With a tenant's number behind it, it must be a label of a name server: at most 63 characters.
    """
    digest = hashlib.sha256(world.encode()).hexdigest()[:_DIGITS]
    return f"{PREFIX}-{world[:_SHOWN]}-{digest}"


@cache
def image() -> str:
    """The name of the image; builds it, and its base where a build can reach no registry."""
    project = ComposeProject(name=PREFIX)
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Another worker of this run may be building it.
        try:
            return project.build()
        except Unavailable:
            # The script makes nothing that is there already, and says what it lacks.
            script = CHECKOUT / "compose" / "make_base"
            pip = {**os.environ, "PYTHON": sys.executable}
            subprocess.run([script], check=True, timeout=_MAKE_S, env=pip)
            return project.build()
