"""Judges how jobs end: what each may say, and that a fresh deploy mends whatever was left.

This module must not step anything.
"""

from release.core.outcome import Outcome, Word
from simulator.explorer.cast import NOW, Cast
from simulator.explorer.program import Stepped
from simulator.explorer.records import Records
from simulator.explorer.scope import JobKind, Kind
from simulator.explorer.worlds import World

__all__ = ["Verdicts"]

_GREEN = frozenset({Word.DEPLOYED, Word.VERIFIED})
_FALSE = frozenset(Word) - _GREEN - {Word.SUPERSEDED, Word.CANCELLED}
"""What no job may say while nothing failed and nobody pinned, rolled back or stopped anything."""


class Verdicts:
    """Finds the promise that an end breaks."""

    def __init__(self, cast: Cast, records: Records) -> None:
        self._cast = cast
        self._records = records

    def at_end(self, world: World, job: int, ended: Stepped) -> str:
        """The promise that a job's end breaks, and how; empty when none.

        world: as the job leaves it.
        """
        name, outcome = self._cast.jobs[job].name, ended.outcome
        if outcome is None:
            return f"P5 nothing silent: {name} died of {ended.failure!r}"
        found = ended.monitor.find_false_word(outcome)
        if found:
            return f"{found} ({name})"
        kind = self._cast.jobs[job].kind
        if kind is JobKind.ROLLBACK:
            return self._find_undenied(world, job, outcome)
        is_changing = self._cast.scope.has(Kind.CHURN) and outcome.word in _GREEN
        if is_changing and not ended.monitor.is_list_fresh:
            return f"P2 no false green: {name} said {outcome.word} of tenants not listed again"
        if ended.monitor.has_defied_pin:
            return f"P5 nothing silent: {name} went on to an effect under a pin that it had read"
        if kind is JobKind.HEAL:
            return self._find_unhealed(world, outcome)
        return self._find_false_red(world, outcome, name)

    def at_rest(self, world: World) -> str:
        """The promise that is broken when nothing can happen any more; empty when none."""
        if any(world.is_alive(job) for job in range(len(self._cast.jobs))):
            return "P4 progress: a job waits for ever"
        is_healed = self._cast.scope.is_healed and not self._is_held(world)
        return self._find_behind(world) if is_healed else ""

    def _find_false_red(self, world: World, outcome: Outcome, name: str) -> str:
        """Where nothing failed and nobody slept, no job ends red."""
        scope = self._cast.scope
        is_calm = world.faults == scope.faults and world.expiries == scope.expiries
        if not is_calm or outcome.word not in _FALSE or scope.rewritten:
            return ""
        if self._has_rollback():
            return ""
        return f"P3 no false red: {name} ended {outcome.word}, and nothing had failed"

    def _find_undenied(self, world: World, job: int, outcome: Outcome) -> str:
        """Behind a rollback, what was claimed before it and is newer than its target is denied."""
        record = self._records.record(world.record)
        if record is None or outcome.word not in _GREEN or outcome.epoch is None:
            return ""
        target = self._cast.jobs[job].release
        for past in record.past:
            release = self._cast.index_of[past.release.sha]
            if not 0 < past.epoch < outcome.epoch or release <= target:
                continue
            orders = {sha: self._cast.compare(past.release.sha, sha) for sha in record.shas()}
            if record.denial(orders) is None:
                return f"P1 never backward: rolled back from r{release}, which is not denied"
        return ""

    def _find_unhealed(self, world: World, outcome: Outcome) -> str:
        if self._is_held(world):
            is_said = outcome.word is Word.HELD
            return "" if is_said else f"P5 nothing silent: under a pin, said {outcome.word}"
        if outcome.word not in _GREEN:
            return f"P4 progress: a fresh deploy ended {outcome.word}: {outcome.reason}"
        return self._find_behind(world)

    def _find_behind(self, world: World) -> str:
        newest = self._cast.scope.newest
        listed = self._cast.listed(world.listed)
        for number, tenant in enumerate(self._cast.tenants):
            serving = world.tenants[number].serving
            if tenant in listed and serving != newest:
                return f"P4 progress: all is over, and {tenant} is on r{serving}"
        if world.pointers[0].release != newest:
            return f"P4 progress: all is over, and the pointer is on r{world.pointers[0].release}"
        return ""

    def _is_held(self, world: World) -> bool:
        record = self._records.record(world.record)
        return record is not None and record.is_pinned(NOW)

    def _has_rollback(self) -> bool:
        return any(job.kind is JobKind.ROLLBACK for job in self._cast.scope.jobs)
