"""Sentence 6 of a deploy's life: canary, soak, batch after batch; the first failure stops."""

import pytest

from release.errors import Invalid
from simulator.happenings import Kind
from simulator.tenants import Health, Lag
from tests.support.stage import Stage


def test_canary_settles_before_the_soak_and_each_batch_before_the_next() -> None:
    """Sentence 6: canary, settle, soak of exactly 60 s, then batch by batch, each settled first."""
    stage = Stage(tenants=5, batch_size=2)
    stage.push("older")

    stage.start("job-1", "older")
    stage.run()

    assert [
        (0, "canary: t1 to staging-older"),
        (83, "batch-1: t2, t3 to staging-older"),
        (106, "batch-2: t4, t5 to staging-older"),
    ] == stage.hears("job-1", "redeploy")
    assert [(23, "soaking t1 for 60 s")] == stage.hears("job-1", "soak")
    assert "deployed" == stage.word("job-1")


def test_soak_watches_canary_for_exactly_as_long_as_it_is_told() -> None:
    """Sentence 6: the soak polls at every interval and at its very end, and then goes on."""
    stage = Stage(soak_s=50)
    stage.push("older")

    stage.start("job-1", "older")
    stage.run()

    began_s = 23
    polls = [at_s - began_s for at_s in stage.calls("job-1", "buildinfo", "t1")]
    assert [20, 40, 50] == [poll for poll in polls if 0 < poll <= 50]
    assert began_s + 50 == stage.calls("job-1", "redeploy")[1]


def test_canary_and_batch_size_are_as_configured() -> None:
    """Sentence 6: the canary is whom the configuration names; batches are of its size."""
    stage = Stage(tenants=4, canary=("t3", "t4"), batch_size=1)
    stage.push("older")

    stage.start("job-1", "older")
    stage.run()

    assert [
        "canary: t3, t4 to staging-older",
        "batch-1: t1 to staging-older",
        "batch-2: t2 to staging-older",
    ] == [told for _, told in stage.hears("job-1", "redeploy")]


def test_canary_that_does_not_exist_is_refused_before_anything_is_claimed() -> None:
    """Sentence 6: a misspelt canary is never left out in silence; it is a mistake of words."""
    stage = Stage(canary=("typo",))
    stage.push("older")

    stage.start("job-1", "older")
    stage.run()

    with pytest.raises(Invalid, match="typo: the canary is not among the fleet's candidates"):
        stage.outcome("job-1")
    assert [] == stage.all_claims()
    stage.assert_serving("base")


def test_wholly_fallen_canary_stops_however_many_stragglers_are_tolerated() -> None:
    """Sentence 6: what is tolerated are stragglers of a fleet, not the canary's own warning."""
    stage = Stage(stragglers_max=3)
    stage.push("older")
    stage.behave("t1", Health.WEDGED)

    stage.start("job-1", "older")
    stage.run()

    assert "exhausted" == stage.word("job-1")
    assert "the canary did not settle: t1" in stage.reason("job-1")
    assert ["t1 older"] == stage.landings("job-1")


def test_redeploys_are_always_scoped() -> None:
    """Sentence 6: every request names its tenants; the whole fleet is never asked for."""
    stage = Stage(tenants=5)
    stage.push("older")

    stage.start("job-1", "older")
    stage.run()

    accepted = [subject for _, subject, _ in stage.happened(Kind.ACCEPTED)]
    assert ["t1 to staging-older", "t2,t3,t4 to staging-older", "t5 to staging-older"] == accepted


def test_first_failure_leaves_later_tenants_as_they_are() -> None:
    """Sentence 6: the outcome lists every tenant and the message names the rollback command."""
    stage = Stage(tenants=4, batch_size=1)
    stage.push("older")
    stage.behave("t2", Health.BROKEN)

    stage.start("job-1", "older")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert {
        "t1": "settled older",
        "t2": "failed None",
        "t3": "untouched base",
        "t4": "untouched base",
    } == stage.reports("job-1")
    assert "t2 did not reach older (the container did not come up)" in stage.reason("job-1")
    assert "To go back, run rollback --to REF --reason TEXT" in stage.reason("job-1")
    assert "base" == stage.serving()["app:latest"]


def test_failed_canary_keeps_everybody_else_where_they_are() -> None:
    """Sentence 6: an image that never comes up costs the canary alone."""
    stage = Stage()
    stage.push("older")
    stage.world.fleet.broken.add(stage.sha("older"))

    stage.start("job-1", "older")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert {"t2": "base", "t3": "base", "app:latest": "base"}.items() <= stage.serving().items()


def test_stragglers_within_tolerance_are_quarantined_and_named_first() -> None:
    """Outcomes: stragglers within tolerance: `deployed`, with `quarantined` named first."""
    stage = Stage(tenants=4, stragglers_max=1)
    stage.push("older")
    stage.behave("t3", Health.WEDGED)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert stage.sentence("job-1").startswith("deployed with 1 quarantined (t3): older")
    assert "quarantined base" == stage.reports("job-1")["t3"]
    assert "quarantined t3: serves the older base" in stage.warnings("job-1")
    assert "older" == stage.serving()["app:latest"]


def test_one_straggler_more_than_tolerated_stops() -> None:
    """Sentence 6: the first failure BEYOND the tolerated stragglers stops."""
    stage = Stage(tenants=5, stragglers_max=1, batch_size=1)
    stage.push("older")
    stage.behave("t2", Health.WEDGED)
    stage.behave("t4", Health.WEDGED)

    stage.start("job-1", "older")
    stage.run()

    assert "exhausted" == stage.word("job-1")
    assert "tenant t4 did not reach older (last seen on base; serves the older base)" in (
        stage.reason("job-1")
    )
    assert "untouched base" == stage.reports("job-1")["t5"]
    assert "base" == stage.serving()["app:latest"]


def test_quarantined_canary_does_not_cost_the_soak_of_the_others() -> None:
    """Sentence 6: a canary that is quarantined is not watched; its companions soak."""
    stage = Stage(tenants=4, canary=("t1", "t2"), stragglers_max=1)
    stage.push("older")
    stage.behave("t1", Health.WEDGED)

    stage.start("job-1", "older")
    stage.run()

    assert [(243, "soaking t2 for 60 s")] == stage.hears("job-1", "soak")
    assert "deployed" == stage.word("job-1")


def test_tenants_on_target_already_are_not_rolled() -> None:
    """Sentence 6: a tenant that reports the release N times in a row needs no redeploy."""
    stage = Stage()
    stage.push("older")
    stage.move_tenant("t2", "older")

    stage.start("job-1", "older")
    stage.run()

    assert ["t1 older", "t3 older"] == stage.landings("job-1")
    assert "deployed" == stage.word("job-1")


@pytest.mark.parametrize("at_s", [10, 90])
def test_tenant_that_joins_while_we_deploy_is_rolled_too(at_s: float) -> None:
    """P2: the list of tenants is read again before the verdict; who joined is brought along."""
    stage = Stage()
    stage.push("older")
    stage.move_tenant("t9", "base", at_s=at_s)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert "joined while we deployed: t9" == stage.warnings("job-1")
    assert "settled older" == stage.reports("job-1")["t9"]
    stage.assert_serving("older")


def test_tenant_that_leaves_while_we_deploy_is_said_and_not_waited_for() -> None:
    """P2: a tenant that is no longer listed is no tenant; the outcome says that it left."""
    stage = Stage()
    stage.push("older")
    stage.at(30, lambda: stage.world.fleet.tenants.pop("t1"))

    stage.start("job-1", "older", soak_s=0)
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert ["t2", "t3"] == list(stage.reports("job-1"))
    assert "t1 left the fleet while we deployed" in stage.warnings("job-1")


def test_fleet_that_lists_nobody_is_not_success() -> None:
    """Sentence 6: no candidates at all fails the job, whatever the control plane says."""
    stage = Stage()
    stage.push("older")
    stage.world.fleet.tenants.clear()

    stage.start("job-1", "older")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert "control plane: lists no tenant at all" in stage.reason("job-1")


def test_draining_tenants_settle_one_after_another_within_their_batch() -> None:
    """Sentence 6: the next batch waits for the slowest tenant of the one before."""
    stage = Stage(tenants=4, batch_size=2)
    stage.push("older")
    stage.world.set_lag("t2", Lag.fixed(95))

    stage.start("job-1", "older")
    stage.run()

    second_batch_s = stage.calls("job-1", "redeploy")[2]
    settled_s = 83 + 2 + 95
    assert settled_s + 20 <= second_batch_s <= settled_s + 60
    assert "deployed" == stage.word("job-1")
