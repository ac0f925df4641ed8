"""What `git push --porcelain` says of one ref, in the words of old and new versions of git."""

import pytest

from release.adapters.git_command import GitRun
from release.adapters.git_push import Pushed, read_push

REF = "refs/headway/production"
LOCKED = f"remote: error: cannot lock ref '{REF}': "


def _run(flag: str, summary: str, *, code: int = 1, err: str = "", cut: str = "") -> GitRun:
    line = f"{flag}\t{'a' * 40}:{REF}\t{summary}"
    return GitRun(code=code, out=f"To origin\n{line}\nDone\n".encode(), err=err, cut=cut)


@pytest.mark.parametrize(
    ("flag", "summary"),
    [
        ("*", "[new reference]"),
        ("+", "7a6e740...02647a5 (forced update)"),
        (" ", "02647a5..ded0880"),
        ("=", "[up to date]"),
    ],
)
def test_ref_that_names_our_commit_is_written(flag: str, summary: str) -> None:
    """Also `up to date` is ours: nobody else can have made this commit."""
    assert read_push(_run(flag, summary, code=0)) is Pushed.WRITTEN


@pytest.mark.parametrize(
    ("summary", "err"),
    [
        ("[rejected] (stale info)", ""),
        ("[remote rejected] (failed to update ref)", f"{LOCKED}is at {'b' * 40} but expected"),
        ("[remote rejected] (failed to update ref)", f"{LOCKED}reference already exists"),
        ("[remote rejected] (incorrect old value provided)", ""),
        ("[remote rejected] (reference already exists)", ""),
    ],
)
def test_ref_that_names_another_commit_is_lost(summary: str, err: str) -> None:
    """Our own git or the remote has compared, and another writer was there."""
    assert read_push(_run("!", summary, err=err)) is Pushed.LOST


@pytest.mark.parametrize(
    ("summary", "err"),
    [
        (
            "[remote rejected] (failed to update ref)",
            f"{LOCKED}Unable to create '/srv/{REF}.lock': File exists.",
        ),
        ("[remote rejected] (failed to update ref)", ""),
        ("[remote rejected] (failed to lock)", ""),
    ],
)
def test_ref_that_is_locked_or_failed_for_no_reason_told_is_busy(summary: str, err: str) -> None:
    """Nothing was written, and who was there is to be read."""
    assert read_push(_run("!", summary, err=err)) is Pushed.BUSY


@pytest.mark.parametrize(
    ("summary", "err"),
    [
        ("[remote rejected] (pre-receive hook declined)", "remote: not here"),
        ("[remote rejected] (hook declined)", ""),
        ("[remote rejected] (deny updating a hidden ref)", ""),
        ("[remote rejected] (funny refname)", ""),
        ("[remote rejected] (non-fast-forward)", ""),
        ("[remote rejected] (unpacker error)", "error: no space left on device"),
        (
            "[remote rejected] (failed to update ref)",
            f"{LOCKED}'refs/headway' exists; cannot create '{REF}'",
        ),
        ("[remote rejected] (refname conflict)", ""),
        (
            "[remote rejected] (failed to update ref)",
            f"{LOCKED}Unable to create '/srv/{REF}.lock': Permission denied",
        ),
    ],
)
def test_ref_that_the_remote_will_not_have_is_refused(summary: str, err: str) -> None:
    """Policy, a name that is taken, a folder without rights: pushing again does not help."""
    assert read_push(_run("!", summary, err=err)) is Pushed.REFUSED


@pytest.mark.parametrize(
    "run",
    [
        _run("!", "[remote failure] (remote failed to report status)"),
        _run("*", "[new reference]", code=0, cut="took longer than 60 s"),
        _run("*", "[new reference]", code=128),
        _run("*", "[new reference]", code=-9),
        GitRun(code=128, out=b"", err="fatal: the remote end hung up unexpectedly"),
        GitRun(code=0, out=b"", err=""),
        GitRun(code=1, out=b"error: something else", err=""),
    ],
)
def test_exchange_that_broke_off_says_nothing(run: GitRun) -> None:
    """Without a whole answer of the remote, no line counts."""
    assert read_push(run) is Pushed.BROKEN
