"""The way of every request through the world: held, judged, delayed, acted on, held, answered.

Both faces take it: the direct ports in virtual time and the apps behind sockets. This module must
not know what a request does, nor how a face tells its client of a failure.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from simulator.clock import WorldClock
from simulator.faults import Call, FaultRule, Faults, Service, Verdict

__all__ = [
    "Cut",
    "Host",
    "Later",
    "OpenScript",
    "Phase",
    "Refusal",
    "Script",
    "Underway",
    "perform",
]

T = TypeVar("T")

_TOO_MANY = 429


class Refusal(Exception):
    """A service answers with an error status; `body` is JSON-able, or text as it is sent."""

    def __init__(
        self, status: int, body: object = None, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = {"message": f"the simulator answers {status}"} if body is None else body
        self.headers = dict(headers or {})


class Cut(Exception):
    """No answer comes: the connection was cut, or `is_unreached`, there was never one."""

    def __init__(self, *, is_unreached: bool = False) -> None:
        super().__init__(is_unreached)
        self.is_unreached = is_unreached


class Phase(StrEnum):
    """Where a script may hold a call: before it is acted on, or before its answer is delivered."""

    REQUEST = "request"
    ANSWER = "answer"


class Script(Protocol):
    """A scripted order of events: it holds calls until what must come first has happened."""

    async def hold(self, call: Call, phase: Phase) -> None:
        """Returns when the call may go on; called twice for every call, and safe to repeat.

        It may wait through the world's clock alone (`sleep`, `wait_until`), so that it works in
        virtual time and behind sockets alike.
        """


class OpenScript:
    """Holds nothing."""

    async def hold(self, call: Call, phase: Phase) -> None:
        """Lets every call go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Underway(Generic[T]):
    """An act that takes real time, such as a process; only behind sockets."""

    work: Awaitable[T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Later(Generic[T]):
    """An answer that is computed when it is given: `answer` is called `after_s` after the act."""

    after_s: float
    answer: Callable[[], T | Underway[T]]


class Host(Protocol):
    """What `perform` needs of a world."""

    clock: WorldClock
    faults: Faults
    script: Script
    latency_s: dict[Service, float]

    def advance(self) -> None:
        """Lets everything land that is due by now."""

    def note_faults(self, call: Call, rules: tuple[FaultRule, ...]) -> None:
        """Writes down which rules acted on a call."""


async def perform(
    host: Host, call: Call, act: Callable[[Verdict], T | Later[T] | Underway[T]]
) -> T:
    """Takes one call through the world and returns its answer.

    Raises Refusal and Cut, as its client would see them; after a Cut `act` may have run or not.
    """
    await host.script.hold(call, Phase.REQUEST)
    verdict, rules = host.faults.judge(call)
    if rules:
        host.note_faults(call, rules)
    if verdict.is_cut_before:
        raise Cut
    before_s = host.latency_s.get(call.service, 0.0) + verdict.before_s
    if before_s:
        await host.clock.sleep(before_s)
    host.advance()
    answer = await _act(host, verdict, act)
    await host.script.hold(call, Phase.ANSWER)
    if verdict.is_answer_lost:
        if verdict.gateway_status:
            raise Refusal(verdict.gateway_status, "<h1>The gateway lost the answer</h1>")
        raise Cut
    if isinstance(answer, Refusal):
        raise answer
    return answer


async def _act(
    host: Host, verdict: Verdict, act: Callable[[Verdict], T | Later[T] | Underway[T]]
) -> T | Refusal:
    """Acts and waits for the answer; a refusal is an answer too, which may be held or lost."""
    if verdict.refuse_status:
        is_too_many = verdict.refuse_status == _TOO_MANY
        return Refusal(verdict.refuse_status, headers={"retry-after": "1"} if is_too_many else None)
    try:
        result = act(verdict)
        if isinstance(result, Underway):
            result = await result.work
        later_s = result.after_s if isinstance(result, Later) else 0.0
        if later_s + verdict.after_s:
            await host.clock.sleep(later_s + verdict.after_s)
            host.advance()
        answer = result.answer() if isinstance(result, Later) else result
        return await answer.work if isinstance(answer, Underway) else answer
    except Refusal as refusal:
        return refusal
