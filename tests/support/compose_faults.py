"""What breaks containers rather than what runs in them: paused, killed, cut off from the network.

This module must not wait for what becomes of it.
"""

from tests.support.compose_world import ComposeWorld
from tests.support.engine import docker

__all__ = ["cut_off", "join_again", "restart"]


def cut_off(world: ComposeWorld, service: str) -> None:
    """Takes a service's container off the network: what is under way is lost without a word."""
    docker("network", "disconnect", "--force", _network(world), world.container(service))


def join_again(world: ComposeWorld, service: str) -> None:
    """Puts it back, under the name by which the others know it; safe to repeat."""
    name = world.container(service)
    if _network(world) not in docker("inspect", "--format", _NETWORKS, name).split():
        docker("network", "connect", "--alias", service, _network(world), name)


def restart(name: str) -> None:
    """Ends a container at once and starts it again."""
    docker("restart", "--time", "0", name)


_NETWORKS = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}"


def _network(world: ComposeWorld) -> str:
    return f"{world.project}_default"
