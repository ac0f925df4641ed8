"""Starts and stops a simulation whose services are containers, as `process` does with a process.

This module must not know compose's words; `compose_project` does.
"""

import contextlib
import http.client
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from release.errors import Invalid, Unavailable
from simulator.compose_project import ComposeProject, project_of
from simulator.containers.settings import slug_of, tokens_of
from simulator.process import Running
from simulator.served import (
    STATE_FILE,
    ServedState,
    ServeOptions,
    edge_of,
    git_of,
    read_state,
    write_state,
)
from simulator.world import Layout

__all__ = ["project_state", "start_containers", "stop_containers"]

_READY_S = 60.0
_READY_PER_TENANT_S = 3.0
_POLL_S = 0.1
_LOOK_EVERY = 20
_ANSWER_S = 5.0
_OK = 200
_CHECK_EVERY_S = 5
_CHECKS_IN_S = 3
"""A check costs the engine a tenth of a second; so few a second leave the rest to the services."""


def start_containers(folder: Path, options: ServeOptions) -> Running:
    """Starts all services in containers whose state file lies in `folder`; waits for all of them.

    Raises Invalid when a simulation runs there already, and Unavailable when it does not come up;
    then, as after an interrupt, nothing of it is left.
    """
    if read_state(folder) is not None:
        raise Invalid(
            "one is here already",
            on=f"simulator in {folder}",
            advice="Use it, or remove it with sim.down",
        )
    secret = secrets.token_hex(20)
    project = ComposeProject(name=project_of(folder), variables=_variables(options, secret))
    project.check()
    folder.mkdir(parents=True, exist_ok=True)
    state = _state(options, project.name, secret, url="")
    # Whatever becomes of this process, sim.down finds by it what there is to remove.
    write_state(folder, state)
    try:
        project.up(project.build())
        state = _state(options, project.name, secret, url=project.url())
        _wait_until_ready(project, state)
        write_state(folder, state)
    except BaseException:
        stop_containers(folder, state)
        raise
    return Running(folder, state)


def stop_containers(folder: Path, state: ServedState) -> None:
    """Removes every container, network and volume of a simulation, and its state file."""
    ComposeProject(name=state.project).down()
    (folder / STATE_FILE).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _variables(options: ServeOptions, secret: str) -> Mapping[str, str]:
    flapping = "flapping:" if options.lag_flaps else ""
    count = len(options.tenants)
    return {
        "TENANTS": str(count),
        "SIM_SECRET": secret,
        "SIM_ENVIRONMENT": options.environment,
        "SIM_FENCE": options.fence.value,
        "SIM_LAG": f"{flapping}{options.lag_low_s}-{options.lag_high_s}",
        "SIM_LANDING_S": str(options.landing_s),
        "SIM_ANSWER_S": str(options.answer_s),
        "SIM_SPEED": str(options.speed),
        "SIM_HEALTH_INTERVAL": f"{max(_CHECK_EVERY_S, count // _CHECKS_IN_S)}s",
    }


def _state(options: ServeOptions, project: str, secret: str, *, url: str) -> ServedState:
    layout = Layout(environment=options.environment, repositories=options.repositories)
    slugs = tuple(slug_of(number, None) for number in range(1, len(options.tenants) + 1))
    return project_state(project, secret, url=url, layout=layout, tenants=slugs)


def project_state(
    project: str, secret: str, *, url: str, layout: Layout, tenants: tuple[str, ...]
) -> ServedState:
    """Describes the containers of a project, whose conductor answers at `url`."""
    tokens = tokens_of(secret)
    return ServedState(
        pid=0,
        project=project,
        url=url,
        edge=edge_of(url),
        git=git_of(url, layout.forge_repository),
        environment=layout.environment,
        branch=layout.branch,
        forge_repository=layout.forge_repository,
        repositories=layout.repositories,
        tenants=tenants,
        actors=(),
        forge_token=tokens.forge,
        forge_owner_token=tokens.forge_owner,
        control_plane_token=tokens.control_plane,
        registry_user=tokens.registry_user,
        registry_password=tokens.registry_password,
        control_token=tokens.control,
    )


def _wait_until_ready(project: ComposeProject, state: ServedState) -> None:
    started_s = time.monotonic()
    limit_s = _READY_S + _READY_PER_TENANT_S * len(state.tenants)
    looks = 0
    while not _is_ready(state.url):
        looks += 1
        ended = project.ended() if looks % _LOOK_EVERY == 0 else ""
        if ended or time.monotonic() - started_s > limit_s:
            raise Unavailable(
                "did not come up",
                on=f"containers of {project.name}",
                seen=ended or "no sign of readiness",
                expected=f"ready within {limit_s:.0f} s",
                safe="all of it was removed again",
            )
        time.sleep(_POLL_S)


def _is_ready(url: str) -> bool:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=_ANSWER_S)
    try:
        connection.request("GET", "/sim/ready")
        return connection.getresponse().status == _OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
