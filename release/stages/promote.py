"""Moves the pointers to the release by digest, each read back (sentence 8).

A registry offers no compare-and-swap, so the ledger guards the write and the read-back trips on a
loss. This module must not verify tenants; that has happened before.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from release.core.ledger import Phase
from release.core.order import Order
from release.core.outcome import PointerReport, Word
from release.core.policy import OnNewer
from release.core.sighting import PointerSight
from release.core.values import Digest, Pointer
from release.errors import Refused, Unavailable
from release.stages.effect import move_pointer
from release.stages.gate import check_head
from release.stages.observe import is_abandoned, see_pointer
from release.stages.relate import compare
from release.stages.run import Ended, Run
from release.stages.settle import heed_newer
from release.stages.write import renew

__all__ = ["promote"]


async def promote(run: Run) -> None:
    """Moves every pointer; one that fails does not keep the others back, and fails the job."""
    # Under `finish` a running job finishes: the ledger guards the order, and the branch supersedes
    # at the claim alone.
    is_finishing = run.assignment.policy.on_newer is OnNewer.FINISH
    if run.assignment.rollback is None and not is_finishing:
        await check_head(run)
    await renew(run, Phase.PROMOTING)
    run.pointers.clear()
    for pointer in run.assignment.pointers:
        try:
            run.pointers.append(await _promote_one(run, pointer))
        except _RegistryFailed as problem:
            run.warn(str(problem))
            run.pointers.append(PointerReport(pointer=pointer, is_right=False, note=str(problem)))
    wrong = [report for report in run.pointers if not report.is_right]
    if wrong:
        said = "; ".join(f"{report.pointer}: {report.note}" for report in wrong)
        raise Ended(Word.FAILED, f"not promoted: {said}. A re-run completes it")


class _RegistryFailed(Exception):
    """One repository could not be read or written; the ledger and the switch are another matter."""


@contextmanager
def _asking_registry() -> Iterator[None]:
    try:
        yield
    except (Refused, Unavailable) as problem:
        raise _RegistryFailed(str(problem)) from problem


async def _promote_one(run: Run, pointer: Pointer) -> PointerReport:
    digest = run.release.digest(pointer.repository)
    assert digest is not None, "the images were found before the claim"
    moved = await _describe_moved_source(run, pointer, digest)
    if moved:
        return PointerReport(pointer=pointer, is_right=False, note=moved)
    for _ in range(1 + max(1, run.assignment.policy.repairs_max)):
        with _asking_registry():
            sight = await see_pointer(run, pointer)
        if sight.digest == digest:
            return PointerReport(pointer=pointer, is_right=True)
        await _check_sight(run, sight)
        refusal = await move_pointer(run, pointer, digest)
        if refusal:
            raise _RegistryFailed(refusal)
    with _asking_registry():
        sight = await see_pointer(run, pointer)
    if sight.digest == digest:
        return PointerReport(pointer=pointer, is_right=True)
    return PointerReport(
        pointer=pointer, is_right=False, note=f"read back as {sight.digest}, expected {digest}"
    )


async def _describe_moved_source(run: Run, pointer: Pointer, digest: Digest) -> str:
    """Says that the release's own tag names another manifest than at the claim; empty when not."""
    with _asking_registry():
        source = await run.ports.registry.resolve(pointer.repository, run.release.tag)
    if source == digest:
        return ""
    return f"the source tag {run.release.tag} has moved since the claim, to {source}"


async def _check_sight(run: Run, sight: PointerSight) -> None:
    """Refuses to move a pointer backward; one that nobody knows is said, and moved."""
    if sight.digest is None or run.assignment.rollback is not None:
        return
    if sight.sha is None:
        run.warn(f"{sight.pointer} is on {sight.digest}, whose release nobody knows: moving it")
        return
    order = await compare(run, run.release.sha, sight.sha)
    if order is Order.OLDER:
        await heed_newer(run, sight.sha, str(sight.pointer))
    if order in {Order.DIVERGED, Order.UNKNOWN} and not is_abandoned(run, sight.sha):
        raise Ended(
            Word.FAILED, f"{sight.pointer} is on {sight.sha.short}, which is {order} to ours"
        )
