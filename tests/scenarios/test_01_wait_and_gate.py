"""Sentence 1 of a deploy's life: it waits for CI and the images, then passes the gate or ends."""

from datetime import time, timedelta

from release.core.freeze import Day, FreezeWindow
from release.core.ledger import Denial
from release.core.values import Sha
from simulator.clock import EPOCH
from tests.support.stage import Stage

NEW_YEAR = FreezeWindow(days=(Day.THURSDAY,), start=time(0), end=time(6), reason="New Year")


def test_job_waits_until_required_contexts_are_green() -> None:
    """Sentence 1: a job waits for the required CI contexts and asks every 15 s."""
    stage = Stage()
    stage.push("older", ci="pending")
    stage.at(31, lambda: stage.report_ci("older", "success"))

    stage.start("job-1", "older")
    stage.run()

    assert [0, 15, 30, 45] == stage.calls("job-1", "checks")
    assert "deployed" == stage.word("job-1")
    stage.assert_serving("older")


def test_job_waits_for_image_in_every_repository() -> None:
    """Sentence 1: a release is deployable when its image is in every repository."""
    stage = Stage(repositories=("app", "proxy"))
    stage.push("older")
    stage.hide_image("older", "proxy")
    stage.publish("older", at_s=40)

    stage.start("job-1", "older")
    stage.run()

    assert "waiting for proxy:staging-older" in dict(stage.hears("job-1", "waiting")).values()
    assert [(45, "claimed epoch 1 for older")] == stage.hears("job-1", "claimed")
    assert "deployed" == stage.word("job-1")
    stage.assert_serving("older")


def test_wait_for_ci_ends_exhausted_and_names_what_is_missing() -> None:
    """Sentence 1: the wait is bounded, by default to 1800 s, and claims nothing."""
    stage = Stage()
    stage.push("older", ci="pending")

    stage.start("job-1", "older")
    stage.run()

    assert 1800 == stage.ended_at_s("job-1")
    assert "exhausted" == stage.word("job-1")
    assert (
        "after 1800 s of waiting for CI still missing: ci / test (push) (pending)"
        == stage.reason("job-1")
    )
    assert 0 == stage.record.epoch


def test_red_ci_is_refused_at_once() -> None:
    """Sentence 1: a release whose CI is red is not deployable; the job ends `refused`, exit 1."""
    stage = Stage()
    stage.push("older", ci="failure")

    stage.start("job-1", "older")
    stage.run()

    assert "refused" == stage.word("job-1")
    assert "CI is red: ci / test (push) (failure)" == stage.reason("job-1")
    assert 1 == stage.outcome("job-1").exit_code
    stage.assert_serving("base")


def test_registry_that_fails_is_not_taken_for_an_absent_image() -> None:
    """Sentence 1: a 5xx is never "absent"; the wait goes on, and at its end says what is unread."""
    stage = Stage()
    stage.push("older")
    stage.fault("refuse", "manifest", status=503, times=None)

    stage.start("job-1", "older")
    stage.run()

    assert "exhausted" == stage.word("job-1")
    assert "registry manifest app:staging-older: could not be read" in stage.reason("job-1")
    stage.assert_serving("base")


def test_forge_that_is_down_for_a_while_does_not_end_the_wait() -> None:
    """Sentence 1: CI has half an hour to be green, and a forge as long to be up again."""
    stage = Stage()
    stage.push("older")
    stage.fault("refuse", "checks", status=503, times=40)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert 100 < stage.calls("job-1", "checks")[-1] < 300


def test_kill_switch_that_is_off_holds_job() -> None:
    """Sentence 1: the gate reads the kill switch; before any effect `off` is `held`, exit 0."""
    stage = Stage()
    stage.push("older")
    stage.switch("off")

    stage.start("job-1", "older")
    stage.run()

    assert "held" == stage.word("job-1")
    assert "the kill switch is off" == stage.reason("job-1")
    assert 0 == stage.outcome("job-1").exit_code
    assert 0 == stage.record.epoch
    stage.assert_serving("base")


def test_switch_that_cannot_be_read_means_no_effect_and_failure() -> None:
    """Sentence 1: a switch that can't be read after bounded retry is exit 1, never "off"."""
    stage = Stage()
    stage.push("older")
    stage.fault("refuse", "variable", status=502, times=4)

    stage.start("job-1", "older")
    stage.run()

    assert 4 == len(stage.calls("job-1", "variable"))
    assert "unavailable" == stage.word("job-1")
    assert "forge variable DEPLOY_ENABLED: could not be read" in stage.reason("job-1")
    assert 1 == stage.outcome("job-1").exit_code
    stage.assert_serving("base")


def test_switch_that_says_neither_on_nor_off_is_refused() -> None:
    """Sentence 1: a switch that can't be understood is no consent, and the message says which."""
    stage = Stage()
    stage.push("older")
    stage.switch("perhaps")

    stage.start("job-1", "older")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert "variable DEPLOY_ENABLED: the kill switch says neither" in stage.reason("job-1")
    stage.assert_serving("base")


def test_freeze_window_holds_job() -> None:
    """Sentence 1: nothing is deployed in a freeze window; the first hours of 2026 are in one."""
    stage = Stage()
    stage.push("older")

    stage.start("job-1", "older", freezes=(NEW_YEAR,))
    stage.run()

    assert "held" == stage.word("job-1")
    assert "a freeze window is open: New Year" == stage.reason("job-1")
    stage.assert_serving("base")


def test_pin_holds_job_and_says_who_pinned_and_why() -> None:
    """Sentence 1: a pin holds automatic deploys before they claim."""
    stage = Stage()
    stage.push("older")
    stage.pin("broken login")

    stage.start("job-1", "older")
    stage.run()

    assert "held" == stage.word("job-1")
    assert "pinned by ada (pin): broken login" == stage.reason("job-1")
    assert 0 == stage.record.epoch
    stage.assert_serving("base")


def test_pin_that_has_run_out_holds_nobody() -> None:
    """Sentence 1: a pin stands until its instant; wall time decides nothing else."""
    stage = Stage()
    stage.push("older")
    stage.pin(until=EPOCH + timedelta(seconds=100))

    stage.start("held", "older", at_s=99)
    stage.start("free", "older", at_s=100)
    stage.run()

    assert "held" == stage.word("held")
    assert "pinned by ada until 2026-01-01 00:01 UTC (pin): hands off" == stage.reason("held")
    assert "deployed" == stage.word("free")


def test_denied_release_is_held() -> None:
    """Sentence 1: a release on the deny-list is not deployable."""
    stage = Stage()
    stage.push("older")
    base, older = Sha(stage.sha("base")), Sha(stage.sha("older"))
    stage.edit(denied=(Denial(after=base, upto=older, reason="eats data"),))

    stage.start("job-1", "older")
    stage.run()

    assert "held" == stage.word("job-1")
    assert "denied (newer than base, up to older): eats data" == stage.reason("job-1")
    stage.assert_serving("base")


def test_ledger_that_cannot_be_read_at_the_gate_ends_unavailable() -> None:
    """Sentence 1: what the gate can't read after bounded retry ends the job without effect."""
    stage = Stage()
    stage.push("older")
    stage.fault("refuse", "read", status=503, times=4)

    stage.start("job-1", "older")
    stage.run()

    assert "unavailable" == stage.word("job-1")
    assert "ledger read production: could not be read" in stage.reason("job-1")
    stage.assert_serving("base")
