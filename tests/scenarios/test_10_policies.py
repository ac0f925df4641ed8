"""Policies: who is superseded, and what a running job does when a newer one arrives."""

from release.core.ledger import Phase
from tests.support.stage import Stage


def test_head_policy_stands_aside_for_any_newer_commit_on_the_branch() -> None:
    """Policies: under `head` the newest commit supersedes, also when it never claims."""
    stage = Stage(superseded_by="head")
    stage.push("older")
    stage.push("newer", ci="failure")

    stage.start("old", "older")
    stage.run()

    assert "superseded" == stage.word("old")
    assert "newer is newer, read on the branch" == stage.reason("old")
    assert 0 == stage.record.epoch
    stage.assert_serving("base")


def test_head_policy_looks_again_before_promote() -> None:
    """Sentence 5: under `head` the branch is read at the claim and before promote."""
    stage = Stage(superseded_by="head")
    stage.push("older")
    stage.push("newer", at_s=50)

    stage.start("old", "older")
    stage.run()

    assert "superseded" == stage.word("old")
    assert ["t1 older", "t2 older", "t3 older"] == stage.landings()
    assert "base" == stage.serving()["app:latest"]


def test_head_policy_lets_a_finishing_job_promote() -> None:
    """Policies: under `finish` the branch is not read again before promote, also under `head`."""
    stage = Stage(superseded_by="head", on_newer="finish")
    stage.push("older")
    stage.push("newer", at_s=50)

    stage.start("old", "older")
    stage.run()

    assert "deployed" == stage.word("old")
    stage.assert_serving("older")


def test_claimed_policy_tells_of_a_newer_head_and_goes_on() -> None:
    """Policies: under `claimed` a newer commit is a line in the journal, no more."""
    stage = Stage()
    stage.push("older")
    stage.push("newer", ci="pending")

    stage.start("old", "older")
    stage.run()

    assert (0, "the head of the branch is newer; ours is older") in stage.hears("old", "head")
    assert "deployed" == stage.word("old")


def test_yielding_job_stops_at_its_next_step() -> None:
    """Policies: `yield`, the default: the running job stops at its next step."""
    stage = Stage()
    stage.push("older")
    stage.start("old", "older")
    stage.push("newer", at_s=30)
    stage.start("new", "newer", at_s=30)

    stage.run()

    assert 43 == stage.ended_at_s("old")
    assert "superseded" == stage.word("old")
    stage.assert_promises("newer")


def test_finishing_job_is_waited_for_by_the_newer_one_as_next() -> None:
    """Policies: `finish`: the newer job writes itself as `next`, without an epoch, and waits."""
    stage = Stage(on_newer="finish")
    stage.push("older")
    stage.start("old", "older")
    stage.push("newer", at_s=30)
    stage.start("new", "newer", at_s=30)

    stage.run(until_s=40)
    waiting, epoch = stage.record.next, stage.record.epoch
    stage.run()

    assert waiting is not None
    assert stage.job_id("new") == waiting.job
    assert 1 == epoch
    assert "deployed" == stage.word("old")
    assert [(106, "claimed epoch 2 for newer")] == stage.hears("new", "claimed")
    stage.assert_promises("newer")


def test_newer_job_replaces_next_and_the_replaced_one_is_superseded() -> None:
    """Policies: a newer one replaces `next`, and the replaced ends `superseded`."""
    stage = Stage(on_newer="finish")
    stage.push("one")
    stage.start("one", "one")
    stage.push("two", at_s=30)
    stage.start("two", "two", at_s=30)
    stage.push("three", at_s=40)
    stage.start("three", "three", at_s=40)

    stage.run()

    assert ["deployed", "superseded", "deployed"] == [
        stage.word(job) for job in ("one", "two", "three")
    ]
    assert "three is newer, read in the ledger, as next" == stage.reason("two")
    assert 40 == stage.ended_at_s("two")
    stage.assert_promises("three")


def test_arrival_older_than_next_is_superseded_once_next_was_seen_alive() -> None:
    """Policies: an arrival older than `next` ends `superseded`, when `next` has renewed."""
    stage = Stage(on_newer="finish")
    stage.push("one")
    stage.start("one", "one")
    stage.push("two", at_s=30)
    stage.push("three", at_s=30)
    stage.start("three", "three", at_s=30)
    stage.start("two", "two", at_s=40)

    stage.run()

    assert "superseded" == stage.word("two")
    assert "three is newer, read in the ledger, as next" == stage.reason("two")
    assert 40 < stage.ended_at_s("two") <= 40 + 20
    stage.assert_promises("three")


def test_dead_next_is_dropped_by_an_older_arrival() -> None:
    """Policies: `next` renews as a holder does; one that is dead for `lease_s` is dropped."""
    stage = Stage(on_newer="finish", soak_s=200)
    stage.push("one")
    stage.start("one", "one")
    stage.push("two", at_s=30)
    stage.push("three", at_s=30)
    stage.start("dead", "three", at_s=30)
    stage.kill("dead", at_s=35)
    stage.start("two", "two", at_s=40)

    stage.run(until_s=101)
    waiting = stage.record.next
    stage.run()

    assert waiting is not None
    assert stage.job_id("two") == waiting.job
    assert "deployed" == stage.word("two")
    stage.assert_promises("two")


def test_next_claims_when_the_holder_ran_out() -> None:
    """Policies: `next` claims when the holder finished, or ran out."""
    stage = Stage(on_newer="finish")
    stage.push("older")
    stage.start("dead", "older")
    stage.kill("dead", at_s=50)
    stage.push("newer", at_s=55)
    stage.start("new", "newer", at_s=55)

    stage.run()

    assert [(55 + 60, "claimed epoch 2 for newer")] == stage.hears("new", "claimed")
    stage.assert_promises("newer")


def test_two_attempts_that_both_want_to_be_next_do_not_fight() -> None:
    """Policies: a second attempt of the release that waits as `next` waits without writing."""
    stage = Stage(on_newer="finish")
    stage.push("older")
    stage.start("old", "older")
    stage.push("newer", at_s=30)
    stage.start("first", "newer", at_s=30)
    stage.start("second", "newer", at_s=31)

    stage.run()

    assert len(stage.calls("second", "swap")) < 10
    assert ["deployed", "deployed", "verified"] == [
        stage.word(job) for job in ("old", "first", "second")
    ]
    stage.assert_promises("newer")


def test_next_that_lets_go_leaves_the_place_free() -> None:
    """Policies: a waiting job that is cancelled takes itself off the record."""
    stage = Stage(on_newer="finish")
    stage.push("older")
    stage.start("old", "older")
    stage.push("newer", at_s=30)
    stage.start("new", "newer", at_s=30)
    stage.signal("new", at_s=50)

    stage.run(until_s=51)

    assert "cancelled" == stage.word("new")
    assert stage.record.next is None
    assert stage.record.holder is not None
    assert Phase.SOAKING is stage.record.holder.phase


def test_wait_as_next_is_bounded() -> None:
    """Policies: `next` waits no longer than `claim_wait_s`."""
    stage = Stage(on_newer="finish", soak_s=1000)
    stage.push("older")
    stage.start("old", "older")
    stage.push("newer", at_s=30)
    stage.start("new", "newer", at_s=30, claim_wait_s=100)

    stage.run()

    assert "exhausted" == stage.word("new")
    assert "another job held the environment for as long as we may wait" == stage.reason("new")
    assert "deployed" == stage.word("old")
    assert stage.record.next is None


def test_waiting_next_and_draining_holder_do_not_answer_each_others_writes() -> None:
    """Policies: `next` renews as a holder does, three times in each lease, whatever is written."""
    stage = Stage(on_newer="finish")
    stage.push("older")
    stage.start("dead", "older")
    stage.kill("dead", at_s=1)
    stage.start("old", "older", at_s=5)
    stage.push("newer", at_s=80)
    stage.start("new", "newer", at_s=80)

    stage.run(until_s=300)

    waited_s = 300 - 80
    assert len(stage.calls("new", "swap")) <= 1 + waited_s / 20
    assert len(stage.calls("old", "swap")) <= 5 + waited_s / 20
