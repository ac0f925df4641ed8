"""What the decisions and transitions of the protocol look like with one line weakened.

This module must not run anything.
"""

from tests.explorer.weakened import Weakening

__all__ = ["CORE"]

CORE = (
    Weakening(
        name="older than the mark may claim",
        file="release/core/claim.py",
        old="if record.mark is not None and order is Order.OLDER:",
        new="if False:",
        options="--tenants 1 --faults 0 --expiries 0",
        promise="P1 never backward",
        in_defaults=True,
    ),
    Weakening(
        name="the claim heeds no pin",
        file="release/core/claim.py",
        old=(
            "return find_denial(record, orders) if is_by_hand else find_hold(record, orders, utc)"
        ),
        new="return find_denial(record, orders)",
        options="--tenants 1 --jobs 1 --kinds pin --expiries 0",
        promise="P5 nothing silent",
        in_defaults=False,
    ),
    Weakening(
        name="standing heeds no pin",
        file="release/core/standing.py",
        old="if record.pin != before.pin or record.denied != before.denied:",
        new="if False:",
        options="--tenants 1 --jobs 1 --kinds pin --expiries 0",
        promise="P5 nothing silent",
        in_defaults=False,
    ),
    Weakening(
        name="standing heeds no newer mark",
        file="release/core/standing.py",
        old="if order is Order.OLDER and record.mark is not None:",
        new="if False:",
        options="--tenants 1 --faults 0 --expiries 0",
        promise="P3 no false red",
        in_defaults=True,
    ),
    Weakening(
        name="a claim drops the open intents",
        file="release/core/transitions.py",
        old="holder=holder, next=None)",
        new="holder=holder, next=None, intents=())",
        options="--tenants 1 --expiries 0 --fence off",
        promise="P1 never backward",
        in_defaults=True,
    ),
    Weakening(
        name="a claim leaves the mark",
        file="release/core/transitions.py",
        old="epoch=record.epoch + 1, mark=release.sha",
        new="epoch=record.epoch + 1",
        options="--tenants 1 --faults 0 --expiries 0",
        promise="P3 no false red",
        in_defaults=True,
    ),
    Weakening(
        name="finish drops the open intents",
        file="release/core/transitions.py",
        old="return release_hold(replace(record, past=_written(record, past)), past.job)",
        new=(
            "return release_hold(replace(record, past=_written(record, past), "
            "intents=()), past.job)"
        ),
        options="--tenants 1 --expiries 0 --fence off",
        promise="P1 never backward",
        in_defaults=True,
    ),
    Weakening(
        name="intents are dropped before their bound",
        file="release/core/transitions.py",
        old="kept = tuple(intent for intent in record.intents if intent.remaining_s > 0)",
        new="kept = ()",
        options="--tenants 1 --expiries 0 --fence off",
        promise="P1 never backward",
        in_defaults=True,
    ),
    Weakening(
        name="a wait is noted twice",
        file="release/core/transitions.py",
        old="waited_s=intent.waited_s + waited_s)",
        new="waited_s=intent.waited_s + 2 * waited_s)",
        options="--tenants 1 --expiries 0 --fence off --renewals 2",
        promise="P1 never backward",
        in_defaults=False,
    ),
    Weakening(
        name="one confirmation less settles",
        file="release/core/settle.py",
        old="is_settled = streak >= confirmations",
        new="is_settled = streak >= confirmations - 1",
        options="--tenants 1 --jobs 1 --kinds lag --expiries 0 --confirmations 2",
        promise="P2 no false green",
        in_defaults=False,
    ),
    Weakening(
        name="one answer settles, whatever was asked for",
        file="release/core/settle.py",
        old="is_settled = streak >= confirmations",
        new="is_settled = streak >= 1",
        options="--tenants 1 --jobs 1 --kinds lag --expiries 0 --confirmations 2",
        promise="P2 no false green",
        in_defaults=False,
    ),
    Weakening(
        name="an older answer settles",
        file="release/core/settle.py",
        old='return self._step(state, sha, f"serves the older {sha.short}")',
        new="return self._confirm(sha, confirmations)",
        options="--tenants 1 --jobs 1 --expiries 0",
        promise="P2 no false green",
        in_defaults=True,
    ),
    Weakening(
        name="an answer without a release settles",
        file="release/core/settle.py",
        old=("return self._step(SettleState.PENDING, self.seen, _describe_unnamed(observation))"),
        new="return self._confirm(self.seen, confirmations)",
        options="--tenants 2 --jobs 1 --kinds churn --expiries 0",
        promise="P2 no false green",
        in_defaults=False,
    ),
    Weakening(
        name="a rollback sets no pin",
        file="release/core/rollback.py",
        old="return replace(claimed, denied=denied, pin=pin)",
        new="return replace(claimed, denied=denied)",
        options="--tenants 1 --jobs 1 --story rollback --faults 0 --expiries 0",
        promise="P4 progress",
        in_defaults=False,
    ),
    Weakening(
        name="a rollback denies nothing",
        file="release/core/rollback.py",
        old="return replace(claimed, denied=denied, pin=pin)",
        new="return replace(claimed, pin=pin)",
        options="--tenants 1 --jobs 1 --story rollback --faults 0 --expiries 0",
        promise="P1 never backward",
        in_defaults=False,
    ),
)
