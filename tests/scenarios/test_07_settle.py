"""Sentence 7 of a deploy's life: every tenant settles on exactly this release, or says why not."""

import pytest

from release.pipeline import SETTLE_VERIFY
from simulator.tenants import Health, Lag
from tests.support.stage import Stage


def test_stuck_tenant_is_polled_thirteen_times_at_exact_instants_and_fails_loudly() -> None:
    """Sentence 7: 240 s of budget at 20 s is 13 polls, from the end of the redeploy; then red."""
    stage = Stage()
    stage.push("older")
    stage.behave("t1", Health.WEDGED)

    stage.start("job-1", "older")
    stage.run()

    answered_s = 3
    polls = [at_s - answered_s for at_s in stage.calls("job-1", "buildinfo", "t1")]
    assert [20 * number for number in range(13)] == [at_s for at_s in polls if at_s >= 0][:13]
    assert "exhausted" == stage.word("job-1")
    assert 1 == stage.outcome("job-1").exit_code
    assert "tenant t1 did not reach older (last seen on base; serves the older base)" in (
        stage.reason("job-1")
    )
    assert {"t1": "failed base", "t2": "untouched base", "t3": "untouched base"} == stage.reports(
        "job-1"
    )


@pytest.mark.parametrize(
    ("budget_s", "interval_s", "polls"), [(240, 20, 13), (60, 60, 2), (50, 20, 3), (0, 20, 1)]
)
def test_number_of_polls_follows_budget_and_interval(
    budget_s: float, interval_s: float, polls: int
) -> None:
    """Sentence 7: the first poll is at once, each further one an interval later, within budget."""
    stage = Stage(tenants=1, settle_budget_s=budget_s, settle_interval_s=interval_s)
    stage.push("older")
    stage.behave("t1", Health.WEDGED)

    stage.start("job-1", "older")
    stage.run()

    last_look = 1
    assert polls + last_look == len([s for s in stage.calls("job-1", "buildinfo") if s >= 3])


def test_budget_is_time_also_where_one_look_takes_longer_than_the_interval() -> None:
    """Sentence 7: thirteen looks of 30 s each would be 390 s of a budget of 240."""
    stage = Stage(tenants=1)
    stage.push("older")
    stage.behave("t1", Health.WEDGED)
    stage.slow_down(edge=30)

    stage.start("job-1", "older")
    stage.run()

    assert "exhausted" == stage.word("job-1")
    (gave_up_at_s, _), *_ = stage.hears("job-1", "outcome")
    (rolled_at_s, _), *_ = stage.hears("job-1", "redeploy")
    assert gave_up_at_s - rolled_at_s < 240 + 2 * 30


def test_holder_that_polls_fast_renews_no_more_often_than_its_lease_asks() -> None:
    """Each write of a holder makes a claimant lose its swap: sixty a minute would keep it out."""
    stage = Stage(tenants=1, settle_interval_s=1, soak_s=60)
    stage.push("older")

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert len(stage.calls("job-1", "swap")) < 15


@pytest.mark.parametrize("confirmations", [1, 2, 4])
def test_tenant_settles_after_so_many_confirmations_in_a_row(confirmations: int) -> None:
    """Sentence 7: a tenant has settled once it reported the release N times in a row."""
    stage = Stage(tenants=1, confirmations=confirmations)
    stage.push("older")

    stage.start("job-1", "older")
    stage.run()

    assert [(3 + 20 * (confirmations - 1), "settled: t1")] == stage.hears("job-1", "settled")


def test_flapping_tenant_settles_only_when_it_stopped_flapping() -> None:
    """Sentence 7: old and new in turn is no row of confirmations."""
    stage = Stage(tenants=1)
    stage.push("older")
    stage.world.set_lag("t1", Lag.flapping(110))

    stage.start("job-1", "older")
    stage.run()

    (settled_at_s, _), *_ = stage.hears("job-1", "settled")
    assert 2 + 110 < settled_at_s <= 2 + 110 + 40
    assert "deployed" == stage.word("job-1")


def test_tenant_that_never_came_is_named_before_one_that_came_too_late() -> None:
    """Sentence 7: the message blames who was not seen on the release at all."""
    stage = Stage(tenants=3, settle_budget_s=50)
    stage.push("older")
    stage.world.set_lag("t2", Lag.fixed(35))
    stage.behave("t3", Health.WEDGED)

    stage.start("job-1", "older")
    stage.run()

    assert "exhausted" == stage.word("job-1")
    assert "tenant t3 did not reach older (last seen on base" in stage.reason("job-1")


def test_tenant_that_came_too_late_is_named_with_what_it_lacked() -> None:
    """Sentence 7: one look at the release is no settling, and the reason says so."""
    stage = Stage(tenants=2, settle_budget_s=50)
    stage.push("older")
    stage.world.set_lag("t2", Lag.fixed(35))

    stage.start("job-1", "older")
    stage.run()

    why = "tenant t2 did not reach older (last seen on older; seen there too briefly)"
    assert why in stage.reason("job-1")


@pytest.mark.parametrize(
    ("health", "why"),
    [
        (Health.HTML, "named no release since its redeploy; HTTP 404, text/html"),
        (Health.DEV, "named no release since its redeploy; answers 'dev'"),
        (Health.GONE, "fails its health check"),
    ],
)
def test_answer_without_a_release_is_not_settled_and_its_reason_kept(
    health: Health, why: str
) -> None:
    """Sentence 7: not JSON, not 200, `dev`, unreachable: not settled, the reason kept."""
    stage = Stage()
    stage.push("older")
    stage.behave("t2", health)

    stage.start("job-1", "older")
    stage.run()

    assert stage.word("job-1") in {"exhausted", "failed"}
    assert f"tenant t2 did not reach older ({why})" in stage.reason("job-1")


def test_slow_tenant_is_unreachable_when_it_takes_longer_than_a_job_waits() -> None:
    """Sentence 7: an answer that does not come within the time of one request is none."""
    stage = Stage()
    stage.push("older")
    stage.behave("t1", Health.SLOW, delay_s=11)

    stage.start("job-1", "older")
    stage.run()

    assert "exhausted" == stage.word("job-1")
    assert "unreachable: no answer within 10.0 s" in stage.reason("job-1")


def test_slow_tenant_settles_when_it_answers_in_time() -> None:
    """Sentence 7: slow is not wrong."""
    stage = Stage()
    stage.push("older")
    stage.behave("t1", Health.SLOW, delay_s=9)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")


def test_newer_release_at_a_tenant_sends_us_back_to_the_ledger() -> None:
    """Sentence 7: newer than ours: the ledger is read again; its mark rises to what it missed."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.move_tenant("t1", "newer", at_s=50)

    stage.start("job-1", "older")
    stage.run()

    assert "superseded" == stage.word("job-1")
    assert "newer is newer, read at tenant t1" == stage.reason("job-1")
    assert "newer" == stage.mark
    assert {"t1": "overtaken newer", "t2": "untouched base", "t3": "untouched base"} == (
        stage.reports("job-1")
    )


def test_tenant_that_goes_back_is_repaired_once() -> None:
    """Sentence 7: older again after having settled is an alarm; one repair, an effect as others."""
    stage = Stage()
    stage.push("older")
    stage.move_tenant("t1", "base", at_s=50)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert "regressed: t1 (serves the older base)" == stage.warnings("job-1")
    assert [(63, "repair: t1 to staging-older")] == stage.hears("job-1", "redeploy")[1:2]
    stage.assert_promises("older")


def test_tenant_that_goes_back_again_ends_regressed() -> None:
    """Sentence 7: more than `repairs_max` is no accident: `regressed`, exit 1."""
    stage = Stage()
    stage.push("older")
    stage.move_tenant("t1", "base", at_s=50)
    stage.move_tenant("t1", "base", at_s=100)

    stage.start("job-1", "older")
    stage.run()

    assert "regressed" == stage.word("job-1")
    assert 1 == stage.outcome("job-1").exit_code
    assert "t1 settled and went off again: t1 (serves the older base)" == stage.reason("job-1")
    assert "regressed base" == stage.reports("job-1")["t1"]


def test_repair_is_not_made_without_the_record() -> None:
    """Sentence 7: only while we hold the record: a job that only verifies repairs nothing."""
    stage = Stage()
    stage.put_everything_on("base")
    stage.world.set_lag("t2", Lag.fixed(500))
    stage.at(15, lambda: stage.world.fleet.tenants["t1"].kill(15))

    stage.start("job-1", "base", SETTLE_VERIFY)
    stage.run()

    assert "exhausted" == stage.word("job-1")
    assert [] == stage.landings("job-1")


def test_tenant_that_is_unreachable_for_a_while_is_no_regression() -> None:
    """Sentence 7: an answer that names no release is not settled, and no alarm either."""
    stage = Stage()
    stage.push("older")
    stage.behave("t1", Health.HTML, at_s=40)
    stage.behave("t1", Health.HEALTHY, at_s=60)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert "" == stage.warnings("job-1")
    assert ["t1 older", "t2 older", "t3 older"] == stage.landings()


def test_tenant_that_dies_at_the_end_of_its_soak_is_given_its_budget() -> None:
    """Sentence 7: a canary that is not on the release at the end of its soak settles anew."""
    stage = Stage()
    stage.push("older")
    stage.behave("t1", Health.HTML, at_s=80)
    stage.behave("t1", Health.HEALTHY, at_s=200)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert 200 < stage.calls("job-1", "redeploy")[1]


def test_verify_looks_at_every_tenant_once_more_before_the_verdict() -> None:
    """P2: a tenant that went back while later ones were rolled is found, and repaired."""
    stage = Stage(tenants=4, batch_size=1)
    stage.push("older")
    stage.move_tenant("t2", "base", at_s=110)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert "regressed: t2 (serves the older base)" == stage.warnings("job-1")
    stage.assert_promises("older")
