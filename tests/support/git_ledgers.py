"""Opens ledgers on a ref of a test's own remote, each with a mirror of its own.

This module must not judge what the ledgers do.
"""

import os
from itertools import count
from pathlib import Path

from release.adapters.git_command import GitCommand
from release.adapters.git_mirror import GitMirror
from release.adapters.git_ref_ledger import GitRefLedger
from release.adapters.git_remote import GitRemote
from release.core.values import Secret
from release.ports import Clock
from tests.support.git_repository import GitRepository

__all__ = ["REF", "GitLedgers", "nonces"]

REF = "refs/headway/production"
_NUMBERS = count(1)


def nonces() -> str:
    """A text that no other call in this process made."""
    return f"nonce-{next(_NUMBERS)}"


class GitLedgers:
    """Ledgers on one remote.

    url: of `repository` as they see it; None is its path.
    """

    def __init__(self, repository: GitRepository, folder: Path, *, url: str | None = None) -> None:
        self.repository = repository
        self.url = url or repository.url
        self.mirrors: list[Path] = []
        self._folder = folder

    def open(
        self,
        clock: Clock,
        *,
        ref: str = REF,
        token: Secret | None = None,
        timeout_s: float = 60.0,
        exchanges_max: int = 250,
    ) -> GitRefLedger:
        """Opens a ledger as another process would."""
        directory = self._folder / f"mirror-{next(_NUMBERS)}"
        self.mirrors.append(directory)
        mirror = GitMirror(
            GitCommand(os.environ, timeout_s=timeout_s),
            GitRemote(self.url, token=token),
            directory=directory,
            clock=clock,
            exchanges_max=exchanges_max,
        )
        return GitRefLedger(mirror, ref, clock=clock, nonce=nonces)
