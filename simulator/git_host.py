"""A real bare repository behind the simulated forge: commits are real, and so is git's HTTP.

This module must not speak ASGI; it runs git and keeps the world's commit graph in step with it.
"""

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from release.core.ledger_json import loads
from release.errors import HeadwayError, Unavailable
from simulator.ledger_store import LedgerStore
from simulator.wire import Refusal
from simulator.world import World

__all__ = ["CgiAnswer", "CiReport", "GitHost", "NewCommit"]

_GIT_TIMEOUT_S = 30.0
_RECORD_FILE = "record.json"
_PERSON = {
    "GIT_AUTHOR_NAME": "Headway simulator",
    "GIT_AUTHOR_EMAIL": "simulator@localhost",
    "GIT_COMMITTER_NAME": "Headway simulator",
    "GIT_COMMITTER_EMAIL": "simulator@localhost",
}
_CONFIG = {
    "http.receivepack": "true",
    "uploadpack.allowAnySHA1InWant": "true",
    "receive.autogc": "false",
    "gc.auto": "0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CiReport:
    """What CI says of new commits: `state`, `after_s` after the push; before that, pending."""

    state: str = "success"
    after_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCommit:
    """A commit to be pushed. files: its whole content, by path without folders."""

    message: str
    files: Mapping[str, str]
    ci: CiReport = CiReport()
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CgiAnswer:
    """What `git http-backend` answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class GitHost:
    """The repository at `directory`; what lands on its deploy branch becomes a release."""

    def __init__(self, world: World, directory: Path, *, ci: CiReport | None = None) -> None:
        self.directory = directory
        self.ci = ci or CiReport()
        self._world = world
        self._ledger = LedgerStore.empty(world)
        self._lock = asyncio.Lock()
        home = str(directory.parent)
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": home,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C",
        }

    async def create(self) -> None:
        """Makes the bare repository, which must not exist yet."""
        branch = self._world.layout.branch
        await self._git("init", "--quiet", "--bare", f"--initial-branch={branch}", bare=False)
        for key, value in _CONFIG.items():
            await self._git("config", key, value)

    async def push(self, commit: NewCommit) -> str:
        """Makes a commit on the branch, moves the branch to it, and tells the world; its id.

        parent: the branch's head by default; another one is a force-push.
        """
        async with self._lock:
            branch = self._world.layout.branch
            parent = commit.parent or self._world.forge.head(branch)
            tree = await self._write_tree(commit.files)
            parents = ("-p", parent) if parent else ()
            at = f"{int(self._world.clock.utc().timestamp())} +0000"
            dates = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
            made = await self._git(
                "commit-tree", tree, *parents, "-m", commit.message, environment=_PERSON | dates
            )
            sha = made.decode().strip()
            await self._git("update-ref", f"refs/heads/{branch}", sha)
            await self._take(actor="push", ci=commit.ci)
            return sha

    async def take_pushes(self, *, actor: str) -> None:
        """Looks where the branch is after somebody pushed, and makes a release of what is new."""
        async with self._lock:
            await self._take(actor=actor, ci=self.ci)

    async def take_record(self, *, actor: str) -> None:
        """Looks what the ledger's ref holds after somebody pushed, and shows it in the world."""
        async with self._lock:
            ref = f"refs/headway/{self._world.layout.environment}:{_RECORD_FILE}"
            try:
                record = loads(await self._git("cat-file", "blob", ref))
            except HeadwayError:
                record = None
            if record != self._ledger.cell.value.record:
                self._ledger.write(record, actor=actor)

    async def serve(
        self,
        method: str,
        path: tuple[str, ...],
        *,
        query: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> CgiAnswer:
        """Answers one request of git's smart HTTP; raises Refusal 504 when git takes too long."""
        environment = {
            "GIT_PROJECT_ROOT": str(self.directory.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "simulator",
            "REQUEST_METHOD": method,
            "PATH_INFO": "/" + "/".join((self.directory.name, *path)),
            "QUERY_STRING": query,
            "CONTENT_TYPE": headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
            "GIT_PROTOCOL": headers.get("git-protocol", ""),
            **_PERSON,
        }
        try:
            output = await self._git(
                "http-backend", stdin=body, environment=environment, bare=False
            )
        except Unavailable as exc:
            raise Refusal(504, str(exc)) from exc
        return _parse_cgi(output)

    async def _take(self, *, actor: str, ci: CiReport) -> None:
        """Adds what the branch has and the world has not, oldest first, and pushes the head."""
        world, branch = self._world, self._world.layout.branch
        listed = await self._git(
            "rev-list", "--parents", "--topo-order", "--reverse", f"refs/heads/{branch}"
        )
        lines = [line.split() for line in listed.decode().splitlines()]
        for sha, *parents in lines:
            world.forge.add_commit(sha, parents)
        head = lines[-1][0]
        if world.forge.head(branch) == head:
            return
        world.forge.push(branch, head, actor=actor)
        if ci.after_s > 0:
            world.report_ci(head, "pending")
        world.report_ci(head, ci.state, after_s=ci.after_s)
        world.publish(head)

    async def _write_tree(self, files: Mapping[str, str]) -> str:
        entries = []
        for name, text in sorted(files.items()):
            blob = await self._git("hash-object", "-w", "--stdin", stdin=text.encode())
            entries.append(f"100644 blob {blob.decode().strip()}\t{name}\n")
        tree = await self._git("mktree", stdin="".join(entries).encode())
        return tree.decode().strip()

    async def _git(
        self,
        *arguments: str,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        bare: bool = True,
    ) -> bytes:
        where = ("--git-dir", str(self.directory)) if bare else ()
        target = (str(self.directory),) if arguments[0] == "init" else ()
        process = await asyncio.create_subprocess_exec(
            "git",
            *where,
            *arguments,
            *target,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL if arguments[0] == "http-backend" else PIPE,
            env={**self._environment, **(environment or {})},
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(stdin), _GIT_TIMEOUT_S)
        except TimeoutError as exc:
            raise Unavailable(
                "took too long", on=f"git {arguments[0]}", seen=f"over {_GIT_TIMEOUT_S} s"
            ) from exc
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode:
            raise Unavailable(
                "failed", on=f"git {arguments[0]}", seen=(err or b"").decode()[:200].strip()
            )
        return out


def _parse_cgi(output: bytes) -> CgiAnswer:
    head, _, body = output.partition(b"\r\n\r\n")
    headers: dict[str, str] = {}
    status = 200
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        elif name:
            headers[name.lower()] = value.strip()
    return CgiAnswer(status=status, headers=headers, body=body)
