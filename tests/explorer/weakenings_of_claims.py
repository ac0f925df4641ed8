"""What claiming, taking over, writing and sending look like with one line weakened.

This module must not run anything.
"""

from tests.explorer.weakened import Weakening

__all__ = ["CLAIMS"]

CLAIMS = (
    Weakening(
        name="take-over waits for nothing",
        file="release/stages/take_over.py",
        old="while run.open_intents:",
        new="while False:",
        options="--tenants 1 --expiries 0 --fence off",
        promise="P1 never backward",
        in_defaults=True,
    ),
    Weakening(
        name="no look at the clock before sending",
        file="release/stages/effect.py",
        old="if await run.ports.clock.now_s() - began_s <= policy.send_margin_s:",
        new="if await run.ports.clock.now_s() - began_s <= 1e9:",
        options="--tenants 1 --faults 0 --fence off",
        promise="P1 never backward",
        in_defaults=True,
    ),
    Weakening(
        name="redeploy acknowledged though its answer was lost",
        file="release/stages/effect.py",
        old="return _unanswered(tenants, str(lost))",
        new="return run.answered.add(number) or _unanswered(tenants, str(lost))",
        options="--tenants 1 --expiries 0 --fence off",
        promise="P1 never backward",
        in_defaults=False,
    ),
    Weakening(
        name="pointer move acknowledged though its answer was lost",
        file="release/stages/effect.py",
        old='run.warn(f"{pointer}: no answer, it may still take effect: {lost}")',
        new="run.answered.add(number)",
        options="--tenants 1 --expiries 0",
        promise="P1 never backward",
        in_defaults=True,
    ),
    Weakening(
        name="redeploy repeated blindly",
        file="release/stages/effect.py",
        old="return _unanswered(tenants, str(lost))",
        new=(
            "return _take_answer(run, number, await "
            "run.ports.fleet.redeploy(run.release, tenants, epoch=run.epoch, "
            "phase=phase))"
        ),
        options="--tenants 1 --expiries 0 --fence off",
        promise="P1 never backward",
        in_defaults=False,
    ),
    Weakening(
        name="earlier redeploys acknowledged with an answered one",
        file="release/stages/effect.py",
        old="if answer.is_answered:",
        new="if answer.is_answered and not run.answered.update(range(number)):",
        options="--tenants 1 --expiries 0 --fence off",
        promise="P1 never backward",
        in_defaults=False,
    ),
    Weakening(
        name="unanswered rows count as answered",
        file="release/stages/effect.py",
        old="if answer.is_answered:",
        new="if answer.rows:",
        options="--tenants 2 --kinds partial --expiries 0 --fence off",
        promise="P1 never backward",
        in_defaults=False,
    ),
    Weakening(
        name="the gate is not kept before each effect",
        file="release/stages/effect.py",
        old="await check_gate(run)",
        new="assert run.epoch",
        options="--tenants 1 --jobs 1 --kinds switch --expiries 0",
        promise="P5 nothing silent",
        in_defaults=False,
    ),
    Weakening(
        name="effects are sent without an intent",
        file="release/stages/effect.py",
        old="began_s = await write(run, partial(open_intent, intent=intent))",
        new="began_s = await run.ports.clock.now_s()",
        options="--tenants 1 --expiries 0 --fence off",
        promise="P1 never backward",
        in_defaults=True,
    ),
    Weakening(
        name="a lost swap does not look at its standing",
        file="release/stages/write.py",
        old="await check_standing(run, before)",
        new="before = run.record",
        options="--tenants 1 --faults 0 --expiries 0",
        promise="P5 nothing silent",
        in_defaults=True,
    ),
    Weakening(
        name="a conflict counts as written",
        file="release/stages/write.py",
        old="ledger.read()\n        return False",
        new="ledger.read()\n        return True",
        options="--tenants 1 --faults 0 --expiries 0",
        promise="P5 nothing silent",
        in_defaults=True,
    ),
    Weakening(
        name="an unknown swap counts as written",
        file="release/stages/write.py",
        old="is_ours = stored is not None and stored.stamp == record.stamp",
        new="is_ours = True",
        options="--tenants 1 --jobs 1 --kinds swap-unknown --expiries 0 --fence off",
        promise="P5 nothing silent",
        in_defaults=False,
    ),
    Weakening(
        name="take-over does not try whether its epoch is fresh",
        file="release/stages/take_over.py",
        old="await _check_epoch_is_fresh(run)",
        new="assert run.epoch",
        options="--tenants 1 --kinds ledger-lost --expiries 0",
        promise="P1 never backward",
        in_defaults=False,
    ),
    Weakening(
        name="a claim behind a dead job drops all open intents",
        file="release/stages/claim.py",
        old=(
            "return drop_waited_out(credit_waited(change(record), job=dead.job, waited_s=waited_s))"
        ),
        new="return replace(change(record), intents=())",
        options="--tenants 1 --expiries 0 --fence off",
        promise="P1 never backward",
        in_defaults=True,
    ),
)
