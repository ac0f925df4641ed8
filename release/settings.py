"""The settings of Headway, table by table as headway.toml has them, and the `Config` made of them.

This module must not read a file, a variable or a token; `configuration` fills these values and
`wiring` fetches the tokens. examples/headway.toml explains each key.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from release.core.freeze import FreezeWindow
from release.core.policy import OnNewer, Policy, SupersededBy
from release.core.switch import Switch
from release.core.values import Pointer, Release, Sha
from release.errors import Invalid
from release.fleet_settings import EdgeTable, FleetTable
from release.setting_types import EXACT, Seconds, Text, Timeout, TokenSource

__all__ = [
    "CiTable",
    "Config",
    "ForgeKind",
    "ForgeTable",
    "HttpTable",
    "JournalTable",
    "LeaseTable",
    "LedgerKind",
    "LedgerTable",
    "PolicyTable",
    "RegistryTable",
    "RolloutTable",
    "SettleTable",
    "Tables",
]

_DEFAULTS = Policy()
_FORGE_TOKEN = TokenSource(env="HEADWAY_FORGE_TOKEN")
_ENVIRONMENT = r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$"
_SAMPLE = Sha("0" * 40)


class ForgeKind(StrEnum):
    """How the deploy branch is read: over Gitea's API, or by git from any remote."""

    GITEA = "gitea"
    GIT = "git"


class LedgerKind(StrEnum):
    """Where the record is kept: on a git remote, or in a file of this machine."""

    GIT_REF = "git_ref"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeTable:
    """[forge]: the deploy branch, what CI says of it, and the kill switch."""

    __pydantic_config__: ClassVar[ConfigDict] = EXACT
    kind: ForgeKind = ForgeKind.GITEA
    url: Text
    branch: Text
    repository: Text | None = None
    token: TokenSource = _FORGE_TOKEN
    required_contexts: tuple[Text, ...] | None = None
    own_context: Text | None = None
    switch: Switch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryTable:
    """[registry]: images, and the tags that point at them."""

    __pydantic_config__: ClassVar[ConfigDict] = EXACT
    url: Text
    repositories: Annotated[tuple[Text, ...], Field(min_length=1)]
    image_tag_pattern: Text = "staging-{sha7}"
    promoted_tag: Text = "latest"
    docker_config: Text = "~/.docker/config.json"
    username: Text | None = None
    password: TokenSource | None = None

    def __post_init__(self) -> None:
        if not {"{sha7}", "{sha}"} & set(re.findall(r"\{.*?\}", self.image_tag_pattern)):
            raise Invalid(
                "names no commit", on="registry.image_tag_pattern", expected="{sha7} or {sha} in it"
            )
        Release(sha=_SAMPLE, tag=self.tag_of(_SAMPLE))
        _ = self.pointers
        if (self.username is None) != (self.password is None):
            raise Invalid("has only one of username and password", on="registry")

    def tag_of(self, sha: Sha) -> str:
        """The tag that CI gives the images of this commit."""
        return self.image_tag_pattern.replace("{sha7}", sha.short).replace("{sha}", str(sha))

    @property
    def pointers(self) -> tuple[Pointer, ...]:
        """The promoted tag in every repository."""
        return tuple(Pointer(repository=one, tag=self.promoted_tag) for one in self.repositories)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTable:
    """[ledger]: the one record of the environment. token: None is the forge's own."""

    __pydantic_config__: ClassVar[ConfigDict] = EXACT
    kind: LedgerKind = LedgerKind.GIT_REF
    url: Text
    ref: Text
    path: Text | None = None
    token: TokenSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutTable:
    """[rollout]: who goes first, how many go together."""

    __pydantic_config__: ClassVar[ConfigDict] = EXACT
    canary: tuple[Text, ...] = ()
    batch_size: int = _DEFAULTS.batch_size
    soak_s: Seconds = _DEFAULTS.soak_s
    stragglers_max: int = _DEFAULTS.stragglers_max


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleTable:
    """[settle]: when a tenant counts as settled."""

    __pydantic_config__: ClassVar[ConfigDict] = EXACT
    budget_s: Seconds = _DEFAULTS.settle_budget_s
    interval_s: Seconds = _DEFAULTS.settle_interval_s
    confirmations: int = _DEFAULTS.confirmations
    repairs_max: int = _DEFAULTS.repairs_max


@dataclass(frozen=True, slots=True, kw_only=True)
class CiTable:
    """[ci]: waiting for CI, and telling it the outcome."""

    __pydantic_config__: ClassVar[ConfigDict] = EXACT
    wait_s: Seconds = _DEFAULTS.ci_wait_s
    interval_s: Seconds = _DEFAULTS.ci_interval_s
    dotenv: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTable:
    """[lease]: how long silence is taken for life, and how long an effect may still land."""

    __pydantic_config__: ClassVar[ConfigDict] = EXACT
    lease_s: Seconds = _DEFAULTS.lease_s
    send_margin_s: Seconds = _DEFAULTS.send_margin_s
    redeploy_bound_s: Seconds = _DEFAULTS.redeploy_bound_s
    pointer_bound_s: Seconds = _DEFAULTS.pointer_bound_s
    claim_wait_s: Seconds = _DEFAULTS.claim_wait_s
    retry_s: Seconds = _DEFAULTS.retry_s
    swap_attempts_max: int = _DEFAULTS.swap_attempts_max
    claims_max: int = _DEFAULTS.claims_max


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTable:
    """[policy]: who is superseded, who yields, when a job gives up."""

    __pydantic_config__: ClassVar[ConfigDict] = EXACT
    superseded_by: SupersededBy = _DEFAULTS.superseded_by
    on_newer: OnNewer = _DEFAULTS.on_newer
    superseded_exit_code: Annotated[int, Field(ge=0, le=255)] = _DEFAULTS.superseded_exit_code
    grace_s: Seconds = _DEFAULTS.grace_s
    deadline_s: Timeout | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTable:
    """[http]: exceptions to "only over TLS"."""

    __pydantic_config__: ClassVar[ConfigDict] = EXACT
    allow_insecure_hosts: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalTable:
    """[journal]: the file that takes a line of JSON for each event."""

    __pydantic_config__: ClassVar[ConfigDict] = EXACT
    path: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """All of headway.toml for one environment; the keys of this class are its tables."""

    __pydantic_config__: ClassVar[ConfigDict] = EXACT
    environment: Annotated[str, Field(pattern=_ENVIRONMENT)] = "production"
    forge: ForgeTable
    fleet: FleetTable
    edge: EdgeTable
    registry: RegistryTable
    ledger: LedgerTable
    rollout: RolloutTable = field(default_factory=RolloutTable)
    settle: SettleTable = field(default_factory=SettleTable)
    ci: CiTable = field(default_factory=CiTable)
    lease: LeaseTable = field(default_factory=LeaseTable)
    policy: PolicyTable = field(default_factory=PolicyTable)
    http: HttpTable = field(default_factory=HttpTable)
    journal: JournalTable = field(default_factory=JournalTable)
    freeze: tuple[FreezeWindow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that a job is told: `policy` holds what decides, the tables hold the services."""

    environment: str
    forge: ForgeTable
    fleet: FleetTable
    edge: EdgeTable
    registry: RegistryTable
    ledger: LedgerTable
    policy: Policy
    freezes: tuple[FreezeWindow, ...]
    ci: CiTable
    http: HttpTable
    journal: JournalTable
