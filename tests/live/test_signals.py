"""Signals: the first one ends the job in order, the second at once, and no death blocks the next.

What is killed, and when, is picked from the stream of events and never from a clock.
"""

from collections.abc import Callable
from signal import SIGINT, SIGKILL, SIGTERM, Signals

import pytest

from tests.support.live_world import Happened, LiveWorld

pytestmark = pytest.mark.slow

SOAKING = {"HEADWAY_ROLLOUT__SOAK_S": "60", "HEADWAY_SETTLE__INTERVAL_S": "1"}
# A dead job is waited out within its lease and the largest open bound, so both are short.
SHORT = {
    "HEADWAY_ROLLOUT__SOAK_S": "0",
    "HEADWAY_LEASE__LEASE_S": "2",
    "HEADWAY_LEASE__SEND_MARGIN_S": "2",
    "HEADWAY_LEASE__REDEPLOY_BOUND_S": "4",
    "HEADWAY_LEASE__POINTER_BOUND_S": "3",
    "HEADWAY_FLEET__TIMEOUT_S": "2",
}


@pytest.mark.parametrize(("number", "code"), [(SIGTERM, 143), (SIGINT, 130)], ids=["term", "int"])
def test_first_signal_ends_the_job_cancelled_and_lets_go_of_the_record(
    world: LiveWorld, number: Signals, code: int
) -> None:
    """No further effect follows, and the outcome is in the ledger before the process ends."""
    newer = world.push()
    since = world.count()
    words = ["deploy", "--config", world.config(), "--commit", newer]
    with world.shell.start(*words, **SOAKING) as job:
        world.wait_for(lambda one: "soaking" in one["note"], since)

        job.send(number)
        said = job.finish()

    landed = [one["subject"] for one in world.happenings(since) if one["kind"] == "landed"]
    record = world.record()
    assert ("cancelled", code) == said.end
    assert ["hongming"] == landed
    assert (None, "cancelled") == (record.holder, record.past[-1].word)


def test_second_signal_leaves_at_once_and_the_next_deploy_goes_on(world: LiveWorld) -> None:
    """It does not wait for the ledger; the record keeps its holder, whose lease runs out."""
    newer = world.push()
    since = world.count()
    words = ["deploy", "--config", world.config(), "--commit", newer]
    with world.shell.start(*words, **{**SHORT, **SOAKING}) as job:
        world.wait_for(lambda one: "soaking" in one["note"], since)
        world.add_fault(kind="delay", service="git", operation="receive-pack", before_s=60)
        seen = world.count()
        world.wait_for(lambda one: one["kind"] == "fault", seen)

        job.send(SIGTERM)
        job.wait_until_told("a second one leaves at once")
        job.send(SIGTERM)
        said = job.finish()
    holder = world.record().holder
    world.running.move("faults", {"clear": True})
    after = world.invoke("deploy", "--commit", newer, **SHORT)

    assert ("", 143) == (said.out, said.code)
    assert holder is not None
    assert ("deployed", 0) == after.end
    assert ({newer}, newer) == world.live()


def is_claimed(one: Happened) -> bool:
    """The job has the record, and has sent nothing."""
    return one["kind"] == "ledger" and "claimed, 0 open" in one["note"]


def has_landed(one: Happened) -> bool:
    """The first tenant runs the release, and the job may not know it yet."""
    return bool(one["kind"] == "landed")


def is_in_flight(one: Happened) -> bool:
    """The control plane has taken a request on, which lands after the job is dead."""
    return bool(one["kind"] == "accepted")


def is_promoting(one: Happened) -> bool:
    """The intent to move the pointer is written down, and the move is on its way."""
    return one["kind"] == "ledger" and "promoting, 1 open" in one["note"]


@pytest.mark.parametrize(
    ("moment", "follower"),
    [
        (is_claimed, "same"),
        (has_landed, "newer"),
        (is_in_flight, "same"),
        (is_promoting, "newer"),
    ],
    ids=["claimed", "first landing", "in flight", "promoting"],
)
def test_deploy_after_a_killed_one_brings_everything_onto_its_release(
    world: LiveWorld, moment: Callable[[Happened], bool], follower: str
) -> None:
    """Whatever the dead job left open is waited out, and what is true is observed anew."""
    killed = world.push()
    since = world.count()
    if moment is is_in_flight:
        world.running.move("options", {"landing_s": 1.0, "answer_s": 1.1})
    words = ["deploy", "--config", world.config("older"), "--commit", killed]
    with world.shell.start(*words, **SHORT) as job:
        world.wait_for(moment, since)
        job.send(SIGKILL)
        dead = job.finish()
    world.running.move("options", {"landing_s": 0.05, "answer_s": 0.05})
    commit = killed if follower == "same" else world.push()

    said = world.invoke("deploy", "--commit", commit, **SHORT)

    assert -SIGKILL == dead.code
    assert said.code == 0
    assert said.word in {"deployed", "verified"}
    assert ({commit}, commit) == world.live()
    assert (None, ()) == (world.record().holder, world.record().intents)
