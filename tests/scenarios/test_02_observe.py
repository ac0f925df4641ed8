"""Sentence 2 of a deploy's life: it observes all tenants and pointers before any effect."""

from release.core.ledger import Denial
from release.core.values import Sha
from release.pipeline import LEDGER_INIT, REDEPLOY
from simulator.tenants import Health
from tests.support.stage import Stage


def test_everything_is_looked_at_before_anything_is_touched() -> None:
    """Sentence 2: all tenants and pointers are observed before the claim and before any effect."""
    stage = Stage(tenants=2, repositories=("app", "proxy"))
    stage.push("older")

    stage.start("job-1", "older")
    stage.run_until_call("job-1", "swap")

    assert [0] == stage.calls("job-1", "buildinfo", "t1")
    assert [0] == stage.calls("job-1", "buildinfo", "t2")
    assert [0] == stage.calls("job-1", "manifest", "app:latest")
    assert [0] == stage.calls("job-1", "manifest", "proxy:latest")


def test_newer_release_at_one_tenant_raises_mark_and_supersedes() -> None:
    """Sentence 2: one tenant on a newer release raises the mark to it, and we are superseded."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.move_tenant("t2", "newer")

    stage.start("job-1", "older")
    stage.run()

    assert "superseded" == stage.word("job-1")
    assert "newer is newer, read in the ledger" == stage.reason("job-1")
    assert "tenant t2 is on the newer newer: the mark was raised to it" == stage.warnings("job-1")
    assert "newer" == stage.mark
    assert [] == stage.landings("job-1")


def test_newer_release_at_a_pointer_raises_mark_and_supersedes() -> None:
    """Sentence 2: a pointer on a newer release does as a tenant does."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.move_pointer("newer")

    stage.start("job-1", "older")
    stage.run()

    assert "superseded" == stage.word("job-1")
    assert "app:latest is on the newer newer: the mark was raised to it" in stage.warnings("job-1")
    assert "newer" == stage.mark


def test_diverged_release_at_a_tenant_fails_job() -> None:
    """Sentence 2: a tenant on a diverged release fails the job before any effect."""
    stage = Stage()
    stage.push("foreign")
    stage.push("older", parents=[stage.sha("base")])
    stage.move_tenant("t3", "foreign")

    stage.start("job-1", "older")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert (
        "tenant t3 is on foreign, which is diverged to ours; nothing was touched"
        == stage.reason("job-1")
    )
    assert [] == stage.landings("job-1")


def test_release_that_forge_does_not_know_fails_job() -> None:
    """Sentence 2: a tenant on a commit that can't be compared fails the job before any effect."""
    stage = Stage()
    stage.push("older")
    stage.move_tenant("t3", "stranger")

    stage.start("job-1", "older")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert "tenant t3 is on stranger, which is unknown to ours" in stage.reason("job-1")


def test_mark_is_raised_however_often_others_write() -> None:
    """Sentence 5: a swap that lost to another's write counts as no attempt, as for the mark."""
    stage = Stage(swap_attempts_max=2)
    stage.push("older")
    stage.push("newer")
    stage.move_tenant("t2", "newer")
    stage.slow_down(ledger=1)
    stage.keep_writing(until_s=60)

    stage.start("job-1", "older")
    stage.run()

    assert "superseded" == stage.word("job-1")
    assert "newer" == stage.mark


def test_denied_release_never_raises_the_mark() -> None:
    """Sentence 2: a tenant on a denied release is not followed: the job fails, names rollback."""
    stage = Stage()
    stage.push("older")
    stage.push("bad")
    stage.move_tenant("t2", "bad")
    older, bad = Sha(stage.sha("older")), Sha(stage.sha("bad"))
    stage.edit(denied=(Denial(after=older, upto=bad, reason="eats data"),))

    stage.start("job-1", "older")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert "tenant t2 is on bad, which is denied; nothing was touched" in stage.reason("job-1")
    assert "run rollback again" in stage.reason("job-1")
    assert "base" == stage.mark


def test_release_seen_under_a_pin_never_raises_the_mark() -> None:
    """Sentence 2: under a pin the mark stays, also when a person's job sees a newer release."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.move_tenant("t2", "newer")
    stage.pin()

    stage.start("by-hand", "older", REDEPLOY, is_by_hand=True)
    stage.run()

    assert "superseded" == stage.word("by-hand")
    assert "newer is newer, read at tenant t2" == stage.reason("by-hand")
    assert "older" == stage.mark
    assert [] == stage.landings()


def test_missing_record_is_created_from_what_is_observed_and_waits_longest_bound() -> None:
    """Sentence 2: an undeclared first use waits 300 s for whatever was under way, and says so."""
    stage = Stage(is_declared=False)
    stage.push("older")

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert "the ledger had no record of production: created from base" == stage.warnings("job-1")
    confirmed_at_s = 20
    assert confirmed_at_s + 300 == stage.calls("job-1", "redeploy")[0]
    assert (
        confirmed_at_s,
        "waiting up to 300 s for whatever was under way when the record was lost",
    ) == stage.hears("job-1", "draining")[0]


def test_missing_record_counts_only_tenants_confirmed_every_time() -> None:
    """Sentence 2: each tenant is confirmed N times; one that answers once is no witness."""
    stage = Stage(is_declared=False)
    stage.push("older")
    stage.push("newer")
    stage.move_tenant("t2", "newer")
    stage.behave("t2", Health.HTML)
    stage.behave("t2", Health.HEALTHY, at_s=10)

    stage.start("first use", "older", LEDGER_INIT, is_first_use=True)
    stage.run()

    assert "base" == stage.mark
    assert "no steady release could be read at t2" in stage.warnings("first use")


def test_missing_record_does_not_follow_a_tenant_that_changes_between_two_looks() -> None:
    """Sentence 2: a tenant that names one release and then another is confirmed on neither."""
    stage = Stage(is_declared=False)
    stage.push("older")
    stage.push("newer")
    stage.move_tenant("t2", "newer")
    stage.move_tenant("t2", "base", at_s=10)

    stage.start("first use", "older", LEDGER_INIT, is_first_use=True)
    stage.run()

    assert "base" == stage.mark
    assert "no steady release could be read at t2" in stage.warnings("first use")


def test_declared_first_use_does_not_wait() -> None:
    """Sentence 2: a first use that is declared observes too, and has no intent to wait for."""
    stage = Stage(is_declared=False)
    stage.push("older")
    stage.start("first use", "base", LEDGER_INIT, is_first_use=True)
    stage.run()

    stage.start("job-1", "older")
    stage.run()

    assert "verified" == stage.word("first use")
    assert "the ledger's record was created from 3 tenants" == stage.reason("first use")
    assert [] == stage.hears("job-1", "draining")
    assert "deployed" == stage.word("job-1")


def test_first_use_is_never_declared_twice() -> None:
    """Sentence 2: declaring a first use where there is a record changes nothing."""
    stage = Stage()
    before = stage.record

    stage.start("again", "base", LEDGER_INIT, is_first_use=True)
    stage.run()

    assert "the ledger has a record already, its mark on base" == stage.reason("again")
    assert before == stage.record


def test_record_lost_in_mid_run_is_observed_and_claimed_again() -> None:
    """Sentence 2: a job that finds the record missing observes, waits and claims again."""
    stage = Stage()
    stage.push("older")
    stage.at(50, stage.lose_record)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert (
        "the ledger's record is missing in mid-run: observing and claiming again\n"
        "the ledger had no record of production: created from older" == stage.warnings("job-1")
    )
    assert 2 == len(stage.hears("job-1", "claimed"))
    assert 300 <= stage.ended_at_s("job-1") <= 60 + 20 + 300 + 106
    stage.assert_promises("older")


def test_lost_record_is_rebuilt_from_the_whole_fleet_also_by_a_narrow_job() -> None:
    """Sentence 2: a job for one tenant observes all of them; the newest one makes the mark."""
    stage = Stage(is_declared=False)
    stage.push("older")
    stage.push("newer")
    stage.move_tenant("t1", "newer")

    stage.start("by-hand", "older", REDEPLOY, only=["t2"], is_by_hand=True)
    stage.run()

    assert "superseded" == stage.word("by-hand")
    assert "newer" == stage.mark
    assert [] == stage.landings("by-hand")


def test_job_for_one_tenant_looks_at_all_of_them() -> None:
    """Sentence 2: a newer release at a tenant that we are not about supersedes all the same."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.move_tenant("t1", "newer")

    stage.start("by-hand", "older", REDEPLOY, only=["t2"], is_by_hand=True)
    stage.run()

    assert "superseded" == stage.word("by-hand")
    assert [] == stage.landings("by-hand")
