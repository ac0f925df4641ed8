"""Whether a Docker engine answers on this machine, and what it is told by `docker`.

This module must not know what is run in its containers.
"""

import os
import subprocess
from collections.abc import Callable
from functools import cache
from threading import Event
from time import monotonic

__all__ = ["REQUIRED", "docker", "until", "why_no_engine"]

REQUIRED = os.environ.get("HEADWAY_REQUIRE_DOCKER", "") not in {"", "0"}
"""Whether a test that needs the engine may not be skipped. It is read before a test hides it."""

_ASK_S = 20.0
_COMMAND_S = 120.0
_WAIT_S = 90.0
_PAUSE_S = 0.1
_TURN = Event()


@cache
def why_no_engine() -> str:
    """Why no test can use a Docker engine here; empty when one answers."""
    try:
        for words in (("version", "--format", "{{.Server.Version}}"), ("compose", "version")):
            subprocess.run(["docker", *words], check=True, capture_output=True, timeout=_ASK_S)
    except FileNotFoundError:
        return "docker is not installed"
    except subprocess.TimeoutExpired:
        return f"the Docker engine has not answered within {_ASK_S:.0f} s"
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        return f"`docker {' '.join(words)}` fails: {said[-1] if said else 'without a word'}"
    return ""


def docker(*words: str, within_s: float = _COMMAND_S) -> str:
    """What `docker` prints; fails the test when it does not end well."""
    done = subprocess.run(
        ["docker", *words], capture_output=True, timeout=within_s, check=False, text=True
    )
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr.strip()}"
    return done.stdout.strip()


def until(
    is_so: Callable[[], object], what: str, within_s: float = _WAIT_S, *, pause_s: float = _PAUSE_S
) -> None:
    """Asks again and again until it is so; fails the test when it is not in time."""
    end = monotonic() + within_s
    while not is_so():
        assert monotonic() < end, f"has not happened in {within_s:.0f} s: {what}"
        _TURN.wait(pause_s)  # Nobody sets it: what is asked here tells nobody when it changes.
