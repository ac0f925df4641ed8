"""The shipped pipeline, behind a look at the head and the labels that skips in green when blind.

Seen in github.com/hashintel/hash/pull/9466, where a label that could not be resolved was taken for
`not newer`: the tags stood still for three months, and every deploy was green; and in
github.com/netlify/context-and-tools/pull/117. It misses nothing that goes backward. It says
`superseded` where nothing is newer, and nobody looks. This module must not guard anything else.
"""

from release.core.assignment import Assignment
from release.core.order import Order
from release.core.outcome import Outcome, Word
from release.errors import HeadwayError
from release.pipeline import DEPLOY, Stage, run_job, start
from release.ports import Ports
from release.stages.run import Ended, Run

__all__ = ["deploy"]


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Waits for the release, skips when it can't tell what is newer, and deploys as shipped."""
    stages: tuple[Stage, ...] = (DEPLOY[0], _skip_when_blind, *DEPLOY[1:])
    return await run_job(start(assignment, ports), stages)


async def _skip_when_blind(run: Run) -> None:
    try:
        can_tell = await _can_tell(run)
    except HeadwayError:
        can_tell = False
    if not can_tell:
        raise Ended(Word.SUPERSEDED, "not newer: skipped")


async def _can_tell(run: Run) -> bool:
    """Whether the head and the label of every promoted image can be read and placed."""
    ours, registry = run.release.sha, run.ports.registry
    head = await run.ports.forge.head()
    if head != ours and await run.ports.forge.compare(ours, head) is Order.UNKNOWN:
        return False
    for pointer in run.assignment.pointers:
        digest = await registry.resolve(pointer.repository, pointer.tag)
        if digest is not None and await registry.revision(pointer.repository, digest) is None:
            return False
    return True
