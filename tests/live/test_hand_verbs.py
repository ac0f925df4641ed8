"""What a person does by hand: take the record from its holder, lift the pin, redeploy a few."""

from signal import SIGTERM

import pytest

from tests.support.live_world import LiveWorld

pytestmark = pytest.mark.slow

QUICK_SOAK = {"HEADWAY_ROLLOUT__SOAK_S": "0"}
# Long enough for a person to come between two renewals, and shorter than the test is patient.
SLOW = {"HEADWAY_ROLLOUT__SOAK_S": "60", "HEADWAY_SETTLE__INTERVAL_S": "2"}


def test_unlock_stops_the_old_holder_and_holds_the_next_deploy_until_resume(
    world: LiveWorld,
) -> None:
    """The record is taken and pinned in one swap; production stays where it was then."""
    newer = world.push()
    since = world.count()
    with world.shell.start(
        "deploy", "--config", world.config(), "--commit", newer, **SLOW
    ) as holder:
        world.wait_for(lambda one: "soaking" in one["note"], since)

        taken = world.invoke("unlock", "--reason", "looks odd", actor="operator", USER="ada")
        assert ("unlocked", 0) == taken.end
        stopped = holder.finish()
    held = world.invoke("deploy", "--commit", newer)
    resumed = world.invoke("resume", actor="operator")
    after = world.invoke("deploy", "--commit", newer, **QUICK_SOAK)

    assert "taken from job" in taken.last_line
    assert ("stopped", 1) == stopped.end
    assert ("held", 0) == held.end
    assert "pinned by ada (unlock): looks odd" in held.last_line
    assert [("resumed", 0), ("deployed", 0)] == [resumed.end, after.end]
    assert {"unlocked", "stopped", "held"} <= {past.word for past in world.record().past}


def test_hand_verb_is_refused_while_a_lease_lives(world: LiveWorld) -> None:
    """A person's redeploy names the job that holds the environment, and touches nothing."""
    newer = world.push()
    since = world.count()
    with world.shell.start(
        "deploy", "--config", world.config(), "--commit", newer, **SLOW
    ) as holder:
        world.wait_for(lambda one: "soaking" in one["note"], since)

        refused = world.invoke("redeploy", "--to", newer, "--force", actor="operator")
        holder.send(SIGTERM)
        cancelled = holder.finish()

    assert ("failed", 1) == refused.end
    assert "holds the environment" in refused.last_line
    assert "cancelled" == cancelled.word
    assert [] == [
        one
        for one in world.happenings(since)
        if one["actor"] == "operator" and one["kind"] == "accepted"
    ]


def test_redeploy_of_some_tenants_touches_no_other(world: LiveWorld) -> None:
    """`--only` needs no canary among its tenants, and `--to` takes an image tag."""
    newer = world.push()
    since = world.count()

    said = world.invoke("redeploy", "--to", f"staging-{newer[:7]}", "--only", "acme,globex")

    serving = {slug: one["serving"] for slug, one in world.state()["tenants"].items()}
    assert ("redeployed", 0) == said.end
    assert {"acme", "globex"} == {
        one["subject"] for one in world.happenings(since) if one["kind"] == "landed"
    }
    assert [newer, newer] == [serving["acme"], serving["globex"]]
    assert serving["hongming"] != newer


def test_forced_redeploy_sends_also_what_is_right_already(world: LiveWorld) -> None:
    """`--force` is for a tenant that answers with the release and needs it all the same."""
    newer = world.push()
    words = ["--to", newer, "--only", "acme"]
    since = world.count()

    first = world.invoke("redeploy", *words)
    forced = world.invoke("redeploy", *words, "--force")

    landed = [one["subject"] for one in world.happenings(since) if one["kind"] == "landed"]
    assert [("redeployed", 0), ("redeployed", 0)] == [first.end, forced.end]
    assert ["acme", "acme"] == landed


def test_rollback_moves_everything_back_and_pins_until_a_fix_is_named(world: LiveWorld) -> None:
    """Only this verb goes back; the bad commit stays out, and what mends it is let in."""
    good, bad = world.push(), world.push()
    first = world.invoke("deploy", "--commit", bad, **QUICK_SOAK)

    back = world.invoke(
        "rollback", "--to", good, "--reason", "errors", actor="operator", USER="ada", **QUICK_SOAK
    )
    after_rollback = world.live()
    again = world.invoke("deploy", "--commit", bad)
    fix = world.push()
    resumed = world.invoke("resume", "--fixed-in", fix, actor="operator")
    forward = world.invoke("deploy", "--commit", fix, **QUICK_SOAK)

    assert ("deployed", 0) == first.end
    assert 0 == back.code
    assert ({good}, good) == after_rollback
    assert ("held", 0) == again.end
    assert [("resumed", 0), ("deployed", 0)] == [resumed.end, forward.end]
    assert ({fix}, fix) == world.live()
