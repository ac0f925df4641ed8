"""What a CI tells its jobs about themselves, in the variables of Gitea, GitHub and GitLab."""

import pytest

from release.ci_environment import CiKind, read_ci_run
from release.core.values import Sha
from release.errors import Invalid

SHA = "7f25373" + "0" * 33
ACTIONS = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SHA": SHA,
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_SERVER_URL": "https://git.example.com/",
    "GITHUB_API_URL": "https://git.example.com/api/v1",
    "GITHUB_RUN_ID": "275427",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_JOB": "production",
    "GITHUB_WORKFLOW": "deploy",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_OUTPUT": "/run/output",
    "GITHUB_STEP_SUMMARY": "/run/summary",
}
GITEA = {**ACTIONS, "GITEA_ACTIONS": "true"}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_COMMIT_SHA": SHA,
    "CI_COMMIT_BRANCH": "main",
    "CI_PROJECT_PATH": "acme/group/shop",
    "CI_SERVER_URL": "https://gitlab.example.com",
    "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
    "CI_PIPELINE_ID": "99",
    "CI_JOB_ID": "1234",
    "CI_JOB_NAME": "production",
    "CI_JOB_URL": "https://gitlab.example.com/acme/group/shop/-/jobs/1234",
}


def test_outside_of_ci_there_is_no_run() -> None:
    """Variables of another program, or of a CI that is switched off, make no run."""
    assert read_ci_run({"CI": "true", "GITHUB_ACTIONS": "false", "GITHUB_SHA": SHA}) is None


def test_gitea_is_told_from_the_github_that_it_imitates() -> None:
    """Gitea's runner sets the variables of GitHub too."""
    run = read_ci_run(GITEA)

    assert run is not None
    assert CiKind.GITEA is run.kind
    assert (Sha(SHA), "main", "acme/shop") == (run.sha, run.branch, run.repository)
    assert ("275427", 2, "production") == (run.run_id, run.attempt, run.job_name)
    assert "https://git.example.com" == run.server_url
    assert "https://git.example.com/acme/shop.git" == run.clone_url
    assert "https://git.example.com/acme/shop/actions/runs/275427" == run.job_url
    assert "deploy / production (push)" == run.own_context
    assert ("/run/output", "/run/summary") == (run.output_path, run.summary_path)


@pytest.mark.parametrize("name", ["FORGEJO_ACTIONS", "GITEA_ACTIONS"])
def test_forgejo_counts_as_gitea(name: str) -> None:
    """Both speak one API."""
    run = read_ci_run({**ACTIONS, name: "true"})

    assert run is not None
    assert CiKind.GITEA is run.kind


def test_gitea_alias_goes_over_the_variable_of_github() -> None:
    """A runner that sets both means its own file."""
    run = read_ci_run({**GITEA, "GITEA_OUTPUT": "/run/own"})

    assert run is not None
    assert "/run/own" == run.output_path


def test_github_names_its_check_after_the_job() -> None:
    """A check run of GitHub carries neither workflow nor event."""
    run = read_ci_run(ACTIONS)

    assert run is not None
    assert (CiKind.GITHUB, "production") == (run.kind, run.own_context)


@pytest.mark.parametrize("ref", ["refs/pull/7/merge", "refs/tags/v1", ""])
def test_run_of_pull_request_or_tag_has_no_branch(ref: str) -> None:
    """Only the push of a branch says which branch is deployed."""
    run = read_ci_run({**GITEA, "GITHUB_REF": ref})

    assert run is not None
    assert run.branch is None


def test_branch_may_hold_slashes() -> None:
    """The whole name after refs/heads/ is the branch."""
    run = read_ci_run({**GITEA, "GITHUB_REF": "refs/heads/release/1.2"})

    assert run is not None
    assert "release/1.2" == run.branch


def test_gitlab_run_is_its_pipeline() -> None:
    """The jobs of one pipeline are steps of one run; GitLab counts no attempts."""
    run = read_ci_run(GITLAB)

    assert run is not None
    assert (CiKind.GITLAB, "99", 1) == (run.kind, run.run_id, run.attempt)
    assert (Sha(SHA), "main", "acme/group/shop") == (run.sha, run.branch, run.repository)
    assert "https://gitlab.example.com/acme/group/shop.git" == run.clone_url
    assert GITLAB["CI_JOB_URL"] == run.job_url
    assert run.output_path is None


def test_what_ci_does_not_tell_is_none() -> None:
    """A run needs its id; everything else may be missing."""
    actions = read_ci_run({"GITEA_ACTIONS": "true", "GITHUB_RUN_ID": "1"})
    gitlab = read_ci_run({"GITLAB_CI": "true", "CI_PIPELINE_ID": "1"})

    for run in (actions, gitlab):
        assert run is not None
        told = (run.sha, run.branch, run.repository, run.clone_url, run.job_url, run.own_context)
        assert (None,) * 6 == told
        assert 1 == run.attempt


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("GITHUB_SHA", "main"),
        ("GITHUB_RUN_ID", ""),
        ("GITHUB_RUN_ID", "a b"),
        ("GITHUB_RUN_ATTEMPT", "0"),
        ("GITHUB_RUN_ATTEMPT", "two"),
    ],
)
def test_unusable_variable_is_invalid_and_named(name: str, text: str) -> None:
    """A commit, run or attempt that is none is an error that names the variable."""
    with pytest.raises(Invalid, match=f"environment variable {name}"):
        read_ci_run({**GITEA, name: text})
