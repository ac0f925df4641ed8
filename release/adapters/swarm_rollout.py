"""Waits until the engine has rolled a service onto a step, and says how that ended.

This module must not write a service, nor take its specification for what runs.
"""

from dataclasses import dataclass
from typing import assert_never

from release.adapters.swarm_service import RolloutState, Service
from release.adapters.swarm_spec import Step, is_taken
from release.adapters.swarm_tasks import (
    Task,
    explain,
    has_converged,
    has_failed,
    read_task,
    running,
)
from release.adapters.swarm_write import Target, read_again
from release.core.sighting import RowState
from release.errors import Refused, Unavailable
from release.ports import Clock

__all__ = ["End", "Watched", "follow"]

_POLL_CALM_S = 0.5
_POLL_MIN_S, _POLL_MAX_S = 0.05, 2.0
_POLL_SHARE = 1 / 40
"""A poll comes this share of the time passed after the last: late by a few percent at most."""

_CRASHES_MAX = 2
"""How many tasks may fail behind a step before the service is called broken: one may recover."""

_NOT_FINAL = "gave no final state in time"


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How an update ended; `note` says why it did not succeed."""

    state: RowState
    note: str = ""


_DONE = End(state=RowState.DONE)
_UNDER_WAY = frozenset({RolloutState.UPDATING, RolloutState.ROLLBACK_STARTED})
_ROLLBACKS = frozenset(
    {
        RolloutState.ROLLBACK_STARTED,
        RolloutState.ROLLBACK_PAUSED,
        RolloutState.ROLLBACK_COMPLETED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A service as it was before the step was written into it.

    known: its tasks then, whose failures say nothing about the step.
    """

    target: Target
    step: Step
    known: frozenset[str]


async def follow(watched: Watched, *, clock: Clock, until_s: float) -> End:
    """Polls until the update has ended; UNANSWERED when it has not by `until_s`."""
    began_s, last, is_over = await clock.now_s(), _NOT_FINAL, False
    watched_s = watched.step.policy.monitor_s or watched.target.service.monitor_s
    while True:
        try:
            service = (await read_again(watched.target)).service
            if (end := _find_overtaken(watched, service)) is not None:
                return end
            is_over = _state_of(watched, service) is RolloutState.COMPLETED
            is_last = await clock.now_s() >= until_s
            if is_last or _state_of(watched, service) not in _UNDER_WAY:
                tasks = tuple(map(read_task, await watched.target.engine.tasks((service.id,))))
                if (end := _judge(watched, service, tasks)) is not None:
                    return end
                last = f"{_NOT_FINAL}{_because(explain(tasks, watched.step.image))}"
        except Refused as exc:
            return _failed(str(exc))
        except Unavailable as exc:
            last = str(exc)
        now_s = await clock.now_s()
        if now_s >= until_s:
            return _failed(last) if is_over else End(state=RowState.UNANSWERED, note=last)
        pause_s = _pause_s(now_s - began_s, watched_s)
        await clock.sleep(min(pause_s, until_s - now_s))


def _pause_s(passed_s: float, watched_s: float) -> float:
    """How long until the next look: no update succeeds before its new task was watched for so long.

    Until then only a failure is to be seen, which nobody waits for as impatiently.
    """
    if passed_s < watched_s:
        return max(min(_POLL_CALM_S, watched_s - passed_s), _POLL_MIN_S)
    return min(max(passed_s * _POLL_SHARE, _POLL_MIN_S), _POLL_MAX_S)


def _find_overtaken(watched: Watched, service: Service) -> End | None:
    """Says who wrote the service after us, unless the engine itself is taking our step back."""
    if is_taken(service.spec, watched.step):
        return None
    epoch = service.epoch
    if epoch is not None and epoch > watched.step.epoch:
        return _failed(f"overtaken by epoch {epoch} while it was being updated")
    if service.rollout in _ROLLBACKS:
        return None
    return _failed("somebody else changed the service after our update of it")


def _state_of(watched: Watched, service: Service) -> RolloutState:
    """How far the engine is; what it said of an update before ours stays until it begins ours."""
    before = watched.target.service.started_at
    is_stale = bool(before) and service.started_at == before
    return RolloutState.NONE if is_stale else service.rollout


def _judge(watched: Watched, service: Service, tasks: tuple[Task, ...]) -> End | None:
    """Says how the update ended; None while it goes on."""
    state = _state_of(watched, service)
    because = _because(explain(tasks, watched.step.image) or service.message)
    match state:
        case RolloutState.UPDATING | RolloutState.ROLLBACK_STARTED:
            return None
        case RolloutState.NONE | RolloutState.COMPLETED:
            # Told to continue, the engine completes an update whose tasks all crashed.
            if has_converged(service, tasks):
                return _DONE
            is_broken = _is_broken(watched, tasks)
            return _failed(f"its tasks fail{because}; {_serving(tasks)}") if is_broken else None
        case RolloutState.PAUSED:
            return _failed(f"the engine paused the update{because}; {_serving(tasks)}")
        case RolloutState.ROLLBACK_COMPLETED:
            return _failed(f"the engine rolled it back{because}; {_serving(tasks)}")
        case RolloutState.ROLLBACK_PAUSED:
            return _failed(f"the engine gave up rolling it back{because}; {_serving(tasks)}")
        case _:
            assert_never(state)


def _is_broken(watched: Watched, tasks: tuple[Task, ...]) -> bool:
    """Whether tasks fail again and again, or one has failed and none is to come."""
    failed = [task for task in tasks if has_failed(task) and task.id not in watched.known]
    is_to_come = any(task.is_wanted and not task.is_running for task in tasks)
    return len(failed) >= _CRASHES_MAX or (bool(failed) and not is_to_come)


def _failed(note: str) -> End:
    return End(state=RowState.FAILED, note=note)


def _because(cause: str) -> str:
    return f": {cause}" if cause else ""


def _serving(tasks: tuple[Task, ...]) -> str:
    """Says what serves now, in place of what was to."""
    images = dict.fromkeys(task.image for task in running(tasks))
    return f"{', '.join(images)} serves" if images else "no task serves"
