"""Jobs that are killed at every step, and signals: what is left, and who takes over."""

import pytest

from simulator.happenings import Kind
from tests.support.stage import Stage

LEASE_S, LARGEST_BOUND_S = 60, 300
UNDISTURBED_S = 106
"""What a deploy to three tenants takes when nobody is in its way."""

STEPS_MAX = 110
STEPS = range(1, STEPS_MAX)


def killed_after(steps: int) -> Stage:
    """A stage on which the job of `older` was killed after so many steps of the scheduler."""
    stage = Stage()
    stage.push("older")
    stage.start("dead", "older")
    stage.run_steps(steps)
    stage.kill("dead")
    return stage


def test_steps_cover_the_whole_life_of_a_job() -> None:
    """The sweeps below kill the job at each of its steps, the last one included."""
    stage = killed_after(STEPS_MAX)

    assert "deployed" == stage.word("dead")


@pytest.mark.parametrize("steps", STEPS)
def test_re_run_of_a_killed_job_converges_within_lease_and_bound(steps: int) -> None:
    """P4: killed at any step, the next run of the release succeeds in lease plus largest bound."""
    stage = killed_after(steps)
    began_s = stage.now_s

    stage.start("fresh", "older", at_s=began_s)
    stage.run()

    assert stage.word("fresh") in {"deployed", "verified"}
    assert stage.ended_at_s("fresh") - began_s <= LEASE_S + LARGEST_BOUND_S + UNDISTURBED_S
    stage.assert_promises("older")


@pytest.mark.parametrize("steps", STEPS)
def test_newer_release_after_a_killed_job_converges_within_its_bound(steps: int) -> None:
    """P4: a newer release waits for no lease, only for what the dead job had under way."""
    stage = killed_after(steps)
    began_s = stage.now_s

    stage.push("newer")
    stage.start("new", "newer", at_s=began_s)
    stage.run()

    assert "deployed" == stage.word("new")
    assert stage.ended_at_s("new") - began_s <= LARGEST_BOUND_S + UNDISTURBED_S
    stage.assert_promises("newer")


@pytest.mark.parametrize("steps", range(1, STEPS_MAX, 5))
def test_job_killed_while_its_successor_waits_for_it(steps: int) -> None:
    """P4: also when the newer job is there already, whichever step the older one dies at."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.start("dead", "older")
    stage.run_steps(steps)
    stage.start("new", "newer", at_s=stage.now_s)
    stage.run_steps(7)
    stage.kill("dead")

    stage.run()

    assert "deployed" == stage.word("new")
    stage.assert_promises("newer")


def test_first_signal_writes_cancelled_at_once_and_leaves_unanswered_intents_open() -> None:
    """Signals: no new effect, `cancelled` into the ledger at once, the intents left open."""
    stage = Stage()
    stage.push("older")
    stage.start("job-1", "older")
    stage.signal("job-1", at_s=1)

    stage.run(until_s=1)

    assert ["cancelled"] == [past.word for past in stage.record.past]
    assert ["t1 to staging-older"] == [stage.named(one.what) for one in stage.record.intents]
    assert stage.record.holder is None


def test_answer_within_the_grace_is_acknowledged() -> None:
    """Signals: after `cancelled` is written, the job waits for the answer; then exit 143."""
    stage = Stage()
    stage.push("older")
    stage.start("job-1", "older")
    stage.signal("job-1", at_s=1)

    stage.run()

    assert 3 == stage.ended_at_s("job-1")
    assert "cancelled" == stage.word("job-1")
    assert 143 == stage.outcome("job-1").exit_code
    assert () == stage.record.intents


def test_answer_after_the_grace_leaves_its_intent_open() -> None:
    """Signals: the wait for answers ends after `grace_s`, by default 6 s, less than CI gives."""
    stage = Stage()
    stage.push("older")
    stage.fault("delay", "redeploy", after_s=30)
    stage.start("job-1", "older")
    stage.signal("job-1", at_s=1)

    stage.run()

    assert 1 + 6 == stage.ended_at_s("job-1")
    assert "no answer within 6 s, it may still take effect: t1 to staging-older" == stage.warnings(
        "job-1"
    )
    assert ["t1 to staging-older"] == [stage.named(one.what) for one in stage.record.intents]


def test_cancelled_job_acknowledges_to_the_newer_one_that_waits_for_it() -> None:
    """Signals: a waiter that has noted its wait on the intent is told of the answer too."""
    stage = Stage()
    stage.push("older")
    stage.fault("delay", "redeploy", after_s=37, actor="old")
    stage.start("old", "older")
    stage.push("newer", at_s=10)
    stage.start("new", "newer", at_s=10)
    stage.signal("old", at_s=35)

    stage.run()

    assert 40 == stage.ended_at_s("old")
    assert 40 == stage.calls("new", "redeploy")[0]
    stage.assert_promises("newer")


def test_cancelled_job_has_no_further_effect() -> None:
    """Signals: a job that was cancelled in its soak leaves the later tenants as they are."""
    stage = Stage()
    stage.push("older")
    stage.start("job-1", "older")
    stage.signal("job-1", at_s=50)

    stage.run()

    assert "cancelled" == stage.word("job-1")
    assert 50 == stage.ended_at_s("job-1")
    assert {"t1": "older", "t2": "base", "t3": "base", "app:latest": "base"} == stage.serving()
    assert () == stage.record.intents


@pytest.mark.parametrize("at_s", [0.5, 1, 30, 50, 84, 100])
def test_run_after_a_cancelled_one_converges(at_s: float) -> None:
    """Signals: whoever comes next waits for what was left open, and for no lease."""
    stage = Stage()
    stage.push("older")
    stage.start("cancelled", "older")
    stage.signal("cancelled", at_s=at_s)
    stage.start("fresh", "older", at_s=at_s + 1)

    stage.run()

    assert "deployed" == stage.word("fresh")
    assert stage.ended_at_s("fresh") - at_s <= 1 + LARGEST_BOUND_S + UNDISTURBED_S
    stage.assert_promises("older")


def test_killed_waiter_leaves_nothing_but_its_place() -> None:
    """P4: a job that is killed while it waits for another one is no obstacle to anybody."""
    stage = Stage(on_newer="finish")
    stage.push("older")
    stage.start("old", "older")
    stage.push("newer", at_s=30)
    stage.start("dead", "newer", at_s=30)
    stage.kill("dead", at_s=40)
    stage.start("fresh", "newer", at_s=45)

    stage.run()

    assert "deployed" == stage.word("old")
    assert "deployed" == stage.word("fresh")
    stage.assert_promises("newer")


def test_requests_of_a_killed_job_land_before_anybody_else_acts() -> None:
    """Take over: what a dead job had sent lands within its bound, and is then overwritten."""
    stage = Stage()
    stage.push("older")
    stage.fault("delay", "landing", "t1", before_s=250)
    stage.start("dead", "older")
    stage.kill("dead", at_s=1)
    stage.push("newer", at_s=5)
    stage.start("new", "newer", at_s=5)

    stage.run()

    landed = [(at_s, after) for at_s, slug, after in stage.happened(Kind.LANDED) if slug == "t1"]
    assert [(252, "older"), (307, "newer")] == landed
    stage.assert_promises("newer")


@pytest.mark.parametrize("kind", ["delay", "lose_answer"])
def test_signal_while_the_outcome_is_written_changes_nothing(kind: str) -> None:
    """Signals: a job that is over when the signal comes still writes down how it ended."""
    stage = Stage()
    stage.push("older")
    stage.start("job-1", "older")
    stage.run_until_call("job-1", "point")
    stage.fault("delay", "swap", before_s=1, after_s=1, times=None)
    stage.fault(kind, "swap", times=1)
    stage.signal("job-1", at_s=107.5)

    stage.run()

    assert "deployed" == stage.word("job-1")
    assert ["deployed"] == [past.word for past in stage.record.past]
    assert stage.record.holder is None
