"""Watches one job's calls and answers, and knows at its end whether it may say what it says.

What a job observed is all that its verdict may rest on, so the monitor is a function of the job's
own history. This module must not look at the world.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from release.core.ledger import Record, Stamp
from release.core.outcome import Outcome, TenantState, Word
from release.core.values import Digest, JobId, Sha, Tenant
from release.ports import Reading
from simulator.explorer.calls import Call

if TYPE_CHECKING:
    from simulator.explorer.program import Answer

__all__ = ["Monitor", "Subject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a monitor knows of its job from the beginning."""

    job: JobId
    sha: Sha
    digest: Digest
    confirmations: int
    newer: frozenset[Sha]
    releases: Mapping[Digest, Sha] = field(hash=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """What one job has seen so far, as far as its verdict rests on it.

    streaks: how many times in a row each tenant answered the job's release since the job's last
        effect there, at most `confirmations`. pointer: the last read of the pointer since the
        job's last move of it, as whether it was right. newer: releases read that are newer.
    swapped: the stamp of the last swap and the newest own intent in it; None once it is known.
    is_clock_watched: whether the next look at the clock decides if an effect may be sent.
    """

    subject: Subject = field(compare=False)
    listed: tuple[Tenant, ...] = ()
    streaks: tuple[tuple[Tenant, int], ...] = ()
    is_pointer_right: bool = False
    newer: frozenset[Sha] = frozenset()
    swapped: tuple[Stamp, int] | None = None
    intents: int = 0
    is_clock_watched: bool = False

    def after(self, call: Call, answer: "Answer") -> "Monitor":  # noqa: PLR0911 - a case for each
        """Takes one more answered call into account."""
        match call.operation:
            case "edge.observe" if answer.error is None:
                return self._observed(answer.value)
            case "fleet.redeploy":
                named = set(call.arguments[1])
                kept = tuple((one, streak) for one, streak in self.streaks if one not in named)
                return replace(self, streaks=kept)
            case "registry.point":
                return replace(self, is_pointer_right=False)
            case "registry.resolve" if answer.error is None:
                return self._pointed(answer.value)
            case "fleet.candidates" if answer.error is None:
                return replace(self, listed=answer.value.tenants)
            case "forge.head" if answer.error is None:
                return self.saw(answer.value)
            case "ledger.read" | "ledger.changed" if answer.error is None:
                return self._read(answer.value)
            case "ledger.swap":
                return self._swapped(call.arguments[1], is_known=answer.error is None)
            case "clock.now_s":
                return replace(self, is_clock_watched=False)
            case _:
                return self

    def at_a_bad_end(self) -> "Monitor":
        """Without what only a good word rests on."""
        return replace(
            self, listed=(), streaks=(), is_pointer_right=False, intents=0, is_clock_watched=False
        )

    def find_false_word(self, outcome: Outcome) -> str:
        """Says which promise the outcome breaks, by what the job observed; empty when none."""
        if outcome.word in (Word.DEPLOYED, Word.VERIFIED):
            return self._find_false_green(outcome)
        if outcome.word is Word.SUPERSEDED and outcome.by not in self.newer:
            return f"P3 no false superseded: said superseded by {_short(outcome.by)}, never read"
        return ""

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

    def _observed(self, observations: tuple[Any, ...]) -> "Monitor":
        streaks, most = dict(self.streaks), self.subject.confirmations
        newer = self.newer
        for sight in observations:
            is_ours = sight.sha == self.subject.sha
            streaks[sight.tenant] = min(most, streaks.get(sight.tenant, 0) + 1) if is_ours else 0
            if sight.sha in self.subject.newer:
                newer = newer | {sight.sha}
        kept = tuple(sorted(((t, n) for t, n in streaks.items() if n), key=lambda one: one[0].slug))
        return replace(self, streaks=kept, newer=newer)

    def _pointed(self, digest: Digest | None) -> "Monitor":
        sha = self.subject.releases.get(digest) if digest else None
        seen = self.saw(sha) if sha else self
        return replace(seen, is_pointer_right=digest == self.subject.digest)

    def saw(self, sha: Sha) -> "Monitor":
        """A release was read somewhere; newer ones are kept."""
        if sha not in self.subject.newer or sha in self.newer:
            return self
        return replace(self, newer=self.newer | {sha})

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
        if is_known:
            return self.wrote(newest)
        return replace(self, swapped=(record.stamp, newest))

    def wrote(self, newest: int) -> "Monitor":
        """A swap whose newest own intent is `newest` turned out to be written."""
        is_new = newest > self.intents
        return replace(
            self,
            swapped=None,
            intents=max(newest, self.intents),
            is_clock_watched=is_new or self.is_clock_watched,
        )


def _short(sha: Sha | None) -> str:
    return sha.short if sha else "nobody"
