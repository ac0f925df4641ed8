"""What projects the tests of this checkout have brought up, so that even a killed run leaves none.

This module must not touch a project that no test has noted.
"""

import tempfile
from pathlib import Path

from simulator.compose_project import ComposeProject
from tests.support.compose_image import PREFIX

__all__ = ["note", "sweep"]

_LIST = Path(tempfile.gettempdir()) / f"{PREFIX}.projects"


def note(project: str) -> None:
    """Writes a project down before any of it is there."""
    with _LIST.open("a", encoding="utf-8") as file:
        file.write(f"{project}\n")


def sweep() -> None:
    """Removes whatever is left of all projects that were noted; safe to repeat."""
    if _LIST.exists():
        for project in sorted(set(_LIST.read_text("utf-8").split())):
            ComposeProject(name=project).down()
        _LIST.unlink()
