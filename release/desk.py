"""The desk at which a verb is asked for: it makes the assignment, runs the job, shows the answer.

stdout is the answer, stderr the progress. This module must not decide anything about a release.
"""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from signal import Signals
from typing import Any, TypeVar

from release.core.convergence import ConvergenceReport
from release.core.convergence_text import convergence_document, convergence_lines
from release.core.history import Entry, Version, tell_history
from release.core.outcome import Outcome
from release.core.render import as_document, as_json, as_sentence
from release.core.report_text import (
    forecast_lines,
    history_lines,
    status_lines,
    superseded_lines,
    to_json,
)
from release.core.rollback import RollbackOrder
from release.core.values import Sha
from release.errors import Invalid
from release.job_start import JobStarter, SignalCame
from release.option_values import read_count, read_instant, read_tenants
from release.pipeline import (
    DEPLOY,
    LEDGER_INIT,
    PROMOTE,
    REDEPLOY,
    ROLLBACK,
    ROLLBACK_NOW,
    SETTLE_VERIFY,
    WAIT_CI,
    Stage,
    run_job,
)
from release.settings import ForgeKind
from release.stages import hand, inspect
from release.stages.converge import check_convergence
from release.stages.repair import repair_ledger
from release.stages.run import Run
from release.wiring import Setup, ci_report, read_setup, read_versions

__all__ = ["Desk"]

T = TypeVar("T")

_HISTORY_MAX = 10_000
_NOTHING_REPAIRED = "nothing was repaired: nothing is behind that a deploy may roll now"


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
    def open(cls, *, config: str, is_quiet: bool = False) -> "Desk":
        """Opens a desk with a configuration file; raises Invalid for the first thing wrong."""
        return cls(setup=read_setup(config, "", {}), is_json=False, is_quiet=is_quiet)

    def deploy(self, commit: str, *, without_ledger: bool, reason: str) -> None:
        """Runs the whole deploy; outside CI the commit must be named."""
        if without_ledger:
            _require_reason(reason, on="--without-ledger")
        if reason and not without_ledger:
            raise Invalid("goes with --without-ledger alone", on="--reason")
        self._do(DEPLOY, commit, is_unguarded=without_ledger, is_first_use=without_ledger)

    def wait_ci(self, commit: str) -> None:
        """Waits for CI and the images."""
        self._do(WAIT_CI, commit)

    def redeploy(self, to: str, *, only: str, force: bool) -> None:
        """Rolls tenants onto a release; by hand it is refused while a lease lives."""
        tenants = read_tenants(only, on="--only")
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

    def history(self, limit: str) -> None:
        """Shows what the ledger keeps of the past: of its store's history, else of the record."""
        count_max = read_count(limit, on="--limit", most=_HISTORY_MAX)

        async def read(run: Run) -> tuple[Entry, ...]:
            record = (await run.ports.ledger.read()).record
            versions = await read_versions(self.setup, count_max=count_max)
            return tell_history(versions or ((Version(record=record),) if record else ()))

        entries = self._ask(None, read)
        self._show(entries, history_lines(entries))

    def converge_check(self, *, is_repairing: bool) -> None:
        """Says whether all is on the release that should be live, and deploys it where asked to."""

        async def act(run: Run) -> tuple[ConvergenceReport, Outcome | None]:
            release = self._starter.release
            report = await check_convergence(run, release, tested=self._tested())
            if not is_repairing or not report.is_repairable:
                return report, None
            run.tell("repair", f"rolling what is behind {run.release.sha.short}")
            return report, await run_job(run, DEPLOY)

        report, outcome = self._ask(None, act)
        lines = convergence_lines(report)
        if outcome is None:
            said = (_NOTHING_REPAIRED,) if is_repairing else ()
            self._complain(ci_report(self.setup).publish_convergence(report))
            self._show(convergence_document(report), (*said, *lines))
            self.exit_code = report.exit_code
            return
        self._complain(ci_report(self.setup).publish(outcome))
        self.exit_code = outcome.exit_code or int(report.has_diverged)
        document = {**as_document(outcome), "convergence": convergence_document(report)}
        self._show(document, (*lines, as_sentence(outcome)))

    def _tested(self) -> tuple[Sha, ...] | None:
        """Over git alone nobody knows CI's statuses: the job runs behind what must be green."""
        if self.setup.config.forge.kind is not ForgeKind.GIT:
            return None
        ci = self.setup.ci
        return (ci.sha,) if ci is not None and ci.sha is not None else ()

    def _complain(self, complaints: tuple[str, ...]) -> None:
        for complaint in complaints:
            print(complaint, file=sys.stderr)

    def rollback(self, to: str, *, reason: str, is_stealing: bool, is_now: bool) -> None:
        """Takes the environment back to an older release, denies the newer ones and pins it."""
        if not to or not reason.strip():
            raise Invalid("needs --to and --reason", on="rollback", safe="nothing was touched")
        order = RollbackOrder(reason=reason, by=self.setup.person, is_stealing=is_stealing)
        self._do(ROLLBACK_NOW if is_now else ROLLBACK, to, rollback=order, is_by_hand=True)

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
        _require_reason(reason, on="unlock")

        async def act(run: Run) -> str:
            return await hand.unlock(run, reason=reason, by=self.setup.person)

        self._act("unlocked", act)

    def pin(self, reason: str, until: str) -> None:
        """Holds automatic deploys, until an instant or until `resume`."""
        _require_reason(reason, on="pin")
        instant = read_instant(until, on="--until") if until else None

        async def act(run: Run) -> str:
            return await hand.pin(run, reason=reason, by=self.setup.person, until=instant)

        self._act("pinned", act)

    def ledger_repair(self, reason: str) -> None:
        """Makes a ledger that was set back safe to go on with."""
        _require_reason(reason, on="ledger-repair")

        async def act(run: Run) -> str:
            return await repair_ledger(run, reason=reason, by=self.setup.person)

        self._act("repaired", act)

    def resume(self, fixed_in: str) -> None:
        """Lifts the pin."""

        async def act(run: Run) -> str:
            fixed = await run.ports.forge.resolve(fixed_in) if fixed_in else None
            if fixed_in and fixed is None:
                raise Invalid("no such commit", on=f"--fixed-in {fixed_in}")
            return await hand.resume(run, fixed_in=fixed, by=self.setup.person)

        self._act("resumed", act)

    def _act(self, word: str, act: Callable[[Run], Awaitable[str]]) -> None:
        """Does what a person asks of the record alone, and says so."""
        said = self._ask(None, act)
        self._show({"outcome": word, "said": said}, (f"{word}: {said}",))

    def _do(self, stages: tuple[Stage, ...], wanted: str | None, **orders: Any) -> None:  # noqa: ANN401 - fields of Assignment
        async def act(run: Run) -> Outcome:
            return await run_job(run, stages)

        outcome = self._ask(wanted, act, **orders)
        self._complain(ci_report(self.setup).publish(outcome))
        self.exit_code = outcome.exit_code
        self._print(as_json(outcome) if self.is_json else as_sentence(outcome))

    def _ask(self, wanted: str | None, act: Callable[[Run], Awaitable[T]], **orders: Any) -> T:  # noqa: ANN401 - fields of Assignment
        try:
            return self._starter.run(wanted, act, **orders)
        except SignalCame as came:
            # A job has an outcome; what has not begun, or only looks, has nothing to say but this.
            said = {"outcome": "cancelled", "reason": f"by {Signals(came.signal).name}"}
            self._show(said, (f"cancelled: {said['reason']}",))
            raise SystemExit(128 + came.signal) from None

    @property
    def _starter(self) -> JobStarter:
        return JobStarter(setup=self.setup)

    def _show(self, value: object, lines: tuple[str, ...], **more: str) -> None:
        """Shows lines for people, or the value as JSON, with these keys beside its own."""
        self._print(to_json(value, **more) if self.is_json else "\n".join(lines))

    def _print(self, text: str) -> None:
        if not self.is_quiet:
            print(text)


def _require_reason(reason: str, *, on: str) -> None:
    if not reason.strip():
        raise Invalid("needs a reason", on=on, advice="Add --reason TEXT")
