"""A simulated world on loopback sockets, a shell whose verbs are pointed at it, and a look at both.

This module must not judge what the verbs do; it says what has happened.
"""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from release.core.ledger import Record
from release.core.ledger_json import loads
from release.desk import Desk
from simulator.job_config import Address, Pace, write_config
from simulator.process import Running, simulation
from simulator.served import ServeOptions, edge_of, git_of
from tests.support.shell import Said, Shell
from tests.support.simulated_world import Happened, SimulatedWorld

__all__ = ["QUICK", "REQUIRED", "TENANTS", "Happened", "LiveWorld", "address_of", "live_world"]

TENANTS = ("hongming", "acme", "globex")
"""The fleet of a live world; the first one is the canary."""

REQUIRED = ("ci / build (push)", "ci / test (push)")
"""What CI has to say of a commit."""

QUICK = Pace(
    canary=TENANTS[0],
    batch_size=2,
    soak_s=0.1,
    settle_interval_s=0.3,
    settle_budget_s=3.0,
    ci_interval_s=0.1,
    ci_wait_s=10.0,
    redeploy_bound_s=8.0,
    pointer_bound_s=6.0,
    fleet_timeout_s=5.0,
)
"""Short waits, and bounds just above the margin to send within, for whoever has to wait one out."""

_ACTORS = ("older", "newer", "operator")
_OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveWorld(SimulatedWorld):
    """A simulation that runs, with a job's headway.toml for each of its actors."""

    shell: Shell

    def config(self, actor: str = "newer") -> str:
        """The path of an actor's headway.toml."""
        return str(self.shell.folder / actor / "headway.toml")

    def invoke(self, verb: str, *words: str, actor: str = "newer", **variables: str) -> Said:
        """Runs a verb as that actor's job."""
        return self.shell.invoke(verb, "--config", self.config(actor), *words, **variables)

    def untouched(self) -> Mapping[str, Any]:
        """All that a verb which touches nothing leaves as it is: the world and every git ref."""
        state = dict(self.state())
        for passing in ("at_s", "utc"):
            del state[passing]
        state["tenants"] = {
            slug: {name: value for name, value in one.items() if name != "reads"}
            for slug, one in state["tenants"].items()
        }
        return {**state, "refs": self.git("for-each-ref")}

    def git(self, *words: str) -> str:
        """What git says of the simulation's repository."""
        folder = self.running.folder / "git" / f"{self.running.state.forge_repository}.git"
        command = ["git", "--git-dir", str(folder), *words]
        return subprocess.run(command, check=True, capture_output=True).stdout.decode("latin-1")

    def record(self) -> Record:
        """The ledger's record as it is stored."""
        return loads(self.git("show", "refs/headway/production:record.json").encode())

    def calm(self) -> None:
        """Ends all faults, heals every tenant and lifts a pin, so that the next test can begin."""
        self.running.move("faults", {"clear": True})
        self.running.move("options", {"fence": "landing", "landing_s": 0.05, "answer_s": 0.05})
        for slug in TENANTS:
            self.set_tenant(slug, health="healthy", lag={"low_s": 0.0, "high_s": 0.0})
        if self.record().pin is not None:
            Desk.open(config=self.config(_OPERATOR), is_quiet=True).resume("")


@contextmanager
def live_world(folder: Path, pace: Pace = QUICK, **variables: str) -> Iterator[LiveWorld]:
    """Starts a world, points every actor at it, and declares the first use.

    variables: of every command that its shell runs.
    """
    options = ServeOptions(tenants=TENANTS, actors=_ACTORS, required=REQUIRED, is_tied=True)
    with simulation(folder / "simulation", options) as running:
        shell = Shell(folder=folder, variables=variables)
        for actor in _ACTORS:
            write_config(folder / actor, address_of(running, actor), pace)
        world = LiveWorld(running=running, shell=shell)
        desk = Desk.open(config=world.config(_OPERATOR), is_quiet=True)
        desk.ledger_init()
        assert desk.exit_code == 0, "the first use is declared"
        yield world


def address_of(running: Running, actor: str) -> Address:
    """How one actor reaches a running simulation."""
    state = running.state
    url = state.url_of(actor)
    return Address(
        url=url,
        edge=edge_of(url),
        git=git_of(url, state.forge_repository),
        environment=state.environment,
        branch=state.branch,
        forge_repository=state.forge_repository,
        repositories=state.repositories,
        promoted_tag="latest",
        registry_user=state.registry_user,
        tokens={
            "forge": state.forge_owner_token,
            "fleet": state.control_plane_token,
            "registry": state.registry_password,
        },
    )
