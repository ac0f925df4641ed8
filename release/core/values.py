"""The nouns of a release, each a type of its own, so that a digest is never taken for a tag.

This module must not read, compare or order releases: `order` and `ledger` do.
"""

import re
from dataclasses import dataclass

from release.errors import Invalid

__all__ = ["Digest", "Image", "JobId", "Pointer", "Release", "Secret", "Sha", "Tenant"]

_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_REPOSITORY_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_REPOSITORY_PART}(?:/{_REPOSITORY_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_JOB_PART = re.compile(r"[A-Za-z0-9._:/-]{1,100}")
_SHORT = 7


def _require(pattern: re.Pattern[str], text: str, noun: str, shape: str) -> None:
    if not pattern.fullmatch(text):
        raise Invalid(f"not a {noun}", on=repr(text)[:160], expected=shape)


@dataclass(frozen=True, slots=True)
class Sha:
    """A commit by its full object id: 40 hexadecimal digits, or 64 in a SHA-256 repository."""

    value: str

    def __post_init__(self) -> None:
        _require(_SHA, self.value, "commit id", "40 or 64 lower-case hexadecimal digits")

    def __str__(self) -> str:
        return self.value

    @property
    def short(self) -> str:
        """The first seven digits, as people and image tags write it."""
        return self.value[:_SHORT]


@dataclass(frozen=True, slots=True)
class Digest:
    """A manifest by its content: `sha256:` and 64 hexadecimal digits."""

    value: str

    def __post_init__(self) -> None:
        _require(_DIGEST, self.value, "digest", "sha256: and 64 hexadecimal digits")

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Tenant:
    """One of the fleet's tenants by its slug, which is one DNS label: it goes into host names."""

    slug: str

    def __post_init__(self) -> None:
        _require(_TENANT, self.slug, "tenant slug", "one DNS label: letters, digits, hyphens")

    def __str__(self) -> str:
        return self.slug


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a release is in one repository: the manifest to run and to promote."""

    repository: str
    digest: Digest

    def __post_init__(self) -> None:
        _require(_REPOSITORY, self.repository, "repository", "lower-case path, like acme/app")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """The promoted tag of one repository, such as `latest`."""

    repository: str
    tag: str

    def __post_init__(self) -> None:
        _require(_REPOSITORY, self.repository, "repository", "lower-case path, like acme/app")
        _require(_TAG, self.tag, "tag", "letters, digits, . _ and -, at most 128")

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A commit of the deploy branch and the images built from it, one for each repository.

    tag: the tag that CI gave the images of this commit, such as `staging-7f25373`.
    images: empty until the images have been seen in the registry.
    """

    sha: Sha
    tag: str
    images: tuple[Image, ...] = ()

    def __post_init__(self) -> None:
        _require(_TAG, self.tag, "tag", "letters, digits, . _ and -, at most 128")

    def digest(self, repository: str) -> Digest | None:
        """The manifest of this release in `repository`; None when it was not recorded."""
        for image in self.images:
            if image.repository == repository:
                return image.digest
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobId:
    """One attempt of one CI run; never a person.

    The nonce tells two processes of the same attempt apart, as when a run is cloned by hand.
    """

    run: str
    attempt: int
    nonce: str

    def __post_init__(self) -> None:
        _require(_JOB_PART, self.run, "run id", "letters, digits and . _ : / -, at most 100")
        _require(_JOB_PART, self.nonce, "nonce", "letters, digits and . _ : / -, at most 100")
        if self.attempt < 1:
            raise Invalid("attempts count from one", on=f"attempt {self.attempt}")

    def __str__(self) -> str:
        return f"{self.run}#{self.attempt}-{self.nonce}"

    def is_same_attempt(self, other: "JobId") -> bool:
        """Whether both are steps of one attempt of one run, which follow one another."""
        return (self.run, self.attempt) == (other.run, other.attempt)


class Secret:
    """A token or password that shows itself only to `reveal`; it prints redacted."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself, for the one line that puts it on the wire."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(redacted)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[type, tuple[str]]:
        raise TypeError("a secret is not written anywhere")
