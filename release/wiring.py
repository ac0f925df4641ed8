"""Turns configuration into ports: the only place that reads the environment, files and chance.

This module must not decide anything about a release; it finds what a job needs and opens it.
"""

import os
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from release.adapters.ci import CiReport
from release.adapters.clock import SystemClock
from release.adapters.docker_config import read_credentials
from release.adapters.environment_ledger import EnvironmentLedger
from release.adapters.file_ledger import FileLedger
from release.adapters.git_command import GitCommand
from release.adapters.git_forge import GitForge
from release.adapters.git_mirror import GitMirror
from release.adapters.git_ref_ledger import GitRefLedger
from release.adapters.git_remote import GitRemote
from release.adapters.gitea import GiteaForge, gitea_http
from release.adapters.http import HttpPool
from release.adapters.journal import ConsoleJournal, JsonLinesJournal, TeeJournal
from release.adapters.memory_ledger import MemoryLedger
from release.adapters.registry import OciRegistry
from release.adapters.registry_auth import Credentials
from release.adapters.signals import CancelOnSignal
from release.ci_environment import CiKind, CiRun, read_ci_run
from release.configuration import load_config
from release.core.history import Version
from release.core.values import JobId, Secret
from release.errors import Invalid
from release.ports import Clock, Forge, Journal, Ledger, Ports
from release.setting_types import TokenSource
from release.settings import Config, ForgeKind, LedgerKind
from release.wiring_fleet import Means, open_fleet

__all__ = [
    "CancelOnSignal",
    "Setup",
    "ci_report",
    "new_job",
    "open_ports",
    "read_setup",
    "read_versions",
]

CONFIG_FILE = "headway.toml"
_TOKEN_BYTES_MAX = 64 * 1024
_GIT_S = 60.0
_LEDGER_GIT_S = 30.0
"""Half a lease: a swap that takes longer is no use, as its outcome is read again anyway."""

_READ_SHARE, _WRITE_SHARE = 1 / 3, 1 / 2
"""How much of a pointer move's bound may pass before it is sent, and then until it is answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a verb was started with: the configuration, the CI run if any, and the variables."""

    config: Config
    ci: CiRun | None
    variables: Mapping[str, str]

    @property
    def person(self) -> str:
        """Who is at the desk, as far as the machine knows; shown, and never taken for an owner."""
        for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "USER", "LOGNAME"):
            if self.variables.get(name):
                return self.variables[name][:80]
        return "somebody"


def read_setup(path: str, env: str, flags: Mapping[str, str]) -> Setup:
    """Reads headway.toml and the environment once; raises Invalid for the first thing wrong.

    path: of the file; empty means HEADWAY_CONFIG, else headway.toml in this folder.
    env: which environment of the file; empty means HEADWAY_ENV, else the file's own.
    flags: settings by their dotted path, over everything else.
    """
    variables = dict(os.environ)
    file = Path(path or variables.get("HEADWAY_CONFIG") or CONFIG_FILE)
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise Invalid(
            "the configuration could not be read",
            on=str(file),
            seen=str(exc),
            advice="Name it with --config, or copy examples/headway.toml and change it",
        ) from exc
    ci = read_ci_run(variables)
    config = load_config(
        text,
        source=str(file),
        environment_variables=variables,
        flags=flags,
        env=env or None,
        ci=ci,
    )
    return Setup(config=config, ci=ci, variables=variables)


def new_job(ci: CiRun | None) -> JobId:
    """Makes the id of this job: run id and attempt as CI tells them, and a nonce of its own."""
    nonce = secrets.token_hex(4)
    if ci is None:
        return JobId(run=f"hand-{nonce}", attempt=1, nonce=nonce)
    return JobId(run=f"{ci.kind}-{ci.run_id}", attempt=ci.attempt, nonce=nonce)


def ci_report(setup: Setup) -> CiReport:
    """Finds where this CI takes outputs, summary and annotations."""
    ci, dotenv = setup.ci, setup.config.ci.dotenv
    has_annotations = ci is not None and ci.kind is not CiKind.GITLAB
    return CiReport(
        nonce=secrets.token_hex(16),
        stream=sys.stderr if has_annotations else None,
        output_path=Path(ci.output_path) if ci and ci.output_path else None,
        summary_path=Path(ci.summary_path) if ci and ci.summary_path else None,
        dotenv_path=Path(dotenv) if dotenv else None,
    )


@asynccontextmanager
async def open_ports(
    setup: Setup, job: JobId, *, is_unguarded: bool = False
) -> AsyncIterator[Ports]:
    """Opens every adapter for one job and closes them after it.

    is_unguarded: puts a private ledger of this process in the place of the configured one.
    """
    config, clock = setup.config, SystemClock()
    insecure = config.http.allow_insecure_hosts
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(HttpPool(clock=clock, insecure_hosts=insecure))
        registry = _registry(setup, pool)
        opened = await open_fleet(
            Means(
                config=config,
                variables=setup.variables,
                clock=clock,
                pool=pool,
                stack=stack,
                read_token=partial(_require_token, setup.variables),
                find_login=partial(_credentials, setup),
                registry=registry,
                job=job,
            )
        )
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headway-")))
        git = _Git(setup=setup, clock=clock, folder=folder)
        ledger = MemoryLedger(clock) if is_unguarded else _ledger(setup, git, clock)
        yield Ports(
            clock=clock,
            forge=_forge(setup, pool, git),
            fleet=opened.fleet,
            edge=opened.edge,
            registry=registry,
            ledger=EnvironmentLedger(ledger, environment=config.environment),
            journal=_journal(config),
        )


async def read_versions(setup: Setup, *, count_max: int) -> tuple[Version, ...]:
    """Reads what the ledger's store keeps of the record's past; empty when it keeps nothing."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="headway-") as folder:
        ledger = _ledger(setup, _Git(setup=setup, clock=clock, folder=Path(folder)), clock)
        return await ledger.versions(count_max) if isinstance(ledger, GitRefLedger) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Git:
    """Makes mirrors of remotes in the folder of this job."""

    setup: Setup
    clock: Clock
    folder: Path

    def mirror(
        self, name: str, url: str, token: Secret | None, *, timeout_s: float = _GIT_S
    ) -> GitMirror:
        insecure = self.setup.config.http.allow_insecure_hosts
        return GitMirror(
            GitCommand(self.setup.variables, timeout_s=timeout_s),
            GitRemote(url, token=token, insecure_hosts=insecure),
            directory=self.folder / name,
            clock=self.clock,
        )


def _forge(setup: Setup, pool: HttpPool, git: _Git) -> Forge:
    forge = setup.config.forge
    token = _read_token(forge.token, setup.variables, "forge.token", is_required=False)
    if forge.kind is ForgeKind.GIT:
        return GitForge(
            git.mirror("forge", forge.url, token),
            branch=forge.branch,
            required_contexts=forge.required_contexts or (),
            switch=forge.switch,
        )
    assert forge.repository is not None, "the configuration was validated"
    return GiteaForge(
        gitea_http(pool, forge.url, token),
        repository=forge.repository,
        branch=forge.branch,
        required_contexts=forge.required_contexts,
        own_context=forge.own_context,
        switch=forge.switch,
    )


def _registry(setup: Setup, pool: HttpPool) -> OciRegistry:
    registry, policy = setup.config.registry, setup.config.policy
    left_s = policy.pointer_bound_s - policy.send_margin_s
    return OciRegistry(
        pool,
        registry.url,
        credentials=_credentials(setup, urlsplit(registry.url).netloc),
        send_within_s=left_s * _READ_SHARE,
        write_within_s=left_s * _WRITE_SHARE,
    )


def _credentials(setup: Setup, host: str) -> Credentials | None:
    """What the host is logged in to with: the settings' own user for the registry of theirs."""
    registry = setup.config.registry
    if host == urlsplit(registry.url).netloc and registry.username and registry.password:
        password = _read_token(registry.password, setup.variables, "registry.password")
        return Credentials(username=registry.username, password=password)
    folder = setup.variables.get("DOCKER_CONFIG")
    path = Path(folder, "config.json") if folder else Path(registry.docker_config).expanduser()
    return read_credentials(path, host)


def _ledger(setup: Setup, git: _Git, clock: Clock) -> Ledger:
    config = setup.config
    if config.ledger.kind is LedgerKind.FILE:
        assert config.ledger.path is not None, "the configuration was validated"
        return FileLedger(Path(config.ledger.path).expanduser(), clock=clock)
    source = config.ledger.token
    if source is None and _is_same_origin(config.ledger.url, config.forge.url):
        source = config.forge.token
    token = None
    if source is not None:
        token = _read_token(source, setup.variables, "ledger.token", is_required=False)
    return GitRefLedger(
        git.mirror("ledger", config.ledger.url, token, timeout_s=_LEDGER_GIT_S),
        config.ledger.ref,
        clock=clock,
        nonce=lambda: secrets.token_hex(8),
        poll_s=min(2.0, config.policy.renew_s),
    )


def _is_same_origin(url: str, other: str) -> bool:
    """Whether a token for one address may be shown to the other."""
    one, two = urlsplit(url), urlsplit(other)
    return (one.scheme, one.netloc) == (two.scheme, two.netloc)


def _journal(config: Config) -> Journal:
    console = ConsoleJournal(sys.stderr)
    if config.journal.path is None:
        return console
    return TeeJournal(console, JsonLinesJournal(Path(config.journal.path).expanduser()))


def _read_token(
    source: TokenSource, variables: Mapping[str, str], on: str, *, is_required: bool = True
) -> Secret | None:
    """Reads a token where it is kept; None when it is not there and need not be."""
    text = variables.get(source.env, "") if source.env else _read_file(str(source.file), on)
    if text.strip():
        return Secret(text.strip())
    if is_required:
        raise Invalid("there is no token", on=on, expected=f"one in {source}")
    return None


def _require_token(variables: Mapping[str, str], source: TokenSource, on: str) -> Secret:
    token = _read_token(source, variables, on)
    assert token is not None, "a required token was read"
    return token


def _read_file(path: str, on: str) -> str:
    try:
        with Path(path).expanduser().open(encoding="utf-8") as file:
            return file.read(_TOKEN_BYTES_MAX)
    except (OSError, UnicodeDecodeError) as exc:
        raise Invalid("the token's file could not be read", on=on, seen=path) from exc
