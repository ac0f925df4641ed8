"""Tenants that are real Swarm services, a real registry and a git remote, for `invoke` processes.

This module must not use anything of Headway but its command line.
"""

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from simulator.swarm_orchestrator import Fate
from tests.support.git_repository import GitRepository
from tests.support.independent_job import Done, Job
from tests.support.real_swarm import SOCKET, RealSwarm
from tests.support.swarm_images import Running

__all__ = ["SwarmWorld"]

_CONFIG = """
[forge]
kind = "git"
url = "{git}"
branch = "main"
[fleet]
kind = "swarm"
timeout_s = 50.0
[fleet.swarm]
engines = ["{socket}"]
label = "{label}"
[registry]
url = "{registry}"
repositories = ["{repository}"]
[ledger]
url = "{git}"
ref = "refs/headway/production"
[rollout]
soak_s = 0.2
batch_size = {batch_size}
[settle]
budget_s = 10.0
interval_s = 0.2
[ci]
wait_s = 2.0
interval_s = 0.1
[lease]
lease_s = 6.0
redeploy_bound_s = 60.0
pointer_bound_s = 6.0
retry_s = 0.2
"""


class SwarmWorld:
    """A branch whose commits have images, and services that begin on its first commit."""

    def __init__(
        self, folder: Path, swarm: RealSwarm, slugs: Sequence[str], *, batch_size: int = 2
    ) -> None:
        # A repository of its own, as `latest` would be another world's.
        swarm = replace(swarm, repository=f"hwswarm/{secrets.token_hex(3)}")
        self._folder = folder
        self._swarm = swarm
        self._repository = GitRepository(folder / "shop")
        self.commits: list[str] = []
        self._sha_of: dict[str, str] = {}
        self._config = folder / "headway.toml"
        self._config.write_text(
            _CONFIG.format(
                git=self._repository.url,
                socket=SOCKET,
                label=swarm.label,
                registry=swarm.registry.url,
                repository=swarm.repository,
                batch_size=batch_size,
            )
        )
        first = self.push()
        self.services = {slug: swarm.create(slug, self._digest(first)) for slug in slugs}
        done = self.run("ledger-init")
        assert done.code == 0, done.out + done.err

    def push(self, fate: Fate = Fate.RUNS, *, drain_s: float = 0.3) -> str:
        """Makes a commit on the branch and its image; its id."""
        name = f"commit {len(self.commits)}"
        files = {"name": name.encode()}
        above = self.commits[-1:]
        sha = self._repository.commit(name, *above, files=files, ref="refs/heads/main")
        how = Running(fate=fate, drain_s=drain_s, label=sha)
        self._sha_of[self._swarm.push(sha, how)] = sha
        self.commits.append(sha)
        return sha

    def start(self, *words: str, **variables: str) -> Job:
        """Starts `invoke VERB --config ...`."""
        verb, *rest = words
        folder = str(self._folder)
        environment = {**os.environ, "TMPDIR": folder, "HOME": folder, **variables}
        return Job((verb, "--config", str(self._config), *rest), environment)

    def run(self, *words: str) -> Done:
        """Runs a verb to its end."""
        return self.start(*words).wait()

    def deploy(self, sha: str) -> Done:
        """Runs `invoke deploy` of a commit."""
        return self.run("deploy", "--commit", sha)

    def serving(self) -> dict[str, set[str]]:
        """The commits whose tasks run, for each service, as the engine tells it."""
        return {
            slug: {commit for commit, state in self._history(identity) if state == "running"}
            for slug, identity in self.services.items()
        }

    def moves_back(self) -> list[str]:
        """Every task that is of an older commit than the one that ran before it."""
        found = []
        for slug, identity in self.services.items():
            ranks = [self.commits.index(commit) for commit, _ in self._history(identity)]
            found += [
                f"{slug}: {before} to {after}"
                for before, after in pairwise(ranks)
                if after < before
            ]
        return found

    def is_wholly_on(self, sha: str) -> bool:
        """Whether every service runs tasks of this commit and of no other."""
        return all(commits == {sha} for commits in self.serving().values())

    def record(self) -> dict[str, Any]:
        """The ledger's record as the remote has it."""
        text = self._repository.git("cat-file", "blob", "refs/headway/production:record.json")
        found: dict[str, Any] = json.loads(text)
        return found

    def labels(self, slug: str) -> dict[str, str]:
        """The labels of a service."""
        labels: dict[str, str] = self._swarm.spec(self.services[slug])["Labels"]
        return labels

    def image(self, slug: str) -> str:
        """The commit that the specification of a service wants."""
        container = self._swarm.spec(self.services[slug])["TaskTemplate"]["ContainerSpec"]
        return self._sha_of[container["Image"].partition("@")[2]]

    def _digest(self, sha: str) -> str:
        return next(digest for digest, commit in self._sha_of.items() if commit == sha)

    def _history(self, identity: str) -> list[tuple[str, str]]:
        """The commit and state of each task that the engine remembers, the oldest first."""
        tasks = self._swarm.api.tasks(filters={"service": identity})
        tasks.sort(key=lambda task: task["CreatedAt"].rstrip("Z"))
        return [
            (
                self._sha_of[task["Spec"]["ContainerSpec"]["Image"].partition("@")[2]],
                task["Status"]["State"],
            )
            for task in tasks
        ]
