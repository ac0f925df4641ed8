"""The world behind a deploy: the verbs that find it done, or newer than what they were asked for.

All of them share one world, since none of them may change what production serves.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.live_world import TENANTS, LiveWorld

pytestmark = pytest.mark.slow

STILL_LATEST = 10
EFFECTS = {"accepted", "landed", "pointed"}


@pytest.fixture(scope="module")
def commits(shared_world: LiveWorld) -> Mapping[str, str]:
    """The older one, which nobody has deployed, and the newer one, which is everywhere."""
    older, newer = shared_world.push(), shared_world.push()
    said = shared_world.invoke("deploy", "--commit", newer)
    assert ("deployed", 0) == said.end
    return {"older": older, "newer": newer}


@pytest.fixture
def deployed(shared_world: LiveWorld, commits: Mapping[str, str]) -> Iterator[LiveWorld]:
    """The world with the newer commit everywhere; no effect may come behind that."""
    since = shared_world.count()
    yield shared_world
    effects = [one for one in shared_world.happenings(since) if one["kind"] in EFFECTS]
    assert [] == effects, "a verb had an effect"
    assert ({commits["newer"]}, commits["newer"]) == shared_world.live()


def test_same_commit_again_is_verified(deployed: LiveWorld, commits: Mapping[str, str]) -> None:
    """A re-run finds nothing to do, and says so; green."""
    said = deployed.invoke("deploy", "--commit", commits["newer"])

    assert ("verified", 0) == said.end


def test_older_commit_stands_aside_in_ci_and_names_the_newer(
    deployed: LiveWorld, commits: Mapping[str, str], tmp_path: Path
) -> None:
    """The superseded run is green in Gitea, with outputs, a summary and a notice beside it."""
    variables = {
        "GITEA_ACTIONS": "true",
        "GITHUB_SHA": commits["older"],
        "GITHUB_RUN_ID": "275383",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }

    said = deployed.invoke("deploy", actor="older", **variables)

    outputs = (tmp_path / "output").read_text().splitlines()
    expected = ["outcome=superseded", "exit_code=0", f"by={commits['newer']}"]
    assert ("superseded", 0) == said.end
    assert commits["newer"][:7] in said.last_line
    assert set(expected) <= set(outputs)
    assert "### superseded" in (tmp_path / "summary").read_text()
    assert "::notice title=superseded on production::" in said.err


def test_older_commit_stands_aside_without_the_ledger_too(
    deployed: LiveWorld, commits: Mapping[str, str]
) -> None:
    """`--without-ledger` observes the fleet first, and never goes backward either."""
    words = ["--commit", commits["older"], "--without-ledger", "--reason", "git is down"]

    said = deployed.invoke("deploy", *words, actor="older")

    assert ("superseded", 0) == (said.word, said.code)
    assert said.last_line.startswith("superseded, unguarded: ")


def test_check_superseded_names_the_newer_commit_alone_on_a_line(
    deployed: LiveWorld, commits: Mapping[str, str]
) -> None:
    """It exits 0 for the older commit and 10 for the one that is still the latest."""
    before = deployed.untouched()

    late = deployed.invoke("check-superseded", "--commit", commits["older"], actor="older")
    latest = deployed.invoke("check-superseded", "--commit", commits["newer"])

    assert [("superseded", 0), ("latest", STILL_LATEST)] == [late.end, latest.end]
    assert commits["newer"] in late.out.splitlines()
    assert before == deployed.untouched()


def test_status_and_history_show_what_the_ledger_and_the_world_say(
    deployed: LiveWorld, commits: Mapping[str, str]
) -> None:
    """Both touch nothing; as JSON they give the same as data."""
    before, newer = deployed.untouched(), commits["newer"]

    status = deployed.invoke("status")
    history = deployed.invoke("history", "--json")

    shown = {line.strip() for line in status.out.splitlines()}
    first = next(one for one in history.document if one["kind"] == "outcome")
    assert ("idle", 0) == status.end
    assert {f"tenant {slug}: {newer[:7]}" for slug in TENANTS} <= shown
    assert ("deployed", newer) == (first["word"], first["release"])
    assert before == deployed.untouched()


def test_redeploy_of_a_tenant_that_is_right_already_sends_nothing(deployed: LiveWorld) -> None:
    """`--to latest` is resolved to its release; without `--force` there is nothing to do."""
    said = deployed.invoke("redeploy", "--to", "latest", "--only", "acme")

    assert ("verified", 0) == said.end


def test_first_use_is_declared_once(deployed: LiveWorld) -> None:
    """`ledger-init` never creates a record over one that is there."""
    before = deployed.untouched()

    said = deployed.invoke("ledger-init", "--json", actor="operator")

    assert ("verified", 0) == (said.document["outcome"], said.code)
    assert before == deployed.untouched()
