"""The simulator's verbs as Invoke tasks: bring a world up, push, break things, replay a race.

Nothing of the simulator is imported before a task runs. This module must not simulate anything.
"""

import json as json_format
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit

from release.errors import Invalid
from release.verb import verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release.core.policy import Policy
    from simulator.race_desk import Answer
    from simulator.sim_desk import SimulatorDesk

__all__ = ["down", "fault", "push", "race", "simulator", "status", "up"]

_CONFIG = "The simulation's headway.toml; its folder holds everything. Default: .headway's."
_ENV = "The environment that the simulation plays; default: production."


@verb(
    tenants="How many tenants.",
    lag="How long a tenant drains: seconds such as 2, a range 1-4, or flapping:3.",
    fence="Where the control plane compares the epoch: landing, door or none.",
    docker="Each service and each tenant in a container of its own, by docker compose.",
    config=_CONFIG,
    env=_ENV,
)
def up(  # noqa: PLR0913 - the options of the verb
    _context: Context,
    *,
    tenants: str = "8",
    lag: str = "0",
    fence: str = "landing",
    docker: bool = False,
    config: str = "",
    env: str = "",
    json: bool = False,
) -> None:
    """Start a simulated world on loopback and write the headway.toml that points at it."""
    from simulator.served import options_of  # noqa: PLC0415 - the menu stays quick
    from simulator.tenants import Lag  # noqa: PLC0415 - as above

    count, played = _whole(tenants, "--tenants"), env or "production"
    options = options_of(count, Lag.parse(lag), fence=fence, environment=played)
    path, state = _desk(config).up(options, is_docker=docker)
    _declare_first_use(str(path))
    said = f"up: {len(state.tenants)} tenants at {state.url}; deploy with --config {path}"
    _show({"outcome": "up", "config": str(path), "url": state.url}, said, is_json=json)


@verb(follow="Go on with everything that happens, a line of JSON each.", config=_CONFIG, env=_ENV)
def status(
    _context: Context,
    *,
    follow: bool = False,
    config: str = "",
    env: str = "",
    json: bool = False,
) -> None:
    """Show the simulated world: branch, fence, tenants, pointers, faults."""
    from simulator.sim_desk import status_lines  # noqa: PLC0415 - the menu stays quick

    desk = _desk(config, env)
    snapshot = desk.status()
    _show(snapshot, "\n".join(status_lines(snapshot)), is_json=json)
    if follow:
        for happening in desk.events():
            print(json_format.dumps(happening), flush=True)


@verb(
    message="The commit's message.",
    ci="What CI says of it: green, red or pending.",
    ci_after="Seconds after which CI says so.",
    parent="On top of which commit; another one than the head is a force-push.",
    config=_CONFIG,
    env=_ENV,
)
def push(  # noqa: PLR0913 - the options of the verb
    _context: Context,
    *,
    message: str = "",
    ci: str = "green",
    ci_after: str = "",
    parent: str = "",
    config: str = "",
    env: str = "",
    json: bool = False,
) -> None:
    """Push a commit to the simulated branch, with its CI status and its images."""
    body: dict[str, object] = {"ci": ci, "ci_after_s": _number(ci_after, "--ci-after")}
    body |= {"message": message} if message else {}
    body |= {"parent": parent} if parent else {}
    pushed = _desk(config, env).push(body)
    said = f"{pushed['sha']}\npushed: {pushed['tag']} on {pushed['branch']}"
    _show({"outcome": "pushed", **pushed}, said, is_json=json)


@verb(
    tenant="Which tenant behaves otherwise; with --state, --lag and --seconds.",
    state="How: healthy, broken, wedged, html, dev, slow or gone.",
    lag="For how long it drains after its next landings: 30, 10-40 or flapping:30.",
    kind="A fault of a service: delay, refuse, cut_before, lose_answer, late, no_effect, ...",
    service="Of which: forge, git, control_plane, edge or registry.",
    operation="Of which operation, such as redeploy or point.",
    subject="A glob over what it is about, such as *acme*.",
    status="The HTTP status of a refusal, or of a gateway that loses an answer.",
    seconds="The fault's duration: of a delay, a late landing, a stale read, a slow tenant.",
    times="How often the fault acts; default: for ever.",
    page="The most items in a page of a clamped list.",
    end="Take this fault out of force by its number, or `all` of them.",
    config=_CONFIG,
    env=_ENV,
)
def fault(  # noqa: PLR0913 - the options of the verb
    _context: Context,
    *,
    tenant: str = "",
    state: str = "",
    lag: str = "",
    kind: str = "",
    service: str = "*",
    operation: str = "*",
    subject: str = "*",
    status: str = "",
    seconds: str = "",
    times: str = "",
    page: str = "",
    end: str = "",
    config: str = "",
    env: str = "",
    json: bool = False,
) -> None:
    """Break a tenant or a service of the simulated world, or mend it again."""
    from simulator.fault_words import rule_of  # noqa: PLC0415 - the menu stays quick

    desk, seconds_s = _desk(config, env), _number(seconds, "--seconds")
    numbers = {"status": status, "times": times, "page": page}
    how = {name: _whole(text, f"--{name}") for name, text in numbers.items() if text}
    if sum(map(bool, (tenant, kind, end))) != 1:
        raise Invalid("needs exactly one of --tenant, --kind and --end", on="sim.fault")
    if tenant:
        answer = desk.change_tenant(tenant, health=state, lag=lag, delay_s=seconds_s)
        said = f"changed: tenant {tenant} is {answer['health']}"
    elif kind:
        where = {"service": service, "operation": operation, "subject": subject}
        answer = desk.add_fault(rule_of(kind, where, how, seconds_s=seconds_s))
        said = f"broken: fault {answer['number']} is in force"
    else:
        answer = desk.end_faults(None if end == "all" else _whole(end, "--end"))
        said = f"mended: {len(answer['faults'])} faults are left"
    _show(answer, said, is_json=json)


@verb(config=_CONFIG, env=_ENV)
def down(_context: Context, *, config: str = "", env: str = "", json: bool = False) -> None:
    """End the simulated world and remove its files; safe to repeat."""
    del env
    was_up = _desk(config).down()
    said = "down: the simulation has ended" if was_up else "down: no simulation ran"
    _show({"outcome": "down", "was_up": was_up}, said, is_json=json)


@verb(
    scenario="Which race: a name that --list shows, or a file. Default: the two of the README.",
    guard="Under one guard alone, by name; docs/simulator.md lists them. Default: two or three.",
    list="Name the scenarios, each with its source.",
    all="Replay every scenario: what happened then, and what Headway does, in one table.",
    record="A journal of a real deploy to make a scenario of; repeat it for overlapping jobs.",
    output="With --record: the file to write, ending in .json. Default: stdout.",
    live="Run the jobs as real processes against the simulator on sockets.",
    speed="With --live: how many recorded seconds pass in one of ours. It shortens waits alone.",
    neighbours="Explore every order of a scenario's jobs, then with a fault, for a broken promise.",
    time="With --neighbours: give up after so many seconds; default: 600.",
    config="A headway.toml whose policy the jobs follow, in place of the recorded one.",
    env="Which environment of that file.",
)
def race(  # noqa: PLR0913 - the options of the verb
    _context: Context,
    *,
    scenario: str = "",
    guard: str = "",
    list: bool = False,  # noqa: A002 - the name of the option
    all: bool = False,  # noqa: A002 - as above
    record: "Sequence[str] | None" = None,
    output: str = "",
    live: bool = False,
    speed: str = "",
    neighbours: bool = False,
    time: str = "",
    config: str = "",
    env: str = "",
    json: bool = False,
) -> None:
    """Replay overlapping deploys, then and with Headway; list, record or explore them."""
    from simulator.race_desk import (  # noqa: PLC0415 - the menu stays quick
        Asked,
        answer,
        answer_all,
        answer_list,
        answer_record,
        check_words,
    )

    modes = {"--neighbours": neighbours, "--list": list, "--all": all, "--record": bool(record)}
    words = {"--scenario": scenario, "--guard": guard, "--output": output, "--time": time}
    check_words(modes, {**words, "--live": "on" if live else ""})
    if neighbours:
        found = _neighbours(scenario, guard, time=time, policy=_policy(config, env))
    elif list:
        found = answer_list()
    elif all:
        found = answer_all()
    elif record:
        found = answer_record(record, output=output)
    else:
        asked = Asked(
            scenario=scenario,
            guard=guard,
            is_live=live,
            speed=_number(speed, "--speed") or None,
            policy=_policy(config, env),
        )
        found = answer(asked)
    print(found.document if json else found.text)
    if not found.is_good:
        raise Exit(code=1)


# Only a list may be given several times, and the decorator has no word for it.
race.iterable = ["record"]

simulator = Collection("sim", up, status, push, fault, down)


def _neighbours(scenario: str, guard: str, *, time: str, policy: "Policy | None") -> "Answer":
    from simulator.explorer.neighbours import answer_neighbours  # noqa: PLC0415 - the menu stays quick

    time_s = _number(time, "--time") if time else 600.0
    return answer_neighbours(scenario, guard=guard, policy=policy, time_s=time_s, tell=_tell)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _desk(config: str, env: str = "") -> "SimulatorDesk":
    from simulator.sim_desk import SimulatorDesk  # noqa: PLC0415 - the menu stays quick

    desk = SimulatorDesk.at(config)
    if env and desk.running().state.environment != env:
        raise Invalid("the simulation plays another environment", on=f"--env {env}")
    return desk


def _declare_first_use(config: str) -> None:
    from release.desk import Desk  # noqa: PLC0415 - the menu stays quick

    desk = Desk.open(config=config, is_quiet=True)
    desk.ledger_init()
    if desk.exit_code:
        raise Exit(code=desk.exit_code)


def _policy(config: str, env: str) -> "Policy | None":
    if not config:
        return None
    from release.wiring import read_setup  # noqa: PLC0415 - the menu stays quick

    return read_setup(config, env, {}).config.policy


def _show(answer: Mapping[str, Any], said: str, *, is_json: bool) -> None:
    print(json_format.dumps(answer, indent=2) if is_json else said)


def _number(text: str, option: str) -> float:
    try:
        return float(text or 0)
    except ValueError as exc:
        raise Invalid("not a number", on=option, seen=repr(text)) from exc


def _whole(text: str, option: str) -> int:
    """Reads a whole number; Invoke's own reading of one ends in a traceback."""
    from release.option_values import read_count  # noqa: PLC0415 - the menu stays quick

    return read_count(text, on=option)
