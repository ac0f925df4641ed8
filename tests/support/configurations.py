"""Configurations for tests: the least one that is whole, and how wiring loads one.

This module must not read a file.
"""

from collections.abc import Mapping

from release.ci_environment import CiRun, read_ci_run
from release.configuration import load_config
from release.settings import Config

__all__ = ["GITEA_RUN", "GITLAB_RUN", "LEAST", "SHA", "WITHOUT_FORGE", "load", "table"]

LEAST = """
[forge]
url = "https://git.example.com"
repository = "acme/shop"
branch = "main"
[fleet]
url = "https://control.example.com"
[edge]
url = "https://{slug}.example.com/buildinfo"
[registry]
url = "https://registry.example.com"
repositories = ["acme/shop"]
"""
WITHOUT_FORGE = LEAST.partition("[fleet]")[1] + LEAST.partition("[fleet]")[2]
SHA = "7f25373" + "0" * 33
GITEA_RUN = read_ci_run(
    {
        "GITEA_ACTIONS": "true",
        "GITHUB_SHA": SHA,
        "GITHUB_REF": "refs/heads/trunk",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_SERVER_URL": "https://git.example.com",
        "GITHUB_RUN_ID": "1",
        "GITHUB_JOB": "x",
        "GITHUB_WORKFLOW": "deploy",
        "GITHUB_EVENT_NAME": "push",
    }
)
GITLAB_RUN = read_ci_run(
    {
        "GITLAB_CI": "true",
        "CI_PIPELINE_ID": "1",
        "CI_PROJECT_PATH": "acme/shop",
        "CI_SERVER_URL": "https://gitlab.example.com",
        "CI_COMMIT_BRANCH": "main",
    }
)


def load(
    text: str = LEAST,
    *,
    variables: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
    env: str | None = None,
    ci: CiRun | None = None,
) -> Config:
    """Loads a configuration as wiring does."""
    return load_config(
        text,
        source="headway.toml",
        environment_variables=variables or {},
        flags=flags or {},
        env=env,
        ci=ci,
    )


def table(name: str, *lines: str) -> str:
    """The least configuration with more lines in one table."""
    if f"[{name}]\n" in LEAST:
        return LEAST.replace(f"[{name}]\n", "\n".join((f"[{name}]", *lines, "")))
    return LEAST + "\n".join((f"[{name}]", *lines, ""))
