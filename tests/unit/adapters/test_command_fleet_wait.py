"""A job that is cancelled leaves its redeploy to end by itself, and hears how it did."""

import asyncio
import fcntl
import os
from pathlib import Path

from release.adapters.command_fleet import CommandFleet
from release.core.sighting import Redeployed
from release.core.values import Tenant
from tests.support.command_fleets import ACME, GLOBEX, RELEASE, fleet_of, shell

BOTH = (ACME, GLOBEX)


class Gate:
    """Two pipes of a folder: a command says that it began, and goes on when it is let."""

    def __init__(self, folder: Path) -> None:
        self._began, self._go = folder / "began", folder / "go"
        os.mkfifo(self._began)
        os.mkfifo(self._go)

    @property
    def script(self) -> str:
        """What a command runs to pass."""
        return f"echo > {self._began}; cat {self._go}"

    async def wait_until_begun(self) -> None:
        """Waits for the command."""
        await asyncio.to_thread(self._began.read_text)

    async def let_pass(self) -> None:
        """Lets the command go on."""
        await asyncio.to_thread(self._go.write_text, "")


async def cancelled(
    fleet: CommandFleet, gate: Gate, tenants: tuple[Tenant, ...] = BOTH
) -> asyncio.Task[Redeployed]:
    """A redeploy whose wait is cancelled while its command runs."""
    waiting = asyncio.create_task(fleet.redeploy(RELEASE, tenants, epoch=8, phase="canary"))
    await gate.wait_until_begun()
    waiting.cancel()
    await asyncio.wait({waiting})
    return waiting


def test_command_goes_on_when_the_wait_is_cancelled(tmp_path: Path) -> None:
    """Its answer is handed on late."""
    gate = Gate(tmp_path)
    fleet = fleet_of(redeploy=shell(f"{gate.script}; echo $@ > {tmp_path / 'moved'}", "{tenants}"))

    async def act() -> Redeployed | None:
        assert (await cancelled(fleet, gate)).cancelled()
        assert await fleet.late_answer(0) is None
        await gate.let_pass()
        return await fleet.late_answer(60)

    late = asyncio.run(act())

    assert late is not None
    assert ["done", "done"] == [row.state for row in late.rows]
    assert "acme globex\n" == (tmp_path / "moved").read_text()


def test_command_that_waits_for_its_turn_is_not_begun_after_a_cancel(tmp_path: Path) -> None:
    """The first signal lets no further effect begin; what has begun is heard."""
    gate = Gate(tmp_path)
    fleet = fleet_of(
        redeploy=shell(f"touch {tmp_path}/of-$1; {gate.script}", "{tenant}"), concurrency=1
    )

    async def act() -> Redeployed | None:
        await cancelled(fleet, gate)
        await gate.let_pass()
        return await fleet.late_answer(60)

    late = asyncio.run(act())

    assert late is not None
    assert ["done", "failed"] == [row.state for row in late.rows]
    assert "not begun, as the job was cancelled" == late.rows[1].note
    assert not (tmp_path / "of-globex").exists()


def test_job_that_leaves_ends_its_command_so_that_nothing_lands_late(tmp_path: Path) -> None:
    """The loop of the job closes behind the whole process group."""
    gate, lock = Gate(tmp_path), tmp_path / "lock"
    script = f"exec flock {lock} sh -c '{gate.script}; sleep 60'"
    fleet = fleet_of(redeploy=shell(script, "{tenants}"))

    asyncio.run(cancelled(fleet, gate))

    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_late_answer_of_a_command_that_is_never_final_stays_open(tmp_path: Path) -> None:
    """A command that ran into its time limit has no answer that could be acknowledged."""
    gate = Gate(tmp_path)
    fleet = fleet_of(redeploy=shell(gate.script, "{tenants}"), timeout_s=2.0)

    async def act() -> Redeployed | None:
        await cancelled(fleet, gate)
        return await fleet.late_answer(60)

    late = asyncio.run(act())

    assert late is not None
    assert not late.is_answered


def test_fleet_that_has_sent_nothing_has_no_late_answer() -> None:
    """Nothing is waited for."""
    assert asyncio.run(fleet_of().late_answer(60)) is None
