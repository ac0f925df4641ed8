"""A fleet of commands is opened as it is configured, and its commands are not handed our tokens."""

import asyncio
import os
from pathlib import Path

import pytest

from release.core.sighting import Candidates
from release.core.values import Release, Sha
from release.errors import Unavailable
from release.settings import Config
from release.wiring import Setup, new_job, open_ports
from tests.support.configurations import LEAST, load

RELEASE = Release(sha=Sha("7f25373" + "0" * 33), tag="staging-7f25373")
TOKENS = {"FORGE": "f0rge-token", "HEADWAY_FLEET_TOKEN": "fl33t-token"}
OTHERS = {"HEADWAY_OTHER_TOKEN": "0ther-token", "TOOL_TOKEN": "for-the-tool"}
WITHOUT_FLEET = LEAST.replace('[fleet]\nurl = "https://control.example.com"\n', "")


def config_of(script: str) -> Config:
    """A configuration whose fleet is listed by a script."""
    text = WITHOUT_FLEET.replace("[forge]\n", '[forge]\ntoken = { env = "FORGE" }\n')
    return load(
        f'{text}[fleet]\nkind = "command"\n[fleet.command]\n'
        f"candidates = ['sh', '-c', '''{script}''']\n"
        'redeploy = ["true", "{tag}", "{tenants}"]\n'
    )


def listed(config: Config, variables: dict[str, str]) -> Candidates:
    """What the fleet of a job with these variables lists."""

    async def act() -> Candidates:
        setup = Setup(config=config, ci=None, variables=variables)
        async with open_ports(setup, new_job(None)) as ports:
            return await ports.fleet.candidates(RELEASE, epoch=None)

    return asyncio.run(act())


def test_command_inherits_the_environment_without_our_tokens() -> None:
    """Neither those that the file names nor any that is called like one of ours."""
    variables = {"PATH": os.environ["PATH"], **TOKENS, **OTHERS}

    seen = listed(config_of("env | grep TOKEN= | cut -d= -f1 | tr _ -"), variables)

    assert ["TOOL-TOKEN"] == [tenant.slug for tenant in seen.tenants]


def test_token_that_a_command_found_elsewhere_is_not_shown(tmp_path: Path) -> None:
    """What it prints may be anything that lies about on the machine."""
    (tmp_path / "leak").write_text(" ".join(TOKENS.values()))
    variables = {"PATH": os.environ["PATH"], **TOKENS}

    with pytest.raises(Unavailable, match=r"\(redacted\) \(redacted\)") as caught:
        listed(config_of(f"cat {tmp_path / 'leak'} >&2; exit 1"), variables)

    assert not [one for one in TOKENS.values() if one in str(caught.value)]
