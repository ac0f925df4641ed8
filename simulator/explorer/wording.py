"""Says in words what a turn did: the call with its arguments, and what came back.

This module must not lay out lines.
"""

from collections.abc import Callable, Sequence

from release.core.ledger import Record
from release.core.sighting import Observation, RowState
from release.core.values import Tenant
from simulator.explorer.replay import Replay, Turn
from simulator.explorer.schedule import WORLD

__all__ = ["Wording", "shorten"]


class Wording:
    """The words for the turns of one replay."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._cast = replay.model.cast
        self._ways: dict[str, Callable[[Turn], str]] = {
            "forge.head": self._head,
            "forge.is_enabled": self._switch,
            "ledger.read": self._read,
            "ledger.swap": self._swap,
            "ledger.changed": self._wait,
            "fleet.candidates": self._candidates,
            "fleet.redeploy": self._redeploy,
            "registry.point": self._point,
            "registry.resolve": self._resolve,
            "edge.observe": self._observe,
            "clock.now_s": self._look,
        }

    def say(self, turn: Turn) -> str:
        """What happened, and how the job ended when it did."""
        if turn.step.actor == WORLD:
            return turn.step.flavour
        way = self._ways.get(turn.step.operation, self._other)
        said = f"{turn.step.actor} {way(turn)}"
        if turn.outcome is not None:
            said += f", and ends {turn.outcome.word}"
        return said

    def record(self, number: int) -> str:
        """The ledger's record in a few letters: epoch, holder, mark, open intents."""
        record = self._replay.model.records.record(number)
        return self._record(record) if record is not None else "none"

    def _record(self, record: Record) -> str:
        numbers = self._cast.number_of
        holder = "-"
        if record.holder is not None:
            owner = record.holder.job
            holder = self._cast.jobs[numbers[owner]].name if owner in numbers else str(owner)
        mark = f" m{self._cast.index_of[record.mark]}" if record.mark is not None else ""
        intents = f" i{len(record.intents)}" if record.intents else ""
        pinned = " pin" if record.pin is not None else ""
        return f"e{record.epoch} {holder}{mark}{intents}{pinned}"

    def _value(self, turn: Turn) -> object:
        answer = turn.answer
        return answer.value if answer is not None and answer.error is None else None

    def _head(self, turn: Turn) -> str:
        value = self._value(turn)
        found = [f"r{at}" for sha, at in self._cast.index_of.items() if sha == value]
        return f"reads the branch: {found[0] if found else turn.step.flavour}{_odd(turn)}"

    def _switch(self, turn: Turn) -> str:
        return f"reads the kill switch: {'on' if self._value(turn) else 'off'}{_odd(turn)}"

    def _read(self, turn: Turn) -> str:
        if turn.step.flavour != "ok":
            return f"reads the ledger: {turn.step.flavour}"
        return f"reads the ledger: {self.record(turn.after.record)}"

    def _swap(self, turn: Turn) -> str:
        record = turn.call.arguments[1] if turn.call is not None else None
        what = f"writes the ledger: {self._record(record)}" if record else "writes the ledger"
        if turn.step.flavour == "conflict":
            return f"{what}; too late, another write came first"
        return what + _odd(turn)

    def _wait(self, turn: Turn) -> str:
        within_s = turn.call.arguments[1] if turn.call is not None else 0.0
        match turn.step.flavour:
            case "changed":
                return f"waited, and reads the ledger: {self.record(turn.after.record)}"
            case "time passed":
                return f"waited {within_s:.0f} s, and nothing was written"
            case other:
                return f"waits for the ledger: {other}"

    def _candidates(self, turn: Turn) -> str:
        epoch = turn.call.arguments[1] if turn.call is not None else None
        fence = f", raises the fence to {epoch}" if epoch is not None else ""
        return f"lists the tenants{fence}{_odd(turn)}"

    def _redeploy(self, turn: Turn) -> str:
        assert turn.call is not None, "a redeploy is a call"
        sha, tenants, epoch, _ = turn.call.arguments
        said = f"redeploys r{self._cast.index_of[sha]} at {shorten(tenants)}"
        said += f", epoch {epoch}" if self._cast.scope.fence != "none" else ""
        rows = getattr(self._value(turn), "rows", ())
        failed = [row.tenant for row in rows if row.state is RowState.FAILED]
        refused = f"; not done at {shorten(failed)}" if failed else ""
        return said + refused + _odd(turn)

    def _point(self, turn: Turn) -> str:
        assert turn.call is not None, "a move of the pointer is a call"
        index = self._cast.index_of[self._cast.release_of[turn.call.arguments[1]]]
        return f"moves the pointer to r{index}{_odd(turn)}"

    def _resolve(self, turn: Turn) -> str:
        value = self._value(turn)
        found = [f"r{at}" for at in self._cast.index_of.values() if self._cast.digest(at) == value]
        return f"reads the pointer: {found[0] if found else turn.step.flavour}{_odd(turn)}"

    def _observe(self, turn: Turn) -> str:
        value = self._value(turn)
        if not isinstance(value, tuple):
            return f"observes: {turn.step.flavour}"
        by_answer: dict[str, list[Tenant]] = {}
        for sight in value:
            by_answer.setdefault(self._sight(sight), []).append(sight.tenant)
        seen = ", ".join(f"{said} at {shorten(at)}" for said, at in by_answer.items())
        return f"observes {seen}{_odd(turn)}"

    def _sight(self, sight: Observation) -> str:
        return f"r{self._cast.index_of[sight.sha]}" if sight.sha is not None else sight.reason

    def _look(self, turn: Turn) -> str:
        late_s = turn.answer.passes_s if turn.answer is not None else 0.0
        return f"looks at the clock: {f'{late_s:.0f} s late' if late_s else 'in time'}"

    def _other(self, turn: Turn) -> str:
        return f"{turn.step.operation}: {turn.step.flavour}"


def shorten(tenants: Sequence[Tenant]) -> str:
    """The tenants in few letters: `tenant-1`, `tenant-1,2` or, where many follow, `tenant-1..8`."""
    numbers = [int(tenant.slug.rpartition("-")[2]) for tenant in tenants]
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):  # noqa: PLR2004 - two are as short one by one
        return f"tenant-{numbers[0]}..{numbers[-1]}"
    return "tenant-" + ",".join(map(str, numbers)) if numbers else "nobody"


def _odd(turn: Turn) -> str:
    """The answer where it is not the usual one."""
    return "" if turn.step.flavour == "ok" else f"; {turn.step.flavour}"
