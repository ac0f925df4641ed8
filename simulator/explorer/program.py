"""One real job, stepped by hand: an answer goes in, the next call that the world must answer comes
out.

Calls whose answer can't depend on anybody else, such as the job's own clock, are answered on the
spot. This module must not know the state of the world.
"""

from asyncio import CancelledError
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from release.core.outcome import Outcome
from simulator.explorer.calls import Call
from simulator.explorer.fingerprint import WRITTEN, fingerprint
from simulator.explorer.frames import is_last_look, is_only_telling
from simulator.explorer.instants import Instant
from simulator.explorer.monitor import Monitor

__all__ = ["Answer", "Error", "Program", "Stepped"]

_CALLS_MAX = 10_000
"""How many calls in a row a job may make of its own constants; more is an endless loop."""


Error = tuple[Callable[..., BaseException], tuple[Any, ...]]


class Answer:
    """What a call comes back with: a value, or an error to be raised at the call.

    Two are equal when their contents are. value: of a record, a reading of it. passes_s: how much
    time passes for the job until it has the answer.
    """

    __slots__ = ("_hash", "error", "passes_s", "value")

    def __init__(
        self,
        value: Any = None,  # noqa: ANN401 - whatever a port gives back
        error: Error | None = None,
        passes_s: float = 0.0,
    ) -> None:
        self.value = value
        self.error = error
        self.passes_s = passes_s
        # A record is long, and an answer is looked up far more often than it is made.
        self._hash = hash((value, error, passes_s))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Answer) and (self.value, self.error, self.passes_s) == (
            other.value,
            other.error,
            other.passes_s,
        )

    def exception(self) -> BaseException:
        """The error anew, so that no traceback is carried from one run into the next."""
        assert self.error is not None, "this answer is a value"
        make, arguments = self.error
        return make(*arguments)


Constants = Mapping[str, Callable[..., Any]]
"""What answers the calls that depend on nobody else, by operation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a job runs, and what answers its private calls.

    overwritten: the fields of the run that the answer to an operation always takes the place of.
    is_cancellable: whether a signal may come in any call.
    """

    begin: Callable[[], Coroutine[Any, Any, Outcome]]
    constants: Constants
    monitor: Monitor
    overwritten: Mapping[str, frozenset[str]] = field(default_factory=dict)
    is_cancellable: bool = False


@dataclass(slots=True)
class Stepped:
    """A job in mid-run: its coroutine, its clock, the call that it waits in or how it ended."""

    program: Program
    coroutine: Coroutine[Any, Any, Outcome]
    monitor: Monitor
    now_s: Instant = field(default_factory=lambda: Instant(0.0))
    call: Call | None = None
    outcome: Outcome | None = None
    failure: BaseException | None = None
    calls: int = 0

    @classmethod
    def begin(cls, program: Program) -> "Stepped":
        """Starts the job and runs it up to its first call of the world."""
        stepped = cls(program, program.begin(), program.monitor)
        stepped._run(None, None)
        return stepped

    def answer(self, answer: Answer, *, observed: Monitor | None = None) -> None:
        """Answers the call that the job waits in, and runs it up to the next one.

        observed: what its monitor has seen by then, where that is known from an earlier run.
        """
        assert self.call is not None, "a job that has ended waits for nothing"
        self.now_s = self.now_s + answer.passes_s
        self.monitor = observed or self.monitor.after(self.call, answer)
        if answer.error is not None:
            self._run(None, answer.exception())
        else:
            value = self.now_s if self.call.operation == "clock.now_s" else answer.value
            self._run(value, None)

    def close(self) -> None:
        """Forgets the job where it stands."""
        self.coroutine.close()

    @property
    def is_telling(self) -> bool:
        """Whether the job has come to a bad end, and has only that to tell."""
        return self.call is not None and is_only_telling(self.coroutine)

    def state(self) -> tuple[object, ...]:
        """What the job goes on from; equal for two that go on alike, as all that are over do."""
        if self.call is None:
            return ("over",)
        seen = self.monitor
        if self.is_telling:
            seen = seen.at_a_bad_end()
        forgotten = self.program.overwritten.get(self.call.operation, frozenset())
        # A signal in the last look makes the job write its end once more.
        if not self.program.is_cancellable and is_last_look(self.coroutine):
            forgotten |= WRITTEN
        frames = fingerprint(self.coroutine, float(self.now_s), overwritten=forgotten)
        return (self.call, *frames, seen)

    def _run(self, value: Any, error: BaseException | None) -> None:  # noqa: ANN401
        self.call = None
        for _ in range(_CALLS_MAX):
            self.calls += 1
            try:
                call = self.coroutine.throw(error) if error else self.coroutine.send(value)
            except StopIteration as over:
                self.outcome = over.value
                return
            except (Exception, CancelledError) as failure:  # noqa: BLE001 - it is what is explored
                self.failure = failure
                return
            error = None
            if call.operation == "clock.now_s" and not self.monitor.is_clock_watched:
                value = self.now_s
            elif call.operation == "clock.sleep":
                self.now_s = self.now_s + call.arguments[0]
                value = None
            elif call.operation in self.program.constants:
                value = self.program.constants[call.operation](*call.arguments)
            else:
                self.call = call
                return
            if value is NotImplemented:
                self.call = call
                return
        raise AssertionError("a job asks for its own constants without end")
