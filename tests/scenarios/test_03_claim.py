"""Sentence 3 of a deploy's life: the claim, decided against the mark in the swap that takes it."""

import pytest

from release.core.ledger import Effect, Intent
from release.core.values import JobId
from tests.support.stage import Stage


def test_older_release_is_superseded_and_names_the_newer_one() -> None:
    """Sentence 3: older than the mark is `superseded`, exit 0, naming the release that claimed."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.start("new", "newer")
    stage.start("old", "older", at_s=10)

    stage.run()

    assert "superseded" == stage.word("old")
    assert "newer is newer, read in the ledger" == stage.reason("old")
    assert stage.sha("newer") == str(stage.outcome("old").by)
    assert 0 == stage.outcome("old").exit_code
    assert [] == stage.landings("old")
    stage.assert_promises("newer")


def test_exit_code_of_superseded_is_configurable() -> None:
    """Outcomes: what CI sees of a job that stood aside can be set."""
    stage = Stage(superseded_exit_code=20)
    stage.push("older")
    stage.push("newer")
    stage.start("new", "newer")
    stage.start("old", "older", at_s=200)

    stage.run()

    assert 20 == stage.outcome("old").exit_code
    assert 0 == stage.outcome("new").exit_code


def test_newer_commit_that_never_claims_supersedes_nobody() -> None:
    """Sentence 3: under `claimed` an older job ships while the newer one's CI is red."""
    stage = Stage()
    stage.push("older")
    stage.push("newer", ci="failure")

    stage.start("old", "older")
    stage.start("new", "newer")
    stage.run()

    assert "deployed" == stage.word("old")
    assert "refused" == stage.word("new")
    stage.assert_serving("older")


def test_diverged_release_fails_loudly_without_effect() -> None:
    """Sentence 3: a release that diverged from the mark fails and names accept-rewrite."""
    stage = Stage()
    stage.push("older")
    stage.start("old", "older")
    stage.run()
    stage.push("rewritten", parents=[stage.sha("base")])
    stage.put_everything_on("base")

    stage.start("job-1", "rewritten")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert "ours is diverged to the mark older; nothing was touched" in stage.reason("job-1")
    assert "run accept-rewrite --to REF --reason TEXT" in stage.reason("job-1")
    assert [] == stage.landings("job-1")


def test_order_that_cannot_be_read_fails_loudly_without_effect() -> None:
    """Sentence 3: an unknown order is not older and not newer: no claim, no effect, exit 1."""
    stage = Stage()
    stage.push("older")
    stage.fault("refuse", "compare", status=503, times=None)

    stage.start("job-1", "older")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert "unknown to ours; nothing was touched" in stage.reason("job-1")
    assert 0 == stage.record.epoch
    stage.assert_serving("base")


def test_second_attempt_waits_for_a_live_lease_and_then_verifies() -> None:
    """Sentence 3: same release with a live lease: wait, bounded, then verify."""
    stage = Stage()
    stage.push("older")
    stage.start("first", "older", run_id="77")
    stage.start("second", "older", at_s=30, run_id="77", attempt=2)

    stage.run()

    assert "deployed" == stage.word("first")
    assert "verified" == stage.word("second")
    assert "nothing to do" == stage.reason("second")
    assert stage.ended_at_s("first") == stage.hears("second", "claimed")[0][0]
    assert [] == stage.landings("second")


def test_lease_that_is_renewed_is_waited_for_no_longer_than_the_bound() -> None:
    """Sentence 3: the wait for another attempt is bounded by `claim_wait_s`."""
    stage = Stage(soak_s=1000)
    stage.push("older")
    stage.start("first", "older")
    stage.start("second", "older", at_s=30, claim_wait_s=200)

    stage.run()

    assert "exhausted" == stage.word("second")
    assert 30 + 200 <= stage.ended_at_s("second") <= 30 + 200 + 20
    assert "deployed" == stage.word("first")


def test_dead_lease_is_taken_after_exactly_its_length() -> None:
    """Sentence 3: a lease has run out when its record was unchanged for `lease_s` on our clock."""
    stage = Stage(lease_s=45)
    stage.push("older")
    stage.start("dead", "older")
    stage.kill("dead", at_s=30)
    stage.start("fresh", "older", at_s=31)

    stage.run()

    assert [(31 + 45, "claimed epoch 2 for older")] == stage.hears("fresh", "claimed")
    assert "deployed" == stage.word("fresh")


def test_newer_release_never_waits_for_a_lease() -> None:
    """Sentence 3: a newer release claims at once, whoever holds the record."""
    stage = Stage()
    stage.push("older")
    stage.start("old", "older")
    stage.push("newer", at_s=31)
    stage.start("new", "newer", at_s=31)

    stage.run()

    assert [(31, "claimed epoch 2 for newer")] == stage.hears("new", "claimed")
    assert "superseded" == stage.word("old")


def test_claim_carries_every_open_intent_over() -> None:
    """Sentence 3: a claim takes epoch + 1 and keeps all open intents, which are then waited for."""
    stage = Stage()
    stage.push("older")
    dead = JobId(run="dead", attempt=1, nonce="x")
    intent = Intent(
        job=dead, number=1, epoch=4, effect=Effect.REDEPLOY, what="t1 to staging-lost", bound_s=300
    )
    stage.edit(epoch=4, intents=(intent,))

    stage.start("job-1", "older")
    stage.run(until_s=0)

    assert 5 == stage.record.epoch
    assert (intent,) == stage.record.intents
    assert [(0, "waiting up to 300 s for t1 to staging-lost")] == stage.hears("job-1", "draining")


def test_pin_set_after_the_gate_is_seen_by_the_claim() -> None:
    """Sentence 3: pin and deny-list are checked again on the very record that is swapped."""
    stage = Stage()
    stage.push("older")
    stage.slow_down(edge=5)
    stage.at(3, stage.pin)

    stage.start("job-1", "older")
    stage.run()

    assert [(5, "claim")] == [told for told in stage.hears("job-1", "stage") if told[1] == "claim"]
    assert "held" == stage.word("job-1")
    assert "pinned by ada (pin): hands off" == stage.reason("job-1")
    assert 0 == stage.record.epoch


def test_head_that_cannot_be_read_supersedes_nobody() -> None:
    """Sentence 3: head unreadable: go on with a warning, the ledger decides."""
    stage = Stage()
    stage.push("older")
    stage.fault("refuse", "head", status=503, times=None)

    stage.start("job-1", "older", superseded_by="head")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert "the head of the branch could not be read" in stage.warnings("job-1")


def test_ledger_that_cannot_be_read_at_the_claim_fails_without_effect() -> None:
    """Sentence 3: ledger unreadable: bounded retry, then fail; never green, never an effect."""
    stage = Stage()
    stage.push("older")
    stage.fault("refuse", "read", status=503, after=2, times=4)

    stage.start("job-1", "older")
    stage.run()

    assert "claim" == stage.hears("job-1", "stage")[-1][1]
    assert "unavailable" == stage.word("job-1")
    assert 1 == stage.outcome("job-1").exit_code
    assert "ledger read production: could not be read" in stage.reason("job-1")
    stage.assert_serving("base")


def test_ledger_that_takes_no_claim_is_given_up_on() -> None:
    """Sentence 3: claims that nobody's write beat, and that are not taken, are counted."""
    stage = Stage(swap_attempts_max=4)
    stage.push("older")
    stage.fault("refuse", "swap", status=409, times=None)

    stage.start("job-1", "older")
    stage.run()

    assert "unavailable" == stage.word("job-1")
    assert "the ledger did not take our claim in 4 attempts" == stage.reason("job-1")
    assert "the outcome could not be written into the ledger" in stage.warnings("job-1")
    stage.assert_serving("base")


def test_claim_that_keeps_losing_to_others_goes_on() -> None:
    """Sentence 5: a swap that lost to another's write counts as no attempt."""
    stage = Stage(swap_attempts_max=3)
    stage.push("older")
    stage.slow_down(ledger=1)
    stage.keep_writing(until_s=100)

    stage.start("job-1", "older")
    stage.run()

    (claimed_s, _), *_ = stage.hears("job-1", "claimed")
    assert 100 < claimed_s < 110
    assert "deployed" == stage.word("job-1")


def test_claim_that_keeps_losing_to_others_ends_after_claim_wait_s() -> None:
    """Sentence 3: however often others write, a claim ends after `claim_wait_s`."""
    stage = Stage(claim_wait_s=50)
    stage.push("older")
    stage.slow_down(ledger=1)
    stage.keep_writing(until_s=1000)

    stage.start("job-1", "older")
    stage.run()

    assert "exhausted" == stage.word("job-1")
    assert 50 < stage.ended_at_s("job-1") < 250
    stage.assert_serving("base")


def test_ledger_that_forbids_writing_fails_without_effect() -> None:
    """Sentence 3: a store that refuses the write by policy says so and fails the job."""
    stage = Stage()
    stage.push("older")
    stage.fault("refuse", "swap", status=403, times=None)

    stage.start("job-1", "older")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert "ledger swap production: was refused (seen: HTTP 403" in stage.reason("job-1")
    stage.assert_serving("base")


@pytest.mark.parametrize("kind", ["lose_answer", "cut_before"])
def test_claim_whose_answer_is_lost_is_read_again(kind: str) -> None:
    """Sentence 5: outcome of a swap unknown: re-read; our nonce in the record means it was won."""
    stage = Stage()
    stage.push("older")
    stage.fault(kind, "swap")

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert 1 == stage.outcome("job-1").epoch
    assert "" == stage.warnings("job-1")


def test_epochs_are_in_the_order_of_commits() -> None:
    """Sentence 3: every claim adds one, by the same or a newer one: epochs are in commit order."""
    stage = Stage()
    for number, name in enumerate(["one", "two", "three", "four"]):
        stage.push(name, at_s=10 * number)
        stage.start(name, name, at_s=10 * number)
        stage.start(f"{name} again", name, at_s=10 * number + 35)

    stage.run()

    claims = stage.all_hear("claimed")
    assert [f"claimed epoch {n + 1} for" for n in range(len(claims))] == [
        claim.rpartition(" ")[0] for claim in claims
    ]
    order = ["one", "two", "three", "four"]
    claimed = [order.index(claim.rpartition(" ")[2]) for claim in claims]
    assert sorted(claimed) == claimed
    stage.assert_promises("four")
