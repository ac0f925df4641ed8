"""The step before every effect: gate, intent, clock; and the two effects themselves.

An effect is sent once. When its answer is lost the request is in flight, so its intent stays open
and repeating it is a new step (sentence 5). This module must not judge what tenants serve.
"""

from collections.abc import Sequence
from functools import partial

from release.core.ledger import Effect
from release.core.outcome import Word
from release.core.settle import Progress
from release.core.sighting import Redeployed, Row, RowState
from release.core.transitions import open_intent
from release.core.values import Digest, Pointer, Tenant
from release.errors import FenceRefused, OutcomeUnknown, Refused, Unavailable
from release.stages.gate import check_gate
from release.stages.run import Ended, Run, names
from release.stages.take_over import heed_fence, take_over
from release.stages.write import write

__all__ = ["move_pointer", "redeploy"]


async def redeploy(run: Run, tenants: tuple[Tenant, ...], *, phase: str) -> tuple[Row, ...]:
    """Redeploys exactly these tenants as one step; a row for each, unanswered ones included.

    Raises Ended when the job may not go on, Refused when the fleet said no.
    """
    what = f"{names(tenants)} to {run.release.tag}"
    for _ in range(run.assignment.policy.swap_attempts_max):
        number = await _write_intent(run, Effect.REDEPLOY, what)
        assert run.epoch is not None, "the intent was written by a holder"
        run.tell("redeploy", f"{phase}: {what}", tenants=_slugs(tenants), epoch=run.epoch)
        # A signal may end the job before an answer comes: then these are no longer untouched.
        before = dict(run.progress)
        note = "its redeploy was not answered"
        run.progress.update({one: Progress(tenant=one, note=note) for one in tenants})
        try:
            answer = await run.ports.fleet.redeploy(
                run.release, tenants, epoch=run.epoch, phase=phase
            )
        except FenceRefused as refusal:
            run.answered.add(number)
            run.progress = before
            await heed_fence(run, refusal)
            await take_over(run)
        except OutcomeUnknown as lost:
            run.warn(f"{phase}: no answer, it may still take effect: {lost}")
            return _unanswered(tenants, str(lost))
        except Refused:
            run.answered.add(number)
            run.progress = before
            raise
        except Unavailable as unreached:
            # Nothing was sent, so that a later step may try again as if for the first time.
            run.answered.add(number)
            run.progress = before
            run.warn(f"{phase}: {unreached}")
            await run.ports.clock.sleep(run.assignment.policy.retry_s)
        else:
            return _take_answer(run, number, answer)
    raise Ended(Word.UNAVAILABLE, f"{phase}: the fleet took none of our requests: {what}")


async def move_pointer(run: Run, pointer: Pointer, digest: Digest) -> str:
    """Moves one pointer as one step, to be read back; says why not when it was refused."""
    what = f"{pointer} to {run.release.tag}"
    number = await _write_intent(run, Effect.PROMOTE, what)
    run.tell("promote", f"moving {what}", pointer=str(pointer), digest=str(digest))
    try:
        await run.ports.registry.point(pointer, digest)
    except OutcomeUnknown as lost:
        run.warn(f"{pointer}: no answer, it may still take effect: {lost}")
        return ""
    except (Refused, Unavailable) as refusal:
        run.answered.add(number)
        return str(refusal)
    run.answered.add(number)
    return ""


async def _write_intent(run: Run, effect: Effect, what: str) -> int:
    """Checks the gate, writes the intent down and checks the clock just before sending.

    The bound counts from the start of the swap, so a swap that took long leaves too little of it:
    over `send_margin_s` the intent is written anew, and nothing was sent behind the old one.
    """
    policy = run.assignment.policy
    is_redeploy = effect is Effect.REDEPLOY
    bound_s = policy.redeploy_bound_s if is_redeploy else policy.pointer_bound_s
    for _ in range(policy.swap_attempts_max):
        await check_gate(run)
        intent = run.new_intent(effect, what, bound_s)
        began_s = await write(run, partial(open_intent, intent=intent))
        if await run.ports.clock.now_s() - began_s <= policy.send_margin_s:
            run.has_touched = True
            run.last_intent = intent
            return intent.number
        run.answered.add(intent.number)
    raise Ended(
        Word.UNAVAILABLE,
        f"every write to the ledger took over {policy.send_margin_s:.0f} s: too late to send",
    )


def _take_answer(run: Run, number: int, answer: Redeployed) -> tuple[Row, ...]:
    run.fencing["fleet"] = answer.fencing
    if answer.is_answered:
        run.answered.add(number)
    else:
        silent = [row.tenant for row in answer.rows if row.state is RowState.UNANSWERED]
        run.warn(f"no final answer for {names(silent)}: it may still take effect there")
    return answer.rows


def _unanswered(tenants: Sequence[Tenant], note: str) -> tuple[Row, ...]:
    return tuple(Row(tenant=tenant, state=RowState.UNANSWERED, note=note) for tenant in tenants)


def _slugs(tenants: Sequence[Tenant]) -> list[str]:
    return [tenant.slug for tenant in tenants]
