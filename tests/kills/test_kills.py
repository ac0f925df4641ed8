"""Deploys that are killed with SIGKILL at random moments, and the judge that looks at them.

A small sample of what `nox -s kills` does 500 times.
"""

import subprocess
import sys

import pytest

from tests.kills.verdict import (
    Course,
    Happened,
    find_backward,
    find_late,
    find_unconverged,
    has_left_open,
    list_span_s,
)
from tests.support.shell import ROOT

OLD, NEW = "a" * 40, "b" * 40
SEED = "2026"
COUNT = 12
UNFENCED = "3"
"""An index whose world is unfenced, and whose deploy dies with effects under way."""


@pytest.mark.slow
def test_deploys_killed_at_random_moments_are_followed_by_ones_that_converge() -> None:
    """The next deploy brings everything forward and waits for lease and bound at most."""
    done = _kill("--count", str(COUNT))

    assert 0 == done.returncode, done.stdout + done.stderr
    assert f"{COUNT} killed: {COUNT} converged, 0 moved backward, 0 blocked" in done.stdout


@pytest.mark.slow
def test_landing_far_beyond_the_bound_is_found_and_told_with_how_to_replay_it() -> None:
    """Without a fence the promise rests on the bound; what breaks it fails and names the index."""
    done = _kill("--only", UNFENCED, "--beyond-s", "15")

    assert 1 == done.returncode, done.stdout
    assert "backward: " in done.stdout
    assert f"nox -s kills -- --seed {SEED} --beyond-s 15 --only {UNFENCED}" in done.stdout


def _kill(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.kills.run", "--seed", SEED, "--at-once", "3", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def happened(kind: str, actor: str = "newer", at_s: float = 0.0, **more: str) -> Happened:
    """One happening as the simulator tells it."""
    plain = {"subject": "acme", "before": None, "after": None, "note": ""}
    return {"kind": kind, "actor": actor, "at_s": at_s, **plain, **more}


def course(*happenings: Happened, tenant: str = NEW, pointer: str = NEW) -> Course:
    """A world of one tenant and one pointer in which this has happened."""
    state = {
        "tenants": {"acme": {"running": tenant, "serving": tenant}},
        "pointers": {"acme/app": {"sha": pointer}},
    }
    return Course(happenings=happenings, state=state, releases=(OLD, NEW))


def test_world_that_ends_on_the_newest_release_is_converged() -> None:
    """Every tenant and pointer is looked at, and nothing else."""
    assert () == find_unconverged(course())


@pytest.mark.parametrize("which", ["tenant", "pointer"])
def test_tenant_or_pointer_on_an_older_release_is_not_converged(which: str) -> None:
    """One that is behind is enough."""
    found = find_unconverged(course(**{which: OLD}))

    assert 1 == len(found)
    assert OLD[:7] in found[0]


@pytest.mark.parametrize("kind", ["landed", "pointed"])
def test_move_from_a_newer_release_to_an_older_one_is_backward(kind: str) -> None:
    """Also one that a later move made good again."""
    back = happened(kind, "older", before=NEW, after=OLD)
    forward = happened(kind, before=OLD, after=NEW)

    assert 1 == len(find_backward(course(forward, back, forward)))
    assert () == find_backward(course(forward, forward))


def test_wait_is_from_the_first_list_to_the_last_one_before_the_effects() -> None:
    """What is listed once effects are under way, or by another job, is no wait."""
    lists = "control_plane.candidates production"
    told = [
        happened("fault", at_s=1.0, subject=lists),
        happened("ledger", at_s=1.5, note="epoch 2, held by ci-1 draining, 1 open intents"),
        happened("fault", "older", at_s=3.0, subject=lists),
        happened("fault", at_s=4.0, subject=lists),
        happened("ledger", at_s=4.5, note="epoch 2, held by ci-1 settling, 0 open intents"),
        happened("fault", at_s=9.0, subject=lists),
    ]

    assert 3.0 == list_span_s(told, "newer")


def test_landing_is_late_by_its_distance_from_the_intent_of_its_own_request() -> None:
    """A later write to the ledger does not make an earlier request young."""
    told = [
        happened("ledger", at_s=1.0),
        happened("accepted", at_s=1.1, subject="acme to staging-bbbbbbb"),
        happened("ledger", at_s=2.0),
        happened("landed", at_s=2.5),
    ]

    (late,) = find_late(told, "newer")

    assert ("acme", 1.5) == (late.subject, late.after_s)


def test_last_record_that_a_job_wrote_tells_whether_it_left_intents_open() -> None:
    """A push that lands after its job died counts; another job's record does not."""
    noted = happened("ledger", "older", note="epoch 2, held by ci-1 rolling, 1 open intents")
    cleared = happened("ledger", note="epoch 3, held by ci-2 draining, 0 open intents")

    assert has_left_open([noted, cleared], "older")
    assert not has_left_open([noted, cleared], "newer")
