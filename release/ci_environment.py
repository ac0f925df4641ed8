"""Reads what a CI tells its jobs about themselves: commit, branch, repository, run, files to write.

This module must not read the process environment; `wiring` hands the variables in.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from release.core.values import Sha
from release.errors import Invalid

__all__ = ["CiKind", "CiRun", "read_ci_run"]

_BRANCH_PREFIX = "refs/heads/"


class CiKind(StrEnum):
    """Whose CI runs the job; Forgejo counts as Gitea."""

    GITEA = "gitea"
    GITHUB = "github"
    GITLAB = "gitlab"


@dataclass(frozen=True, slots=True, kw_only=True)
class CiRun:
    """One attempt of one CI run. What the CI does not tell is None, or empty.

    sha: the commit that was checked out; for a pull request that is its merge with the branch.
    branch: the branch that was pushed; None in the run of a pull request, merge request or tag.
    run_id: shared by all jobs of a run, so that separate steps of one deploy know one another.
    attempt: counts from one; GitLab counts no attempts.
    own_context: the name under which this job reports its status, as far as that can be told: a
        job with a display name of its own needs `forge.own_context`.
    output_path, summary_path: the files that take outputs and the summary of the step.
    """

    kind: CiKind
    sha: Sha | None
    branch: str | None
    repository: str | None
    server_url: str | None
    api_url: str | None
    run_id: str
    attempt: int
    job_name: str
    job_url: str | None
    own_context: str | None
    output_path: str | None
    summary_path: str | None

    @property
    def clone_url(self) -> str | None:
        """Where git clones the repository over HTTP; it holds no token."""
        if not self.server_url or not self.repository:
            return None
        return f"{self.server_url}/{self.repository}.git"


def read_ci_run(variables: Mapping[str, str]) -> CiRun | None:
    """Recognises the CI by its own variables; None outside of any.

    Gitea's runner sets the variables of GitHub too, so it is looked for first. Raises Invalid when
    a variable that names the commit, the run or the attempt holds something else.
    """
    for name, reader in _READERS.items():
        if variables.get(name, "").casefold() == "true":
            return reader(variables)
    return None


def _read_gitea(variables: Mapping[str, str]) -> CiRun:
    return _read_actions(variables, CiKind.GITEA)


def _read_github(variables: Mapping[str, str]) -> CiRun:
    return _read_actions(variables, CiKind.GITHUB)


def _read_actions(variables: Mapping[str, str], kind: CiKind) -> CiRun:
    def told(name: str) -> str | None:
        # Where a runner sets both, GITEA_* are aliases of the same value.
        own = variables.get(f"GITEA_{name}") if kind is CiKind.GITEA else None
        return own or variables.get(f"GITHUB_{name}") or None

    server_url = (told("SERVER_URL") or "").rstrip("/") or None
    repository = told("REPOSITORY")
    run_id = _require_run(told("RUN_ID"), "GITHUB_RUN_ID")
    job = told("JOB") or ""
    ref = told("REF") or ""
    in_run = f"{server_url}/{repository}/actions/runs/{run_id}"
    return CiRun(
        kind=kind,
        sha=_read_sha(told("SHA"), "GITHUB_SHA"),
        branch=ref.removeprefix(_BRANCH_PREFIX) if ref.startswith(_BRANCH_PREFIX) else None,
        repository=repository,
        server_url=server_url,
        api_url=told("API_URL"),
        run_id=run_id,
        attempt=_read_attempt(told("RUN_ATTEMPT"), "GITHUB_RUN_ATTEMPT"),
        job_name=job,
        job_url=in_run if server_url and repository else None,
        own_context=_name_context(kind, told("WORKFLOW"), job, told("EVENT_NAME")),
        output_path=told("OUTPUT"),
        summary_path=told("STEP_SUMMARY"),
    )


def _name_context(kind: CiKind, workflow: str | None, job: str, event: str | None) -> str | None:
    """GitHub names a check run after the job alone; Gitea adds the workflow and the event."""
    if kind is CiKind.GITHUB:
        return job or None
    return f"{workflow} / {job} ({event})" if workflow and job and event else None


def _read_gitlab(variables: Mapping[str, str]) -> CiRun:
    told = {name: value for name, value in variables.items() if value}
    job = told.get("CI_JOB_NAME", "")
    return CiRun(
        kind=CiKind.GITLAB,
        sha=_read_sha(told.get("CI_COMMIT_SHA"), "CI_COMMIT_SHA"),
        branch=told.get("CI_COMMIT_BRANCH"),
        repository=told.get("CI_PROJECT_PATH"),
        server_url=told.get("CI_SERVER_URL", "").rstrip("/") or None,
        api_url=told.get("CI_API_V4_URL"),
        run_id=_require_run(told.get("CI_PIPELINE_ID"), "CI_PIPELINE_ID"),
        attempt=1,
        job_name=job,
        job_url=told.get("CI_JOB_URL"),
        own_context=job or None,
        output_path=None,
        summary_path=None,
    )


_READERS: Mapping[str, Callable[[Mapping[str, str]], CiRun]] = {
    "GITEA_ACTIONS": _read_gitea,
    "FORGEJO_ACTIONS": _read_gitea,
    "GITHUB_ACTIONS": _read_github,
    "GITLAB_CI": _read_gitlab,
}


def _read_sha(text: str | None, name: str) -> Sha | None:
    if text is None:
        return None
    try:
        return Sha(text)
    except Invalid as exc:
        raise _misread(name, text, exc.expected) from exc


def _require_run(text: str | None, name: str) -> str:
    if text is None or not re.fullmatch(r"[A-Za-z0-9._:/-]{1,100}", text):
        raise _misread(name, text, "the id of the run")
    return text


def _read_attempt(text: str | None, name: str) -> int:
    if text is None:
        return 1
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise _misread(name, text, "a number from one")
    return int(text)


def _misread(name: str, text: str | None, expected: str) -> Invalid:
    return Invalid(
        "the CI tells its job something unusable",
        on=f"environment variable {name}",
        seen="nothing" if text is None else repr(text)[:80],
        expected=expected,
        safe="nothing was touched",
    )
