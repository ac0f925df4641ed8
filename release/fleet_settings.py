"""The settings of whatever moves tenants, and of what they serve: [fleet], its kinds, and [edge].

This module must not ask which of them a fleet of some kind needs; `fleet_validation` does.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from release.errors import Invalid
from release.setting_types import EXACT, Seconds, Text, Timeout, TokenSource

__all__ = [
    "CommandScope",
    "CommandTable",
    "EdgeTable",
    "FailureAction",
    "FencedAt",
    "FleetKind",
    "FleetTable",
    "ListingForm",
    "ResultForm",
    "SwarmTable",
    "UpdateOrder",
]

_TOKEN = TokenSource(env="HEADWAY_FLEET_TOKEN")


class FleetKind(StrEnum):
    """Who moves the tenants: a control plane, Docker Swarm's own engines, or any command."""

    CONTROL_PLANE = "control_plane"
    SWARM = "swarm"
    COMMAND = "command"


class UpdateOrder(StrEnum):
    """Whether a service starts its new task before it stops the old one."""

    START_FIRST = "start-first"
    STOP_FIRST = "stop-first"


class FailureAction(StrEnum):
    """What the engine does when a task of an update fails."""

    PAUSE = "pause"
    CONTINUE = "continue"
    ROLLBACK = "rollback"


class CommandScope(StrEnum):
    """Whether one command moves the tenants of a batch, or each tenant has a command of its own."""

    BATCH = "batch"
    TENANT = "tenant"


class ListingForm(StrEnum):
    """How a command lists tenants on its stdout: one in a line, or as JSON."""

    LINES = "lines"
    JSON = "json"


class ResultForm(StrEnum):
    """How a command tells what it did: by its exit code alone, or by JSON on its stdout too."""

    EXIT_CODE = "exit_code"
    JSON = "json"


class FencedAt(StrEnum):
    """Where the epoch is compared: by the fence command alone, or by the redeploy too."""

    DOOR = "door"
    LANDING = "landing"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwarmTable:
    """[fleet.swarm]: tenants that are services of Docker Swarm; None is as the service says."""

    __pydantic_config__: ClassVar[ConfigDict] = EXACT
    engines: tuple[Text, ...] = ()
    label: Text = "headway.tenant"
    image: Text | None = None
    update_order: UpdateOrder | None = None
    failure_action: FailureAction | None = None
    parallelism: Annotated[int, Field(ge=0)] | None = None
    delay_s: Seconds | None = None
    monitor_s: Seconds | None = None
    stop_grace_s: Seconds | None = None
    tls_ca: Text | None = None
    tls_cert: Text | None = None
    tls_key: Text | None = None


_Words = Annotated[tuple[Annotated[str, Field(max_length=4000)], ...], Field(min_length=1)]
_ExitCode = Annotated[int, Field(ge=1, le=255)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandTable:
    """[fleet.command]: the commands that list tenants, move them, and compare the epoch."""

    __pydantic_config__: ClassVar[ConfigDict] = EXACT
    candidates: _Words
    redeploy: _Words
    fence: _Words | None = None
    fenced: FencedAt = FencedAt.DOOR
    fenced_exit_code: _ExitCode = 75
    scope: CommandScope = CommandScope.BATCH
    concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    separator: Annotated[str, Field(max_length=20)] = ","
    lists: ListingForm = ListingForm.LINES
    answers: ResultForm = ResultForm.EXIT_CODE
    unknown_exit_codes: tuple[_ExitCode, ...] = ()
    image: Text | None = None
    read_timeout_s: Timeout = 20.0
    kill_after_s: Seconds = 5.0
    output_bytes_max: Annotated[int, Field(ge=1024, le=64 * 2**20)] = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetTable:
    """[fleet]: whoever moves tenants from one release to another; a table for each other kind."""

    __pydantic_config__: ClassVar[ConfigDict] = EXACT
    kind: FleetKind = FleetKind.CONTROL_PLANE
    url: Text | None = None
    token: TokenSource = _TOKEN
    timeout_s: Timeout = 240.0
    swarm: SwarmTable | None = None
    command: CommandTable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeTable:
    """[edge]: what tenants serve to the world. url: None asks the fleet what runs."""

    __pydantic_config__: ClassVar[ConfigDict] = EXACT
    url: Text | None = None
    concurrency: Annotated[int, Field(ge=1, le=4096)] = 128
    timeout_s: Timeout = 10.0

    def __post_init__(self) -> None:
        if self.url is not None and set(re.findall(r"\{(.*?)\}", self.url)) != {"slug"}:
            raise Invalid(
                "must hold {slug} and nothing else in braces",
                on="edge.url",
                expected="a URL such as https://{slug}.example.com/buildinfo",
            )
