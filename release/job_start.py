"""Starts the job behind a verb: finds its release, opens its ports, hands it the first signal.

This module must not know any verb, decide anything about a release, or print.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from signal import Signals
from typing import Any, TypeVar

from release.core.assignment import Assignment
from release.core.values import JobId, Release, Sha
from release.errors import Invalid
from release.pipeline import start
from release.ports import Ports
from release.stages.run import Run
from release.target import find_present, find_target
from release.wiring import CancelOnSignal, Setup, new_job, open_ports

__all__ = ["JobStarter", "SignalCame"]

T = TypeVar("T")


class SignalCame(Exception):
    """A signal came before there was a job that could say so, or to one that only looks."""

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarter:
    """Starts jobs with one configuration."""

    setup: Setup

    def run(self, wanted: str | None, act: Callable[[Run], Awaitable[T]], **orders: Any) -> T:  # noqa: ANN401 - fields of Assignment
        """Runs `act` with a job for the wanted release, in an event loop of its own.

        wanted: a commit, branch or image tag; empty is the CI run's commit; None any that is known.
        orders: fields of the assignment. Raises SignalCame.
        """
        return asyncio.run(self._within(wanted, act, orders))

    def release(self, sha: Sha) -> Release:
        """The release of a commit, under the tag that CI gives its images."""
        return Release(sha=sha, tag=self.setup.config.registry.tag_of(sha))

    async def _within(
        self, wanted: str | None, act: Callable[[Run], Awaitable[T]], orders: Mapping[str, Any]
    ) -> T:
        listening = _Listening()
        is_unguarded = orders.get("is_unguarded", False)
        try:
            with CancelOnSignal(listening.take):
                job = new_job(self.setup.ci)
                async with open_ports(self.setup, job, is_unguarded=is_unguarded) as ports:
                    release = await self._find_release(wanted, ports)
                    run = start(replace(self._assignment(release, job), **orders), ports)
                    listening.run = run
                    return await act(run)
        except asyncio.CancelledError:
            raise SignalCame(listening.signal) from None

    async def _find_release(self, wanted: str | None, ports: Ports) -> Release:
        """Finds the release that is asked for; None asks for none, and any known one will do."""
        if wanted is None:
            return self.release(await find_present(ports))
        ci = self.setup.ci
        if not wanted and ci is not None and ci.sha is not None:
            return self.release(ci.sha)
        if not wanted:
            raise Invalid(
                "no release was named",
                safe="nothing was touched",
                advice="Outside CI, name it: --commit REF, or --to REF for redeploy and rollback",
            )
        return self.release(await find_target(wanted, ports, self.setup.config))

    def _assignment(self, release: Release, job: JobId) -> Assignment:
        config = self.setup.config
        return Assignment(
            environment=config.environment,
            job=job,
            release=release,
            policy=config.policy,
            repositories=config.registry.repositories,
            promoted_tag=config.registry.promoted_tag,
            freezes=config.freezes,
        )


@dataclass(slots=True)
class _Listening:
    """Which signal came, and the job that is to know of it once there is one."""

    signal: int = 0
    run: Run | None = None

    def take(self, number: Signals) -> None:
        """Notes the first signal."""
        self.signal = number
        if self.run is not None:
            self.run.signal = number
            said = f"{number.name}: no further effect; a second one leaves at once"
            self.run.tell("signal", said)
