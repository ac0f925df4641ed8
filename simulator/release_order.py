"""Puts the releases of recorded jobs into their order, from what the jobs said of one another.

Claims say most: a later epoch is never of an older release. Where nothing is said, the release
whose job started first counts as older. This module must not guess against what was said.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from release.core.order import Order
from release.core.outcome import Word
from release.core.values import Sha
from release.errors import Invalid
from simulator.journals import JobJournal, Line

__all__ = ["order_releases"]

_Edge = tuple[Sha, Sha]


def order_releases(jobs: Sequence[JobJournal], rollbacks: Iterable[JobJournal]) -> tuple[Sha, ...]:
    """The releases of the jobs, each after all that are older.

    rollbacks: those of the jobs that go back on purpose. Raises Invalid when the jobs contradict
    one another.
    """
    waiting = list(dict.fromkeys(job.release for job in jobs))
    edges = {
        (older, newer)
        for older, newer in (*_claimed(jobs, set(map(id, rollbacks))), *_said(jobs))
        if older != newer and older in waiting and newer in waiting
    }
    ordered: list[Sha] = []
    while waiting:
        free = [
            sha
            for sha in waiting
            if not any(older in waiting and newer == sha for older, newer in edges)
        ]
        if not free:
            raise Invalid(
                "the journals contradict one another about which release is newer",
                on=", ".join(sha.short for sha in waiting),
                advice="Record jobs of one environment, and of one history of its branch",
            )
        ordered.append(free[0])
        waiting.remove(free[0])
    return tuple(ordered)


def _claimed(jobs: Sequence[JobJournal], rollbacks: set[int]) -> Iterator[_Edge]:
    """Each claim is of a release at least as new as the one before, unless it rolls back."""
    claims = sorted(
        (
            (_epoch(line), job.release, id(job) in rollbacks)
            for job in jobs
            for line in job.of_kind("claimed")
        ),
        key=lambda claim: claim[0],
    )
    for (_, before, _), (_, after, is_rollback) in pairwise(claims):
        yield (after, before) if is_rollback else (before, after)


def _epoch(line: Line) -> int:
    found = line.data.get("epoch")
    if type(found) is not int:
        raise Invalid("a claim without its epoch", on=line.place, seen=repr(found))
    return found


def _said(jobs: Sequence[JobJournal]) -> Iterator[_Edge]:
    """What a job said of the branch's head, and of the release that overtook it."""
    for job in jobs:
        for line in job.of_kind("head"):
            head = line.sha("head")
            if line.text.endswith(f"ours is {Order.OLDER}"):
                yield job.release, head
            elif line.text.endswith(f"ours is {Order.NEWER}"):
                yield head, job.release
        for line in job.of_kind("outcome"):
            short = line.text.removeprefix(f"{Word.SUPERSEDED}: ").partition(" ")[0]
            if line.data.get("word") == Word.SUPERSEDED:
                yield from (
                    (job.release, other.release) for other in jobs if other.release.short == short
                )
