"""Fleets of commands for tests: each command is a line of shell.

This module must not judge what a fleet answers.
"""

import os
from collections.abc import Mapping
from typing import Any

from release.adapters.command import CommandRunner
from release.adapters.command_fleet import CommandFleet, FleetCommands
from release.adapters.command_template import CommandTemplate
from release.core.values import Digest, Image, Release, Secret, Sha, Tenant

__all__ = ["ACME", "DIGEST", "GLOBEX", "RELEASE", "TOKEN", "fleet_of", "shell"]

ACME, GLOBEX = Tenant("acme"), Tenant("globex")
DIGEST = Digest("sha256:" + "d" * 64)
RELEASE = Release(
    sha=Sha("7f25373" + "0" * 33),
    tag="staging-7f25373",
    images=(Image(repository="acme/shop", digest=DIGEST),),
)
TOKEN = Secret("t0ken-of-a-test")


def shell(script: str, *words: str) -> CommandTemplate:
    """A command that runs a script; its arguments begin with `$1`."""
    return CommandTemplate(words=("sh", "-c", script, "fleet", *words))


def fleet_of(
    *,
    candidates: str = "echo acme; echo globex",
    redeploy: CommandTemplate | None = None,
    timeout_s: float = 60.0,
    runner: Mapping[str, Any] | None = None,
    **commands: Any,  # noqa: ANN401 - fields of FleetCommands
) -> CommandFleet:
    """A fleet whose commands succeed unless the test says otherwise.

    commands: fields of FleetCommands; runner: arguments of CommandRunner.
    """
    return CommandFleet(
        CommandRunner({"PATH": os.environ["PATH"]}, secrets=(TOKEN,), **(runner or {})),
        FleetCommands(
            candidates=shell(candidates),
            redeploy=redeploy or shell("exit 0", "{tenants}"),
            repository="acme/shop",
            image="registry.example.com/acme/shop",
            **commands,
        ),
        environment="production",
        read_timeout_s=30.0,
        timeout_s=timeout_s,
    )
