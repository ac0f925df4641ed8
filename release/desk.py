"""The desk at which a verb is asked for: it makes the assignment, runs the job, shows the answer.

stdout is the answer, stderr the progress. This module must not decide anything about a release.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from signal import Signals
from types import MappingProxyType
from typing import Any, TypeVar

from release.core.assignment import Assignment
from release.core.outcome import Outcome
from release.core.render import as_json, as_sentence
from release.core.report_text import (
    forecast_lines,
    history_lines,
    status_lines,
    superseded_lines,
    to_json,
)
from release.core.rollback import RollbackOrder
from release.core.values import Release, Sha, Tenant
from release.errors import Invalid
from release.pipeline import (
    DEPLOY,
    LEDGER_INIT,
    PROMOTE,
    REDEPLOY,
    ROLLBACK,
    SETTLE_VERIFY,
    WAIT_CI,
    Stage,
    run_job,
    start,
)
from release.ports import Ports
from release.stages import hand, inspect
from release.stages.run import Run
from release.target import find_present, find_target
from release.wiring import CancelOnSignal, Setup, ci_report, new_job, open_ports, read_setup

__all__ = ["Desk"]

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Desk:
    """One verb's desk; `exit_code` is what the process leaves with.

    is_quiet: shows no answer, for a verb that runs as a part of another one.
    """

    setup: Setup
    is_json: bool
    is_quiet: bool = False
    exit_code: int = 0

    @classmethod
    def open(
        cls,
        *,
        config: str,
        env: str = "",
        is_json: bool = False,
        is_quiet: bool = False,
        flags: Mapping[str, str] = MappingProxyType({}),
    ) -> "Desk":
        """Reads the configuration; raises Invalid for the first thing wrong with it."""
        setup = read_setup(config, env, flags)
        return cls(setup=setup, is_json=is_json, is_quiet=is_quiet)

    def deploy(self, commit: str, *, without_ledger: bool, reason: str) -> None:
        """Runs the whole deploy; outside CI the commit must be named."""
        if without_ledger and not reason.strip():
            raise Invalid("needs a reason", on="--without-ledger", advice="Add --reason TEXT")
        if reason and not without_ledger:
            raise Invalid("goes with --without-ledger alone", on="--reason")
        self._do(DEPLOY, commit, is_unguarded=without_ledger, is_first_use=without_ledger)

    def wait_ci(self, commit: str) -> None:
        """Waits for CI and the images."""
        self._do(WAIT_CI, commit)

    def redeploy(self, to: str, *, only: str, force: bool) -> None:
        """Rolls tenants onto a release; by hand it is refused while a lease lives."""
        named = [name.strip() for name in only.split(",")]
        tenants = tuple(Tenant(name) for name in named if name)
        if only and not tenants:
            raise Invalid("names no tenant", on=f"--only {only}", safe="nothing was touched")
        by_hand = self.setup.ci is None
        self._do(REDEPLOY, to, only=tenants, is_forced=force, is_by_hand=by_hand)

    def settle_verify(self, commit: str) -> None:
        """Polls the fleet until it has settled."""
        self._do(SETTLE_VERIFY, commit)

    def promote(self, commit: str) -> None:
        """Verifies the fleet and moves the pointers; by hand it is refused while a lease lives."""
        self._do(PROMOTE, commit, is_by_hand=self.setup.ci is None)

    def ledger_init(self) -> None:
        """Creates the record of the environment, with the head of the branch as the release."""
        self._do(LEDGER_INIT, None, is_first_use=True)

    def plan(self, commit: str) -> None:
        """Says what a deploy would do."""
        forecast = self._ask(commit, inspect.forecast)
        self._show(forecast, forecast_lines(forecast), outcome="plan")

    def check_superseded(self, commit: str, *, exit_code_latest: int) -> None:
        """Says whether a newer release owns the environment."""
        report = self._ask(commit, inspect.check_superseded)
        word = "superseded" if report.by else "latest"
        self._show(report, superseded_lines(report), outcome=word)
        self.exit_code = 0 if report.by else exit_code_latest

    def status(self) -> None:
        """Shows what is there now."""
        status = self._ask(None, inspect.take_status)
        self._show(status, status_lines(status))

    def history(self) -> None:
        """Shows the outcomes that the record keeps."""

        async def read(run: Run) -> object:
            return (await run.ports.ledger.read()).record

        record: Any = self._ask(None, read)
        self._show(record.past if record else (), history_lines(record))

    def rollback(self, to: str, *, reason: str, steal: bool) -> None:
        """Takes the environment back to an older release, denies the newer ones and pins it."""
        if not to or not reason.strip():
            raise Invalid("needs --to and --reason", on="rollback", safe="nothing was touched")
        order = RollbackOrder(reason=reason, by=self.setup.person, is_stealing=steal)
        self._do(ROLLBACK, to, rollback=order, is_by_hand=True)

    def accept_rewrite(self, to: str, reason: str) -> None:
        """Moves the mark to a commit of a rewritten branch."""
        if not to or not reason.strip():
            raise Invalid("needs --to and --reason", on="accept-rewrite")

        async def act(run: Run) -> str:
            return await hand.accept_rewrite(run, reason=reason, by=self.setup.person)

        said = self._ask(to, act)
        self._show({"outcome": "accepted", "said": said}, (f"accepted: {said}",))

    def unlock(self, reason: str) -> None:
        """Takes the record from its holder and pins it."""
        if not reason.strip():
            raise Invalid("needs a reason", on="unlock", advice="Add --reason TEXT")

        async def act(run: Run) -> str:
            return await hand.unlock(run, reason=reason, by=self.setup.person)

        said = self._ask(None, act)
        self._show({"outcome": "unlocked", "said": said}, (f"unlocked: {said}",))

    def resume(self, fixed_in: str) -> None:
        """Lifts the pin."""

        async def act(run: Run) -> str:
            fixed = await run.ports.forge.resolve(fixed_in) if fixed_in else None
            if fixed_in and fixed is None:
                raise Invalid("no such commit", on=f"--fixed-in {fixed_in}")
            return await hand.resume(run, fixed_in=fixed, by=self.setup.person)

        said = self._ask(None, act)
        self._show({"outcome": "resumed", "said": said}, (f"resumed: {said}",))

    def _do(self, stages: tuple[Stage, ...], wanted: str | None, **orders: Any) -> None:  # noqa: ANN401 - fields of Assignment
        async def act(run: Run) -> Outcome:
            return await run_job(run, stages)

        outcome = self._ask(wanted, act, **orders)
        for complaint in ci_report(self.setup).publish(outcome):
            print(complaint, file=sys.stderr)
        self.exit_code = outcome.exit_code
        self._print(as_json(outcome) if self.is_json else as_sentence(outcome))

    def _ask(self, wanted: str | None, act: Callable[[Run], Awaitable[T]], **orders: Any) -> T:  # noqa: ANN401 - fields of Assignment
        return asyncio.run(self._within(wanted, act, orders))

    async def _within(
        self, wanted: str | None, act: Callable[[Run], Awaitable[T]], orders: Mapping[str, Any]
    ) -> T:
        listening = _Listening()
        is_unguarded = orders.get("is_unguarded", False)
        try:
            with CancelOnSignal(listening.take):
                async with open_ports(self.setup, is_unguarded=is_unguarded) as ports:
                    release = await self._find_release(wanted, ports)
                    run = start(replace(self._assignment(release), **orders), ports)
                    listening.run = run
                    return await act(run)
        except asyncio.CancelledError:
            # A job has an outcome; what has not begun, or only looks, has nothing to say but this.
            name = Signals(listening.signal).name
            said = {"outcome": "cancelled", "reason": f"by {name}"}
            self._show(said, (f"cancelled: by {name}",))
            raise SystemExit(128 + listening.signal) from None

    async def _find_release(self, wanted: str | None, ports: Ports) -> Release:
        """Finds the release that is asked for; None asks for none, and any known one will do."""
        if wanted is None:
            return self._release(await find_present(ports))
        ci = self.setup.ci
        if not wanted and ci is not None and ci.sha is not None:
            return self._release(ci.sha)
        if not wanted:
            raise Invalid(
                "no release was named",
                safe="nothing was touched",
                advice="Outside CI, name it: --commit REF, or --to REF for redeploy and rollback",
            )
        return self._release(await find_target(wanted, ports, self.setup.config))

    def _release(self, sha: Sha) -> Release:
        return Release(sha=sha, tag=self.setup.config.registry.tag_of(sha))

    def _assignment(self, release: Release) -> Assignment:
        config = self.setup.config
        return Assignment(
            environment=config.environment,
            job=new_job(self.setup.ci),
            release=release,
            policy=config.policy,
            repositories=config.registry.repositories,
            promoted_tag=config.registry.promoted_tag,
            freezes=config.freezes,
        )

    def _show(self, value: object, lines: tuple[str, ...], **more: str) -> None:
        """Shows lines for people, or the value as JSON, with these keys beside its own."""
        self._print(to_json(value, **more) if self.is_json else "\n".join(lines))

    def _print(self, text: str) -> None:
        if not self.is_quiet:
            print(text)


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
