"""The guards that a race can be run under, by name.

This module must not schedule anything: `race` and `live` do.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from release.core.assignment import Assignment
from release.core.outcome import Outcome
from release.pipeline import DEPLOY, run_job, start
from release.ports import Ports
from simulator.mutants import (
    acquisition_fence,
    before_effects,
    before_verify,
    believes_the_plane,
    cancel_running,
    fail_closed_green,
    floating_tag,
    heal_to_head,
    lease,
    lease_reread,
    mutex,
    none,
    one_status_page,
    person_lock,
    recheck,
    run_id_order,
    tag_without_read_back,
    timestamp_order,
    verify_any_answer,
    warns_when_unreachable,
)

__all__ = ["GUARDS", "SHIPPED", "TOLD", "Guard"]

SHIPPED = "headway"
"""The guard that is no earlier design."""

Deploy = Callable[[Assignment, Ports], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """One way of keeping an older job from going backward; `deploy` runs one job under it.

    aliases: what else it is called.
    """

    name: str
    title: str
    deploy: Deploy
    aliases: tuple[str, ...] = ()


class _Guards(Mapping[str, Guard]):
    """Finds a guard by its name or an alias; walks the names alone."""

    def __init__(self, guards: tuple[Guard, ...]) -> None:
        self._guards = {guard.name: guard for guard in guards}
        self._named = {name: guard for guard in guards for name in (guard.name, *guard.aliases)}

    def __getitem__(self, name: str) -> Guard:
        return self._named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._guards)

    def __len__(self) -> int:
        return len(self._guards)


async def _headway(assignment: Assignment, ports: Ports) -> Outcome:
    return await run_job(start(assignment, ports), DEPLOY)


GUARDS: Mapping[str, Guard] = _Guards(
    (
        Guard(name="none", title="looks at nothing", deploy=none.deploy),
        Guard(
            name="before-verify",
            title="checks once, before the verification (#2194)",
            deploy=before_verify.deploy,
            aliases=("as-it-happened",),
        ),
        Guard(
            name="before-effects",
            title="checks once before the effects (#2215)",
            deploy=before_effects.deploy,
            aliases=("upstream",),
        ),
        Guard(
            name="recheck", title="reads the head again before every effect", deploy=recheck.deploy
        ),
        Guard(
            name="mutex",
            title="one job at a time, in the order of their coming",
            deploy=mutex.deploy,
        ),
        Guard(name="lease", title="a lease, and the head read once under it", deploy=lease.deploy),
        Guard(
            name="lease-reread",
            title="a lease, read again before every effect",
            deploy=lease_reread.deploy,
        ),
        Guard(
            name="person-lock", title="a lock in the name of the person", deploy=person_lock.deploy
        ),
        Guard(
            name="acquisition-fence",
            title="a fence whose number says who took the lock last",
            deploy=acquisition_fence.deploy,
        ),
        Guard(
            name="timestamp-order",
            title="newer is what started after the last deploy ended",
            deploy=timestamp_order.deploy,
        ),
        Guard(
            name="run-id-order",
            title="newer is what has the higher run id",
            deploy=run_id_order.deploy,
        ),
        Guard(
            name="fail-closed-green",
            title="skips in green when it can't read the head or a label",
            deploy=fail_closed_green.deploy,
        ),
        Guard(
            name="tag-without-read-back",
            title="moves the tag and believes the answer",
            deploy=tag_without_read_back.deploy,
        ),
        Guard(
            name="verify-any-200",
            title="verified is whatever answers",
            deploy=verify_any_answer.deploy,
        ),
        Guard(
            name="cancel-running",
            title="the newer job cancels the older one and goes on at once",
            deploy=cancel_running.deploy,
        ),
        Guard(
            name="floating-tag",
            title="deploys whatever a floating tag names",
            deploy=floating_tag.deploy,
        ),
        Guard(
            name="heal-to-head",
            title="brings what has drifted onto the tip of the branch",
            deploy=heal_to_head.deploy,
        ),
        Guard(
            name="believes-the-plane",
            title="what the control plane says is what the job says",
            deploy=believes_the_plane.deploy,
        ),
        Guard(
            name="warns-when-unreachable",
            title="a tenant that names no release is a warning",
            deploy=warns_when_unreachable.deploy,
        ),
        Guard(
            name="one-status-page",
            title="reads the first page of a commit's statuses",
            deploy=one_status_page.deploy,
        ),
        Guard(name=SHIPPED, title="the shipped pipeline", deploy=_headway),
    )
)
"""Every guard by name or alias: designs seen in the wild, each in a file of its own; Headway last.

They are kept to show what each of them lets through.
"""

TOLD = ("before-verify", "before-effects", SHIPPED)
"""The three that tell the story: as it happened, as it was mended, and as it is shipped."""
