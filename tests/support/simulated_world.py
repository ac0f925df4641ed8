"""A simulation that runs somewhere, on sockets or in containers: its levers, and a look at it.

This module must not start or stop one, nor judge what happens in it.
"""

import http.client
import json
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from simulator.process import Running

__all__ = ["Happened", "SimulatedWorld"]

_SILENCE_MAX_S = 15.0
_HEARTBEATS_MAX = 4

Happened = Mapping[str, Any]
"""One happening as the event stream tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedWorld:
    """A simulation that runs, by its levers below `/sim/`."""

    running: Running

    def push(self, **how: object) -> str:
        """Pushes a commit; its id."""
        pushed: Mapping[str, str] = self.running.move("push", how)
        return pushed["sha"]

    def add_fault(self, **rule: object) -> None:
        """Puts a fault rule in force."""
        self.running.move("faults", rule)

    def set_tenant(self, slug: str, **how: object) -> None:
        """Makes a tenant behave so."""
        self.running.move(f"tenants/{slug}", how)

    def state(self) -> Mapping[str, Any]:
        """The whole world as one snapshot."""
        state: Mapping[str, Any] = self.running.ask("state")
        return state

    def live(self) -> tuple[set[str], str]:
        """The releases that the tenants serve, and the one that the pointer names."""
        state = self.state()
        serving = {one["serving"] for one in state["tenants"].values()}
        return serving, state["pointers"]["acme/app"]["sha"]

    def happenings(self, since: int = 0) -> list[Happened]:
        """What has happened from an index on."""
        happened: list[Happened] = self.running.ask(f"happenings?from={since}")
        return happened

    def count(self) -> int:
        """How many things have happened."""
        return len(self.happenings())

    def wait_for(self, is_it: Callable[[Happened], bool], since: int) -> Happened:
        """Follows the event stream until something happens; fails the test when it does not."""
        with closing(_events(self.running.state.url, since)) as events:
            for one in events:
                if is_it(one):
                    return one
        raise AssertionError(f"has not happened: {self.happenings(since)}")


def _events(url: str, since: int) -> Generator[Happened, None, None]:
    """The event stream, until the simulation ends or has been silent for too long."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=_SILENCE_MAX_S
    )
    heartbeats = 0
    try:
        connection.request("GET", f"/sim/events?from={since}")
        for line in connection.getresponse():
            if line.startswith(b"data: "):
                yield json.loads(line.removeprefix(b"data: "))
            heartbeats += line.startswith(b": still here")
            if heartbeats > _HEARTBEATS_MAX:
                return
    finally:
        connection.close()
