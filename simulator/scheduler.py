"""Steps coroutines by hand in virtual time, in an order that depends on nothing but the program.

No event loop, no thread, no clock of the machine: what is due first runs first, and of two things
due at one instant the one that was asked for first. This module must not know the world or a port.
"""

import asyncio
import heapq
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from simulator.waits import Hold, Killed, Pause, Stalled, StepsExhausted

__all__ = ["Hold", "Job", "Join", "Killed", "Pause", "Scheduler", "Stalled", "StepsExhausted"]

T = TypeVar("T")

STEPS_MAX = 1_000_000
"""How many steps one `run` takes at most, unless it is told otherwise."""

_CLOSES_MAX = 100


@dataclass(frozen=True, slots=True)
class Join:
    """Awaited, it waits until all these jobs are done; the answer says whether they are.

    within_s: give up after so long, and answer False; the jobs go on.
    """

    jobs: tuple["Job[Any]", ...]
    within_s: float | None = None

    def __await__(self) -> Generator["Join", Any, bool]:
        return bool((yield self))


class Job(Generic[T]):
    """One coroutine under the scheduler, and how it ended.

    error: what it raised, CancelledError included. ended_at_s: None while it goes on.
    """

    def __init__(self, scheduler: "Scheduler", name: str) -> None:
        self.name = name
        self.is_killed = False
        self.error: BaseException | None = None
        self.returned: tuple[T, ...] = ()
        self.ended_at_s: float | None = None
        self._scheduler = scheduler

    @property
    def is_done(self) -> bool:
        """Whether it returned, raised or was killed."""
        return self.ended_at_s is not None

    def result(self) -> T:
        """What the coroutine returned; raises what it raised, or Stalled when there is neither."""
        if self.error is not None:
            raise self.error
        if not self.returned:
            how = "was killed" if self.is_killed else "has not ended"
            raise Stalled(f"{how}, so there is no result", on=f"job {self.name}")
        return self.returned[0]

    def cancel(self) -> None:
        """Throws `asyncio.CancelledError` where the job waits, at this instant; cleanup may wait.

        Repeating it throws again, as a second signal does. A job that is done stays done.
        """
        self._scheduler.cancel(self)

    def kill(self) -> None:
        """Ends the job as SIGKILL does: nothing of it runs any more, no cleanup reaches a port."""
        self._scheduler.kill(self)


@dataclass(slots=True, eq=False)
class _Task:
    """What the scheduler knows of a job that is not done.

    turn: counts what the job waited for; an answer to an earlier turn is stale.
    missing: how many jobs the present Join still waits for.
    """

    job: Job[Any]
    coroutine: Coroutine[Any, Any, Any]
    is_background: bool
    turn: int = 0
    missing: int = 0
    joiners: list[tuple["_Task", int]] = field(default_factory=list)


_Due = tuple[float, int, Callable[[], None] | None, _Task | None, int, object]


class Scheduler:
    """Runs jobs and calls in the order of (time, sequence number).

    is_killing: true while the cleanup of a killed job is being cut short; whatever it tells then
    is to be dropped.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self.now_s = start_s
        self.is_killing = False
        self.steps = 0
        self._sequence = 0
        self._due: list[_Due] = []
        self._holds: dict[_Task, Callable[[], bool]] = {}
        self._tasks: dict[Job[Any], _Task] = {}

    def spawn(
        self,
        name: str,
        coroutine: Coroutine[Any, Any, T],
        *,
        at_s: float | None = None,
        is_background: bool = False,
        is_eager: bool = False,
    ) -> Job[T]:
        """Starts a coroutine at `at_s`, or at this instant after what is already due.

        is_background: it may wait for ever without stalling a run, as a request in flight does.
        is_eager: it starts at once, as part of the present step.
        Raises Killed when it is the cleanup of a killed job that asks.
        """
        if self.is_killing:
            coroutine.close()
            raise Killed
        job: Job[T] = Job(self, name)
        task = _Task(job, coroutine, is_background)
        self._tasks[job] = task
        if is_eager:
            self._resume(task, None)
        else:
            self._push(self.now_s if at_s is None else at_s, None, task, None)
        return job

    def call_at(self, at_s: float, function: Callable[[], None]) -> None:
        """Calls `function` at that instant, or at this one when that has passed."""
        self._push(at_s, function, None, None)

    def run(self, *, until_s: float | None = None, steps_max: int = STEPS_MAX) -> None:
        """Runs until nothing is left to happen, or up to and including `until_s`.

        Raises StepsExhausted, and Stalled when nothing is left and a job still waits. What a job
        raises is kept in the job.
        """
        for _ in range(steps_max):
            if not self._step(until_s):
                break
        else:
            raise StepsExhausted(
                "the run did not end",
                on=f"virtual time {self.now_s:.3f} s",
                seen=f"{steps_max} steps",
                advice="Raise steps_max, or look for a loop that never waits",
            )
        if until_s is not None:
            self.now_s = max(self.now_s, until_s)
            return
        waiting = [task.job.name for task in self._tasks.values() if not task.is_background]
        if waiting:
            raise Stalled(
                "nothing is left to happen, and a job still waits",
                on=", ".join(waiting),
                seen=f"virtual time {self.now_s:.3f} s",
            )

    def close(self) -> None:
        """Kills every job that is left, so that none is finalized half-way later."""
        for job in tuple(self._tasks):
            self.kill(job)

    def cancel(self, job: Job[Any]) -> None:
        """Cancels a job of this scheduler, as `Job.cancel` says."""
        task = self._tasks.get(job)
        if task is not None:
            self._wake(task, asyncio.CancelledError())

    def kill(self, job: Job[Any]) -> None:
        """Kills a job of this scheduler, as `Job.kill` says."""
        task = self._tasks.get(job)
        if task is None:
            return
        job.is_killed = True
        self._end(task)
        self.is_killing = True
        for _ in range(_CLOSES_MAX):
            try:
                task.coroutine.close()
            except (RuntimeError, Killed):
                # Its cleanup waited, or wanted to send something; closing again ends the next one.
                continue
            break
        self.is_killing = False

    def _step(self, until_s: float | None) -> bool:
        while self._due:
            at_s, _, function, task, turn, value = self._due[0]
            is_stale = task is not None and task.turn != turn
            if not is_stale and until_s is not None and at_s > until_s:
                return False
            heapq.heappop(self._due)
            if is_stale:
                continue
            self.now_s = max(self.now_s, at_s)
            self.steps += 1
            if function is not None:
                function()
            if task is not None:
                self._resume(task, value)
            self._look_at_holds()
            return True
        return False

    def _push(
        self, at_s: float, function: Callable[[], None] | None, task: _Task | None, value: object
    ) -> None:
        self._sequence += 1
        turn = task.turn if task is not None else 0
        due = (max(at_s, self.now_s), self._sequence, function, task, turn, value)
        heapq.heappush(self._due, due)

    def _wake(self, task: _Task, value: object) -> None:
        """Makes `value` the one answer to what the job waits for; other answers become stale."""
        task.turn += 1
        self._holds.pop(task, None)
        self._push(self.now_s, None, task, value)

    def _resume(self, task: _Task, value: object) -> None:
        task.turn += 1
        self._holds.pop(task, None)
        try:
            if isinstance(value, BaseException):
                wait = task.coroutine.throw(value)
            else:
                wait = task.coroutine.send(value)
            self._suspend(task, wait)
        except StopIteration as stop:
            task.job.returned = (stop.value,)
            self._end(task)
        except (Exception, asyncio.CancelledError) as exc:  # noqa: BLE001 - the job keeps its error
            task.job.error = exc
            self._end(task)

    def _suspend(self, task: _Task, wait: object) -> None:
        match wait:
            case Pause(duration_s=duration_s):
                self._push(self.now_s + duration_s, None, task, None)
                return
            case Hold(predicate=predicate, within_s=within_s):
                self._holds[task] = predicate
            case Join(jobs=jobs, within_s=within_s):
                self._join(task, jobs)
            case _:
                task.coroutine.close()
                raise TypeError(f"job {task.job.name} awaited {wait!r}: no wait of this scheduler")
        if within_s is not None:
            self._push(self.now_s + within_s, None, task, value=False)

    def _join(self, task: _Task, jobs: tuple[Job[Any], ...]) -> None:
        awaited = [self._tasks[job] for job in jobs if job in self._tasks]
        task.missing = len(awaited)
        for other in awaited:
            other.joiners.append((task, task.turn))
        if not awaited:
            self._wake(task, value=True)

    def _look_at_holds(self) -> None:
        for task, predicate in tuple(self._holds.items()):
            if predicate():
                self._wake(task, value=True)

    def _end(self, task: _Task) -> None:
        task.turn += 1
        task.job.ended_at_s = self.now_s
        self._tasks.pop(task.job, None)
        self._holds.pop(task, None)
        for joiner, turn in task.joiners:
            if joiner.turn == turn:
                joiner.missing -= 1
                if joiner.missing == 0:
                    self._wake(joiner, value=True)
