"""The earlier designs: each is right when it is alone, and awaits nothing but ports."""

import ast
from collections.abc import Awaitable, Coroutine, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from release.core.outcome import Outcome, Word
from release.ports import Ports
from simulator.faults import FaultKind
from simulator.guards import GUARDS
from tests.support.duel import Duel
from tests.support.virtual import NEWER

FOLDER = Path("simulator/mutants")
PORTS = ("clock", "edge", "fleet", "forge", "ledger", "registry")
LOCKS = (
    "acquisition-fence",
    "cancel-running",
    "lease",
    "lease-reread",
    "mutex",
    "person-lock",
    "run-id-order",
    "timestamp-order",
)
HARMLESS = {
    ("asyncio", "CancelledError"),
    ("collections.abc", "Awaitable"),
    ("collections.abc", "Callable"),
    ("collections.abc", "Iterable"),
    ("collections.abc", "Mapping"),
    ("dataclasses", "dataclass"),
    ("dataclasses", "field"),
    ("dataclasses", "replace"),
    ("datetime", "datetime"),
    ("functools", "partial"),
}


@dataclass(slots=True)
class Watch:
    """Notes whether the job waits inside a port at the moment."""

    inside: int = 0


class WatchedPort:
    """A port that tells a watch when a job is in it; its methods are the port's own."""

    def __init__(self, port: Any, watch: Watch) -> None:  # noqa: ANN401 - any port
        self._port = port
        self._watch = watch

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method of it
        method = getattr(self._port, name)

        async def call(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - as the method
            self._watch.inside += 1
            try:
                return await method(*given, **named)
            finally:
                self._watch.inside -= 1

        return call


@dataclass(slots=True)
class WatchedJob(Awaitable[Outcome]):
    """Steps a job by hand, and fails as soon as it waits for anything but one port."""

    coroutine: Coroutine[Any, Any, Outcome]
    watch: Watch

    def __await__(self) -> Generator[Any, Any, Outcome]:
        answer = None
        while True:
            try:
                waited_for = self.coroutine.send(answer)
            except StopIteration as ended:
                result: Outcome = ended.value
                return result
            assert self.watch.inside == 1, f"waits for {waited_for} outside of a port"
            answer = yield waited_for


async def play(job: WatchedJob) -> Outcome:
    """Runs a watched job to its end."""
    return await job


def watched(ports: Ports, watch: Watch) -> Ports:
    """The ports, each watched but the journal, which nobody waits for."""
    proxies: dict[str, Any] = {name: WatchedPort(getattr(ports, name), watch) for name in PORTS}
    return replace(ports, **proxies)


# What a floating tag names need not be the release that the job was started for, even alone.
@pytest.mark.parametrize("guard", [name for name in GUARDS if name != "floating-tag"])
def test_job_alone_deploys_and_awaits_nothing_but_ports(guard: str) -> None:
    """Every design moves tenants and pointer, says so, and waits inside of one port at a time."""
    duel, watch = Duel(guard), Watch()
    ports = watched(duel.ports("newer"), watch)
    deploy: Any = GUARDS[guard].deploy(duel.assignment("newer", "newer"), ports)

    outcome = duel.setting.run(play(WatchedJob(deploy, watch)))

    assert Word.DEPLOYED is outcome.word, outcome.reason
    assert {NEWER} == set(duel.setting.world.serving().values())
    assert NEWER == duel.setting.world.pointer()


@pytest.mark.parametrize("guard", GUARDS)
def test_same_race_twice_goes_the_same_way(guard: str) -> None:
    """No design hangs on anything but the answers of its ports."""
    logs = []

    for _ in range(2):
        duel = Duel(guard)
        duel.start("newer", at_s=0)
        duel.start("older", at_s=1)
        duel.broken()
        logs.append([happening.plain() for happening in duel.setting.world.log.happenings])

    assert logs[0] == logs[1]


@pytest.mark.parametrize("guard", LOCKS)
def test_lock_is_free_after_the_job_and_after_its_cancellation(guard: str) -> None:
    """A job that ends, or is cancelled while its canary soaks, releases its lock."""
    duel = Duel(guard)
    newer = duel.start("newer", at_s=0)
    duel.at(30, newer.cancel)
    duel.start("again", at_s=40, release="newer", run="newer2")

    broken = duel.broken()

    record = duel.setting.ledger.cell.value.record
    assert record is not None
    assert record.holder is None
    assert ((), {"newer": "cancelled", "again": "deployed"}) == (broken, duel.words())


@pytest.mark.parametrize("guard", LOCKS)
def test_lock_survives_a_lost_answer_of_the_ledger(guard: str) -> None:
    """A swap whose answer was lost is found in the record, so that the job goes on with it."""
    duel = Duel(guard)
    duel.fault(FaultKind.LOSE_ANSWER, "swap", actor="newer", times=2)
    job = duel.start("newer", at_s=0)

    broken = duel.broken()

    job.result()
    assert ((), {"newer": "deployed"}) == (broken, duel.words())


def test_designs_import_no_time_chance_or_loop() -> None:
    """Every module of theirs imports our own modules and a few harmless names alone."""
    found = {
        (node.module, alias.name)
        for path in sorted(FOLDER.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names
        if node.module.partition(".")[0] not in {"release", "simulator"}
    }
    plain = [
        path.name
        for path in sorted(FOLDER.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Import)
    ]

    assert [] == sorted(found - HARMLESS)
    assert [] == plain
