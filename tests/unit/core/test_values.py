"""The nouns of a release: what each accepts, and that a secret never shows itself."""

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from io import StringIO

import pytest

from release.core.codec import to_plain
from release.core.values import Digest, Image, JobId, Pointer, Release, Secret, Sha, Tenant
from release.errors import Invalid
from tests.support.records import digest, job, release, sha

TOKEN = "gta_0123456789abcdef"


@pytest.mark.parametrize("text", ["7" * 40, "0123456789abcdef" * 4])
def test_commit_id_of_either_hash_is_taken(text: str) -> None:
    """A commit is named by its full object id, in SHA-1 or in SHA-256."""
    assert text == str(Sha(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7a72516",
        "7" * 39,
        "7" * 41,
        "A" * 40,
        "g" * 40,
        "7" * 40 + "\n",
        "\u0663" * 40,
        "--upload-pack=" + "7" * 26,
        "refs/heads/main",
        "dev",
    ],
)
def test_what_is_no_full_commit_id_is_refused(text: str) -> None:
    """Neither a short id, nor a ref, nor a flag, nor a line break is taken for a commit."""
    with pytest.raises(Invalid, match="not a commit id"):
        Sha(text)


def test_commit_is_shown_short_by_seven_digits() -> None:
    """People and image tags write the first seven digits."""
    assert "7a72516" == Sha("7a72516f7e7ba1a710c4f393fef08be8d22e1866").short


@pytest.mark.parametrize("text", ["", "sha256:abc", "sha512:" + "a" * 64, "a" * 64, "latest"])
def test_what_is_no_digest_is_refused(text: str) -> None:
    """A digest names its algorithm and is whole, so that a tag is never taken for one."""
    with pytest.raises(Invalid, match="not a digest"):
        Digest(text)


@pytest.mark.parametrize("slug", ["a", "acme", "ACME-2", "0", "a" * 63])
def test_dns_label_is_a_tenant(slug: str) -> None:
    """A slug is one DNS label, in either case, of at most 63 characters."""
    assert slug == str(Tenant(slug))


@pytest.mark.parametrize(
    "slug",
    ["", "a" * 64, "-a", "a-", "a.b", "a/b", "a@evil", "a b", "ä", "a\n", "{slug}", "../etc"],
)
def test_what_would_change_a_host_name_is_no_tenant(slug: str) -> None:
    """A slug goes into host names, so it can bring neither a dot nor a path nor a user."""
    with pytest.raises(Invalid, match="not a tenant slug"):
        Tenant(slug)


@pytest.mark.parametrize(
    "repository", ["", "Acme/app", "acme//app", "/acme", "acme/", "acme/../x", "a b", "acme:app"]
)
def test_what_is_no_repository_is_refused(repository: str) -> None:
    """A repository is a lower-case path: images and pointers check it alike."""
    with pytest.raises(Invalid, match="not a repository"):
        Image(repository=repository, digest=digest("a"))
    with pytest.raises(Invalid, match="not a repository"):
        Pointer(repository=repository, tag="latest")


@pytest.mark.parametrize("tag", ["", "-x", ".x", "a:b", "a/b", "a b", "x" * 129, "latest\n"])
def test_what_is_no_tag_is_refused(tag: str) -> None:
    """A tag can neither look like a flag nor leave its place in a URL."""
    with pytest.raises(Invalid, match="not a tag"):
        Pointer(repository="acme/app", tag=tag)
    with pytest.raises(Invalid, match="not a tag"):
        Release(sha=sha("a"), tag=tag)


def test_pointer_reads_as_repository_and_tag() -> None:
    """A pointer is written as people write it."""
    assert "ghcr/acme/app:latest" == str(Pointer(repository="ghcr/acme/app", tag="latest"))


def test_release_knows_its_digest_in_each_repository() -> None:
    """One digest for each repository; none where none was recorded."""
    images = tuple(
        Image(repository=name, digest=digest(letter))
        for name, letter in (("acme/app", "a"), ("acme/web", "b"))
    )
    found = Release(sha=sha("a"), tag="staging-aaaaaaa", images=images)

    assert digest("b") == found.digest("acme/web")
    assert found.digest("acme/other") is None


@pytest.mark.parametrize(
    ("run", "nonce"), [("", "n"), ("a b", "n"), ("r" * 101, "n"), ("1", ""), ("1", "n\n")]
)
def test_job_id_that_could_break_a_line_is_refused(run: str, nonce: str) -> None:
    """A job's id goes into the ledger, summaries and commit messages as it is."""
    with pytest.raises(Invalid, match=r"not a (run id|nonce)"):
        JobId(run=run, attempt=1, nonce=nonce)


@pytest.mark.parametrize("attempt", [0, -1])
def test_attempts_count_from_one(attempt: int) -> None:
    """CI counts the first attempt as one."""
    with pytest.raises(Invalid, match="attempts count from one"):
        job(attempt=attempt)


def test_steps_of_one_attempt_belong_together() -> None:
    """Run and attempt make an attempt; the nonce tells its processes apart."""
    mine = job("275427", nonce="a")

    assert mine.is_same_attempt(job("275427", nonce="b"))
    assert not mine.is_same_attempt(job("275427", attempt=2, nonce="a"))
    assert not mine.is_same_attempt(job("275383", nonce="a"))
    assert "275427#1-a" == str(mine)


def _log(secret: Secret) -> str:
    written = StringIO()
    logger = logging.Logger("test")  # noqa: LOG001 - one that no other test can see
    logger.addHandler(logging.StreamHandler(written))
    logger.warning("token %s %r", secret, [secret])
    return written.getvalue()


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        format,
        ascii,
        "{0} {0!r} {0!s}".format,
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - also the old way
        lambda secret: repr([{"token": secret}, (secret,)]),
        lambda secret: str(Invalid("bad", on=str(secret), seen=repr(secret))),
        _log,
    ],
)
def test_secret_shows_itself_in_no_text(show: Callable[[Secret], str]) -> None:
    """However a secret becomes text, what it holds is not in it."""
    assert TOKEN not in show(Secret(TOKEN))


@pytest.mark.parametrize(
    "write",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        lambda secret: json.dumps(to_plain(secret)),
        lambda secret: f"{secret:>40}",
        lambda secret: secret.missing,
    ],
)
def test_secret_is_neither_written_nor_copied(write: Callable[[Secret], object]) -> None:
    """Whatever would carry a secret away fails, and the failure does not show it either."""
    with pytest.raises((TypeError, AttributeError)) as caught:
        write(Secret(TOKEN))

    assert TOKEN not in "".join(traceback.format_exception(caught.value))


def test_secret_is_revealed_on_purpose_only() -> None:
    """One method gives the value, for the line that puts it on the wire."""
    assert TOKEN == Secret(TOKEN).reveal()


def test_secrets_compare_by_value_and_with_secrets_alone() -> None:
    """A text that happens to be the token is not the secret."""
    assert {Secret(TOKEN)} == {Secret(TOKEN), Secret(TOKEN)}
    assert Secret(TOKEN) != Secret("other")
    assert Secret(TOKEN) != TOKEN


def test_values_with_equal_fields_are_equal() -> None:
    """A value is what its fields are, so that it can be a key."""
    assert {release("a"): 1} == {release("a"): 1}
    assert release("a") != release("b")
