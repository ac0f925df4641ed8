"""Reads what `git push --porcelain` said of one ref: written, lost, busy, refused or unknown.

This module must not push; `git_ref_ledger` does.
"""

import re
from enum import StrEnum

from release.adapters.git_command import GitRun

__all__ = ["Pushed", "read_push"]


class Pushed(StrEnum):
    """What became of a push with a lease.

    WRITTEN: the ref names our commit. LOST: it named another commit than the lease said. BUSY: the
    remote wrote nothing and does not say that the lease was wrong: another writer had the ref
    locked, a stale lock lies there, or it keeps its reasons to itself. REFUSED: it will not have
    this ref written. BROKEN: the exchange failed; whether it came to the update is not known here.
    """

    WRITTEN = "written"
    LOST = "lost"
    BUSY = "busy"
    REFUSED = "refused"
    BROKEN = "broken"


_LINE = re.compile(r"^(?P<flag>[ +*=!-])\t\S+:\S+\t(?P<summary>.*)$", re.MULTILINE)

# The first line is told by our own git, the second by the remote, in old words and in new ones.
_LOST = re.compile(
    r"stale info"
    r"|but expected|reference already exists|incorrect old value|reference does not exist"
)
_HOPELESS = re.compile(r"cannot create '|refname conflict|Permission denied")
_BUSY = re.compile(r"failed to update ref|failed to lock|cannot lock ref|Unable to create '")


def read_push(run: GitRun) -> Pushed:
    """Reads the outcome of a push of one commit that no other writer can have made.

    `=`, up to date, is therefore a write of ours too: an earlier push of it landed.
    """
    line = _LINE.search(run.out.decode("utf-8", "replace"))
    if run.cut or line is None or run.code not in {0, 1}:
        return Pushed.BROKEN
    if line["flag"] != "!":
        return Pushed.WRITTEN if run.code == 0 else Pushed.BROKEN
    summary = line["summary"]
    if not summary.startswith(("[rejected]", "[remote rejected]")):
        return Pushed.BROKEN  # `[remote failure]`: it took our update and never reported on it.
    said = f"{summary}\n{run.err}"
    if _HOPELESS.search(said):
        return Pushed.REFUSED
    if _LOST.search(said):
        return Pushed.LOST
    return Pushed.BUSY if _BUSY.search(said) else Pushed.REFUSED
