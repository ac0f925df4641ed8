"""Every fault at least once, with what the operator sees: word, reason, warnings, tenants."""

import pytest

from simulator.control_plane import FenceKind
from simulator.happenings import Kind
from simulator.tenants import Health, Lag
from tests.support.stage import Stage

UNCERTAIN = (
    "canary: no answer, it may still take effect: control_plane redeploy t1 to staging-older"
)


# ------------------------------------------------------------------ the control plane


@pytest.mark.parametrize(("status", "seen"), [(0, "the connection was cut"), (504, "HTTP 504")])
def test_redeploy_that_landed_and_was_never_answered(status: int, seen: str) -> None:
    """A lost answer of a redeploy that landed: deployed, with a warning; nothing is repeated."""
    stage = Stage()
    stage.push("older")
    stage.fault("lose_answer", "redeploy", "t1 *", status=status)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert f"{UNCERTAIN}: was sent and not answered (seen: {seen}" in stage.warnings("job-1")
    assert 1 == len(stage.calls("job-1", "redeploy", "t1 *"))


def test_redeploys_that_never_land_and_are_never_answered() -> None:
    """Two requests, two budgets, then red; nobody else was touched, both intents stay open."""
    stage = Stage()
    stage.push("older")
    stage.fault("cut_before", "redeploy", times=None)

    stage.start("job-1", "older")
    stage.run()

    assert "exhausted" == stage.word("job-1")
    assert "tenant t1 did not reach older (last seen on base; serves the older base)" in (
        stage.reason("job-1")
    )
    assert 2 == len(stage.calls("job-1", "redeploy"))
    assert [1, 2] == [intent.number for intent in stage.record.intents]


def test_redeploy_that_lands_late_after_its_job_died() -> None:
    """A redeploy that lands within its bound lands before the newer job touches anything."""
    stage = Stage()
    stage.push("older")
    stage.fault("late", "redeploy", "t1 *", late_s=290)
    stage.fault("lose_answer", "redeploy", "t1 *")
    stage.start("dead", "older")
    stage.kill("dead", at_s=1)
    stage.push("newer", at_s=1)
    stage.start("new", "newer", at_s=2)

    stage.run()

    assert "deployed" == stage.word("new")
    landed = [at_s for at_s, slug, _ in stage.happened(Kind.LANDED) if slug == "t1"]
    assert [292, 304] == landed
    stage.assert_promises("newer")


def test_redeploy_that_lands_beyond_its_bound_is_refused_where_it_lands() -> None:
    """P1: beyond the bound the fence at the landing refuses the change; without one it is seen."""
    fenced, unfenced = Stage(), Stage()
    unfenced.world.control_plane.fence_kind = FenceKind.NONE
    for stage in (fenced, unfenced):
        stage.push("older")
        stage.fault("late", "redeploy", "t1 *", late_s=330)
        stage.fault("lose_answer", "redeploy", "t1 *")
        stage.start("dead", "older")
        stage.kill("dead", at_s=1)
        stage.push("newer", at_s=1)
        stage.start("new", "newer", at_s=2)

        stage.run()

    assert [(332, "t1", "1 < 2")] == fenced.happened(Kind.LANDING_REFUSED)
    fenced.assert_promises("newer")
    assert "deployed" == unfenced.word("new")
    assert "regressed: t1 (serves the older older)" == unfenced.warnings("new")
    unfenced.assert_serving("newer")


def test_row_that_is_missing_or_timed_out_is_no_success() -> None:
    """The row of a tenant that never moved is unanswered: it is asked for again, then fails."""
    stage = Stage()
    stage.push("older")
    stage.fault("no_effect", "landing", "t2", row="TimedOut", times=None)

    stage.start("job-1", "older")
    stage.run()

    assert "exhausted" == stage.word("job-1")
    assert "no final answer for t2: it may still take effect there" in stage.warnings("job-1")
    assert "redeploying t2 once more: the first request was not answered" in stage.warnings("job-1")
    assert {"t1": "settled older", "t2": "failed base", "t3": "settled older"} == stage.reports(
        "job-1"
    )


def test_answer_that_is_not_ok_names_the_tenant_and_why() -> None:
    """`ok:false`: the failed row says why; the tenants beside it keep what they got."""
    stage = Stage()
    stage.push("older")
    stage.behave("t3", Health.BROKEN)

    stage.start("job-1", "older")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert "tenant t3 did not reach older" in stage.reason("job-1")
    assert "the container did not come up" in stage.reason("job-1")
    assert "older" == stage.serving()["t2"]


def test_row_that_was_not_verified_on_target_is_no_success() -> None:
    """`verified_on_target: false` fails the tenant, although the control plane says `ok`."""
    stage = Stage()
    stage.push("older")
    stage.fault("no_effect", "redeploy", "t1 *")

    stage.start("job-1", "older")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert "runs app:staging-base, which is not the target" in stage.reason("job-1")


def test_success_without_effect_on_an_older_control_plane_is_found_at_the_edge() -> None:
    """Without `verified_on_target` only what is served proves anything, and it never settles."""
    stage = Stage()
    stage.push("older")
    stage.world.fleet.has_inspection = False
    stage.fault("no_effect", "redeploy", "t1 *")

    stage.start("job-1", "older")
    stage.run()

    assert "exhausted" == stage.word("job-1")
    assert "last seen on base; serves the older base" in stage.reason("job-1")


def test_redeploy_that_is_answered_and_lands_late_settles_late() -> None:
    """An answer is no proof: on an older control plane the job polls until it is served."""
    stage = Stage()
    stage.push("older")
    stage.world.fleet.has_inspection = False
    stage.fault("late", "redeploy", "t1 *", late_s=70)

    stage.start("job-1", "older")
    stage.run()

    assert [(103, "settled: t1")] == stage.hears("job-1", "settled")[:1]
    assert "deployed" == stage.word("job-1")


def test_staggered_landings_settle_when_the_last_has_landed() -> None:
    """A batch that lands tenant by tenant is waited for as a whole."""
    stage = Stage(tenants=4)
    stage.push("older")
    stage.fault("staggered", "redeploy", "t2*", gap_s=30, order=("t4", "t3", "t2"))

    stage.start("job-1", "older")
    stage.run()

    assert ["t1 older", "t4 older", "t3 older", "t2 older"] == stage.landings()
    assert "deployed" == stage.word("job-1")


def test_redeploy_that_lands_twice_is_waited_out_by_nobody_who_is_newer() -> None:
    """A change that lands once more after its answer is refused by a fence at the landing."""
    stage = Stage()
    stage.push("older")
    stage.fault("twice", "redeploy", "t1 *", actor="old", late_s=150)
    stage.start("old", "older")
    stage.push("newer", at_s=40)
    stage.start("new", "newer", at_s=40)

    stage.run()

    assert [(152, "t1", "1 < 2")] == stage.happened(Kind.LANDING_REFUSED)
    stage.assert_promises("newer")


def test_control_plane_that_cannot_list_ends_unavailable() -> None:
    """A control plane that is down before any effect: `unavailable`, nothing touched."""
    stage = Stage()
    stage.push("older")
    stage.fault("refuse", "candidates", status=503, times=None)

    stage.start("job-1", "older")
    stage.run()

    assert "unavailable" == stage.word("job-1")
    assert "control_plane candidates staging-older: could not be read (seen: HTTP 503" in (
        stage.reason("job-1")
    )


def test_expired_token_is_refused_and_named() -> None:
    """A token that ran out fails the job; what was done before is listed."""
    stage = Stage()
    stage.push("older")
    stage.fault("expired_token", "redeploy", "t2*")

    stage.start("job-1", "older")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert "control_plane redeploy t2,t3 to staging-older: was refused (seen: HTTP 401" in (
        stage.reason("job-1")
    )
    assert {"t1": "settled older", "t2": "untouched base", "t3": "untouched base"} == (
        stage.reports("job-1")
    )


# ------------------------------------------------------------------ the fence


def test_fence_that_refuses_at_the_door_sends_us_to_the_ledger() -> None:
    """A fence that refuses us: re-read the ledger; another has it: `superseded`, never `failed`."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.start("old", "older")
    stage.run_until_call("old", "redeploy", 2)
    stage.world.control_plane.fence_seen["production"] = 2
    stage.raise_mark("newer")

    stage.run()

    assert "superseded" == stage.word("old")
    assert "newer is newer, read in the ledger" == stage.reason("old")
    assert () == stage.record.intents


def test_fence_that_refuses_at_the_landing_sends_us_to_the_ledger() -> None:
    """A row that a fence failed is no failure of the tenant: the ledger names who overtook us."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.start("old", "older")
    stage.run(until_s=1)
    stage.world.control_plane.fence_seen["production"] = 2
    stage.raise_mark("newer")

    stage.run()

    assert [(2, "t1", "1 < 2")] == stage.happened(Kind.LANDING_REFUSED)
    assert "superseded" == stage.word("old")


def test_fence_that_refuses_the_last_list_of_tenants_sends_us_to_the_ledger() -> None:
    """P3: a newer claim between the last look and the last list is `superseded`, not `failed`."""
    stage = Stage()
    stage.slow_down(edge=4, forge=2, registry=2)
    stage.push("older")
    stage.start("old", "older")
    stage.push("newer", at_s=131)
    stage.start("new", "newer", at_s=131)

    stage.run()

    assert "superseded" == stage.word("old")
    stage.assert_promises("newer")


def test_ledger_that_was_set_back_below_the_fence_goes_on_above_it() -> None:
    """A fence that refuses us, and the record is ours: epoch = `fence_seen` + 1, drain, say so."""
    stage = Stage()
    stage.push("older")
    stage.world.control_plane.fence_seen["production"] = 41

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert (
        "control_plane candidates staging-older has seen epoch 41, the ledger only 1: "
        "the ledger was set back. Going on with epoch 42" == stage.warnings("job-1")
    )
    assert 42 == stage.record.epoch
    assert 42 == stage.outcome("job-1").epoch


def test_lifting_the_epoch_survives_a_swap_of_unknown_outcome() -> None:
    """A write that is taken after it was read back as missing does not lift the epoch twice."""
    stage = Stage()
    stage.push("older")
    stage.world.control_plane.fence_seen["production"] = 41
    stage.fault("late", "swap", after=1, late_s=0.5)
    stage.fault("lose_answer", "swap", after=1)
    stage.slow_down(ledger=0.3)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert 42 == stage.record.epoch


def test_ledger_set_back_in_mid_run_is_observed_and_claimed_again() -> None:
    """A ledger restored from before our claim: observe, claim, lift above the fence, go on."""
    stage = Stage()
    backup = stage.record
    stage.push("older")
    stage.at(50, lambda: stage.ledger.write(backup, actor="operator"))

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert (
        "the record was set back, or lost and created anew: observing and claiming again"
        == stage.warnings("job-1")
    )
    stage.assert_promises("older")


# ------------------------------------------------------------------ the ledger


def test_ledger_that_is_down_in_mid_rollout_means_no_further_effect() -> None:
    """Ledger unavailable mid-rollout: bounded retry, then red; never an effect without it."""
    stage = Stage()
    stage.push("older")
    stage.start("job-1", "older")
    stage.run(until_s=50)
    stage.fault("refuse", "swap", status=429, times=None)
    stage.fault("refuse", "read", status=503, times=None)

    stage.run()

    assert "unavailable" == stage.word("job-1")
    assert "ledger read production: could not be read" in stage.reason("job-1")
    assert "the outcome could not be written into the ledger" in stage.warnings("job-1")
    assert {"t1": "settled older", "t2": "untouched base", "t3": "untouched base"} == (
        stage.reports("job-1")
    )


def test_ledger_that_is_down_for_a_moment_costs_nothing() -> None:
    """A swap that could not be sent is tried again after `retry_s`."""
    stage = Stage()
    stage.push("older")
    stage.fault("refuse", "swap", status=429, after=3, times=2)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert "" == stage.warnings("job-1")


@pytest.mark.parametrize("after", range(6))
def test_stale_read_of_the_ledger_never_moves_anything_backward(after: int) -> None:
    """A stale read loses its swap, is read again and decided anew."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.fault("stale", "read", actor="old", after=after, stale_s=500)
    stage.start("new", "newer")
    stage.start("old", "older", at_s=120)

    stage.run()

    assert "superseded" == stage.word("old")
    stage.assert_promises("newer")


# ------------------------------------------------------------------ registry, forge and edge


def test_registry_that_is_down_fails_the_pointer_and_keeps_the_tenants() -> None:
    """Promote cannot be read: `failed`, the tenants are settled, a re-run completes it."""
    stage = Stage()
    stage.push("older")
    stage.start("job-1", "older")
    stage.run(until_s=90)
    stage.fault("refuse", "manifest", status=500, times=None)

    stage.run()

    assert "failed" == stage.word("job-1")
    assert "not promoted: app:latest: registry manifest app:staging-older: could not be read" in (
        stage.reason("job-1")
    )
    assert {"settled older"} == set(stage.reports("job-1").values())


def test_pointer_move_that_lands_after_take_over_is_waited_for() -> None:
    """A pointer is unfenced: its bound of 60 s is waited out, so the newer move comes last."""
    stage = Stage()
    stage.push("older")
    stage.fault("late", "point", actor="dead", late_s=55)
    stage.start("dead", "older")
    stage.run_until_call("dead", "point")
    stage.kill("dead")
    stage.push("newer", at_s=107)
    stage.start("new", "newer", at_s=107)

    stage.run()

    assert [(161, "app:latest", "older")] == stage.happened(Kind.POINTED)[1:2]
    stage.assert_promises("newer")


def test_stale_head_of_the_branch_decides_nothing() -> None:
    """A stale head under `head` lets the older job try; the ledger's mark still ends it."""
    stage = Stage(superseded_by="head")
    stage.push("older")
    stage.push("newer", at_s=10)
    stage.fault("stale", "head", actor="old", stale_s=500, times=None)
    stage.start("new", "newer", at_s=10)
    stage.start("old", "older", at_s=150)

    stage.run()

    assert "superseded" == stage.word("old")
    stage.assert_promises("newer")


def test_stale_reads_of_an_edge_only_make_it_settle_later() -> None:
    """An edge that answers from a cache of a minute ago is polled until it does not."""
    stage = Stage()
    stage.push("older")
    stage.fault("stale", "buildinfo", "t1", stale_s=60, times=None)

    stage.start("job-1", "older")
    stage.run()

    (settled_at_s, _), *_ = stage.hears("job-1", "settled")
    assert 2 + 60 <= settled_at_s
    assert "deployed" == stage.word("job-1")


def test_slow_services_change_nothing_but_the_time() -> None:
    """Latency everywhere: the same word, the same landings in the same order."""
    stage = Stage()
    stage.push("older")
    stage.slow_down(forge=1, control_plane=2, edge=1.5, registry=1, ledger=2)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert ["t1 older", "t2 older", "t3 older"] == stage.landings()


@pytest.mark.parametrize("lag_s", [0, 7, 45, 119, 200])
def test_draining_tenant_is_neither_failed_nor_taken_for_settled(lag_s: float) -> None:
    """A tenant that answers from its draining container settles when that is gone."""
    stage = Stage(tenants=1)
    stage.push("older")
    stage.world.set_lag("t1", Lag.fixed(lag_s))

    stage.start("job-1", "older")
    stage.run()

    (settled_at_s, _), *_ = stage.hears("job-1", "settled")
    assert 2 + lag_s < settled_at_s < 2 + lag_s + 45
    assert "deployed" == stage.word("job-1")
