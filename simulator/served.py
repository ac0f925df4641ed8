"""What a simulator process is asked for, and what it tells of itself in its state file.

This module must not start or talk to such a process.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from release.core.codec import from_plain, to_plain
from release.core.values import Tenant
from release.errors import Invalid
from simulator.apps.tokens import RegistryLogin
from simulator.control_plane import FenceKind
from simulator.sockets import Faces
from simulator.tenants import Lag
from simulator.world import World

__all__ = [
    "STATE_FILE",
    "TENANTS",
    "ActorPort",
    "ServeOptions",
    "ServedState",
    "edge_of",
    "git_of",
    "options_of",
    "read_state",
    "write_state",
]

STATE_FILE = "simulator.json"
"""The state file's name in the folder of a simulation; it holds tokens, mode 0600."""

TENANTS = ("hongming", "acme", "globex", "initech", "umbrella", "stark", "wayne", "tyrell")
"""The slugs of a fleet's first eight; the first one is the usual canary."""

_PRIVATE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How a simulation begins. Durations are seconds.

    actors: jobs that get a port of their own. tenants: the first one is the usual canary.
    landing_s, answer_s: of a redeploy; scaled down, as real ones take tens of seconds.
    lag_low_s, lag_high_s, lag_flaps: how tenants drain.
    speed: how many seconds of the world pass in one of the machine.
    idle_s: ends after so long without a request. is_tied: ends when its standard input does.
    """

    tenants: tuple[str, ...] = TENANTS
    actors: tuple[str, ...] = ()
    environment: str = "production"
    branch: str = "main"
    repositories: tuple[str, ...] = ("acme/app",)
    required: tuple[str, ...] = ("ci / test (push)",)
    login: RegistryLogin = RegistryLogin.BEARER
    fence: FenceKind = FenceKind.LANDING
    landing_s: float = 0.05
    answer_s: float = 0.05
    lag_low_s: float = 0.0
    lag_high_s: float = 0.0
    lag_flaps: bool = False
    seed: int = 0
    speed: float = 1.0
    idle_s: float = 3600.0
    is_tied: bool = False

    def __post_init__(self) -> None:
        if not self.tenants:
            raise Invalid("a simulation needs a tenant", on="tenants")
        for slug in self.tenants:
            Tenant(slug)
        if not self.speed > 0:
            raise Invalid("must be more than zero", on="speed", seen=str(self.speed))


def options_of(count: int, lag: Lag, *, fence: str, environment: str) -> ServeOptions:
    """The options of a simulation with so many tenants; raises Invalid for what makes no sense."""
    kinds = [kind.value for kind in FenceKind]
    if fence not in kinds:
        raise Invalid("no such fence", on=fence, expected=", ".join(kinds))
    if count < 1:
        raise Invalid("a simulation needs a tenant", on="tenants", seen=str(count))
    more = tuple(f"tenant-{number}" for number in range(len(TENANTS) + 1, count + 1))
    return ServeOptions(
        tenants=(*TENANTS[:count], *more),
        environment=environment,
        fence=FenceKind(fence),
        lag_low_s=lag.low_s,
        lag_high_s=lag.high_s,
        lag_flaps=lag.flaps,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorPort:
    """The address by which one job reaches every face."""

    actor: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedState:
    """What the state file says. Each face's address is `url` and the path below it.

    url: of everybody; control plane, forge and registry answer at its root.
    edge: the address of a tenant's `/buildinfo`, with `{slug}` in it. git: of the repository.
    project: of the engine's containers, where each service is one; empty for a process.
    """

    pid: int
    url: str
    edge: str
    git: str
    environment: str
    branch: str
    forge_repository: str
    repositories: tuple[str, ...]
    tenants: tuple[str, ...]
    actors: tuple[ActorPort, ...]
    forge_token: str
    forge_owner_token: str
    control_plane_token: str
    registry_user: str
    registry_password: str
    control_token: str
    project: str = ""

    def __repr__(self) -> str:
        return f"ServedState(pid={self.pid}, url={self.url!r})"

    @classmethod
    def of(cls, world: World, faces: Faces, *, pid: int, actors: tuple[str, ...]) -> "ServedState":
        """Describes faces that are being served."""
        layout, tokens = world.layout, faces.setup.tokens
        return cls(
            pid=pid,
            url=faces.url(),
            edge=edge_of(faces.url()),
            git=git_of(faces.url(), layout.forge_repository),
            environment=layout.environment,
            branch=layout.branch,
            forge_repository=layout.forge_repository,
            repositories=layout.repositories,
            tenants=tuple(world.fleet.tenants),
            actors=tuple(ActorPort(actor=actor, url=faces.url(actor)) for actor in actors),
            forge_token=tokens.forge,
            forge_owner_token=tokens.forge_owner,
            control_plane_token=tokens.control_plane,
            registry_user=tokens.registry_user,
            registry_password=tokens.registry_password,
            control_token=tokens.control,
        )

    def url_of(self, actor: str) -> str:
        """The address for one job; raises Invalid when it has no port of its own."""
        for one in self.actors:
            if one.actor == actor:
                return one.url
        known = ", ".join(one.actor for one in self.actors)
        raise Invalid("has no port of its own", on=f"actor {actor}", expected=known or "none")


def edge_of(url: str) -> str:
    """The address of a tenant's `/buildinfo` below one of the simulator's addresses."""
    return f"{url}/edge/{{slug}}/buildinfo"


def git_of(url: str, repository: str) -> str:
    """The address of the git repository below one of the simulator's addresses."""
    return f"{url}/git/{repository}.git"


def write_state(folder: Path, state: ServedState) -> None:
    """Writes the state file at once, so that nobody ever reads half of it."""
    path = folder / STATE_FILE
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(to_plain(state), file, indent=2)
    unfinished.replace(path)


def read_state(folder: Path) -> ServedState | None:
    """Reads the state file; None when there is none, Invalid when it is another one's."""
    try:
        text = (folder / STATE_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        plain = json.loads(text)
    except ValueError as exc:
        raise Invalid("is not JSON", on=str(folder / STATE_FILE)) from exc
    state: ServedState = from_plain(ServedState, plain, "simulator")
    return state
