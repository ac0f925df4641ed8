"""Keeps a private bare repository beside one remote, and says what a failed exchange means.

This module must not know what is kept in the remote: `git_forge` and `git_ref_ledger` do.
"""

import asyncio
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from release.adapters.git_command import GitCommand, GitRun
from release.adapters.git_remote import GitRemote
from release.core.printable import printable
from release.errors import HeadwayError, Refused, Unavailable
from release.ports import Clock

__all__ = ["GitMirror"]

_PAUSES_S = (0.5, 1.0, 2.0)
_NOTHING_LISTED = 2
_SHA256_DIGITS = 64
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head")

# What git says, in the C locale, when the remote has understood us or will never speak to us.
_REFUSED = re.compile(
    r"Authentication failed|could not read (?:Username|Password)|terminal prompts disabled"
    r"|returned error: (?:40[0134]|3\d\d)|Permission denied|Host key verification failed"
    r"|repository '[^']*' not found|does not appear to be a git repository|dubious ownership"
    r"|not valid: is this a git repository|transport '[^']*' not allowed"
)
# What it says when it fails before it has sent anything but its question for the refs.
_BEFORE_SENDING = re.compile(
    r"unable to access '|Could not read from remote repository|upon initial contact"
    r"|Authentication failed|could not read (?:Username|Password)|repository '[^']*' not found"
)
_NO_SUCH_REF = re.compile(r"couldn't find remote ref|not our ref|does not allow request for")
_NO_SUCH_FILE = re.compile(r"does not exist in|Not a valid object name|: bad file$")

Answers = Callable[[GitRun], bool]


class GitMirror:
    """The local side of one remote.

    directory: of this mirror alone, made when it is needed. Several processes may fetch into one;
        one that objects for a push are built in belongs to one process, for `restart` empties it.
    exchanges_max: after so many fetches and pushes it `is_worn`: each leaves objects behind that no
        ref names any more.
    """

    def __init__(
        self,
        git: GitCommand,
        remote: GitRemote,
        *,
        directory: Path,
        clock: Clock,
        exchanges_max: int = 250,
    ) -> None:
        self.remote = remote
        self._git = git
        self._directory = directory
        self._clock = clock
        self._exchanges_max = exchanges_max
        self._exchanges = 0
        self._object_format = "sha1"

    @property
    def is_worn(self) -> bool:
        """Whether it is time for a `restart`, where refs are rewritten all the time."""
        return self._exchanges >= self._exchanges_max

    async def advertised(self, *refs: str) -> Mapping[str, str]:
        """Asks the remote which object each of these refs names; missing ones are left out.

        refs: full names such as `refs/heads/main`, of tags also with a trailing `^{}`. Safe to
            repeat. Raises Unavailable after bounded retry, and Refused.
        """
        # HEAD tells the hash of a repository in which none of the refs exists yet.
        run = await self._ask(
            ("ls-remote", "--exit-code", "origin", "HEAD", *refs),
            lambda run: run.code == _NOTHING_LISTED,
        )
        found: dict[str, str] = {}
        for line in run.out.decode("utf-8", "replace").splitlines():
            object_id, _, name = line.partition("\t")
            found[name] = object_id
            if len(object_id) == _SHA256_DIGITS:
                self._object_format = "sha256"
        # A pattern also matches the end of a longer name, such as refs/x/refs/heads/main.
        return {name: found[name] for name in refs if name in found}

    async def fetch(self, *refspecs: str, options: Sequence[str] = ()) -> bool:
        """Brings objects and sets local refs as the refspecs say; False when one is not there.

        Safe to repeat. Raises Unavailable after bounded retry, and Refused.
        """
        self._exchanges += 1
        arguments = (*_FETCH, *options, "origin", *refspecs)
        run = await self._ask(arguments, lambda run: _NO_SUCH_REF.search(run.err) is not None)
        return run.code == 0

    async def blob(self, name: str) -> bytes | None:
        """Reads a file by a name such as `<commit>:path`, fetching it if the mirror left it out.

        None when the commit has no file of that name. Raises Unavailable after bounded retry, and
        Refused.
        """
        arguments = ("cat-file", "blob", name)
        run = await self._ask(arguments, lambda run: _NO_SUCH_FILE.search(run.err) is not None)
        return run.out if run.code == 0 else None

    async def push(self, refspec: str, *, lease: str) -> GitRun:
        """Pushes once, on condition of the lease; judges nothing: see the next two methods."""
        self._exchanges += 1
        arguments = ("push", "--porcelain", f"--force-with-lease={lease}", "origin", refspec)
        return await self._run(arguments, remote=self.remote)

    @staticmethod
    def has_sent_nothing(run: GitRun) -> bool:
        """Whether a failed push surely ended before it sent its update."""
        is_early = _BEFORE_SENDING.search(run.err) is not None
        return is_early and not run.cut and "RPC failed" not in run.err

    def failure(self, run: GitRun) -> HeadwayError:
        """Says which error a failed run is behind which nothing was changed."""
        if _REFUSED.search(run.err):
            return Refused(
                "the git remote refuses us",
                on=str(self.remote),
                seen=printable(run.err),
                safe="nothing was changed",
                advice="Check its address, and that the token may read and push",
            )
        return Unavailable(
            "the git remote could not be reached",
            on=str(self.remote),
            seen=run.cut or printable(run.err) or f"git ended with {run.code}",
            safe="nothing was changed by asking",
        )

    async def local(
        self,
        *arguments: str,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> GitRun:
        """Runs git on the mirror alone; any exit code is an answer.

        The network is barred: a mirror without trees would go and fetch what it is asked for.
        """
        barred = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", **(environment or {})}
        return await self._run(arguments, stdin=stdin, environment=barred)

    async def restart(self) -> None:
        """Empties the mirror, so that a day of rewritten refs does not fill the disk."""
        self._exchanges = 0
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    async def _ask(self, arguments: Sequence[str], is_answer: Answers) -> GitRun:
        """Runs a read on the remote, again after a pause while it is merely unavailable.

        is_answer: tells a failed run that is an answer all the same, such as that a ref is missing.
        """
        for pause_s in (*_PAUSES_S, None):
            run = await self._run(arguments, remote=self.remote)
            if run.is_done or (not run.cut and is_answer(run)):
                return run
            failure = self.failure(run)
            if pause_s is None or isinstance(failure, Refused):
                break
            await self._clock.sleep(pause_s)
        raise failure

    async def _run(
        self,
        arguments: Sequence[str],
        *,
        remote: GitRemote | None = None,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> GitRun:
        await self._make(is_empty_fine=arguments[0] == "ls-remote")
        return await self._git.run(
            arguments,
            directory=self._directory,
            remote=remote,
            stdin=stdin,
            environment=environment,
        )

    async def _make(self, *, is_empty_fine: bool) -> None:
        """Makes the folder; and the repository only behind the first question to the remote.

        Its answer tells which hash the mirror has to be made for.
        """
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if is_empty_fine or (self._directory / "HEAD").is_file():
                return
        except OSError as exc:
            raise self._unusable(str(exc)) from exc
        made = await self._git.run(
            (
                *("init", "--quiet", "--bare", "--template="),
                f"--object-format={self._object_format}",
            ),
            directory=self._directory,
        )
        if not made.is_done:
            raise self._unusable(made.cut or printable(made.err))

    def _unusable(self, seen: str) -> Unavailable:
        return Unavailable(
            "the folder of the git mirror can't be used",
            on=str(self._directory),
            seen=seen,
            safe="nothing was changed",
            advice="Free or remove it, and run again",
        )
