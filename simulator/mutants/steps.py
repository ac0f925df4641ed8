"""The steps that the earlier designs share: roll out, verify, move the pointers, report.

They run over the same ports as Headway's pipeline, and know no ledger: each design in this folder
decides only what it looks at before it acts. This module must not contain a guard of its own.
"""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from release.core.assignment import Assignment
from release.core.order import Order
from release.core.outcome import Outcome, PointerReport, TenantReport, TenantState, Word
from release.core.plan import Batch, plan_batches
from release.core.sighting import Redeployed, RowState
from release.core.values import Image, Release, Sha, Tenant
from release.errors import HeadwayError, OutcomeUnknown, Unavailable
from release.ports import Event, Ports
from release.stages.run import Ended

__all__ = [
    "Manner",
    "Red",
    "carry_out",
    "find_newer_head",
    "find_release",
    "heed_head",
    "look_at_nothing",
    "move_pointers",
    "outcome",
    "roll_out",
    "tell",
    "verify_once",
    "verify_tenants",
    "verify_until_budget",
]

_NO_EPOCH = 0
"""What a caller that knows no ledger has to offer a fence."""


class Red(HeadwayError):
    """The job failed, and CI shows it red."""


async def look_at_nothing() -> None:
    """Lets the job go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a design sends its effects.

    first: awaited before anything else. before: awaited before every effect. Either raises Ended,
        or an error, to end the job.
    epoch: what the design has to offer a fence. has_retry: whether an effect whose answer was lost
        is sent once more, blindly, as HTTP clients do.
    """

    first: Callable[[], Awaitable[None]] = look_at_nothing
    before: Callable[[], Awaitable[None]] = look_at_nothing
    epoch: int = _NO_EPOCH
    has_retry: bool = False


_PLAIN = Manner()


async def carry_out(ports: Ports, assignment: Assignment, manner: Manner = _PLAIN) -> Outcome:
    """The smallest deploy: find, roll out, verify once, promote, read back; ends as an outcome."""
    has_touched = False
    try:
        await manner.first()
        release = await find_release(ports, assignment)
        epoch = manner.epoch if manner.epoch != _NO_EPOCH else None
        listed = (await ports.fleet.candidates(release, epoch=epoch)).tenants
        for batch in plan_batches(listed, (), assignment.policy):
            await manner.before()
            has_touched = True
            await _roll_batch(ports, assignment, release, batch, manner=manner)
        tenants = await verify_tenants(ports, release, listed)
        pointers = await move_pointers(ports, assignment, release, manner=manner)
        await _read_back(ports, pointers, release)
    except Ended as early:
        ended = outcome(assignment, early.word, early.reason, by=early.by)
        return replace(ended, has_touched=has_touched)
    except CancelledError:
        return outcome(assignment, Word.CANCELLED, "by a signal")
    except HeadwayError as problem:
        return outcome(assignment, Word.FAILED, str(problem))
    said = f"{len(tenants)} tenants verified"
    return outcome(assignment, Word.DEPLOYED, said, tenants=tenants, pointers=pointers)


def tell(ports: Ports, kind: str, text: str) -> None:
    """Tells the job's journal."""
    ports.journal.tell(Event(kind=kind, text=text))


async def find_release(ports: Ports, assignment: Assignment) -> Release:
    """Finds the images of the commit; the CI wait is over when these jobs begin."""
    images = []
    for repository in assignment.repositories:
        digest = await ports.registry.resolve(repository, assignment.release.tag)
        if digest is None:
            raise Red("no such image", on=f"{repository}:{assignment.release.tag}")
        images.append(Image(repository=repository, digest=digest))
    return replace(assignment.release, images=tuple(images))


async def find_newer_head(ports: Ports, assignment: Assignment) -> Sha | None:
    """Reads whether the branch has a newer commit; a head that can't be read supersedes nobody."""
    try:
        head = await ports.forge.head()
    except Unavailable:
        return None
    order = await ports.forge.compare(assignment.release.sha, head)
    return head if order is Order.OLDER else None


async def heed_head(ports: Ports, assignment: Assignment) -> None:
    """Ends the job when the branch has a newer commit; one that can't be read or placed is red."""
    ours = assignment.release.sha
    head = await ports.forge.head()
    if head == ours:
        return
    order = await ports.forge.compare(ours, head)
    if order is Order.OLDER:
        tell(ports, "guard", f"superseded by {head.short}")
        raise Ended(Word.SUPERSEDED, f"{head.short} owns the branch", by=head)
    if order in {Order.DIVERGED, Order.UNKNOWN}:
        raise Red("nobody knows whether ours is the newer commit", on="branch", seen=head.short)


async def roll_out(ports: Ports, assignment: Assignment, release: Release) -> None:
    """Redeploys the canary, soaks, redeploys batch after batch; believes the control plane."""
    listed = await ports.fleet.candidates(release, epoch=None)
    for batch in plan_batches(listed.tenants, (), assignment.policy):
        await _roll_batch(ports, assignment, release, batch)


async def _roll_batch(
    ports: Ports, assignment: Assignment, release: Release, batch: Batch, *, manner: Manner = _PLAIN
) -> None:
    tell(ports, "redeploy", f"{batch.name}: {', '.join(t.slug for t in batch.tenants)}")

    async def send() -> Redeployed:
        return await ports.fleet.redeploy(
            release, batch.tenants, epoch=manner.epoch, phase=batch.name
        )

    try:
        answer = await send()
    except OutcomeUnknown:
        if not manner.has_retry:
            raise
        answer = await send()
    failed = [row.tenant.slug for row in answer.rows if row.state is not RowState.DONE]
    if failed:
        raise Red("the control plane did not say ok", on=", ".join(failed))
    if batch.is_canary:
        tell(ports, "soak", f"soaking for {assignment.policy.soak_s:.0f} s")
        await ports.clock.sleep(assignment.policy.soak_s)


async def move_pointers(
    ports: Ports, assignment: Assignment, release: Release, *, manner: Manner = _PLAIN
) -> tuple[PointerReport, ...]:
    """Moves every pointer, and believes the registry's answer."""
    reports = []
    for pointer in assignment.pointers:
        digest = release.digest(pointer.repository)
        assert digest is not None, "the images were found first"
        await manner.before()
        tell(ports, "promote", f"{pointer} to {release.tag}")
        try:
            await ports.registry.point(pointer, digest)
        except OutcomeUnknown:
            if not manner.has_retry:
                raise
            await ports.registry.point(pointer, digest)
        reports.append(PointerReport(pointer=pointer, is_right=True))
    return tuple(reports)


async def _read_back(ports: Ports, reports: tuple[PointerReport, ...], release: Release) -> None:
    """Reads every pointer after its move; raises Red when it names anything else."""
    for pointer in [report.pointer for report in reports]:
        seen = await ports.registry.resolve(pointer.repository, pointer.tag)
        if seen != release.digest(pointer.repository):
            raise Red("was not moved to the release", on=str(pointer), seen=str(seen))


async def verify_once(ports: Ports, release: Release) -> tuple[TenantReport, ...]:
    """Lists the tenants again, and verifies them."""
    listed = await ports.fleet.candidates(release, epoch=None)
    return await verify_tenants(ports, release, listed.tenants)


async def verify_tenants(
    ports: Ports, release: Release, tenants: tuple[Tenant, ...]
) -> tuple[TenantReport, ...]:
    """Asks every tenant once, as a single round of `curl` does; raises Red when one is off."""
    reports = []
    for sight in await ports.edge.observe(tenants):
        is_right = sight.sha == release.sha
        state = TenantState.SETTLED if is_right else TenantState.UNSETTLED
        reports.append(TenantReport(tenant=sight.tenant, state=state, seen=sight.sha))
        if not is_right:
            actual = sight.sha.short if sight.sha else sight.reason
            raise Red(
                "does not serve the release",
                on=f"tenant {sight.tenant}",
                seen=actual,
                expected=release.sha.short,
            )
    return tuple(reports)


async def verify_until_budget(
    ports: Ports, assignment: Assignment, release: Release
) -> tuple[TenantReport, ...] | Sha:
    """Polls every tenant until it was seen on the release once, or the settle budget is spent.

    Returns the newer head instead, when one shows up on the branch while it polls.
    """
    listed = await ports.fleet.candidates(release, epoch=None)
    waiting, polls = listed.tenants, 0
    while True:
        sights = await ports.edge.observe(waiting)
        waiting = tuple(sight.tenant for sight in sights if sight.sha != release.sha)
        if not waiting:
            return _settled(listed.tenants, release)
        newer = await find_newer_head(ports, assignment)
        if newer is not None:
            return newer
        polls += 1
        if polls * assignment.policy.settle_interval_s > assignment.policy.settle_budget_s:
            raise Red("never reached the release", on=f"tenant {waiting[0]}")
        await ports.clock.sleep(assignment.policy.settle_interval_s)


def _settled(tenants: Iterable[Tenant], release: Release) -> tuple[TenantReport, ...]:
    return tuple(
        TenantReport(tenant=tenant, state=TenantState.SETTLED, seen=release.sha)
        for tenant in tenants
    )


def outcome(  # noqa: PLR0913 - one field for each thing that such a job can say
    assignment: Assignment,
    word: Word,
    reason: str,
    *,
    by: Sha | None = None,
    tenants: tuple[TenantReport, ...] = (),
    pointers: tuple[PointerReport, ...] = (),
) -> Outcome:
    """How an earlier job ended, in the words of today."""
    return Outcome(
        word=word,
        environment=assignment.environment,
        release=assignment.release,
        job=assignment.job,
        reason=reason,
        by=by,
        tenants=tenants,
        pointers=pointers,
        has_touched=word is not Word.SUPERSEDED,
    )
