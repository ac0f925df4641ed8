"""Measures a rollout over Swarm services against a shell loop over `docker service update`.

    python bench/swarm.py                      20 services, two rounds
    python bench/swarm.py --rounds 3 --services 10 --monitor 1

The loop updates one service after the other and waits for each, as `docker service update` does by
itself. Headway does the same with batches of one and of five, and beside it claims, raises fences,
settles and reads back. Loop and deploys take turns in one run, so that what else the machine does
falls on all of them. It needs a Docker engine, docker-registry and busybox-static.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))

from bench._swarm_services import (  # noqa: E402 - the checkout is on the path only now
    LABEL,
    REPOSITORY,
    Services,
    services,
)

_CONFIG = """
[forge]
kind = "git"
url = "{git}"
branch = "main"
[fleet]
kind = "swarm"
[fleet.swarm]
label = "{label}"
[registry]
url = "{registry}"
repositories = ["{repository}"]
[ledger]
url = "{git}"
ref = "refs/headway/production"
[rollout]
soak_s = 0.0
[settle]
interval_s = 0.1
"""


def main() -> int:
    """Prints seconds and ratios, medians of the rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--services", type=int, default=20)
    parser.add_argument("--monitor", type=float, default=5.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with services(folder, given.services, monitor_s=given.monitor) as made:
            _write_config(folder, made)
            _invoke(folder, "ledger-init")
            spent_s = _race(folder, made, given.rounds)
    loop_s = statistics.median(spent_s["loop"])
    print(
        f"{given.services} services watched for {given.monitor:g} s each; {os.getloadavg()[0]:.1f}"
    )
    for name, taken_s in spent_s.items():
        each = ", ".join(f"{one:.1f}" for one in taken_s)
        median_s = statistics.median(taken_s)
        print(f"{name:10} {median_s:7.1f} s  {median_s / loop_s:5.2f} of the loop  ({each})")
    return 0


def _race(folder: Path, made: Services, rounds: int) -> dict[str, list[float]]:
    spent_s: dict[str, list[float]] = {"loop": [], "batch of 1": [], "batch of 5": []}
    for _ in range(rounds):
        for name, taken_s in spent_s.items():
            sha, digest = made.push()
            if name == "loop":
                act = _make_loop(made, digest)
            else:
                act = _make_deploy(folder, sha, name.rpartition(" ")[2])
            began_s = time.monotonic()
            act()
            taken_s.append(time.monotonic() - began_s)
            print(f"# {name}: {taken_s[-1]:.1f} s", flush=True)
    return spent_s


def _make_loop(made: Services, digest: str) -> Callable[[], None]:
    names = " ".join(made.names)
    update = f"docker service update --quiet --image {made.image}@{digest} $name"
    script = f"set -e; for name in {names}; do {update} >/dev/null; done"

    def act() -> None:
        subprocess.run(["/bin/sh", "-c", script], check=True)

    return act


def _make_deploy(folder: Path, sha: str, batch: str) -> Callable[[], None]:
    def act() -> None:
        _invoke(folder, "deploy", "--commit", sha, HEADWAY_ROLLOUT__BATCH_SIZE=batch)

    return act


def _write_config(folder: Path, made: Services) -> None:
    text = _CONFIG.format(
        git=f"file://{made.repository}",
        label=LABEL,
        registry=made.registry,
        repository=REPOSITORY,
    )
    (folder / "headway.toml").write_text(text)


def _invoke(folder: Path, verb: str, *words: str, **variables: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", verb, "--config", str(folder / "headway.toml"), *words],
        cwd=_ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(done.stdout + done.stderr)
    (folder / f"{verb}.log").write_text(done.stderr)


if __name__ == "__main__":
    sys.exit(main())
