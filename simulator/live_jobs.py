"""The jobs of a live race, wherever they run: commands, pace, and what they left behind.

This module must not start a job; `live` does, and the containers do.
"""

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from release.core.outcome import Outcome, Word
from release.core.policy import Policy
from release.core.values import Sha
from release.errors import Unavailable
from release.ports import Event
from simulator.direct import Told
from simulator.guards import SHIPPED
from simulator.job_config import Pace
from simulator.scenario import Scenario
from simulator.scenario_parts import ScenarioJob

__all__ = ["deploy_command", "invoke_command", "pace_of", "read_journal", "read_outcome"]

_SETTLE_INTERVAL_MIN_S = 0.05
_CI_INTERVAL_S = 0.2


def deploy_command(guard_name: str, config: Path, sha: str) -> list[str]:
    """The deploy of a release under a guard as a command; Headway's is `invoke deploy`."""
    if guard_name == SHIPPED:
        return invoke_command("deploy", config, "--commit", sha)
    package = __name__.rpartition(".")[0]
    command = [sys.executable, "-m", f"{package}.live_job", "--guard", guard_name]
    return [*command, "--config", str(config), "--commit", sha]


def invoke_command(verb: str, config: Path, *options: str) -> list[str]:
    """The command `invoke VERB --json`, on the tasks that belong to this very simulator."""
    tasks = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-m", "invoke", "--search-root", str(tasks), verb]
    return [*command, "--config", str(config), "--json", *options]


def pace_of(scenario: Scenario, speed: float) -> Pace:
    """The scenario's pace, its waits shortened; limits stay, as they are no waits."""
    policy = scenario.policy()
    return Pace(
        canary=scenario.canary.slug,
        batch_size=policy.batch_size,
        soak_s=policy.soak_s / speed,
        settle_interval_s=max(policy.settle_interval_s / speed, _SETTLE_INTERVAL_MIN_S),
        settle_budget_s=Policy().settle_budget_s,
        lease_s=policy.lease_s,
        redeploy_bound_s=policy.redeploy_bound_s,
        pointer_bound_s=policy.pointer_bound_s,
        ci_interval_s=_CI_INTERVAL_S,
        fleet_timeout_s=policy.redeploy_bound_s / 2,
    )


def read_outcome(scenario: Scenario, job: ScenarioJob, *, out: str, code: int) -> Outcome:
    """Reads the outcome that a job printed as JSON; its exit code must say the same.

    Raises Unavailable when there is none, or the two differ.
    """
    try:
        document: dict[str, Any] = json.loads(out)
        word, by = Word(document["outcome"]), document["by"]
    except (ValueError, KeyError, TypeError) as exc:
        raise Unavailable(
            "printed no outcome", on=f"job {job.name}", seen=out.strip()[-500:]
        ) from exc
    assignment = scenario.assignment(job)
    outcome = Outcome(
        word=word,
        environment=assignment.environment,
        release=assignment.release,
        job=assignment.job,
        reason=document["reason"],
        by=Sha(by) if by else None,
    )
    if outcome.exit_code != code:
        raise Unavailable(
            "exited otherwise than its outcome says",
            on=f"job {job.name}",
            seen=f"{word}, exit {code}",
        )
    return outcome


def read_journal(text: str, actor: str, *, began: datetime, speed: float) -> Iterator[Told]:
    """What a job told its journal, at the world's instants. began: when that was at zero."""
    for line in text.splitlines():
        entry = json.loads(line)
        lived = datetime.fromisoformat(entry["at"]) - began
        event = Event(kind=entry["kind"], text=entry["text"], data=entry["data"])
        yield Told(at_s=lived.total_seconds() * speed, actor=actor, event=event)
