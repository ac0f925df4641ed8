"""Builds bare git repositories on disk, as the remotes of tests.

This module must not go through the code under test.
"""

import os
import subprocess
from pathlib import Path

__all__ = ["GitRepository"]

_ENVIRONMENT = {
    "GIT_AUTHOR_DATE": "@1700000000 +0000",
    "GIT_AUTHOR_EMAIL": "tester@localhost",
    "GIT_AUTHOR_NAME": "tester",
    "GIT_COMMITTER_DATE": "@1700000000 +0000",
    "GIT_COMMITTER_EMAIL": "tester@localhost",
    "GIT_COMMITTER_NAME": "tester",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "LC_ALL": "C",
}


class GitRepository:
    """A bare repository, written to by plumbing.

    The same calls in the same order build the same commits.
    """

    def __init__(self, path: Path, *, object_format: str = "sha1") -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--bare", "--quiet", f"--object-format={object_format}")
        self.git("config", "http.receivepack", "true")
        self.git("config", "uploadpack.allowFilter", "true")

    @property
    def url(self) -> str:
        """The repository as a remote of this machine."""
        return f"file://{self.path}"

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Runs git in the repository and returns what it says, stripped."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env={"PATH": os.environ["PATH"], **_ENVIRONMENT},
            input=stdin,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode().strip()

    def commit(
        self, message: str, *parents: str, files: dict[str, bytes] | None = None, ref: str = ""
    ) -> str:
        """Builds a commit, points `ref` at it where one is given, and returns its id."""
        tree = self._tree(files or {"message": message.encode()})
        arguments = [text for parent in parents for text in ("-p", parent)]
        commit = self.git("commit-tree", tree, *arguments, "-m", message)
        if ref:
            self.git("update-ref", ref, commit)
        return commit

    def add_hook(self, name: str, script: str) -> None:
        """Makes the remote run a shell script, such as a hook that declines."""
        hook = self.path / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\n{script}\n")
        hook.chmod(0o755)

    def _tree(self, files: dict[str, bytes]) -> str:
        """Builds a tree; names may have one folder each."""
        entries: dict[str, dict[str, bytes]] = {}
        lines = []
        for name, content in files.items():
            folder, _, rest = name.partition("/")
            if rest:
                entries.setdefault(folder, {})[rest] = content
            else:
                blob = self.git("hash-object", "-w", "--stdin", stdin=content)
                lines.append(f"100644 blob {blob}\t{name}\n")
        lines += [f"040000 tree {self._tree(inner)}\t{name}\n" for name, inner in entries.items()]
        return self.git("mktree", stdin="".join(sorted(lines)).encode())
