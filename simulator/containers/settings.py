"""What a service that is a process is told by its environment: addresses, ports, how to begin.

The names begin with `SIM_`, as a deploy refuses `HEADWAY_` variables that it does not know. This
module must not read the process environment; it is handed the variables.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from release.errors import Invalid
from simulator.apps.tokens import RegistryLogin, Tokens
from simulator.control_plane import FenceKind
from simulator.served import TENANTS
from simulator.tenants import Health, Lag
from simulator.world import Layout

if TYPE_CHECKING:
    from simulator.scenario import Scenario

__all__ = ["WORLD", "Listen", "Settings", "slug_of", "tokens_of"]

WORLD = "world"
"""The actor of what the services ask of each other, which no fault rule matches by accident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """The address to listen on and the ports, by actor; `""` is everybody's."""

    host: str = "127.0.0.1"
    ports: Mapping[str, int] = field(default_factory=lambda: {"": 0, WORLD: 0})

    @property
    def actors(self) -> tuple[str, ...]:
        """Who has a port of its own."""
        return tuple(actor for actor in self.ports if actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one service begins. An address is empty where the service does not need it.

    urls: of the other services, by name and then by actor; `world` is for the services themselves.
    folder: what outlives a restart. secret: what all tokens are made of.
    scenario: where everything begins as it records. lag, health, delay_s: of a tenant at first.
    tenants: how many there are to be before the simulation is ready; 0 asks for one.
    slug, address: of a tenant that can't know them by itself. actor, commit, guard: of a job.
    is_registry_real: the registry is not of the simulator, and keeps its own counsel.
    """

    listen: Listen
    urls: Mapping[str, Mapping[str, str]]
    folder: Path
    secret: str = field(repr=False)
    layout: Layout
    login: RegistryLogin = RegistryLogin.BEARER
    is_registry_real: bool = False
    fence: FenceKind = FenceKind.LANDING
    landing_s: float = 0.05
    answer_s: float = 0.05
    lag: Lag = field(default_factory=Lag)
    health: Health = Health.HEALTHY
    delay_s: float = 0.0
    tenants: int = 0
    slug: str = ""
    address: str = ""
    seed: int = 0
    speed: float = 1.0
    scenario: "Scenario | None" = None
    actor: str = ""
    commit: str = ""
    guard: str = ""

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Settings":
        """Reads the variables; one that is empty counts as not there. Raises Invalid."""
        given = {name: text for name, text in variables.items() if name.startswith("SIM_") and text}
        scenario = _load(given["SIM_SCENARIO"]) if "SIM_SCENARIO" in given else None
        try:
            return cls(
                listen=_listen_of(given),
                urls={name: _urls_of(given.get(_variable(name), "")) for name in _SERVICES},
                folder=Path(given.get("SIM_FOLDER", "/state")),
                secret=given.get("SIM_SECRET", "simulation"),
                layout=scenario.layout() if scenario else _layout_of(given),
                login=RegistryLogin(given.get("SIM_REGISTRY_LOGIN", "bearer")),
                is_registry_real=given.get("SIM_REGISTRY_KIND", "fake") == "real",
                fence=FenceKind(given.get("SIM_FENCE", "landing")),
                landing_s=float(given.get("SIM_LANDING_S", "0.05")),
                answer_s=float(given.get("SIM_ANSWER_S", "0.05")),
                lag=Lag.parse(given.get("SIM_LAG", "0")),
                health=Health(given.get("SIM_HEALTH", "healthy")),
                delay_s=float(given.get("SIM_DELAY_S", "0")),
                tenants=int(given.get("SIM_TENANTS", "0")),
                slug=given.get("SIM_SLUG", ""),
                address=given.get("SIM_ADDRESS", ""),
                seed=int(given.get("SIM_SEED", "0")),
                speed=float(given.get("SIM_SPEED", "1")),
                scenario=scenario,
                actor=given.get("SIM_ACTOR", ""),
                commit=given.get("SIM_COMMIT", ""),
                guard=given.get("SIM_GUARD", ""),
            )
        except ValueError as exc:
            raise Invalid("not a setting", on="a SIM_ variable", seen=str(exc)) from exc

    @property
    def tokens(self) -> Tokens:
        """The tokens of every face; the same for all services of one simulation."""
        return tokens_of(self.secret)

    def url(self, name: str, actor: str = WORLD) -> str:
        """The address of another service for an actor; raises Invalid when there is none.

        Where it was told one for the world alone, all services listen on the same ports.
        """
        urls = self.urls.get(name, {})
        if actor in urls:
            return urls[actor]
        if WORLD not in urls:
            raise Invalid("is not set", on=_variable(name))
        if self.is_registry_real and name == "registry":
            return urls[WORLD]
        if actor not in self.listen.ports:
            known = ", ".join(self.listen.actors)
            raise Invalid("has no port in SIM_LISTEN", on=f"actor {actor}", expected=known)
        return f"http://{urlsplit(urls[WORLD]).hostname}:{self.listen.ports[actor]}"


_SERVICES = ("forge", "registry", "control_plane", "edge", "conductor")


def tokens_of(secret: str) -> Tokens:
    """Makes the tokens of a simulation out of its one secret."""

    def token(what: str) -> str:
        return hmac.new(secret.encode(), what.encode(), hashlib.sha256).hexdigest()[:40]

    return Tokens(
        forge=token("forge"),
        forge_owner=token("forge_owner"),
        control_plane=token("control_plane"),
        control=token("control"),
        registry_password=token("registry"),
    )


def slug_of(number: int, scenario: "Scenario | None") -> str:
    """The slug of the tenant of that number, counted from one; the first one is the usual canary.

    Raises Invalid for a number beyond the fleet of a scenario.
    """
    if scenario is not None:
        slugs = [one.slug for one in scenario.tenants]
        if number > len(slugs):
            raise Invalid(
                "has fewer tenants",
                on=f"scenario {scenario.name}",
                seen=f"tenant number {number}",
                expected=f"at most {len(slugs)}",
            )
        return slugs[number - 1]
    return TENANTS[number - 1] if number <= len(TENANTS) else f"tenant-{number}"


def _variable(name: str) -> str:
    return f"SIM_{name.upper()}_URL"


def _urls_of(text: str) -> Mapping[str, str]:
    """Reads `http://forge:8081`, the world's address, or also `older=http://forge:8082`."""
    words = [word.rpartition("=") for word in text.split()]
    return {actor if mark else WORLD: url for actor, mark, url in words}


def _load(name: str) -> "Scenario":
    # A fleet without one is spared the third of a second that every tenant would take to load it.
    from simulator.scenario import load  # noqa: PLC0415 - as said

    return load(name)


def _listen_of(given: Mapping[str, str]) -> Listen:
    """Reads `8080 world=8081 older=8082`: everybody's port, then those of actors."""
    host = given.get("SIM_HOST", Listen().host)
    if "SIM_LISTEN" not in given:
        return Listen(host=host)
    ports: dict[str, int] = {}
    for word in given["SIM_LISTEN"].split():
        actor, _, port = word.rpartition("=")
        ports[actor] = int(port)
    return Listen(host=host, ports={"": 0, WORLD: 0, **ports})


def _layout_of(given: Mapping[str, str]) -> Layout:
    usual = Layout()
    return Layout(
        environment=given.get("SIM_ENVIRONMENT", usual.environment),
        repositories=tuple(given.get("SIM_REPOSITORIES", "acme/app").split()),
        required=tuple(filter(None, given.get("SIM_REQUIRED", usual.required[0]).split(";"))),
    )
