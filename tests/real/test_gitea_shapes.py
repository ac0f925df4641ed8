"""A forge with Gitea's API and its habits, beside git's own HTTP backend for the ledger."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.independent import SECRETS, World
from tests.support.independent_registry import RealRegistry

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not RealRegistry.is_installed(), reason="docker-registry is not installed"),
]

EVIL = "ci / \x1b[2J\n::error::pwned ##[stop-commands]x (push)"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Three tenants, and a forge with an API."""
    with World(tmp_path, "alpha", "beta", "HongMing", is_gitea=True) as world:
        yield world


def test_required_contexts_are_found_among_many_pages_of_history(world: World) -> None:
    """Globs of the branch, 130 contexts, old red rows: the newest row of each context counts."""
    newer = world.push()
    world.forge.required = ["ci / test *", "ci / build (push)"]
    rows = [(f"lint / part {number} (push)", "failure") for number in range(130)]
    rows += [("ci / test (push)", "failure"), ("ci / build (push)", "pending")]
    rows += [("ci / test (push)", "success"), ("ci / build (push)", "success")]
    world.forge.statuses[newer] = rows

    done = world.deploy(newer)

    assert ("deployed", 0) == (done.outcome, done.code), done.out + done.err
    assert world.is_wholly_on(newer)


def test_red_missing_and_strange_contexts_keep_the_job_from_any_effect(world: World) -> None:
    """Red is refused at once, missing is waited for, an unknown state is not green."""
    red, missing, strange = world.push(), world.push(), world.push()
    world.forge.required = ["ci / *"]
    world.forge.statuses[red] = [("ci / a (push)", "success"), (EVIL, "failure")]
    world.forge.statuses[strange] = [("ci / a (push)", "running_with_failure")]

    ends = [world.deploy(sha, HEADWAY_CI__WAIT_S="0.3") for sha in (red, missing, strange)]
    said = "".join(done.out + done.err for done in ends)

    assert ["refused", "exhausted", "exhausted"] == [done.outcome for done in ends]
    assert {1} == {done.code for done in ends}
    assert not [part for part in ("\x1b", "##[", "\n::") if part in said]
    assert [] == world.fleet.landings


def test_switch_in_a_variable_needs_the_owner_and_one_in_a_file_does_not(world: World) -> None:
    """403 is never taken for on or off, and the message names the way out."""
    newer = world.push()

    world.write_config('[forge.switch]\nvariable = "DEPLOY_ENABLED"\n')
    refused = world.deploy(newer)
    world.write_config('[forge.switch]\nfile = "deploy/enabled"\nref = "main"\n')
    done = world.deploy(newer)

    assert ("failed", 1) == (refused.outcome, refused.code)
    assert "forge.switch.file" in refused.last
    assert ("deployed", 0) == (done.outcome, done.code)


def test_forge_that_is_down_or_knows_us_not_causes_no_effect(world: World) -> None:
    """A page that is no JSON for as long as CI may take and a wrong token end red."""
    newer = world.push()
    shown = world.ci_run(newer, summary=world.folder / "summary")

    world.forge.bends = lambda _: (200, b"<html>maintenance</html>")
    page = world.run("deploy", **shown)
    world.forge.bends = lambda _: None
    wrong = world.run("deploy", **shown, HEADWAY_FORGE_TOKEN="wrong-3c5d")

    assert ("exhausted", 1) == (page.outcome, page.code)
    assert "not JSON" in page.last
    assert ("failed", 1) == (wrong.outcome, wrong.code)
    assert "401" in wrong.last
    assert "wrong-3c5d" not in wrong.out + wrong.err
    assert [] == world.fleet.landings


def test_no_token_is_found_in_anything_that_is_written(world: World) -> None:
    """Not in answers, progress, summary, ledger, leftovers or the arguments of any process."""
    newer, summary = world.push(), world.folder / "summary"
    journal, arguments = world.folder / "journal", set[bytes]()

    def look(_kind: str) -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                arguments.add(path.read_bytes())
            except OSError:
                continue

    world.watch(look)
    done = world.run(
        "deploy", **world.ci_run(newer, summary=summary), HEADWAY_JOURNAL__PATH=str(journal)
    )

    assert "deployed" == done.outcome
    assert any(b"ls-remote" in line for line in arguments)
    record = json.dumps(world.record())
    written = [done.out, done.err, summary.read_text(), journal.read_text(), record]
    written += [line.decode(errors="replace") for line in arguments]
    left = (path for path in world.folder.glob("headway-*/**/*") if path.is_file())
    written += [path.read_text("latin-1") for path in left]
    assert not [secret for secret in SECRETS for text in written if secret in text]
