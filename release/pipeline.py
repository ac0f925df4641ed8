"""The deploy on one page: each verb is a tuple of stages, run in order.

Every stage awaits port methods and nothing else, so one step is the code between two port calls:
CI, the simulator and every test run these very coroutines, with another bundle of ports. This
module must not know an adapter, a clock, an environment variable or how an outcome is shown.
"""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable

from release.core.assignment import Assignment
from release.core.outcome import Outcome, Word
from release.errors import HeadwayError, Invalid, Unavailable
from release.ports import Ports
from release.stages.claim import claim
from release.stages.finish import finish, finish_unrecorded
from release.stages.gate import find_images, gate, wait_for_release
from release.stages.hand import initialise
from release.stages.observe import observe
from release.stages.promote import promote
from release.stages.rollout import roll_ahead, roll_out, verify
from release.stages.run import ClaimLost, Ended, Run, Scope
from release.stages.take_over import take_over
from release.stages.verify import verify_settled

__all__ = [
    "DEPLOY",
    "LEDGER_INIT",
    "PROMOTE",
    "REDEPLOY",
    "ROLLBACK",
    "ROLLBACK_NOW",
    "SETTLE_VERIFY",
    "WAIT_CI",
    "Stage",
    "run_job",
    "start",
]

Stage = Callable[[Run], Awaitable[None]]

WAIT_CI: tuple[Stage, ...] = (wait_for_release,)
DEPLOY: tuple[Stage, ...] = (
    wait_for_release,
    gate,
    observe,
    claim,
    take_over,
    roll_out,
    verify,
    promote,
)
REDEPLOY: tuple[Stage, ...] = (find_images, gate, observe, claim, take_over, roll_out, verify)
ROLLBACK: tuple[Stage, ...] = (
    find_images,
    observe,
    claim,
    take_over,
    roll_out,
    verify,
    promote,
)
ROLLBACK_NOW: tuple[Stage, ...] = (
    find_images,
    observe,
    claim,
    roll_ahead,
    take_over,
    roll_out,
    verify,
    promote,
)
LEDGER_INIT: tuple[Stage, ...] = (initialise,)
SETTLE_VERIFY: tuple[Stage, ...] = (verify_settled,)
PROMOTE: tuple[Stage, ...] = (
    find_images,
    gate,
    observe,
    claim,
    take_over,
    verify_settled,
    promote,
)


def start(assignment: Assignment, ports: Ports) -> Run:
    """Makes the run of a job, which knows nothing yet."""
    return Run(ports=ports, assignment=assignment, release=assignment.release)


async def run_job(run: Run, stages: tuple[Stage, ...]) -> Outcome:
    """Runs the stages in order until one ends the job; an end of any kind is an outcome.

    A job whose claim is lost to nobody newer goes back to `observe`, at most `claims_max` times.
    Whatever happens, the outcome is written into the ledger and the hold is let go.
    """
    run.started_s = await run.ports.clock.now_s()
    run.scope = Scope(
        has_tenants=roll_out in stages or verify_settled in stages, has_pointers=promote in stages
    )
    try:
        await _run_stages(run, stages)
        ended = _succeed(run, stages)
    except Ended as early:
        ended = early
    except CancelledError:
        ended = Ended(Word.CANCELLED, "by a signal; unanswered effects stay noted")
    except Invalid as wrong:
        if run.epoch is None:
            raise
        ended = Ended(Word.FAILED, str(wrong))
    except HeadwayError as problem:
        word = Word.UNAVAILABLE if isinstance(problem, Unavailable) else Word.FAILED
        ended = Ended(word, str(problem))
    if claim not in stages:
        return finish_unrecorded(run, ended)
    try:
        return await finish(run, ended)
    except CancelledError:
        # The signal came when all was over but for writing it down; that is still to be done.
        return await finish(run, ended)


async def _run_stages(run: Run, stages: tuple[Stage, ...]) -> None:
    index, claims = 0, 0
    while index < len(stages):
        stage = stages[index]
        run.tell("stage", stage.__name__.replace("_", " "), stage=stage.__name__)
        try:
            await stage(run)
        except ClaimLost:
            claims += 1
            run.tell("claim-lost", "the claim is lost: observing and claiming again")
            if claims > run.assignment.policy.claims_max:
                raise Ended(Word.UNAVAILABLE, f"the claim was lost {claims} times") from None
            run.epoch = None
            run.progress.clear()
            run.failures.clear()
            index = stages.index(observe)
        else:
            index += 1


def _succeed(run: Run, stages: tuple[Stage, ...]) -> Ended:
    count = sum(tenant not in run.failures for tenant in run.candidates)
    if stages == LEDGER_INIT:
        return Ended(Word.VERIFIED, f"the ledger's record was created from {count} tenants")
    if stages == WAIT_CI:
        return Ended(Word.VERIFIED, "CI is green and the image is in every repository")
    if promote not in stages:
        word = Word.REDEPLOYED if roll_out in stages and run.has_touched else Word.VERIFIED
        settled = f"{count} tenants settled"
        asked = f"{count} of {len(run.candidates)} tenants answer with it"
        return Ended(word, settled if word is Word.REDEPLOYED else asked)
    if not run.has_touched:
        return Ended(Word.VERIFIED, "nothing to do")
    return Ended(Word.DEPLOYED, f"{count} tenants settled, every pointer read back")
