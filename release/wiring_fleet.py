"""Opens the fleet of a job, and the edge that says what its tenants serve.

This module must not read a file or a variable by itself; `wiring` hands in how.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from release.adapters.command import CommandRunner
from release.adapters.command_fleet import CommandFleet, FleetCommands
from release.adapters.command_template import CommandTemplate
from release.adapters.control_plane import ControlPlaneFleet
from release.adapters.docker_endpoint import DEFAULT, Endpoint, TlsFiles, find_endpoint
from release.adapters.edge import HttpEdge
from release.adapters.http import Http, HttpPool
from release.adapters.registry_auth import Credentials
from release.adapters.swarm import SwarmFleet, SwarmOptions
from release.adapters.swarm_edge import SwarmEdge
from release.adapters.swarm_engine import DockerEngine, encode_login
from release.adapters.swarm_listing import SwarmListing
from release.adapters.swarm_spec import FailureAction, UpdateOrder, UpdatePolicy
from release.core.values import JobId, Secret
from release.errors import Invalid
from release.fleet_settings import (
    CommandScope,
    CommandTable,
    FencedAt,
    FleetKind,
    ListingForm,
    ResultForm,
    SwarmTable,
)
from release.overrides import is_token_variable
from release.ports import Clock, Edge, Fleet, Registry
from release.setting_types import TokenSource
from release.settings import Config

__all__ = ["Means", "OpenFleet", "open_fleet"]

_HUB = "docker.io"
"""Where an image is that names no host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a fleet may be opened with.

    variables: the environment of the job.
    stack: closes what is opened, behind the job.
    read_token: reads a token where it is kept; raises Invalid naming the key when there is none.
    find_login: finds what a registry's host is logged in to with; None for nothing.
    """

    config: Config
    variables: Mapping[str, str]
    clock: Clock
    pool: HttpPool
    stack: AsyncExitStack
    read_token: Callable[[TokenSource, str], Secret]
    find_login: Callable[[str], Credentials | None]
    registry: Registry
    job: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFleet:
    """The two ports that look at the same tenants: who moves them, and what they serve."""

    fleet: Fleet
    edge: Edge


async def open_fleet(means: Means) -> OpenFleet:
    """Opens the fleet of the configured kind; raises Invalid when it lacks something."""
    return await _OPENERS[means.config.fleet.kind](means)


async def _open_control_plane(means: Means) -> OpenFleet:
    fleet = means.config.fleet
    assert fleet.url is not None, "the configuration was validated"
    token = means.read_token(fleet.token, "fleet.token")
    http = Http(
        means.pool,
        "control plane",
        fleet.url,
        headers={"authorization": Secret(f"Bearer {token.reveal()}")},
    )
    plane = ControlPlaneFleet(
        http, environment=means.config.environment, timeout_s=_redeploy_timeout_s(means.config)
    )
    return OpenFleet(fleet=plane, edge=await _open_edge(means))


async def _open_command(means: Means) -> OpenFleet:
    config, command = means.config, means.config.fleet.command
    assert command is not None, "the configuration was validated"
    sources = _token_sources(config)
    withheld = {source.env for source in sources.values()}
    runner = CommandRunner(
        {
            name: text
            for name, text in means.variables.items()
            if name not in withheld and not is_token_variable(name)
        },
        secrets=_known_tokens(means, sources),
        kill_after_s=command.kill_after_s,
        out_bytes_max=command.output_bytes_max,
    )
    left_s = config.policy.redeploy_bound_s - config.policy.send_margin_s - command.kill_after_s
    fleet = CommandFleet(
        runner,
        _fleet_commands(config, command),
        environment=config.environment,
        read_timeout_s=command.read_timeout_s,
        timeout_s=min(config.fleet.timeout_s, left_s),
    )
    return OpenFleet(fleet=fleet, edge=await _open_edge(means))


def _fleet_commands(config: Config, command: CommandTable) -> FleetCommands:
    def template(words: tuple[str, ...]) -> CommandTemplate:
        return CommandTemplate(words=words, separator=command.separator)

    is_by_tenant = command.scope is CommandScope.TENANT
    return FleetCommands(
        candidates=template(command.candidates),
        redeploy=template(command.redeploy),
        fence=template(command.fence) if command.fence else None,
        is_landing=command.fenced is FencedAt.LANDING,
        fenced_exit_code=command.fenced_exit_code,
        unknown_exit_codes=frozenset(command.unknown_exit_codes),
        concurrency=command.concurrency if is_by_tenant else None,
        is_listing_json=command.lists is ListingForm.JSON,
        is_result_json=command.answers is ResultForm.JSON,
        repository=config.registry.repositories[0],
        image=command.image or _image(config),
    )


async def _open_swarm(means: Means) -> OpenFleet:
    config, swarm = means.config, means.config.fleet.swarm or SwarmTable()
    image = swarm.image or _image(config)
    repository = _repository_of(image, config)
    host = image.removesuffix(repository).rstrip("/") or _HUB
    login = means.find_login(host)
    engines = [
        await means.stack.enter_async_context(
            DockerEngine(
                _find_engine(name, swarm, means),
                clock=means.clock,
                registry_auth=encode_login(login, host) if login else None,
            )
        )
        for name in swarm.engines or (DEFAULT,)
    ]
    listing = SwarmListing(engines, label=swarm.label)
    options = SwarmOptions(
        image=image,
        repository=repository,
        job=str(means.job),
        timeout_s=_redeploy_timeout_s(config),
        policy=_update_policy(swarm),
    )
    fleet = SwarmFleet(listing, options=options, registry=means.registry, clock=means.clock)
    if config.edge.url is not None:
        return OpenFleet(fleet=fleet, edge=await _open_edge(means))
    edge = SwarmEdge(listing, image=image, repository=repository, registry=means.registry)
    return OpenFleet(fleet=fleet, edge=edge)


def _repository_of(image: str, config: Config) -> str:
    """The repository that engines know by this image, as the registry has recorded its digests."""
    for repository in config.registry.repositories:
        if image == repository or image.endswith(f"/{repository}"):
            return repository
    raise Invalid(
        "is in none of the registry's repositories",
        on="fleet.swarm.image",
        seen=image,
        expected=f"a host and one of {', '.join(config.registry.repositories)}",
    )


def _find_engine(name: str, swarm: SwarmTable, means: Means) -> Endpoint:
    folder = means.variables.get("DOCKER_CONFIG")
    if folder is None:
        folder = str(Path(means.config.registry.docker_config).expanduser().parent)
    tls = None
    if swarm.tls_cert is not None and swarm.tls_key is not None:
        ca = Path(swarm.tls_ca).expanduser() if swarm.tls_ca else None
        cert, key = Path(swarm.tls_cert).expanduser(), Path(swarm.tls_key).expanduser()
        tls = TlsFiles(ca=ca, cert=cert, key=key)
    return find_endpoint(name, means.variables, docker_folder=Path(folder), tls=tls)


def _update_policy(swarm: SwarmTable) -> UpdatePolicy:
    return UpdatePolicy(
        order=UpdateOrder(swarm.update_order) if swarm.update_order else None,
        failure_action=FailureAction(swarm.failure_action) if swarm.failure_action else None,
        parallelism=swarm.parallelism,
        delay_s=swarm.delay_s,
        monitor_s=swarm.monitor_s,
        stop_grace_s=swarm.stop_grace_s,
    )


def _image(config: Config) -> str:
    """What engines call the images of the first repository, without tag and digest."""
    return f"{urlsplit(config.registry.url).netloc}/{config.registry.repositories[0]}"


def _token_sources(config: Config) -> Mapping[str, TokenSource]:
    """Where Headway's own tokens are kept, by their keys."""
    sources = {
        "forge.token": config.forge.token,
        "fleet.token": config.fleet.token,
        "ledger.token": config.ledger.token,
        "registry.password": config.registry.password,
    }
    return {key: source for key, source in sources.items() if source is not None}


def _known_tokens(means: Means, sources: Mapping[str, TokenSource]) -> tuple[Secret, ...]:
    """The tokens that are there; who needs one that is not says so."""
    tokens = []
    for key, source in sources.items():
        try:
            tokens.append(means.read_token(source, key))
        except Invalid:
            continue
    return tuple(tokens)


async def _open_edge(means: Means) -> Edge:
    """The edge that is asked over HTTP, at the address of `edge.url`."""
    edge = means.config.edge
    assert edge.url is not None, "the configuration was validated"
    return await means.stack.enter_async_context(
        HttpEdge(
            edge.url,
            concurrency=edge.concurrency,
            timeout_s=edge.timeout_s,
            insecure_hosts=means.config.http.allow_insecure_hosts,
        )
    )


def _redeploy_timeout_s(config: Config) -> float:
    """Past its bound nobody counts on a redeploy any more, so an answer would come too late."""
    left_s = config.policy.redeploy_bound_s - config.policy.send_margin_s
    return min(config.fleet.timeout_s, left_s)


_OPENERS: Mapping[FleetKind, Callable[[Means], Awaitable[OpenFleet]]] = {
    FleetKind.COMMAND: _open_command,
    FleetKind.CONTROL_PLANE: _open_control_plane,
    FleetKind.SWARM: _open_swarm,
}
"""One for each kind: each opens the fleet and the edge, and leaves closing them to the stack."""
