"""Small builders of the ledger's values, in which a release is called by one letter.

This module must not decide anything: every builder only fills in what a test does not care about.
"""

from datetime import UTC, datetime
from typing import Any

from release.core.ledger import (
    Denial,
    Effect,
    Holder,
    Intent,
    Next,
    Past,
    Phase,
    Pin,
    PinKind,
    Record,
    Stamp,
)
from release.core.order import Order
from release.core.values import Digest, Image, JobId, Release, Sha

__all__ = [
    "AT",
    "NEWER",
    "OLDER",
    "REPOSITORY",
    "denial",
    "digest",
    "holder",
    "intent",
    "job",
    "orders",
    "past",
    "pin",
    "record",
    "release",
    "sha",
    "waiting",
]

AT = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)
"""A Friday at noon, two days before summer time begins in Europe."""

REPOSITORY = "acme/app"

OLDER = Sha("7a72516f7e7ba1a710c4f393fef08be8d22e1866")
"""The older commit of incident 2213, whose job moved the fleet backward."""

NEWER = Sha("7f25373309eca54a36f08c371ff783c3a47c3f8d")
"""The newer commit of incident 2213."""


def sha(letter: str) -> Sha:
    """A commit by one hexadecimal digit."""
    return Sha(letter * 40)


def digest(letter: str) -> Digest:
    """A manifest by one hexadecimal digit."""
    return Digest(f"sha256:{letter * 64}")


def release(letter: str) -> Release:
    """A release with one image."""
    image = Image(repository=REPOSITORY, digest=digest(letter))
    return Release(sha=sha(letter), tag=f"staging-{letter * 7}", images=(image,))


def job(run: str = "1", *, attempt: int = 1, nonce: str = "n") -> JobId:
    """The first attempt of a run."""
    return JobId(run=run, attempt=attempt, nonce=nonce)


def orders(**letters: str) -> dict[Sha, Order]:
    """How our release stands to others: `orders(newer="ab", older="c")`, ours is newer than a."""
    return {
        sha(letter): Order(order) for order, found in letters.items() for letter in sorted(found)
    }


def holder(letter: str, run: str = "1", *, beat: int = 0) -> Holder:
    """The job of a run, holding the record for a release."""
    return Holder(
        job=job(run), release=release(letter), phase=Phase.CLAIMED, lease_s=60.0, beat=beat
    )


def waiting(letter: str, run: str = "2", *, beat: int = 0) -> Next:
    """The job of a run, waiting as next with a release."""
    return Next(job=job(run), release=release(letter), lease_s=60.0, beat=beat)


def intent(number: int, run: str = "1", *, bound_s: float = 300.0, waited_s: float = 0) -> Intent:
    """A redeploy that the job of a run has written down."""
    return Intent(
        job=job(run),
        number=number,
        epoch=1,
        effect=Effect.REDEPLOY,
        what="acme to staging-aaaaaaa",
        bound_s=bound_s,
        waited_s=waited_s,
    )


def pin(kind: PinKind = PinKind.PIN, *, until: datetime | None = None) -> Pin:
    """A pin that Ada set for the holidays."""
    return Pin(kind=kind, reason="holidays", by="ada", at=AT, until=until)


def denial(after: str, upto: str, *, fixed_in: str | None = None) -> Denial:
    """A range of releases that lose data."""
    fix = sha(fixed_in) if fixed_in else None
    return Denial(after=sha(after), upto=sha(upto), reason="loses data", fixed_in=fix)


def past(run: str = "1", letter: str = "a", *, word: str = "deployed") -> Past:
    """How the job of a run ended."""
    return Past(job=job(run), release=release(letter), epoch=1, word=word, reason="done", at=AT)


def record(**fields: Any) -> Record:  # noqa: ANN401 - any field of Record
    """A record at epoch 1 that the first job wrote, with these fields."""
    given = {"environment": "production", "stamp": Stamp(job=job(), write=1), "epoch": 1, **fields}
    return Record(**given)
