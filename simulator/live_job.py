"""Runs one job of an earlier guard as a process, over the same adapters as `invoke deploy`.

It stands in for the `deploy` of its day in a live race. This module must not be used for deploys.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from release.core.assignment import Assignment
from release.core.outcome import Outcome
from release.core.render import as_json
from release.core.values import Release, Sha
from release.wiring import Setup, new_job, open_ports, read_setup
from simulator.guards import GUARDS, Guard

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the job, prints its outcome as JSON, and returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guard", required=True, choices=GUARDS)
    parser.add_argument("--config", required=True)
    parser.add_argument("--commit", required=True)
    given = parser.parse_args(arguments)
    setup = read_setup(given.config, "", {})
    outcome = asyncio.run(_deploy(GUARDS[given.guard], setup, Sha(given.commit)))
    sys.stdout.write(as_json(outcome) + "\n")
    return outcome.exit_code


async def _deploy(guard: Guard, setup: Setup, sha: Sha) -> Outcome:
    config, job = setup.config, new_job(setup.ci)
    assignment = Assignment(
        environment=config.environment,
        job=job,
        release=Release(sha=sha, tag=config.registry.tag_of(sha)),
        policy=config.policy,
        repositories=config.registry.repositories,
        promoted_tag=config.registry.promoted_tag,
    )
    async with open_ports(setup, job) as ports:
        return await guard.deploy(assignment, ports)


if __name__ == "__main__":
    sys.exit(main())
