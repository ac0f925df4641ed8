"""The verbs of Headway as Invoke tasks: each parses its options, asks the desk, shows the answer.

Nothing here decides anything, and no adapter is imported before a task runs, so that the menu stays
quick. `headway` is the same collection as a command of its own.
"""

import sys
from typing import TYPE_CHECKING

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit, ParseError
from invoke.program import Program

from release.verb import USAGE, verb
from simulator.tasks import race, simulator

if TYPE_CHECKING:
    from release.desk import Desk

__all__ = [
    "STILL_LATEST",
    "accept_rewrite",
    "check_superseded",
    "deploy",
    "history",
    "ledger_init",
    "main",
    "namespace",
    "plan",
    "promote",
    "redeploy",
    "resume",
    "rollback",
    "settle_verify",
    "status",
    "unlock",
    "wait_ci",
]

STILL_LATEST = 10

_COMMIT = "Which release: a commit, in full or shortened, or a branch. In CI: the run's commit."
_REASON = "Why, for the ledger and for whoever reads it later."


@verb(
    commit=_COMMIT,
    dry_run="Say what would happen and touch nothing; the same as `plan`.",
    deadline="Seconds after which no further effect is begun.",
    without_ledger="Deploy without the ledger's guard, with --reason; never automatic.",
    reason=_REASON,
)
def deploy(  # noqa: PLR0913 - the options of the verb
    _context: Context,
    *,
    commit: str = "",
    dry_run: bool = False,
    deadline: str = "",
    without_ledger: bool = False,
    reason: str = "",
    config: str = "",
    env: str = "",
    json: bool = False,
) -> None:
    """Bring the whole fleet and every pointer onto a release, or stand aside for a newer one."""
    desk = _desk(config, env, json=json, deadline=deadline)
    if dry_run:
        desk.plan(commit)
    else:
        desk.deploy(commit, without_ledger=without_ledger, reason=reason)
    _leave(desk)


@verb(commit=_COMMIT)
def plan(
    _context: Context, *, commit: str = "", config: str = "", env: str = "", json: bool = False
) -> None:
    """Say what a deploy would do now; touches nothing and raises no fence."""
    desk = _desk(config, env, json=json)
    desk.plan(commit)
    _leave(desk)


@verb(commit=_COMMIT)
def wait_ci(
    _context: Context, *, commit: str = "", config: str = "", env: str = "", json: bool = False
) -> None:
    """Wait until CI is green for a commit and its image is in every repository."""
    desk = _desk(config, env, json=json)
    desk.wait_ci(commit)
    _leave(desk)


@verb(commit=_COMMIT)
def check_superseded(
    _context: Context, *, commit: str = "", config: str = "", env: str = "", json: bool = False
) -> None:
    """Exit 0 and print the newer commit when a release is superseded, exit 10 when it is not."""
    desk = _desk(config, env, json=json)
    desk.check_superseded(commit, exit_code_latest=STILL_LATEST)
    _leave(desk)


@verb(
    to="Which release: a commit, or an existing image tag such as staging-latest.",
    only="These tenants alone, parted by commas.",
    force="Redeploy also the tenants that are already on the release.",
)
def redeploy(  # noqa: PLR0913 - the options of the verb
    _context: Context,
    *,
    to: str = "",
    only: str = "",
    force: bool = False,
    config: str = "",
    env: str = "",
    json: bool = False,
) -> None:
    """Roll tenants onto a release: canary, soak, batches, each settled before the next."""
    desk = _desk(config, env, json=json)
    desk.redeploy(to, only=only, force=force)
    _leave(desk)


@verb(commit=_COMMIT)
def settle_verify(
    _context: Context, *, commit: str = "", config: str = "", env: str = "", json: bool = False
) -> None:
    """Poll every tenant's /buildinfo until all have settled on a release; touches nothing."""
    desk = _desk(config, env, json=json)
    desk.settle_verify(commit)
    _leave(desk)


@verb(commit=_COMMIT)
def promote(
    _context: Context, *, commit: str = "", config: str = "", env: str = "", json: bool = False
) -> None:
    """Verify the fleet, then move every pointer to a release by digest and read it back."""
    desk = _desk(config, env, json=json)
    desk.promote(commit)
    _leave(desk)


@verb()
def status(_context: Context, *, config: str = "", env: str = "", json: bool = False) -> None:
    """Show the branch, the ledger, and what every tenant and pointer is on."""
    desk = _desk(config, env, json=json)
    desk.status()
    _leave(desk)


@verb()
def history(_context: Context, *, config: str = "", env: str = "", json: bool = False) -> None:
    """Show the outcomes that the ledger remembers, the newest last."""
    desk = _desk(config, env, json=json)
    desk.history()
    _leave(desk)


@verb(
    to="To which release: a commit, or an existing image tag.",
    reason=_REASON,
    steal="Take the record also from a job whose lease still lives.",
)
def rollback(  # noqa: PLR0913 - the options of the verb
    _context: Context,
    *,
    to: str = "",
    reason: str = "",
    steal: bool = False,
    config: str = "",
    env: str = "",
    json: bool = False,
) -> None:
    """Go back to an older release, deny the newer ones, and pin the environment until `resume`."""
    desk = _desk(config, env, json=json)
    desk.rollback(to, reason=reason, steal=steal)
    _leave(desk)


@verb(to="The commit of the rewritten branch that counts from now on.", reason=_REASON)
def accept_rewrite(
    _context: Context,
    *,
    to: str = "",
    reason: str = "",
    config: str = "",
    env: str = "",
    json: bool = False,
) -> None:
    """Move the ledger's mark after a force-push on purpose; touches no tenant."""
    desk = _desk(config, env, json=json)
    desk.accept_rewrite(to, reason)
    _leave(desk)


@verb(reason=_REASON)
def unlock(
    _context: Context, *, reason: str = "", config: str = "", env: str = "", json: bool = False
) -> None:
    """Take the record from its holder and pin it; automatic deploys are held until `resume`."""
    desk = _desk(config, env, json=json)
    desk.unlock(reason)
    _leave(desk)


@verb(fixed_in="The commit that mends what a rollback denied.")
def resume(
    _context: Context, *, fixed_in: str = "", config: str = "", env: str = "", json: bool = False
) -> None:
    """Lift the pin, so that automatic deploys go on."""
    desk = _desk(config, env, json=json)
    desk.resume(fixed_in)
    _leave(desk)


@verb()
def ledger_init(_context: Context, *, config: str = "", env: str = "", json: bool = False) -> None:
    """Create an environment's record from what its fleet serves, before the first deploy."""
    desk = _desk(config, env, json=json)
    desk.ledger_init()
    _leave(desk)


def _desk(config: str, env: str, *, json: bool, deadline: str = "") -> "Desk":
    from release.desk import Desk  # noqa: PLC0415 - the menu stays quick

    flags = {"policy.deadline_s": deadline} if deadline else {}
    return Desk.open(config=config, env=env, is_json=json, flags=flags)


def _leave(desk: "Desk") -> None:
    if desk.exit_code:
        raise Exit(code=desk.exit_code)


namespace = Collection(
    deploy,
    plan,
    wait_ci,
    check_superseded,
    redeploy,
    settle_verify,
    promote,
    status,
    history,
    rollback,
    accept_rewrite,
    unlock,
    resume,
    ledger_init,
    race,
    sim=simulator,
)


class _Headway(Program):
    """Invoke's program over our collection; a refused word is a usage error, exit 2."""

    def parse_tasks(self) -> None:
        try:
            super().parse_tasks()
        except ParseError as refused:
            raise Exit(f"invalid: {refused}", USAGE) from refused

    def print_version(self) -> None:
        from importlib.metadata import version  # noqa: PLC0415 - only --version asks

        self.version = version(self.name)
        super().print_version()


def main() -> None:
    """Runs the `headway` command."""
    _Headway(namespace=namespace, name="headway", binary="headway").run(sys.argv)
