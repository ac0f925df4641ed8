"""The steps that the earlier pipelines shared: roll out, verify once, move the pointers.

They run over the same ports as Headway's pipeline, and know no ledger: each design in this folder
decides only where it looks whether it has been superseded. This module must not contain a guard.
"""

from collections.abc import Iterable
from dataclasses import replace

from release.core.assignment import Assignment
from release.core.order import Order
from release.core.outcome import Outcome, PointerReport, TenantReport, TenantState, Word
from release.core.plan import plan_batches
from release.core.sighting import RowState
from release.core.values import Image, Release, Sha, Tenant
from release.errors import HeadwayError, Unavailable
from release.ports import Event, Ports

__all__ = [
    "Red",
    "find_newer_head",
    "find_release",
    "move_pointers",
    "outcome",
    "roll_out",
    "tell",
    "verify_once",
    "verify_until_budget",
]

_NO_EPOCH = 0
"""What a caller that knows no ledger has to offer a fence."""


class Red(HeadwayError):
    """The job failed, and CI shows it red."""


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


async def roll_out(ports: Ports, assignment: Assignment, release: Release) -> None:
    """Redeploys the canary, soaks, redeploys batch after batch; believes the control plane."""
    listed = await ports.fleet.candidates(release, epoch=None)
    for batch in plan_batches(listed.tenants, (), assignment.policy):
        tell(ports, "redeploy", f"{batch.name}: {', '.join(t.slug for t in batch.tenants)}")
        answer = await ports.fleet.redeploy(
            release, batch.tenants, epoch=_NO_EPOCH, phase=batch.name
        )
        failed = [row.tenant.slug for row in answer.rows if row.state is not RowState.DONE]
        if failed:
            raise Red("the control plane did not say ok", on=", ".join(failed))
        if batch.is_canary:
            tell(ports, "soak", f"soaking for {assignment.policy.soak_s:.0f} s")
            await ports.clock.sleep(assignment.policy.soak_s)


async def move_pointers(
    ports: Ports, assignment: Assignment, release: Release
) -> tuple[PointerReport, ...]:
    """Moves every pointer, and believes the registry's answer."""
    reports = []
    for pointer in assignment.pointers:
        digest = release.digest(pointer.repository)
        assert digest is not None, "the images were found first"
        tell(ports, "promote", f"{pointer} to {release.tag}")
        await ports.registry.point(pointer, digest)
        reports.append(PointerReport(pointer=pointer, is_right=True))
    return tuple(reports)


async def verify_once(ports: Ports, release: Release) -> tuple[TenantReport, ...]:
    """Asks every tenant once, as a single round of `curl` does; raises Red when one is off."""
    listed = await ports.fleet.candidates(release, epoch=None)
    reports = []
    for sight in await ports.edge.observe(listed.tenants):
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
