"""Measures the simulated world in containers: how soon it is up, its memory, and a deploy of all.

    python bench/compose.py                        8 tenants, then 50
    python bench/compose.py --tenants 8 --soak 5   a quick look

A deploy is measured against the waits that it can't avoid: the soak, and for every redeploy the
control plane's answer, what is left of the drain lag rounded up to the next poll, and one poll more
for each further confirmation. All else is overhead: the start of Python, the ledger, the network,
and whatever else the machine does. It needs a Docker engine and docker compose.
"""

import argparse
import math
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))

from simulator.compose_project import ComposeProject, project_of  # noqa: E402 - on the path only now
from simulator.process import Running, load  # noqa: E402 - as above

_LABEL = "label=com.docker.compose.project"
_HEALTHY_MAX_S = 300.0
_OVERHEAD_MAX = 0.05
_UNITS = {"KiB": 1 / 1024, "MiB": 1.0, "GiB": 1024.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long everything takes that a deploy has to wait for, in seconds."""

    soak_s: float
    lag_s: float
    landing_s: float
    answer_s: float
    interval_s: float
    confirmations: int
    batch: int

    def unavoidable_s(self, redeploys: int) -> float:
        """The waits of a deploy that asks the control plane so many times."""
        draining_s = max(0.0, self.landing_s + self.lag_s - self.answer_s)
        polls = math.ceil(draining_s / self.interval_s) + self.confirmations - 1
        return self.soak_s + redeploys * (self.answer_s + polls * self.interval_s)

    def variables(self) -> dict[str, str]:
        """The deploy's settings; the lease is the protocol's own, as it would be at work."""
        return {
            "HEADWAY_ROLLOUT__SOAK_S": str(self.soak_s),
            "HEADWAY_ROLLOUT__BATCH_SIZE": str(self.batch),
            "HEADWAY_SETTLE__INTERVAL_S": str(self.interval_s),
            "HEADWAY_SETTLE__CONFIRMATIONS": str(self.confirmations),
            "HEADWAY_LEASE__LEASE_S": "60",
            "HEADWAY_LEASE__REDEPLOY_BOUND_S": "300",
        }


def main() -> int:
    """Prints what each fleet needs; exits 1 when the largest one's deploy is over its limit."""
    given = _parse()
    waits = Waits(
        soak_s=given.soak,
        lag_s=given.lag,
        landing_s=given.landing,
        answer_s=given.answer,
        interval_s=given.interval,
        confirmations=given.confirmations,
        batch=given.batch,
    )
    # What a scheduler ends it with unwinds it as Control-C does, so that nothing is left.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    ComposeProject(name=project_of(_ROOT / ".headway")).build()
    print(waits)
    overhead = 0.0
    for count in sorted(given.tenants):
        with _world(count, waits) as running:
            _show_memory(running.state.project)
            overhead = max(_deploy(running, waits) for _ in range(given.rounds))
    return int(overhead > _OVERHEAD_MAX)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, nargs="+", default=[8, 50])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--soak", type=float, default=20.0)
    parser.add_argument("--lag", type=float, default=5.0)
    parser.add_argument("--landing", type=float, default=2.0)
    parser.add_argument("--answer", type=float, default=2.5)
    parser.add_argument("--interval", type=float, default=2.0)
    parser.add_argument("--confirmations", type=int, default=2)
    parser.add_argument("--batch", type=int, default=10)
    return parser.parse_args()


@contextmanager
def _world(count: int, waits: Waits) -> Iterator[Running]:
    """Brings a fleet up, tells how long that took, and leaves nothing of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "world"
        config = folder / "headway.toml"
        began_s = time.monotonic()
        try:
            words = ("--docker", "--tenants", str(count), "--lag", f"{waits.lag_s:g}")
            _invoke("sim.up", config, *words)
            up_s = time.monotonic() - began_s
            running = load(folder)
            assert running is not None, "it has just come up"
            healthy_s = _wait_until_healthy(running.state.project) - began_s
            print(
                f"\n{count} tenants: sim.up {up_s:.1f} s; all healthy by the engine's own checks "
                f"after {healthy_s:.1f} s; load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
            own = {"landing_s": waits.landing_s, "answer_s": waits.answer_s}
            running.move("options", own)
            yield running
        finally:
            _invoke("sim.down", config)


def _wait_until_healthy(project: str) -> float:
    """The instant at which the engine's own checks say so of every container."""
    mine = ("ps", "--quiet", "--filter", f"{_LABEL}={project}")
    until_s = time.monotonic() + _HEALTHY_MAX_S
    while time.monotonic() < until_s:
        if len(_docker(*mine, "--filter", "health=healthy")) == len(_docker(*mine)):
            return time.monotonic()
        time.sleep(0.2)
    raise TimeoutError(f"{project} did not become healthy within {_HEALTHY_MAX_S:.0f} s")


def _show_memory(project: str) -> None:
    listed = _docker("ps", "--filter", f"{_LABEL}={project}", "--format", "{{.Names}}")
    tenants = [name for name in listed if "-tenant-" in name]
    lines = _docker("stats", "--no-stream", "--format", "{{.MemUsage}}", *tenants)
    used_mib = [_mib(line.partition(" ")[0]) for line in lines]
    middle_mib, most_mib = statistics.median(used_mib), max(used_mib)
    print(f"  memory of a tenant: {middle_mib:.1f} MiB, at most {most_mib:.1f} MiB", flush=True)


def _mib(text: str) -> float:
    """Reads docker's `19.3MiB`."""
    return float(text[:-3]) * _UNITS[text[-3:]]


def _deploy(running: Running, waits: Waits) -> float:
    """Deploys a new commit to all; returns the overhead as a part of the waits."""
    config = running.folder / "headway.toml"
    pushed = running.move("push", {"ci": "green"})
    known = len(running.ask("happenings"))
    began_s, busy_s = time.monotonic(), _busy_s()
    _invoke("deploy", config, "--commit", pushed["sha"], **waits.variables())
    took_s, busy_s = time.monotonic() - began_s, _busy_s() - busy_s
    happened = running.ask("happenings")[known:]
    redeploys = sum(one["kind"] == "accepted" for one in happened)
    waited_s = waits.unavoidable_s(redeploys)
    overhead = took_s / waited_s - 1
    print(
        f"  deploy: {took_s:.1f} s with {redeploys} redeploys, {waited_s:.1f} s of it unavoidable: "
        f"{overhead:.1%} overhead, at most {_OVERHEAD_MAX:.0%} wanted; {busy_s:.1f} s of it were "
        f"its own processor time; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    return overhead


def _busy_s() -> float:
    """The processor time of all that was run and has ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def _docker(*words: str) -> list[str]:
    done = subprocess.run(["docker", *words], capture_output=True, check=True, text=True)
    return done.stdout.splitlines()


def _invoke(verb: str, config: Path, *words: str, **variables: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", verb, "--config", str(config), *words],
        cwd=_ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(done.stdout + done.stderr)


if __name__ == "__main__":
    sys.exit(main())
