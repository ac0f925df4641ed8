"""Signals: a cancelled job lets go at once, and waits a little for the answer of what it sent."""

from simulator.happenings import Kind
from tests.support.stage import SIGTERM, Stage


def cancelled_in_mid_redeploy(answer_s: float) -> Stage:
    """A stage whose job is cancelled a second after it sent a redeploy that lands at 2 s."""
    stage = Stage(grace_s=6)
    stage.push("newer")
    stage.fault("delay", "redeploy", after_s=answer_s - 3)
    stage.start("job", "newer")
    stage.run_until_call("job", "redeploy")
    stage.signal("job", at_s=stage.now_s + 1)
    return stage


def test_cancelled_job_writes_its_outcome_before_it_waits_for_answers() -> None:
    """On the first signal `cancelled` goes into the ledger at once, the open intent stays."""
    stage = cancelled_in_mid_redeploy(answer_s=5)

    stage.run(until_s=stage.now_s + 1)

    assert "cancelled" == stage.record.past[-1].word
    assert stage.record.holder is None
    assert 1 == len(stage.record.intents)


def test_answer_within_the_grace_is_acknowledged() -> None:
    """An answer that comes within `grace_s` ends the intent, so that the next job need not wait."""
    stage = cancelled_in_mid_redeploy(answer_s=5)

    stage.run()

    assert 128 + SIGTERM == stage.outcome("job").exit_code
    assert () == stage.record.intents


def test_answer_after_the_grace_leaves_the_intent_open() -> None:
    """Without an answer the effect may still land: the intent stays, and the next job waits."""
    stage = cancelled_in_mid_redeploy(answer_s=60)

    stage.run()

    assert 1 == len(stage.record.intents)
    assert "no answer within 6 s" in stage.warnings("job")


def test_no_effect_follows_a_signal() -> None:
    """The first signal lets no further effect begin; what was sent lands, and nothing else."""
    stage = cancelled_in_mid_redeploy(answer_s=5)

    stage.run()

    assert ["t1 newer"] == stage.landings("job")
    assert [] == stage.happened(Kind.POINTED)[1:]


def test_job_after_a_cancelled_one_completes_the_deploy() -> None:
    """A partial deploy is resumed: what is on the release already is not rolled again."""
    stage = cancelled_in_mid_redeploy(answer_s=5)
    stage.run()

    stage.start("again", "newer")
    stage.run()

    assert "deployed" == stage.word("again")
    assert ["t2 newer", "t3 newer"] == stage.landings("again")
    stage.assert_promises("newer")
