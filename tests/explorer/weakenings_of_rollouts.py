"""What rolling out, verifying and promoting look like with one line weakened.

This module must not run anything.
"""

from tests.explorer.weakened import Weakening

__all__ = ["ROLLOUTS"]

ROLLOUTS = (
    Weakening(
        name="a newer release that is seen does not end the job",
        file="release/stages/settle.py",
        old=('raise Ended(Word.SUPERSEDED, f"{sha.short} is newer, read at {where}", by=sha)'),
        new='run.warn(f"{sha.short} is newer, read at {where}")',
        options="--tenants 1 --kinds ledger-lost --expiries 0",
        promise="P5 nothing silent",
        in_defaults=False,
    ),
    Weakening(
        name="the last look is not heeded",
        file="release/stages/rollout.py",
        old="if settling.is_settled:",
        new="if settling.tenants:",
        options="--tenants 1 --jobs 1 --kinds regress --expiries 0",
        promise="P2 no false green",
        in_defaults=False,
    ),
    Weakening(
        name="tenants are not listed again",
        file="release/stages/verify.py",
        old="if not await raise_fence(run):",
        new="if False:",
        options="--tenants 1 --jobs 1 --kinds churn --expiries 0",
        promise="P2 no false green",
        in_defaults=False,
    ),
    Weakening(
        name="tenants that joined are not looked at",
        file="release/stages/verify.py",
        old=("return tuple(tenant for tenant in run.candidates if tenant not in run.progress)"),
        new="return ()",
        options="--tenants 1 --jobs 1 --kinds churn --expiries 0",
        promise="P5 nothing silent",
        in_defaults=False,
    ),
    Weakening(
        name="who looks right once is on target",
        file="release/stages/rollout.py",
        old="likely = tuple(one.tenant for one in settling.tenants if one.streak == poll)",
        new="likely = tuple(one.tenant for one in settling.tenants)",
        options="--tenants 1 --jobs 1 --expiries 0",
        promise="P3 no false red",
        in_defaults=True,
    ),
    Weakening(
        name="a pointer is not read back",
        file="release/stages/promote.py",
        old="refusal = await move_pointer(run, pointer, digest)",
        new=(
            "return PointerReport(pointer=pointer, is_right=not await "
            "move_pointer(run, pointer, digest))"
        ),
        options="--tenants 1 --jobs 1 --faults 0 --expiries 0",
        promise="P2 no false green",
        in_defaults=True,
    ),
    Weakening(
        name="a wrong pointer is no failure",
        file="release/stages/promote.py",
        old="if wrong:",
        new="if not run.pointers:",
        options="--tenants 1 --jobs 1 --kinds no-effect --faults 2 --expiries 0",
        promise="P2 no false green",
        in_defaults=False,
    ),
    Weakening(
        name="pointers are moved before the fleet is verified",
        file="release/pipeline.py",
        old="    roll_out,\n    verify,\n    promote,\n)\nREDEPLOY",
        new="    promote,\n    roll_out,\n    verify,\n)\nREDEPLOY",
        options="--tenants 1 --jobs 1 --faults 0 --expiries 0",
        promise="P2 no false green",
        in_defaults=True,
    ),
    Weakening(
        name="a deploy takes nothing over",
        file="release/pipeline.py",
        old="    take_over,\n    roll_out,\n    verify,\n    promote,\n)\nREDEPLOY",
        new="    roll_out,\n    verify,\n    promote,\n)\nREDEPLOY",
        options="--tenants 1 --expiries 0 --fence off",
        promise="P1 never backward",
        in_defaults=False,
    ),
    Weakening(
        name="nothing is verified",
        file="release/pipeline.py",
        old="    verify,\n    promote,\n)\nREDEPLOY",
        new="    promote,\n)\nREDEPLOY",
        options="--tenants 1 --jobs 1 --kinds churn --expiries 0",
        promise="P2 no false green",
        in_defaults=False,
    ),
)
