"""The verbs in a CI: the commit and the run come from its variables, and it is told the outcome."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.live_world import LiveWorld

pytestmark = pytest.mark.slow

QUICK_SOAK = {"HEADWAY_ROLLOUT__SOAK_S": "0"}


def actions(folder: Path, commit: str, *, run: str, name: str = "GITEA") -> Mapping[str, str]:
    """The variables of one step of a run in Gitea Actions or GitHub Actions."""
    return {
        f"{name}_ACTIONS": "true",
        "GITHUB_SHA": commit,
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_REPOSITORY": "acme/app",
        "GITHUB_SERVER_URL": "https://forge.example.com",
        "GITHUB_RUN_ID": run,
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_JOB": "deploy",
        "GITHUB_WORKFLOW": "release",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
    }


def outputs(path: Path) -> Mapping[str, str]:
    """The outputs that are one word each; the last one of a name counts."""
    pairs = (line.partition("=") for line in path.read_text().splitlines())
    return {name: value for name, separator, value in pairs if separator}


def test_four_steps_of_one_run_come_to_one_deploy(world: LiveWorld, tmp_path: Path) -> None:
    """Each step claims under the same run, which is neither a duplicate nor a wait."""
    newer = world.push()
    variables = {**actions(tmp_path, newer, run="275427"), **QUICK_SOAK}
    since = world.count()

    steps = ["wait-ci", "check-superseded", "redeploy", "settle-verify", "promote"]
    ends = [world.invoke(step, **variables).end for step in steps]

    assert [
        ("verified", 0),
        ("latest", 10),
        ("redeployed", 0),
        ("verified", 0),
        ("deployed", 0),
    ] == ends
    assert ({newer}, newer) == world.live()
    assert {"gitea-275427"} == {past.job.run for past in world.record().past[-2:]}
    assert 3 == sum(one["kind"] == "landed" for one in world.happenings(since))
    assert "deployed" == outputs(tmp_path / "output")["outcome"]


def test_failed_deploy_in_github_is_an_error_beside_the_run(
    world: LiveWorld, tmp_path: Path
) -> None:
    """Outputs and summary are written for a bad end too."""
    red = world.push(ci="red")

    said = world.invoke("deploy", **actions(tmp_path, red, run="9", name="GITHUB"))

    assert ("refused", 1) == said.end
    assert "ci / test (push) (failure)" in said.last_line
    assert "refused" == outputs(tmp_path / "output")["outcome"]
    assert "::error title=refused on production::" in said.err
    assert "refused" in (tmp_path / "summary").read_text()


def test_deploy_in_gitlab_writes_a_dotenv_and_no_annotations(
    world: LiveWorld, tmp_path: Path
) -> None:
    """GitLab reads `artifacts:reports:dotenv`, and shows `::error` as text."""
    newer = world.push()
    variables = {
        "GITLAB_CI": "true",
        "CI_COMMIT_SHA": newer,
        "CI_COMMIT_BRANCH": "main",
        "CI_PIPELINE_ID": "77",
        "CI_JOB_NAME": "deploy",
        "HEADWAY_DOTENV": str(tmp_path / "deploy.env"),
    }

    said = world.invoke("deploy", **variables, **QUICK_SOAK)

    found = outputs(tmp_path / "deploy.env")
    assert ("deployed", 0) == said.end
    assert ("deployed", newer) == (found["outcome"], found["release"])
    assert "::" not in said.err
    assert "gitlab-77" == world.record().past[-1].job.run


def test_wait_ci_ends_as_the_ci_of_the_commit_does(world: LiveWorld) -> None:
    """Red is refused at once, pending is waited for until the budget is spent."""
    red = world.push(ci="red")
    refused = world.invoke("wait-ci", "--commit", red)
    pending = world.push(ci="pending")
    exhausted = world.invoke("wait-ci", "--commit", pending, HEADWAY_CI__WAIT_S="0.2")
    late = world.push(ci="green", ci_after_s=3)
    green = world.invoke("wait-ci", "--commit", late, HEADWAY_CI__WAIT_S="60")

    ends = [said.end for said in (refused, exhausted, green)]
    assert [("refused", 1), ("exhausted", 1), ("verified", 0)] == ends
    assert "ci / test (push)" in exhausted.last_line
