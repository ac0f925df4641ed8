"""`converge-check`: whether everything is on the release that should be live, and the repair."""

from typing import Any

import pytest

from release.core.convergence import Convergence, ConvergenceReport
from release.core.freeze import Day, FreezeWindow
from release.core.ledger import Denial
from release.core.rollback import RollbackOrder
from release.core.values import Release, Sha
from release.pipeline import DEPLOY, ROLLBACK, run_job
from release.stages.converge import check_convergence
from release.stages.run import Run
from simulator.clock import EPOCH
from simulator.happenings import Kind
from simulator.scheduler import Job
from simulator.tenants import Health
from tests.support.stage import Stage

TOUCHED = (Kind.ACCEPTED, Kind.LANDED, Kind.POINTED, Kind.FENCE_RAISED)
ALWAYS = FreezeWindow(
    days=tuple(Day),
    start=EPOCH.time(),
    end=EPOCH.time(),
    reason="the holidays",
)


def deployed_stage(**settings: Any) -> Stage:  # noqa: ANN401 - as `Stage` takes them
    """A stage on which `good` was deployed."""
    stage = Stage(soak_s=0, **settings)
    stage.push("good")
    stage.start("ship good", "good")
    stage.run()
    return stage


def name_release(sha: Sha) -> Release:
    """The release of a commit, as CI tags it."""
    return Release(sha=sha, tag=f"staging-{sha.short}")


def begin(stage: Stage, **orders: Any) -> Job[ConvergenceReport]:  # noqa: ANN401 - of `Stage.start`
    """A check that looks from now on."""
    return stage.ask("check", lambda run: check_convergence(run, name_release), **orders)


def check(stage: Stage, **orders: Any) -> ConvergenceReport:  # noqa: ANN401 - of `Stage.start`
    """What a check finds that looks now."""
    looking = begin(stage, **orders)
    stage.run()
    return looking.result()


def states(stage: Stage, report: ConvergenceReport) -> dict[str, str]:
    """How each part stands."""
    return {part.name: stage.named(f"{part.state} {part.seen}") for part in report.parts}


def test_everything_on_the_mark_is_converged_and_nothing_is_touched() -> None:
    """Tenants and pointers are on the mark, which is the head: exit 0."""
    stage = deployed_stage()
    before, record = stage.happened(*TOUCHED), stage.record

    report = check(stage)

    assert (Convergence.CONVERGED, 0) == (report.word, report.exit_code)
    on_target = dict.fromkeys(["tenant t1", "tenant t2", "tenant t3", "pointer app:latest"])
    assert dict.fromkeys(on_target, "converged good") == states(stage, report)
    assert before == stage.happened(*TOUCHED)
    assert record == stage.record


def test_tenant_on_an_older_release_is_behind() -> None:
    """One part is enough: exit 1, and the part is named."""
    stage = deployed_stage()
    stage.move_tenant("t2", "base")

    report = check(stage)

    assert (Convergence.BEHIND, 1) == (report.word, report.exit_code)
    assert "behind base" == states(stage, report)["tenant t2"]
    assert "converged good" == states(stage, report)["tenant t1"]


def test_pointer_on_an_older_release_and_one_that_is_gone_are_behind() -> None:
    """A deploy of the mark moves the one and makes the other."""
    stage = deployed_stage(repositories=("app", "proxy"))
    stage.move_pointer("base", "app")
    stage.world.registry.repositories["proxy"].tags["latest"].write(None, stage.now_s)

    report = check(stage)

    assert Convergence.BEHIND is report.word
    assert "behind base" == states(stage, report)["pointer app:latest"]
    assert "behind None" == states(stage, report)["pointer proxy:latest"]


def test_head_that_is_deployable_and_newer_than_the_mark_is_what_should_be_live() -> None:
    """After a freeze, a pin or a crash, no job of its own deploys the head: all are behind it."""
    stage = deployed_stage()
    stage.push("newer")

    report = check(stage)

    assert Convergence.BEHIND is report.word
    assert "newer" == stage.named(str(report.target))
    assert {"behind good"} == set(states(stage, report).values())


@pytest.mark.parametrize("ci", ["pending", "failure"])
def test_head_whose_ci_is_not_green_is_not_expected_to_be_live(ci: str) -> None:
    """Its own job deploys it or never does; until then the mark should be live."""
    stage = deployed_stage()
    stage.push("newer", ci=ci)

    report = check(stage)

    assert Convergence.CONVERGED is report.word
    assert "good" == stage.named(str(report.target))
    assert "newer on the branch is newer, but not deployable: CI is" in stage.named(
        report.warnings[0]
    )


def test_head_without_an_image_is_not_expected_to_be_live() -> None:
    """Deployable means that the image is in every repository."""
    stage = deployed_stage()
    stage.push("newer")
    stage.hide_image("newer")

    report = check(stage)

    assert (Convergence.CONVERGED, "good") == (report.word, stage.named(str(report.target)))


@pytest.mark.parametrize(
    ("tested", "expected"), [("newer", Convergence.BEHIND), ("good", Convergence.CONVERGED)]
)
def test_head_that_only_another_ci_run_has_tested_is_left_aside(
    tested: str, expected: Convergence
) -> None:
    """Where the forge keeps no CI statuses, a red commit that has an image must not be deployed."""
    stage = deployed_stage()
    stage.push("newer")
    known = (Sha(stage.sha(tested)),)

    looking = stage.ask("check", lambda run: check_convergence(run, name_release, tested=known))
    stage.run()

    assert expected is looking.result().word


def test_denied_head_is_not_expected_to_be_live() -> None:
    """What a rollback denied stays out, so the mark should be live."""
    stage = deployed_stage()
    stage.push("bad")
    bad = Denial(after=Sha(stage.sha("good")), upto=Sha(stage.sha("bad")), reason="broken")
    stage.edit(denied=(bad,))

    report = check(stage)

    assert Convergence.CONVERGED is report.word
    assert "denied" in report.warnings[0]


def test_pin_makes_it_held_and_no_error() -> None:
    """A pin says why the head is not live: exit 0, and the pin is named."""
    stage = deployed_stage()
    stage.push("newer")
    stage.pin("the holidays")

    report = check(stage)

    assert (Convergence.HELD, 0) == (report.word, report.exit_code)
    assert ("pinned by ada (pin): the holidays",) == report.held_by
    assert not report.is_repairable


def test_freeze_window_and_kill_switch_make_it_held() -> None:
    """Both hold deploys back; each is named."""
    stage = deployed_stage()
    stage.push("newer")
    stage.switch("off")

    report = check(stage, freezes=(ALWAYS,))

    assert (Convergence.HELD, 0) == (report.word, report.exit_code)
    expected = ("a freeze window is open: the holidays", "the kill switch is off")
    assert expected == report.held_by


def test_pin_that_has_lapsed_holds_nothing() -> None:
    """From `until` on the head should be live."""
    stage = deployed_stage()
    stage.push("newer")
    stage.pin(until=EPOCH)

    report = check(stage)

    assert (Convergence.BEHIND, ()) == (report.word, report.held_by)


def test_hold_does_not_hide_a_tenant_on_a_denied_release() -> None:
    """No deploy moves it from there, held or not: exit 1, and the advice is a rollback."""
    stage = deployed_stage()
    stage.push("bad")
    bad = Denial(after=Sha(stage.sha("good")), upto=Sha(stage.sha("bad")), reason="broken")
    stage.edit(denied=(bad,))
    stage.pin()
    stage.move_tenant("t2", "bad")

    report = check(stage)

    assert (Convergence.DIVERGED, 1) == (report.word, report.exit_code)
    (off,) = report.of_state(Convergence.DIVERGED)
    assert ("tenant t2", "denied: run rollback again") == (off.name, off.note)


def test_newer_release_at_a_tenant_is_what_the_next_job_adopts() -> None:
    """Without a pin a release that is newer than the mark raises it, so the others are behind."""
    stage = deployed_stage()
    stage.push("newer", ci="failure")
    stage.move_tenant("t2", "newer")

    report = check(stage)

    assert Convergence.BEHIND is report.word
    assert "newer" == stage.named(str(report.target))
    assert "converged newer" == states(stage, report)["tenant t2"]


def test_newer_release_at_a_tenant_under_a_pin_is_diverged() -> None:
    """Under a pin nothing raises the mark, and no deploy moves the tenant back."""
    stage = deployed_stage()
    stage.push("newer", ci="failure")
    stage.pin()
    stage.move_tenant("t2", "newer")

    report = check(stage)

    assert Convergence.DIVERGED is report.word
    assert "newer than what should be live" == report.of_state(Convergence.DIVERGED)[0].note


def test_tenant_on_a_foreign_release_is_diverged() -> None:
    """A release of another history is neither older nor newer."""
    stage = deployed_stage()
    stage.push("foreign", parents=[stage.sha("base")])
    stage.world.forge.push(stage.world.layout.branch, stage.sha("good"))
    stage.move_tenant("t2", "foreign")

    report = check(stage)

    assert Convergence.DIVERGED is report.word
    assert "diverged foreign" == states(stage, report)["tenant t2"]


def test_rewritten_branch_is_diverged_until_it_is_accepted() -> None:
    """No deploy of such a head would claim: that is an alarm."""
    stage = deployed_stage()
    stage.push("rewritten", parents=[stage.sha("base")])

    report = check(stage)

    assert (Convergence.DIVERGED, "good") == (report.word, stage.named(str(report.target)))
    assert "diverged rewritten" == states(stage, report)["head of the branch"]


def test_tenant_that_a_rewritten_branch_left_behind_is_behind() -> None:
    """After accept-rewrite the old history counts as older."""
    stage = deployed_stage()
    stage.push("rewritten", parents=[stage.sha("base")])
    stage.raise_mark("rewritten")
    stage.edit(abandoned=(Sha(stage.sha("good")),))

    report = check(stage)

    assert Convergence.BEHIND is report.word
    assert "behind good" == states(stage, report)["tenant t1"]


def test_unreachable_tenant_is_unknown() -> None:
    """What can't be read is never converged: exit 1."""
    stage = deployed_stage()
    stage.behave("t2", Health.GONE)

    report = check(stage)

    assert (Convergence.UNKNOWN, 1) == (report.word, report.exit_code)
    assert "unknown None" == states(stage, report)["tenant t2"]


def test_one_right_answer_is_not_enough() -> None:
    """A tenant that answers one release and then another is unknown, as one that drains."""
    stage = deployed_stage()
    stage.move_tenant("t2", "base", at_s=stage.now_s + 10)

    report = check(stage)

    (unknown,) = report.of_state(Convergence.UNKNOWN)
    assert "answered good, then base" == stage.named(unknown.note)


@pytest.mark.parametrize("operation", ["head", "checks", "variable"])
def test_forge_that_cannot_be_read_makes_it_unknown(operation: str) -> None:
    """What a deploy would bring, or whether it may, is not known then: exit 1, and it is said."""
    stage = deployed_stage()
    stage.push("newer")
    stage.fault("refuse", operation, status=503, times=None)

    report = check(stage)

    expected = Convergence.BEHIND if operation == "variable" else Convergence.UNKNOWN
    assert (expected, 1) == (report.word, report.exit_code)
    assert 1 == len(report.doubts)


def test_registry_that_cannot_be_read_makes_its_pointers_unknown() -> None:
    """The tenants are judged all the same."""
    stage = deployed_stage()
    stage.fault("refuse", "manifest", status=503, times=None)

    report = check(stage)

    assert Convergence.UNKNOWN is report.word
    assert "unknown None" == states(stage, report)["pointer app:latest"]
    assert "converged good" == states(stage, report)["tenant t1"]


def test_pointer_of_a_release_that_nobody_knows_is_unknown_and_the_target_needs_no_label() -> None:
    """The target's own digests are read; any other needs a label or the ledger."""
    stage = deployed_stage()
    stage.strip_labels()
    known = check(stage)
    stage.edit(past=())
    stage.push("stranger", ci="failure")
    stage.strip_labels()
    stage.move_pointer("stranger")

    report = check(stage)

    assert Convergence.CONVERGED is known.word
    assert Convergence.UNKNOWN is report.word


def test_head_that_is_older_than_the_mark_is_said_and_changes_nothing() -> None:
    """The mark was claimed, so it should be live, wherever the branch was set back to."""
    stage = deployed_stage()
    stage.world.forge.push(stage.world.layout.branch, stage.sha("base"))

    report = check(stage)

    assert (Convergence.CONVERGED, "good") == (report.word, stage.named(str(report.target)))
    assert "the head of the branch, base, is older than what was claimed" == stage.named(
        report.warnings[0]
    )


def test_mark_whose_image_is_gone_is_said() -> None:
    """What is live is judged all the same; a deploy of it would fail."""
    stage = deployed_stage()
    stage.hide_image("good")

    report = check(stage)

    assert Convergence.CONVERGED is report.word
    assert "no such image: app:staging-good" in stage.named(report.warnings[0])


def test_images_of_the_target_that_cannot_be_read_are_a_doubt() -> None:
    """A pointer may be on it without anybody knowing."""
    stage = deployed_stage()
    stage.fault("refuse", "manifest", "app:staging-*", status=503, times=None)

    report = check(stage)

    assert Convergence.UNKNOWN is report.word
    assert "the images of good could not be read" in stage.named(report.doubts[0])


def test_fleet_that_names_no_release_and_no_record_say_nothing_of_what_should_be_live() -> None:
    """Without mark, deployable head or a release seen, every part is unknown."""
    stage = Stage(is_declared=False, soak_s=0)
    stage.push("red", ci="failure")
    stage.behave("t1", Health.HTML)
    stage.move_tenant("t2", "red")
    stage.world.forge.push(stage.world.layout.branch, stage.sha("base"))
    stage.push("elsewhere", ci="failure", parents=[stage.sha("base")])
    stage.move_tenant("t3", "elsewhere")

    report = check(stage)

    assert (Convergence.UNKNOWN, None) == (report.word, report.target)
    assert {Convergence.UNKNOWN} == {part.state for part in report.parts}
    assert not report.is_repairable


def test_order_that_cannot_be_read_is_unknown() -> None:
    """A forge that can't compare makes neither converged nor behind of a release."""
    stage = deployed_stage()
    stage.push("newer")
    stage.move_tenant("t2", "base")
    stage.fault("refuse", "compare", status=503, times=None)

    report = check(stage)

    assert Convergence.UNKNOWN is report.word
    assert "unknown base" == states(stage, report)["tenant t2"]
    assert "unknown newer" == states(stage, report)["head of the branch"]


def test_lost_record_is_unknown() -> None:
    """Without a record nothing guards the environment, however well it looks."""
    stage = deployed_stage()
    stage.lose_record()

    report = check(stage)

    assert (Convergence.UNKNOWN, 1) == (report.word, report.exit_code)
    assert ("the ledger has no record of this environment",) == report.doubts


def test_rollout_at_work_is_no_alarm() -> None:
    """What a living job has not reached yet is held, not behind; the job is named."""
    stage = deployed_stage(settle_interval_s=5)
    stage.push("newer")
    stage.start("ship newer", "newer", soak_s=300)
    stage.run(until_s=stage.now_s + 30)

    report = check(stage)

    assert (Convergence.HELD, 0) == (report.word, report.exit_code)
    assert "is at work with newer" in stage.named(report.at_work)
    assert not report.is_repairable


def test_rollback_at_work_is_no_alarm() -> None:
    """What it has not reached yet is on a denied release; the rollback says how it ends."""
    stage = deployed_stage(settle_interval_s=5)
    stage.push("bad")
    stage.start("ship bad", "bad")
    stage.run()
    order = RollbackOrder(reason="broken", by="ada")
    stage.start("back", "good", ROLLBACK, rollback=order, is_by_hand=True, soak_s=300)
    stage.run(until_s=stage.now_s + 30)

    meanwhile = check(stage)
    afterwards = check(stage)

    assert (Convergence.HELD, 0) == (meanwhile.word, meanwhile.exit_code)
    assert "is at work with good" in stage.named(meanwhile.at_work)
    assert (Convergence.HELD, "") == (afterwards.word, afterwards.at_work)


def test_dead_holder_is_no_excuse() -> None:
    """A holder that shows no life for its lease and its open bounds is dead: behind, exit 1."""
    stage = deployed_stage()
    stage.push("newer")
    stage.start("ship newer", "newer", soak_s=300)
    began_s = stage.now_s
    stage.kill("ship newer", at_s=began_s + 30)
    stage.run(until_s=began_s + 40)
    assert stage.record.holder is not None

    report = check(stage)

    assert (Convergence.BEHIND, ()) == (report.word, report.holds)


def repair(stage: Stage) -> None:
    """A check that deploys what is behind, as the desk runs it."""

    async def act(run: Run) -> str:
        report = await check_convergence(run, name_release)
        return (await run_job(run, DEPLOY)).word if report.is_repairable else report.word

    stage.act("repair", act)
    stage.run()


def test_repair_deploys_the_head_that_a_freeze_left_behind() -> None:
    """It is a deploy like any other: claimed, rolled, settled and promoted."""
    stage = deployed_stage()
    stage.push("newer")

    repair(stage)

    assert "deployed" == stage.said("repair")
    assert ("newer", 2) == (stage.mark, stage.record.epoch)
    stage.assert_serving("newer")


def test_repair_rolls_only_what_is_behind_the_mark_when_the_head_is_red() -> None:
    """What is on the mark already is not rolled again."""
    stage = deployed_stage()
    stage.push("newer", ci="failure")
    stage.move_tenant("t2", "base")

    repair(stage)

    assert "deployed" == stage.said("repair")
    assert ["t2 good"] == stage.landings("repair")
    stage.assert_serving("good")


def test_repair_under_a_pin_does_nothing() -> None:
    """A pin is somebody's will; only `resume` or its end lets a deploy go on."""
    stage = deployed_stage()
    stage.push("newer")
    stage.pin()

    repair(stage)

    assert "held" == stage.said("repair")
    stage.assert_serving("good")


def test_repair_of_what_has_converged_does_nothing() -> None:
    """Nothing is claimed, so the record stays as it is."""
    stage = deployed_stage()
    before = stage.record

    repair(stage)

    assert "converged" == stage.said("repair")
    assert before == stage.record


def test_pin_that_comes_between_check_and_repair_holds_the_repair() -> None:
    """The deploy asks for pins itself, on the very record that it swaps."""
    stage = deployed_stage()
    stage.push("newer")
    stage.at(stage.now_s + 20.5, stage.pin)
    stage.slow_down(edge=1)

    repair(stage)

    assert "held" == stage.said("repair")
    stage.assert_serving("good")
