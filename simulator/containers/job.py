"""A deploy job as a process: writes the headway.toml that points at the services, then becomes it.

This module must not decide anything about a deploy.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from release.errors import Invalid
from simulator.containers.settings import Settings, slug_of
from simulator.guards import GUARDS, SHIPPED
from simulator.job_config import Address, Pace, write_config
from simulator.live_jobs import deploy_command, invoke_command, pace_of
from simulator.served import edge_of, git_of

__all__ = ["become", "command_of", "config_of"]

_FOLDER = "job"


def become(settings: Settings, words: Sequence[str]) -> None:
    """Replaces this process by the job, so that a signal to one is a signal to the other."""
    command = command_of(settings, words)
    os.execv(command[0], command)  # noqa: S606 - our own command, with arguments of our own


def command_of(settings: Settings, words: Sequence[str]) -> list[str]:
    """The job's command: by default the deploy of `SIM_COMMIT` under `SIM_GUARD`.

    words: another verb of Headway and its options, in the place of that. Raises Invalid.
    """
    config = config_of(settings)
    if words:
        return invoke_command(words[0], config, *words[1:])
    guard = settings.guard or SHIPPED
    if guard not in GUARDS:
        raise Invalid("no such guard", on=guard, expected=", ".join(GUARDS))
    if not settings.commit:
        raise Invalid("names no commit to deploy", on="SIM_COMMIT")
    return deploy_command(guard, config, settings.commit)


def config_of(settings: Settings) -> Path:
    """Writes the job's headway.toml, which reaches every service by the actor's own port."""
    layout, tokens, scenario = settings.layout, settings.tokens, settings.scenario
    forge, actor = settings.url("forge", settings.actor), settings.actor
    pace = Pace(canary=settings.slug or slug_of(1, None))
    if scenario is not None:
        pace = pace_of(scenario, settings.speed)
    address = Address(
        url=forge,
        fleet=settings.url("control_plane", actor),
        registry=settings.url("registry", actor),
        edge=edge_of(settings.url("edge", actor)),
        git=git_of(forge, layout.forge_repository),
        environment=layout.environment,
        branch=layout.branch,
        forge_repository=layout.forge_repository,
        repositories=layout.repositories,
        promoted_tag=layout.pointer_tag,
        registry_user=tokens.registry_user,
        tokens={
            "forge": tokens.forge_owner,
            "fleet": tokens.control_plane,
            "registry": tokens.registry_password,
        },
        plain_hosts=_hosts_of(settings),
    )
    return write_config(settings.folder / _FOLDER, address, pace)


def _hosts_of(settings: Settings) -> Sequence[str]:
    """The services by their names on the network of the containers, where nothing has TLS."""
    urls = (url for by_actor in settings.urls.values() for url in by_actor.values())
    return sorted({urlsplit(url).hostname or "" for url in urls})
