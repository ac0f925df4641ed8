"""Explores a copy of the pipeline in a process of its own, where one line may have been weakened.

This module must not write into the checkout.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

from tests.support.shell import ROOT

__all__ = ["SOURCES", "STATES_MAX", "Weakening", "copy_packages", "explore_copy", "weaken"]

SOURCES = Path(os.environ.get("SOURCES_UNDER_TEST", ROOT))
"""The checkout, also where the tests run against the built wheel."""

_PACKAGES = ("release", "simulator")
_MAX_S = 120

STATES_MAX = 50_000
"""Where an exploration gives up; every weakening is caught in fewer, shortest ways first."""

_EXPLORE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from simulator.explorer.desk import Asked, scope_of
from simulator.explorer.engine import Limits, explore
from simulator.explorer.territory import Territory
import release.pipeline as explored

assert explored.__file__.startswith(sys.argv[1]), explored.__file__
territory = Territory(scope_of(Asked(**json.loads(sys.argv[2]))))
found = explore(territory, Limits(states=int(sys.argv[3])))
is_vacuous = found.is_exhausted and not found.complete
promise = found.breach.promise if found.breach else found.stopped_by
print(json.dumps("nothing was explored" if is_vacuous else promise or "kept"))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakening:
    """One line of the pipeline made weaker, and what `explore` says of it.

    file: below the checkout; `old` occurs in it once. options: of `explore`, the smallest that were
        found to catch it. promise: the one that it breaks there. in_defaults: whether `explore`
        catches it with no option at all.
    """

    name: str
    file: str
    old: str
    new: str
    options: str
    promise: str
    in_defaults: bool


def copy_packages(folder: Path) -> Path:
    """Copies what is explored, and what explores, into a folder."""
    for package in _PACKAGES:
        copytree(SOURCES / package, folder / package, ignore=ignore_patterns("__pycache__"))
    return folder


def weaken(folder: Path, weakening: Weakening) -> None:
    """Replaces the one line in a copy."""
    file = folder / weakening.file
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(weakening.old, weakening.new), encoding="utf-8")


def explore_copy(folder: Path, options: str) -> str:
    """The promise that a copy breaks under these options, `kept`, or the limit that was met."""
    environment = {**os.environ, "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    said = subprocess.run(
        [sys.executable, "-c", _EXPLORE, str(folder), json.dumps(_asked(options)), str(STATES_MAX)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_MAX_S,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    return str(json.loads(said.stdout))


def _asked(options: str) -> dict[str, Any]:
    """The options by the names of the desk's, numbers as numbers."""
    words = options.split()
    pairs = zip(words[::2], words[1::2], strict=True)
    return {
        name.removeprefix("--"): int(value) if value.isdecimal() else value for name, value in pairs
    }
