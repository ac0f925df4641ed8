"""The verb `explore` as an Invoke task: every interleaving of racing jobs, or the table of guards.

Nothing of the explorer is imported before the task runs. This module must not explore anything.
"""

from dataclasses import replace
from typing import Any

from invoke.context import Context
from invoke.exceptions import Exit

from release.errors import Invalid
from release.verb import verb

__all__ = ["explore"]


@verb(
    jobs="How many deploys, each of a newer push: 1 to 4.",
    tenants="How many tenants.",
    batch="How many tenants a batch has; the first tenant is the canary, a batch of its own.",
    faults="How many faults may strike.",
    expiries="How often a lease or a bound may run out while its job still lives.",
    kinds="Which faults, parted by commas: timeout, lost, crash, ...; docs/explorer.md lists them.",
    guard="Which design: headway, or one of docs/simulator.md.",
    story="What else happens: deploys, rerun, twin, rollback or rewrite.",
    policy="Of the jobs, parted by a comma: claimed or head, yield or finish.",
    ledger="What it holds or does: steady, empty, behind, unknown (swap outcomes) or lost.",
    fence="Where epochs are compared: on (landing), off (none), landing, door, none or swarm.",
    confirmations="How often in a row a tenant must answer with the release.",
    renewals="In how many parts a bound is waited out; a lease is three of them.",
    time="Give up after so many seconds.",
    states="Give up after so many states.",
    memory="Give up at so many MiB.",
    matrix="Every guard under every temptation; with --guard, that one beside headway.",
    coverage="Show which lines of the pipeline ran; it takes longer.",
    schedules="Run so many schedules by chance instead, for what is too large to exhaust.",
    seed="With --schedules: the seed.",
    depth="With --schedules: the depth of PCT; 0 is a plain random walk.",
    replay="Replay a token, or the file of a schedule, and draw it.",
    output="Write the schedule that breaks a promise into this file.",
)
def explore(  # noqa: PLR0913 - the options of the verb
    _context: Context,
    *,
    jobs: str = "2",
    tenants: str = "3",
    batch: str = "3",
    faults: str = "1",
    expiries: str = "1",
    kinds: str = "timeout,lost,crash",
    guard: str = "headway",
    story: str = "deploys",
    policy: str = "",
    ledger: str = "steady",
    fence: str = "on",
    confirmations: str = "1",
    renewals: str = "1",
    time: str = "600",
    states: str = "20000000",
    memory: str = "4096",
    matrix: bool = False,
    coverage: bool = False,
    schedules: str = "0",
    seed: str = "0",
    depth: str = "3",
    replay: str = "",
    output: str = "",
    config: str = "",
    env: str = "",
    json: bool = False,
) -> None:
    """Take the shipped pipeline through every interleaving of racing jobs, and show what breaks."""
    if config or env:
        raise Invalid("explores a world of its own, with no configuration", on="explore")
    from simulator.explorer.desk import Asked, answer  # noqa: PLC0415 - the menu stays quick

    sizes = _whole(jobs=jobs, tenants=tenants, batch=batch)
    policies = _whole(confirmations=confirmations, renewals=renewals)
    budgets = _whole(faults=faults, expiries=expiries, schedules=schedules, seed=seed, depth=depth)
    limits = _whole(time=time, states=states, memory=memory)
    asked = Asked(kinds=kinds, guard=guard, story=story, policy=policy, ledger=ledger, fence=fence)
    asked = replace(asked, is_matrix=matrix, is_coverage=coverage, replayed=replay, output=output)
    found = answer(replace(asked, **sizes, **policies, **budgets, **limits))
    print(found.document if json else found.text)
    if not found.is_good:
        raise Exit(code=1)


def _whole(**texts: str) -> dict[str, Any]:
    """Reads whole numbers; Invoke's own reading of one ends in a traceback."""
    from release.option_values import read_count  # noqa: PLC0415 - the menu stays quick

    return {name: read_count(text, on=f"--{name}", least=0) for name, text in texts.items()}
