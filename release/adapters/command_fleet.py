"""A fleet that is moved by commands of the user's own: one lists it, one moves it, one fences it.

This module must not repeat a redeploy, nor take a tenant for moved without every sign of it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from release.adapters.command import CommandRun, CommandRunner
from release.adapters.command_answers import (
    judge_exit,
    judge_results,
    judge_unknown,
    read_epoch,
    read_tenants,
)
from release.adapters.command_template import CommandTemplate
from release.adapters.in_flight import InFlight
from release.core.sighting import Candidates, Fencing, Redeployed, Row, RowState
from release.core.values import Release, Tenant
from release.errors import FenceRefused, HeadwayError, Refused, Unavailable

__all__ = ["CommandFleet", "FleetCommands"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetCommands:
    """The commands of a fleet, and how their answers are read.

    fence: raises the fence of tenants to an epoch; None where nothing compares epochs.
    is_landing: the redeploy compares the epoch too, when the change lands.
    fenced_exit_code: says that a higher epoch was seen, and nothing changed.
    unknown_exit_codes: of a redeploy, behind which its change may still land.
    concurrency: how many redeploys of one tenant each run at a time; None is one for all tenants.
    repository, image: whose digest `{image}` is, and what stands before it.
    """

    candidates: CommandTemplate
    redeploy: CommandTemplate
    fence: CommandTemplate | None = None
    is_landing: bool = False
    fenced_exit_code: int = 75
    unknown_exit_codes: frozenset[int] = frozenset()
    concurrency: int | None = None
    is_listing_json: bool = False
    is_result_json: bool = False
    repository: str = ""
    image: str = ""

    @property
    def fencing(self) -> Fencing:
        """Where the epoch is compared, as far as the commands are what they are said to be."""
        if self.fence is None:
            return Fencing.NONE
        return Fencing.LANDING if self.is_landing else Fencing.DOOR


class CommandFleet:
    """Keeps the promise of `ports.Fleet` with commands.

    read_timeout_s: for the listing and for the fence, each.
    timeout_s: for one redeploy with all its commands; one that takes longer is ended, and its
        outcome is unknown.
    """

    def __init__(
        self,
        runner: CommandRunner,
        commands: FleetCommands,
        *,
        environment: str,
        read_timeout_s: float,
        timeout_s: float,
    ) -> None:
        self._runner = runner
        self._commands = commands
        self._environment = environment
        self._read_timeout_s = read_timeout_s
        self._timeout_s = timeout_s
        self._in_flight: InFlight[Redeployed] = InFlight()
        self._is_called_off = False

    async def candidates(self, release: Release, *, epoch: int | None) -> Candidates:
        """Lists the tenants; with an epoch, then raises their fence; see `ports.Fleet`."""
        words = self._commands.candidates.expand(self._values(release))
        run = await self._runner.run(words, timeout_s=self._read_timeout_s)
        if not run.is_final or run.code != 0:
            raise Unavailable(
                "could not list the tenants",
                on=run.line,
                seen=run.end,
                safe="no tenant was touched",
                advice="Run the command by hand",
            )
        tenants = read_tenants(
            run, is_json=self._commands.is_listing_json, redact=self._runner.redact
        )
        if epoch is not None:
            await self._raise_fence(release, tenants, epoch, timeout_s=self._read_timeout_s)
        return Candidates(tenants=tenants, fencing=self._commands.fencing)

    async def redeploy(
        self, release: Release, tenants: tuple[Tenant, ...], *, epoch: int, phase: str
    ) -> Redeployed:
        """Moves exactly these tenants by commands, each started once; see `ports.Fleet`.

        When the wait is cancelled, commands that run go on, and none that waits is started.
        """
        assert tenants, "a redeploy without scope would move the whole fleet"
        self._is_called_off = False
        try:
            return await self._in_flight.send(self._send(release, tenants, epoch, phase))
        except asyncio.CancelledError:
            self._is_called_off = True
            raise

    async def late_answer(self, within_s: float) -> Redeployed | None:
        """Waits for the commands of a redeploy whose wait was cancelled; see `ports.Fleet`."""
        return await self._in_flight.late_answer(within_s)

    async def _send(
        self, release: Release, tenants: tuple[Tenant, ...], epoch: int, phase: str
    ) -> Redeployed:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._timeout_s
        values = self._values(release, epoch=epoch, phase=phase)
        read_s = min(self._read_timeout_s, self._timeout_s)
        await self._raise_fence(release, tenants, epoch, timeout_s=read_s)
        if self._commands.concurrency is None:
            rows = await self._move(values, tenants, epoch=epoch, until_s=until_s)
        else:
            rows = await self._move_each(values, tenants, epoch=epoch, until_s=until_s)
        return Redeployed(rows=rows, fencing=self._commands.fencing)

    async def _move_each(
        self, values: Mapping[str, str], tenants: tuple[Tenant, ...], *, epoch: int, until_s: float
    ) -> tuple[Row, ...]:
        """Runs one command for each tenant, some at a time.

        Raises what they say when every one of them was refused, as then nothing was changed.
        """
        turns = asyncio.Semaphore(self._commands.concurrency or 1)

        async def move(tenant: Tenant) -> Row | HeadwayError:
            of_tenant = {**values, "tenant": tenant.slug}
            async with turns:
                try:
                    (row,) = await self._move(of_tenant, (tenant,), epoch=epoch, until_s=until_s)
                except (Refused, Unavailable) as refusal:
                    return refusal
                return row

        said = await asyncio.gather(*(move(tenant) for tenant in tenants))
        refusals = [one for one in said if isinstance(one, HeadwayError)]
        if len(refusals) == len(said):
            raise _strongest(refusals)
        return tuple(
            Row(tenant=tenant, state=RowState.FAILED, note=str(one))
            if isinstance(one, HeadwayError)
            else one
            for tenant, one in zip(tenants, said, strict=True)
        )

    async def _move(
        self, values: Mapping[str, str], tenants: tuple[Tenant, ...], *, epoch: int, until_s: float
    ) -> tuple[Row, ...]:
        """Runs one redeploy command, unless it is too late to begin; a row for each tenant."""
        left_s = until_s - asyncio.get_running_loop().time()
        if self._is_called_off or left_s <= 0:
            why = "the job was cancelled" if self._is_called_off else "the time was up"
            note = f"not begun, as {why}"
            return tuple(Row(tenant=one, state=RowState.FAILED, note=note) for one in tenants)
        words = self._commands.redeploy.expand(values, tenants)
        run = await self._runner.run(words, timeout_s=left_s)
        return self._judge(run, tenants, epoch)

    def _judge(self, run: CommandRun, tenants: tuple[Tenant, ...], epoch: int) -> tuple[Row, ...]:
        """The verdict on one redeploy command; raises FenceRefused when it tells that."""
        commands = self._commands
        is_fenced = commands.fencing is Fencing.LANDING and run.code == commands.fenced_exit_code
        if run.is_final and is_fenced:
            raise _refuse(run, epoch)
        if not run.is_final or run.code in commands.unknown_exit_codes:
            return judge_unknown(run, tenants)
        if commands.is_result_json:
            return judge_results(run, tenants, redact=self._runner.redact)
        return judge_exit(run, tenants)

    async def _raise_fence(
        self, release: Release, tenants: tuple[Tenant, ...], epoch: int, *, timeout_s: float
    ) -> None:
        """Raises the fence of these tenants, where there is one; safe to repeat.

        Raises FenceRefused, and Unavailable when it could not be done: no tenant was moved.
        """
        if self._commands.fence is None:
            return
        words = self._commands.fence.expand(self._values(release, epoch=epoch), tenants)
        run = await self._runner.run(words, timeout_s=timeout_s)
        if run.is_final and run.code == self._commands.fenced_exit_code:
            raise _refuse(run, epoch)
        if not run.is_final or run.code != 0:
            raise Unavailable(
                "could not compare the epoch",
                on=run.line,
                seen=run.end,
                expected=f"exit code 0, or {self._commands.fenced_exit_code} for a higher epoch",
                safe="no tenant was moved by this call",
                advice="Run the command by hand",
            )

    def _values(self, release: Release, **more: object) -> dict[str, str]:
        """What every placeholder but the tenants' stands for."""
        digest = release.digest(self._commands.repository) if self._commands.repository else None
        image = {} if digest is None else {"image": f"{self._commands.image}@{digest}"}
        return {
            "environment": self._environment,
            "sha": str(release.sha),
            "tag": release.tag,
            **image,
            **{name: str(value) for name, value in more.items()},
        }


def _refuse(run: CommandRun, epoch: int) -> Refused:
    """A fence that does not tell what it has seen has seen at least the next epoch."""
    told = read_epoch(run)
    if told is not None and told <= epoch:
        return Refused(
            "refuses our epoch for one that is not higher",
            on=run.line,
            seen=f"epoch {told}, {run.end}",
            expected=f"an epoch above {epoch}, as an equal one has to pass",
            safe="nothing was changed by this call",
            advice="Look at how the command compares epochs",
        )
    return FenceRefused(epoch + 1 if told is None else told, on=run.line)


def _strongest(refusals: Sequence[HeadwayError]) -> HeadwayError:
    """The one to tell: the highest epoch, else a refusal, else what can be tried again."""
    fenced = [one for one in refusals if isinstance(one, FenceRefused)]
    if fenced:
        return max(fenced, key=lambda one: one.fence_seen)
    return next((one for one in refusals if isinstance(one, Refused)), refusals[0])
