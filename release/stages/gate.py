"""Waits until a release is deployable, and keeps the gate: kill switch, freeze window, pin, denial.

This module must not claim or touch anything.
"""

from dataclasses import replace

from release.core.claim import find_hold, find_unread
from release.core.freeze import find_freeze
from release.core.order import Order
from release.core.outcome import Word
from release.core.policy import SupersededBy
from release.core.sighting import Checks, ChecksState
from release.core.values import Image, Sha
from release.errors import Unavailable
from release.stages.relate import compare, relate
from release.stages.run import Ended, Run

__all__ = ["check_gate", "check_head", "find_images", "gate", "read_head", "wait_for_release"]


async def wait_for_release(run: Run) -> None:
    """Waits for the required CI contexts and for the image in every repository (sentence 1)."""
    policy = run.assignment.policy
    began_s = await run.ports.clock.now_s()
    while True:
        missing = await _find_missing(run)
        if not missing:
            return
        waited_s = await run.ports.clock.now_s() - began_s
        if waited_s + policy.ci_interval_s > policy.ci_wait_s:
            raise Ended(
                Word.EXHAUSTED, f"after {waited_s:.0f} s of waiting for CI still missing: {missing}"
            )
        run.tell("waiting", f"waiting for {missing}", waited_s=waited_s)
        await run.ports.clock.sleep(policy.ci_interval_s)


async def _find_missing(run: Run) -> str:
    """What a deploy still waits for; a forge or registry that is down may be up again soon."""
    try:
        checks = await run.ports.forge.checks(run.release.sha)
        is_green = checks.state is ChecksState.GREEN
        absent = await _look_for_images(run) if is_green else ()
    except Unavailable as unread:
        return f"an answer ({unread})"
    if checks.state is ChecksState.RED:
        raise Ended(Word.REFUSED, f"CI is red: {_list(checks, ChecksState.RED)}")
    return ", ".join(absent) if is_green else _list(checks, ChecksState.PENDING)


async def find_images(run: Run) -> None:
    """Finds the image in every repository, without waiting for one that is not there."""
    missing = await _look_for_images(run)
    if missing:
        raise Ended(Word.FAILED, f"no such image: {', '.join(missing)}")


async def gate(run: Run) -> None:
    """Stops a job at the door: switch, freeze window, pin and deny-list (sentence 1)."""
    await check_gate(run)
    run.reading = await run.ports.ledger.read()
    record = run.reading.record
    if record is None or run.assignment.is_by_hand:
        return
    orders = await relate(run, record)
    held = find_hold(record, orders, await run.ports.clock.utc_now())
    # Where the forge can't compare, the claim fails loudly instead of being held in silence.
    if held is not None and find_unread(record, orders) is None:
        raise Ended(Word.HELD, held.reason)


async def check_gate(run: Run) -> None:
    """Reads the switch and the freeze windows, before every effect anew (sentence 5).

    A switch that can't be read raises Unavailable: no effect follows, and it is never "off".
    Neither stops a rollback, which is what a person reaches for when a deploy has gone wrong.
    """
    if run.assignment.rollback is not None:
        return
    halt = Word.STOPPED if run.has_touched else Word.HELD
    if not await run.ports.forge.is_enabled():
        raise Ended(halt, "the kill switch is off")
    window = find_freeze(run.assignment.freezes, await run.ports.clock.utc_now())
    if window is not None and not run.assignment.is_by_hand:
        raise Ended(halt, f"a freeze window is open: {window.reason}")
    deadline_s = run.assignment.policy.deadline_s
    if deadline_s is None:
        return
    spent_s = await run.ports.clock.now_s() - run.started_s
    if spent_s > deadline_s:
        raise Ended(
            Word.EXHAUSTED,
            f"the deadline of {deadline_s:.0f} s passed {spent_s - deadline_s:.0f} s ago",
        )


async def check_head(run: Run) -> None:
    """Under `head`, ends a job when the branch has a newer commit; else only tells what it saw.

    A head that can't be read does not supersede anybody: the ledger decides (sentence 3).
    """
    head = await read_head(run)
    if head is None or head == run.release.sha:
        return
    order = await compare(run, run.release.sha, head)
    is_superseding = run.assignment.policy.superseded_by is SupersededBy.HEAD
    if order is Order.OLDER and is_superseding:
        raise Ended(Word.SUPERSEDED, f"{head.short} is newer, read on the branch", by=head)
    run.tell("head", f"the head of the branch is {head.short}; ours is {order}", head=str(head))


async def read_head(run: Run) -> Sha | None:
    """Reads the head of the branch; None, with a warning, when it can't be read."""
    try:
        return await run.ports.forge.head()
    except Unavailable as unreadable:
        run.warn(f"the head of the branch could not be read: {unreadable}")
        return None


async def _look_for_images(run: Run) -> tuple[str, ...]:
    images, missing = [], []
    for repository in run.assignment.repositories:
        digest = await run.ports.registry.resolve(repository, run.release.tag)
        if digest is None:
            missing.append(f"{repository}:{run.release.tag}")
        else:
            images.append(Image(repository=repository, digest=digest))
    run.release = replace(run.release, images=tuple(images))
    return tuple(missing)


def _list(checks: Checks, verdict: ChecksState) -> str:
    named = [
        f"{check.context} ({check.state})" for check in checks.checks if check.verdict is verdict
    ]
    return ", ".join(named)
