"""A whole world that Headway's simulator has no part in, and real `invoke deploy` processes in it.

A registry and git's own HTTP backend are the real ones; control plane, tenants and forge are
written from their contracts. This module must not use anything of Headway but its command line.
"""

import json
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.git_http import GitHttp, GitRequest
from tests.support.git_repository import GitRepository
from tests.support.independent_forge import GiteaShaped, basic
from tests.support.independent_job import Done, Job
from tests.support.independent_plane import FleetWorld, Plane
from tests.support.independent_registry import PASSWORD, USERNAME, RealRegistry

__all__ = ["REPOSITORY", "SECRETS", "Deadly", "Done", "Job", "World"]

REPOSITORY = "acme/shop"
_FLEET_TOKEN, _FORGE_TOKEN = "fleet-7c1e0a5d", "forge-91b2d3f4"
SECRETS = (_FLEET_TOKEN, _FORGE_TOKEN, PASSWORD)
_DECLARED: list[bytes] = []
_CONFIG = """
[forge]
{forge}
branch = "main"
token = {{ env = "HEADWAY_FORGE_TOKEN" }}
[fleet]
url = "{plane}"
timeout_s = 5.0
[edge]
url = "{plane}/{{slug}}/buildinfo"
timeout_s = 2.0
[registry]
url = "{registry}"
repositories = ["acme/shop"]
username = "{user}"
password = {{ env = "HEADWAY_REGISTRY_PASSWORD" }}
[ledger]
url = "{git}/shop"
ref = "refs/headway/production"
token = {{ env = "HEADWAY_FORGE_TOKEN" }}
[rollout]
soak_s = 0.2
[settle]
budget_s = 4.0
interval_s = 0.1
[ci]
wait_s = 2.0
interval_s = 0.1
[lease]
lease_s = 6.0
redeploy_bound_s = 6.0
pointer_bound_s = 6.0
retry_s = 0.2
"""


class World:
    """Everything that a deploy talks to; `push` makes a commit and its image, `run` a process.

    slugs: the tenants, which begin on the first commit as the pointer does.
    """

    def __init__(self, folder: Path, *slugs: str, drains: int = 1, is_gitea: bool = False) -> None:
        self.folder = folder
        self.repository = GitRepository(folder / "git" / "shop")
        self.repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
        self.git = GitHttp(folder / "git", authorization=basic(_FORGE_TOKEN))
        self.registry = RealRegistry(folder / "registry")
        self.commits: list[str] = []
        self.fleet = FleetWorld(list(slugs), "", drains=drains)
        self.plane = Plane(self.fleet, token=_FLEET_TOKEN)
        self.forge = GiteaShaped(self.repository, token=_FORGE_TOKEN)
        self.is_gitea = is_gitea
        self.config = folder / "headway.toml"

    def __enter__(self) -> Self:
        with ExitStack() as ends:
            ends.push(self.__exit__)
            self.git.__enter__()
            self._set_the_scene()
            ends.pop_all()
        return self

    def _set_the_scene(self) -> None:
        self.write_config()
        first = self.push()
        for tenant in self.fleet.tenants.values():
            tenant.sha = tenant.before = first
        self.registry.point(REPOSITORY, "latest", f"staging-{first[:7]}")
        self._declare()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.git.__exit__(kind, value, traceback)
        self.plane.close()
        self.forge.close()
        self.registry.stop()

    def _declare(self) -> None:
        """Runs `ledger-init`, once in this process: the first commit is the same in each world."""
        if not _DECLARED:
            done = self.run("ledger-init")
            assert done.code == 0, done.out + done.err
            _DECLARED.append(json.dumps(self.record()).encode())
            return
        record = {"record.json": _DECLARED[0]}
        self.repository.commit("declared", files=record, ref="refs/headway/production")

    def write_config(self, more: str = "") -> None:
        """Writes headway.toml."""
        kind = f'kind = "git"\nurl = "{self.git.url}/shop"'
        if self.is_gitea:
            kind = f'url = "{self.forge.url}"\nrepository = "acme/shop"'
        text = _CONFIG.format(
            forge=kind,
            plane=self.plane.url,
            registry=self.registry.url,
            user=USERNAME,
            git=self.git.url,
        )
        self.config.write_text(text + more)

    def push(self, *parents: str, is_index: bool = True) -> str:
        """Makes a commit on the branch, a child of the newest one, and pushes its image."""
        above = parents or tuple(self.commits[-1:])
        name = f"commit {len(self.commits)}"
        files = {"name": name.encode(), "deploy/enabled": b"on\n"}
        sha = self.repository.commit(name, *above, files=files, ref="refs/heads/main")
        self.commits.append(sha)
        self.fleet.images[f"staging-{sha[:7]}"] = sha
        self.registry.push(REPOSITORY, f"staging-{sha[:7]}", sha, is_index=is_index)
        return sha

    def watch(self, tick: Callable[[str], None]) -> None:
        """Tells of every request by its kind: of git, of the control plane, of a tenant."""

        def look(request: GitRequest) -> int | None:
            tick("push" if request.is_push else "git")
            return None

        self.fleet.tick = tick
        self.git.refusal = look

    def start(self, *words: str, **variables: str) -> Job:
        """Starts `invoke VERB --config ...` as CI would, tokens in its environment."""
        environment = {
            **os.environ,
            "HEADWAY_FLEET_TOKEN": _FLEET_TOKEN,
            "HEADWAY_FORGE_TOKEN": _FORGE_TOKEN,
            "HEADWAY_REGISTRY_PASSWORD": PASSWORD,
            "TMPDIR": str(self.folder),
            **variables,
        }
        verb, *rest = words
        return Job((verb, "--config", str(self.config), *rest), environment)

    def run(self, *words: str, **variables: str) -> Done:
        """Runs a verb to its end."""
        return self.start(*words, **variables).wait()

    def deploy(self, sha: str, *words: str, **variables: str) -> Done:
        """Runs `invoke deploy` of a commit."""
        return self.run("deploy", "--commit", sha, *words, **variables)

    def ci_run(self, sha: str, *, summary: Path, attempt: int = 1) -> dict[str, str]:
        """What Gitea tells a job of its run."""
        return {
            "GITEA_ACTIONS": "true",
            "GITHUB_SHA": sha,
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_SERVER_URL": self.forge.url,
            "GITHUB_RUN_ID": f"{self.commits.index(sha)}",
            "GITHUB_RUN_ATTEMPT": f"{attempt}",
            "GITHUB_JOB": "deploy",
            "GITHUB_WORKFLOW": "release",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_STEP_SUMMARY": str(summary),
        }

    def serving(self) -> dict[str, str]:
        """What each tenant runs, draining or not."""
        return {slug: tenant.sha for slug, tenant in self.fleet.tenants.items()}

    def is_wholly_on(self, sha: str) -> bool:
        """Whether every tenant and `latest` are on this commit."""
        latest = self.registry.digest(REPOSITORY, "latest")
        own = self.registry.digest(REPOSITORY, f"staging-{sha[:7]}")
        return latest == own and set(self.serving().values()) == {sha}

    def moves_back(self) -> list[str]:
        """Every landing that took a tenant from a newer commit to an older one."""
        rank = {sha: number for number, sha in enumerate(self.commits)}
        return [
            f"{one.slug}: {one.before[:7]} to {one.after[:7]}"
            for one in self.fleet.landings
            if rank[one.after] < rank[one.before]
        ]

    def record(self) -> dict[str, Any]:
        """The ledger's record as the remote has it."""
        text = self.repository.git("cat-file", "blob", "refs/headway/production:record.json")
        found: dict[str, Any] = json.loads(text)
        return found


class Deadly:
    """Kills a process when the world has seen so many requests of it.

    at: the kind of the request that it died in; empty while it lives.
    """

    def __init__(self, world: World, requests: int) -> None:
        self._left = requests
        self._lock = threading.Lock()
        self._is_aimed = threading.Event()
        self._job: Job | None = None
        self.at = ""
        world.watch(self._tick)

    def aim(self, job: Job) -> None:
        """Says which process is meant."""
        self._job = job
        self._is_aimed.set()

    def _tick(self, kind: str) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._is_aimed.wait()
                assert self._job is not None
                self.at = kind
                self._job.kill()
