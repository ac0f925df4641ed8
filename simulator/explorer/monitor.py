"""Watches one job's calls and answers, and knows at its end whether it may say what it says.

What a job observed is all that its verdict may rest on, so the monitor is a function of the job's
own history. This module must not look at the world.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from release.core.ledger import Record, Stamp
from release.core.outcome import Outcome, TenantState, Word
from release.core.values import Digest, JobId, Sha, Tenant
from release.ports import Reading
from simulator.explorer.calls import Call

if TYPE_CHECKING:
    from simulator.explorer.program import Answer

__all__ = ["Monitor", "Subject"]

_REPAIR = "repair"
"""The phase of a redeploy of what had settled; it makes no tenant join."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """What a monitor knows of its job from the beginning; each is equal to itself alone."""

    job: JobId
    sha: Sha
    digest: Digest
    confirmations: int
    newer: frozenset[Sha]
    releases: Mapping[Digest, Sha]


class Monitor(NamedTuple):
    """What one job has seen so far, as far as its verdict rests on it.

    streaks: how many times in a row each tenant answered the job's release since the job's last
        effect there, at most `confirmations`. pointer: the last read of the pointer since the
        job's last move of it, as whether it was right. newer: releases read that are newer.
    swapped: the stamp of the last swap and the newest own intent in it; None once it is known.
    is_clock_watched: whether the next look at the clock decides if an effect may be sent.
    is_list_fresh: whether the tenants were listed since the last redeploy that was no repair.
    is_switch_stale: whether an effect was sent since the last look at the kill switch; None in a
        world that has none, or for a job that does not heed it.
    broken: the promise that the job has broken by what it sent; it stays.
    has_defied_pin: whether the job wrote an intent into a record that it saw pinned.
    """

    subject: Subject
    listed: tuple[Tenant, ...] = ()
    streaks: tuple[tuple[Tenant, int], ...] = ()
    is_pointer_right: bool = False
    newer: frozenset[Sha] = frozenset()
    swapped: tuple[Stamp, int] | None = None
    intents: int = 0
    is_clock_watched: bool = False
    is_list_fresh: bool = True
    is_switch_stale: bool | None = None
    broken: str = ""
    has_defied_pin: bool = False

    def after(self, call: Call, answer: "Answer") -> "Monitor":  # noqa: PLR0911 - a case for each
        """Takes one more answered call into account."""
        match call.operation:
            case "edge.observe" if answer.error is None:
                return self._observed(answer.value)
            case "fleet.redeploy" | "registry.point":
                return self._sent(call)
            case "forge.is_enabled" if answer.error is None:
                return self._replace(is_switch_stale=False)
            case "registry.resolve" if answer.error is None:
                return self._pointed(answer.value)
            case "fleet.candidates" if answer.error is None:
                return self._replace(listed=answer.value.tenants, is_list_fresh=True)
            case "forge.head" if answer.error is None:
                return self.saw(answer.value)
            case "ledger.read" | "ledger.changed" if answer.error is None:
                return self._read(answer.value)
            case "ledger.swap":
                return self._swapped(call.arguments[1], is_known=answer.error is None)
            case "clock.now_s":
                return self._replace(is_clock_watched=False)
            case _:
                return self

    def at_a_bad_end(self) -> "Monitor":
        """Without what only a good word rests on."""
        return self._replace(
            listed=(),
            streaks=(),
            is_pointer_right=False,
            intents=0,
            is_clock_watched=False,
            is_list_fresh=True,
            is_switch_stale=None,
        )

    def find_false_word(self, outcome: Outcome) -> str:
        """Says which promise the outcome breaks, by what the job observed; empty when none."""
        if outcome.word in (Word.DEPLOYED, Word.VERIFIED):
            return self._find_false_green(outcome) or self.broken
        if outcome.word is Word.SUPERSEDED and outcome.by not in self.newer:
            return f"P3 no false superseded: said superseded by {_short(outcome.by)}, never read"
        return self.broken

    def _find_false_green(self, outcome: Outcome) -> str:
        named = {report.tenant for report in outcome.tenants_in(TenantState.QUARANTINED)}
        streaks = dict(self.streaks)
        unseen = [
            tenant.slug
            for tenant in self.listed
            if tenant not in named and streaks.get(tenant, 0) < self.subject.confirmations
        ]
        if unseen:
            times = self.subject.confirmations
            return f"P2 no false green: said {outcome.word}, {unseen[0]} not observed {times} times"
        if not self.is_pointer_right:
            return f"P2 no false green: said {outcome.word}, the pointer was not read back"
        return ""

    def _sent(self, call: Call) -> "Monitor":
        unasked = "P5 nothing silent: an effect was sent without a look at the kill switch"
        broken = self.broken or (unasked if self.is_switch_stale else "")
        is_stale = None if self.is_switch_stale is None else True
        if call.operation == "registry.point":
            broken = broken or self._find_early()
            return self._replace(is_switch_stale=is_stale, is_pointer_right=False, broken=broken)
        _, tenants, _, phase = call.arguments
        kept = tuple((one, streak) for one, streak in self.streaks if one not in tenants)
        is_fresh = self.is_list_fresh and phase == _REPAIR
        return self._replace(
            is_switch_stale=is_stale, streaks=kept, is_list_fresh=is_fresh, broken=broken
        )

    def _find_early(self) -> str:
        streaks, most = dict(self.streaks), self.subject.confirmations
        is_early = any(streaks.get(tenant, 0) < most for tenant in self.listed)
        early = "P2 no false green: the pointer was moved before every tenant had settled"
        return early if is_early else ""

    def _observed(self, observations: tuple[Any, ...]) -> "Monitor":
        streaks, most = dict(self.streaks), self.subject.confirmations
        newer = self.newer
        for sight in observations:
            is_ours = sight.sha == self.subject.sha
            streaks[sight.tenant] = min(most, streaks.get(sight.tenant, 0) + 1) if is_ours else 0
            if sight.sha in self.subject.newer:
                newer = newer | {sight.sha}
        kept = tuple(sorted(((t, n) for t, n in streaks.items() if n), key=lambda one: one[0].slug))
        return self._replace(streaks=kept, newer=newer)

    def _pointed(self, digest: Digest | None) -> "Monitor":
        sha = self.subject.releases.get(digest) if digest else None
        seen = self.saw(sha) if sha else self
        return seen._replace(is_pointer_right=digest == self.subject.digest)

    def saw(self, sha: Sha) -> "Monitor":
        """A release was read somewhere; newer ones are kept."""
        if sha not in self.subject.newer or sha in self.newer:
            return self
        return self._replace(newer=self.newer | {sha})

    def _read(self, reading: Reading) -> "Monitor":
        record, seen = reading.record, self
        if record is None:
            return seen
        for sha in record.shas():
            seen = seen.saw(sha)
        swapped = self.swapped
        if swapped is not None and record.stamp == swapped[0]:
            return seen.wrote(swapped[1])
        return seen

    def _swapped(self, record: Record, *, is_known: bool) -> "Monitor":
        own = [one.number for one in record.intents if one.job == self.subject.job]
        newest = max(own, default=0)
        is_defiant = record.pin is not None and newest > self.intents
        seen = self._replace(has_defied_pin=True) if is_defiant else self
        if is_known:
            return seen.wrote(newest)
        return seen._replace(swapped=(record.stamp, newest))

    def wrote(self, newest: int) -> "Monitor":
        """A swap whose newest own intent is `newest` turned out to be written."""
        is_new = newest > self.intents
        return self._replace(
            swapped=None,
            intents=max(newest, self.intents),
            is_clock_watched=is_new or self.is_clock_watched,
        )


def _short(sha: Sha | None) -> str:
    return sha.short if sha else "nobody"
