"""Hand verbs, separate CI steps, and deploying without a ledger."""

import pytest

from release.core.ledger import Denial
from release.core.values import Sha
from release.pipeline import PROMOTE, REDEPLOY, SETTLE_VERIFY, WAIT_CI
from release.stages.hand import unlock
from simulator.sim_ledger import LedgerStore
from simulator.tenants import Health, Lag
from tests.support.stage import Stage


def test_hand_verb_is_refused_while_a_lease_lives_and_names_the_holder() -> None:
    """Hand verbs: refused while a lease lives, which is seen at the holder's next renewal."""
    stage = Stage()
    stage.push("older")
    stage.start("job-1", "older")
    stage.start("by-hand", "older", REDEPLOY, at_s=30, is_by_hand=True)

    stage.run()

    assert "failed" == stage.word("by-hand")
    assert "refused: job job-1#1-1 holds the environment and its lease lives" in stage.reason(
        "by-hand"
    )
    assert "take the record from it with unlock --reason TEXT" in stage.reason("by-hand")
    assert 30 < stage.ended_at_s("by-hand") <= 30 + 20
    assert [] == stage.landings("by-hand")
    assert "deployed" == stage.word("job-1")


def test_hand_verb_goes_on_when_the_lease_has_run_out() -> None:
    """Hand verbs: a dead holder keeps nobody out for longer than its lease."""
    stage = Stage()
    stage.push("older")
    stage.start("dead", "older")
    stage.kill("dead", at_s=50)
    stage.start("by-hand", "older", REDEPLOY, at_s=50, is_by_hand=True)

    stage.run()

    assert [(110, "claimed epoch 2 for older")] == stage.hears("by-hand", "claimed")
    assert "redeployed" == stage.word("by-hand")


def test_hand_verb_is_not_held_by_a_pin_nor_by_a_freeze() -> None:
    """Hand verbs: a pin holds automatic deploys; a person may go on under it."""
    stage = Stage()
    stage.push("older")
    stage.pin()

    stage.start("by-hand", "older", REDEPLOY, is_by_hand=True)
    stage.run()

    assert "redeployed" == stage.word("by-hand")


def test_hand_verb_is_held_by_the_deny_list() -> None:
    """Hand verbs: a denied release is denied to everybody."""
    stage = Stage()
    stage.push("older")
    base, older = Sha(stage.sha("base")), Sha(stage.sha("older"))
    stage.edit(denied=(Denial(after=base, upto=older, reason="eats data"),))

    stage.start("by-hand", "older", REDEPLOY, is_by_hand=True)
    stage.run()

    assert "held" == stage.word("by-hand")
    assert "denied (newer than base, up to older): eats data" == stage.reason("by-hand")


def test_unlock_steals_and_pins_and_the_old_holder_ends_stopped() -> None:
    """Hand verbs: `unlock` steals and pins in one swap: audited, and the old holder stops."""
    stage = Stage()
    stage.push("older")
    stage.start("job-1", "older")
    stage.at(50, lambda: stage.act("desk", lambda run: unlock(run, reason="wedged", by="ada")))

    stage.run()

    assert "stopped" == stage.word("job-1")
    assert "pinned by ada (unlock): wedged" == stage.reason("job-1")
    assert ["unlocked", "stopped"] == [past.word for past in stage.record.past]
    assert 2 == stage.record.epoch
    assert "taken from job job-1#1-1; pinned: automatic deploys are held" in stage.said("desk")


def test_unlock_keeps_the_open_intents() -> None:
    """Hand verbs: what the old holder has under way stays written down."""
    stage = Stage()
    stage.push("older")
    stage.start("dead", "older")
    stage.kill("dead", at_s=1)
    stage.at(2, lambda: stage.act("desk", lambda run: unlock(run, reason="dead", by="ada")))

    stage.run()

    assert 1 == len(stage.record.intents)
    assert "open intents that stay: 1" in stage.said("desk")


def test_redeploy_of_named_tenants_rolls_these_alone() -> None:
    """Hand verbs: `redeploy --only` touches whom it names, and no pointer."""
    stage = Stage()
    stage.push("older")

    stage.start("by-hand", "older", REDEPLOY, only=["t2"], is_by_hand=True)
    stage.run()

    assert "redeployed" == stage.word("by-hand")
    assert ["t2 older"] == stage.landings()
    assert "base" == stage.serving()["app:latest"]


def test_forced_redeploy_rolls_tenants_that_are_on_target() -> None:
    """Hand verbs: `--force` rolls also who is on the release already."""
    stage = Stage()

    stage.start("by-hand", "base", REDEPLOY, only=["t2"], is_by_hand=True, is_forced=True)
    stage.run()

    assert ["t2 base"] == stage.landings("by-hand")


def test_redeploy_by_hand_never_goes_backward() -> None:
    """P1: an older release is superseded also by hand; going back is `rollback`."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.start("new", "newer")
    stage.run()

    stage.start("by-hand", "older", REDEPLOY, only=["t2"], is_by_hand=True, is_forced=True)
    stage.run()

    assert "superseded" == stage.word("by-hand")
    assert [] == stage.landings("by-hand")


def test_separate_steps_of_one_run_follow_one_another_without_waiting() -> None:
    """As separate CI steps: each claims under the same run id: no duplicate, no wait."""
    stage = Stage()
    stage.push("older")
    for step, stages in [
        ("wait", WAIT_CI),
        ("redeploy", REDEPLOY),
        ("settle", SETTLE_VERIFY),
        ("promote", PROMOTE),
    ]:
        stage.start(step, "older", stages, run_id="77")
        stage.run()

    assert ["verified", "redeployed", "verified", "deployed"] == [
        stage.word(step) for step in ("wait", "redeploy", "settle", "promote")
    ]
    assert 83 == stage.calls("redeploy", "redeploy")[1]
    assert ["claimed epoch 1 for older", "claimed epoch 2 for older"] == stage.all_hear("claimed")
    stage.assert_serving("older")


def test_step_whose_predecessor_was_killed_does_not_wait_for_its_lease() -> None:
    """As separate CI steps: the same attempt of the same run never waits for itself."""
    stage = Stage()
    stage.push("older")
    stage.start("redeploy", "older", REDEPLOY, run_id="77")
    stage.kill("redeploy", at_s=50)

    stage.start("redeploy again", "older", REDEPLOY, at_s=51, run_id="77")
    stage.run()

    assert [(51, "claimed epoch 2 for older")] == stage.hears("redeploy again", "claimed")
    assert "redeployed" == stage.word("redeploy again")


def test_promote_verifies_the_fleet_first() -> None:
    """As separate CI steps: `promote` verifies the fleet before it moves a pointer."""
    stage = Stage()
    stage.push("older")

    stage.start("promote", "older", PROMOTE)
    stage.run()

    assert "exhausted" == stage.word("promote")
    assert "t1, t2, t3 did not settle on older; t1: last seen on base" in stage.reason("promote")
    assert "base" == stage.serving()["app:latest"]


def test_promote_in_the_window_of_a_newer_claim_is_superseded() -> None:
    """P3: a fence that refuses the list of candidates sends the job back to the ledger."""
    stage = Stage()
    stage.push("older")
    stage.start("redeploy", "older", REDEPLOY)
    stage.run()
    stage.push("newer")
    stage.start("promote", "older", PROMOTE)
    stage.run_until_call("promote", "candidates", 2)
    stage.world.control_plane.fence_seen["production"] = 9
    stage.raise_mark("newer")

    stage.run()

    assert "superseded" == stage.word("promote")
    assert "newer is newer, read in the ledger" == stage.reason("promote")


def test_settle_verify_touches_nothing_and_waits_for_draining_tenants() -> None:
    """As separate CI steps: `settle-verify` polls until everybody has settled."""
    stage = Stage()
    stage.push("older")
    stage.world.set_lag("t3", Lag.fixed(100))
    stage.start("redeploy", "older", REDEPLOY, settle_budget_s=0, confirmations=1)
    stage.run()

    stage.start("settle", "older", SETTLE_VERIFY)
    stage.run()

    assert "exhausted" == stage.word("redeploy")
    assert "verified" == stage.word("settle")
    assert 2 == len(stage.calls("redeploy", "redeploy"))
    assert [] == stage.calls("settle", "redeploy")


def test_settle_verify_of_an_overtaken_release_is_superseded() -> None:
    """P3: a release that the ledger or a tenant knows to be newer ends a verification."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.start("new", "newer")
    stage.run()

    stage.start("settle", "older", SETTLE_VERIFY)
    stage.run()

    assert "superseded" == stage.word("settle")
    assert "newer is newer, read in the ledger" == stage.reason("settle")


def test_settle_verify_is_not_superseded_by_a_denied_release() -> None:
    """P3: after a rollback a tenant that hangs on the denied release is a failure, never green."""
    stage = Stage()
    stage.push("bad")
    stage.move_tenant("t2", "bad")
    base, bad = Sha(stage.sha("base")), Sha(stage.sha("bad"))
    stage.edit(denied=(Denial(after=base, upto=bad, reason="eats data"),))

    stage.start("settle", "base", SETTLE_VERIFY)
    stage.run()

    assert "failed" == stage.word("settle")
    assert "tenant t2 is on bad, which is denied: run rollback" == stage.reason("settle")


def test_settle_verify_looks_for_tenants_that_joined_meanwhile() -> None:
    """P2: the list of tenants is read again before the verdict of every verification."""
    stage = Stage()
    stage.push("older")
    stage.put_everything_on("older")
    stage.move_tenant("t9", "base", at_s=10)

    stage.start("settle", "older", SETTLE_VERIFY)
    stage.run()

    assert "exhausted" == stage.word("settle")
    assert "t9 did not settle on older" in stage.reason("settle")


def test_job_without_a_ledger_observes_and_ends_unguarded() -> None:
    """Hand verbs: `--without-ledger` has a private record and says `deployed, unguarded`."""
    stage = Stage()
    stage.push("older")
    before = stage.record

    stage.start(
        "alone",
        "older",
        ledger=LedgerStore.empty(stage.world),
        is_unguarded=True,
        is_first_use=True,
    )
    stage.run()

    assert stage.sentence("alone").startswith("deployed, unguarded: older on production")
    assert before == stage.record
    stage.assert_serving("older")


def test_job_without_a_ledger_refuses_backward() -> None:
    """Hand verbs: what the fleet serves is the mark of a job that has no ledger."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.start("new", "newer")
    stage.run()

    private = LedgerStore.empty(stage.world)
    stage.start("alone", "older", ledger=private, is_unguarded=True, is_first_use=True)
    stage.run()

    assert "superseded" == stage.word("alone")
    assert [] == stage.landings("alone")


def test_next_run_with_a_ledger_adopts_what_it_observes() -> None:
    """Hand verbs: after a run without the ledger, the mark follows what is seen."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    private = LedgerStore.empty(stage.world)
    stage.start("alone", "newer", ledger=private, is_unguarded=True, is_first_use=True)
    stage.run()

    stage.start("job-1", "older")
    stage.run()

    assert "superseded" == stage.word("job-1")
    assert "newer" == stage.mark


@pytest.mark.parametrize("health", [Health.GONE, Health.HTML])
def test_separate_promote_never_moves_past_a_tenant_that_it_cannot_read(health: Health) -> None:
    """P2: `promote` on its own is as strict as a deploy."""
    stage = Stage()
    stage.push("older")
    stage.put_everything_on("older")
    stage.move_pointer("base")
    stage.behave("t2", health)

    stage.start("promote", "older", PROMOTE)
    stage.run()

    assert "exhausted" == stage.word("promote")
    assert "base" == stage.serving()["app:latest"]
