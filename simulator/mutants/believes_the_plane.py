"""No verification: what the control plane says of a redeploy is what the job says.

Seen twice in the pipeline of #2213: a redeploy that did nothing and was reported as a success, and
a tenant that the answer did not mention. It misses every tenant that was told to move and did not.
This module must not ask a tenant.
"""

from release.core.assignment import Assignment
from release.core.outcome import Outcome, Word
from release.core.plan import plan_batches
from release.core.sighting import RowState
from release.errors import HeadwayError
from release.ports import Ports
from simulator.mutants.steps import Red, find_release, move_pointers, outcome, tell

__all__ = ["deploy"]

_NO_EPOCH = 0


async def deploy(assignment: Assignment, ports: Ports) -> Outcome:
    """Redeploys, stops at a row that says failed, promotes."""
    try:
        release = await find_release(ports, assignment)
        listed = await ports.fleet.candidates(release, epoch=None)
        for batch in plan_batches(listed.tenants, (), assignment.policy):
            tell(ports, "redeploy", f"{batch.name}: {', '.join(t.slug for t in batch.tenants)}")
            answer = await ports.fleet.redeploy(
                release, batch.tenants, epoch=_NO_EPOCH, phase=batch.name
            )
            failed = [row.tenant.slug for row in answer.rows if row.state is RowState.FAILED]
            if failed:
                raise Red("the control plane said failed", on=", ".join(failed))
            if batch.is_canary:
                await ports.clock.sleep(assignment.policy.soak_s)
        pointers = await move_pointers(ports, assignment, release)
    except HeadwayError as problem:
        return outcome(assignment, Word.FAILED, str(problem))
    said = "the control plane said ok"
    return outcome(assignment, Word.DEPLOYED, said, pointers=pointers)
