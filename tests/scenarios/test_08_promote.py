"""Sentence 8 of a deploy's life: the pointers move after settle, by digest, and are read back."""

import pytest

from simulator.happenings import Kind
from tests.support.stage import Stage


def test_pointers_move_after_the_last_tenant_has_settled() -> None:
    """Sentence 8: promote comes after settle, one step for each repository."""
    stage = Stage(repositories=("app", "proxy"))
    stage.push("older")

    stage.start("job-1", "older")
    stage.run()

    assert [
        (106, "app:latest", "older"),
        (106, "proxy:latest", "older"),
    ] == stage.happened(Kind.POINTED)[-2:]
    assert (106, "settled: t2, t3") == stage.hears("job-1", "settled")[-1]
    stage.assert_serving("older")


def test_pointer_moves_to_the_digest_of_the_claim() -> None:
    """Sentence 8: what is promoted is the manifest that the claim recorded."""
    stage = Stage()
    stage.push("older")

    stage.start("job-1", "older")
    stage.run(until_s=0)
    assert stage.record.holder is not None
    (claimed,) = stage.record.holder.release.images
    stage.run()

    found = stage.world.registry.find("app", "latest")
    assert found is not None
    assert str(claimed.digest) == found.digest


def test_source_tag_that_moved_since_the_claim_fails() -> None:
    """Sentence 8: if the release's own tag names another manifest than at the claim, fail."""
    stage = Stage()
    stage.push("older")
    stage.at(50, lambda: stage.world.publish(stage.sha("older"), is_index=True))

    stage.start("job-1", "older")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert (
        "not promoted: app:latest: the source tag staging-older has moved since the claim"
        in stage.reason("job-1")
    )
    assert "base" == stage.serving()["app:latest"]


def test_pointer_that_is_right_already_is_not_written() -> None:
    """Sentence 8: a pointer on our digest needs no effect and no intent."""
    stage = Stage()
    stage.push("older")
    stage.move_pointer("older")

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert [] == stage.calls("job-1", "point")


def test_pointer_on_a_newer_release_supersedes() -> None:
    """Sentence 8: newer: as in sentence 5: the ledger is read again, the mark rises."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.move_pointer("newer", at_s=100)

    stage.start("job-1", "older")
    stage.run()

    assert "superseded" == stage.word("job-1")
    assert "newer is newer, read at app:latest" == stage.reason("job-1")
    assert "newer" == stage.mark
    assert "newer" == stage.serving()["app:latest"]


def test_pointer_whose_release_nobody_knows_is_said_and_moved() -> None:
    """Sentence 8: unknown to the ledger and without our label: said, and moved."""
    stage = Stage()
    stage.push("older")
    stage.world.registry.publish("app", "latest", None)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert "whose release nobody knows: moving it" in stage.warnings("job-1")
    stage.assert_serving("older")


def test_release_of_a_pointer_is_known_by_the_ledger_although_its_label_is_gone() -> None:
    """Sentence 8: the pointer's release is looked up by digest in the ledger, else by label."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.start("new", "newer")
    stage.run()
    stage.strip_labels()
    stage.edit(mark=None)

    stage.start("job-1", "older")
    stage.run()

    assert "superseded" == stage.word("job-1")
    assert [] == stage.landings("job-1")


def test_pointer_on_a_diverged_release_fails() -> None:
    """Sentence 8: a pointer that somebody put onto a foreign release is not moved in silence."""
    stage = Stage()
    stage.push("older")
    stage.push("foreign", parents=[stage.sha("base")])
    stage.move_pointer("foreign", at_s=100)

    stage.start("job-1", "older")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert "app:latest is on foreign, which is diverged to ours" in stage.reason("job-1")


@pytest.mark.parametrize("status", [0, 502])
def test_lost_answer_of_a_pointer_that_moved_is_found_by_reading_back(status: int) -> None:
    """Sentence 8: write, read back: a lost answer is no failure when the pointer is right."""
    stage = Stage()
    stage.push("older")
    stage.fault("lose_answer", "point", status=status)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert "app:latest: no answer, it may still take effect" in stage.warnings("job-1")
    assert 1 == len(stage.calls("job-1", "point"))
    assert [60] == [intent.bound_s for intent in stage.record.intents]


def test_write_that_had_no_effect_is_repaired() -> None:
    """Sentence 8: read back as something else: repaired by a second step."""
    stage = Stage()
    stage.push("older")
    stage.fault("no_effect", "point")

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert 2 == len(stage.calls("job-1", "point"))
    stage.assert_serving("older")


def test_write_that_never_takes_effect_fails_and_says_what_was_read_back() -> None:
    """Sentence 8: repair or fail: the job never says `deployed` of a pointer it did not read."""
    stage = Stage()
    stage.push("older")
    stage.fault("no_effect", "point", times=None)

    stage.start("job-1", "older")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert "not promoted: app:latest: read back as sha256:" in stage.reason("job-1")
    assert "A re-run completes it" in stage.reason("job-1")


def test_tag_that_somebody_moved_between_write_and_read_back_is_repaired() -> None:
    """Sentence 8: the read-back trips on another's write, and the pointer is moved once more."""
    stage = Stage()
    stage.push("older")
    stage.fault("delay", "point", after_s=2)
    stage.move_pointer("base", at_s=107)

    stage.start("job-1", "older")
    stage.run()

    assert "deployed" == stage.word("job-1")
    assert 2 == len(stage.calls("job-1", "point"))
    stage.assert_serving("older")


def test_tag_that_somebody_moved_to_a_newer_release_supersedes() -> None:
    """Sentence 8: read back as a newer release: `superseded`, the pointer stays there."""
    stage = Stage()
    stage.push("older")
    stage.push("newer")
    stage.fault("delay", "point", after_s=2)
    stage.move_pointer("newer", at_s=107)

    stage.start("job-1", "older")
    stage.run()

    assert "superseded" == stage.word("job-1")
    assert "newer" == stage.serving()["app:latest"]


def test_one_repository_that_fails_does_not_keep_the_others_back() -> None:
    """Sentence 8: several repositories are one stage: the outcome is `failed` and lists each."""
    stage = Stage(repositories=("app", "proxy", "worker"))
    stage.push("older")
    stage.fault("refuse", "point", "proxy:latest", status=403, times=None)

    stage.start("job-1", "older")
    stage.run()

    assert "failed" == stage.word("job-1")
    assert "not promoted: proxy:latest: registry point proxy:latest" in stage.reason("job-1")
    assert [True, False, True] == [one.is_right for one in stage.outcome("job-1").pointers]


def test_re_run_completes_what_was_left_unpromoted() -> None:
    """Sentence 8: a re-run finds the tenants right and moves the pointer that was left."""
    stage = Stage(repositories=("app", "proxy"))
    stage.push("older")
    stage.fault("refuse", "point", "proxy:latest", status=403)
    stage.start("first", "older")
    stage.run()

    stage.start("second", "older")
    stage.run()

    assert "failed" == stage.word("first")
    assert "deployed" == stage.word("second")
    assert [] == stage.landings("second")
    stage.assert_serving("older")


def test_switch_that_cannot_be_read_before_a_pointer_is_not_the_registrys_fault() -> None:
    """Outcomes: `unavailable` is said of the switch and of the ledger, also in mid-promotion."""
    stage = Stage(repositories=("app", "proxy"))
    stage.push("older")
    stage.fault("refuse", "variable", status=503, after=4, times=None)

    stage.start("job-1", "older")
    stage.run()

    assert "unavailable" == stage.word("job-1")
    assert "forge variable DEPLOY_ENABLED: could not be read" in stage.reason("job-1")
    assert {"app:latest": "older", "proxy:latest": "base"}.items() <= stage.serving().items()
