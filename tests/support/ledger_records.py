"""Records for tests: a small one, and one that is as full as it may get.

This module must not know any ledger store.
"""

from datetime import UTC, datetime, timedelta

from release.core.ledger import (
    PAST_MAX,
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
from release.core.values import Digest, Image, JobId, Release, Sha

__all__ = ["AT", "JOB", "full_record", "job", "small_record"]

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def job(number: int) -> JobId:
    """A job of its own for each number."""
    return JobId(run=f"run-{number}", attempt=1, nonce=f"nonce-{number}")


JOB = job(1)


def small_record(*, epoch: int = 0, writer: JobId = JOB, write: int = 1) -> Record:
    """A record with nothing in it but who wrote it."""
    return Record(environment="production", stamp=Stamp(job=writer, write=write), epoch=epoch)


def _release(number: int) -> Release:
    images = tuple(
        Image(repository=f"acme/{name}", digest=Digest(f"sha256:{number:064x}"))
        for name in ("app", "proxy", "worker")
    )
    return Release(sha=Sha(f"{number:040x}"), tag=f"staging-{number:07x}", images=images)


def full_record(*, reason_length: int = 2000) -> Record:
    """A record in which every field is set and every list is long."""
    return Record(
        environment="production",
        stamp=Stamp(job=JOB, write=7),
        epoch=41,
        mark=Sha("7" * 40),
        holder=Holder(job=JOB, release=_release(3), phase=Phase.SETTLING, lease_s=60.0, beat=7),
        next=Next(job=job(2), release=_release(4), lease_s=60.5, beat=2),
        intents=tuple(_intent(number) for number in range(20)),
        pin=Pin(
            kind=PinKind.ROLLBACK,
            reason="zurück, weil 💥\n\x00 \ud800",
            by="ada",
            at=AT,
            until=AT + timedelta(hours=1, microseconds=5),
        ),
        denied=tuple(
            Denial(after=Sha(f"{n:040x}"), upto=Sha("b" * 64), reason="bad", fixed_in=None)
            for n in range(20)
        ),
        past=tuple(_past(number, reason_length) for number in range(PAST_MAX)),
    )


def _intent(number: int) -> Intent:
    return Intent(
        job=job(number),
        number=number,
        epoch=number,
        effect=Effect.REDEPLOY,
        what="acme, globex to staging-7f25373",
        bound_s=300.0,
        waited_s=0.1 * number,
    )


def _past(number: int, reason_length: int) -> Past:
    return Past(
        job=job(number),
        release=_release(number),
        epoch=number,
        word="deployed",
        reason=f"{number} ".ljust(reason_length, "ü"),
        at=AT + timedelta(minutes=number),
    )
