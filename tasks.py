"""The verbs of Headway as Invoke tasks: each parses its options, asks the desk, shows the answer.

Nothing here decides anything, and no adapter is imported before a task runs, so that the menu stays
quick. `headway` is the same collection as a command of its own.
"""

import sys

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit, ParseError
from invoke.program import Program

from release.hand_tasks import (
    accept_rewrite,
    ledger_init,
    ledger_repair,
    pin,
    resume,
    rollback,
    unlock,
)
from release.verb import COMMIT, REASON, USAGE, leave, open_desk, verb
from simulator.explore_tasks import explore
from simulator.tasks import race, simulator

__all__ = [
    "STILL_LATEST",
    "accept_rewrite",
    "check_superseded",
    "converge_check",
    "deploy",
    "history",
    "ledger_init",
    "ledger_repair",
    "main",
    "namespace",
    "pin",
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


@verb(
    commit=COMMIT,
    dry_run="Say what would happen and touch nothing; the same as `plan`.",
    deadline="Seconds after which no further effect is begun.",
    without_ledger="Deploy without the ledger's guard, with --reason; never automatic.",
    reason=REASON,
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
    desk = open_desk(config, env, json=json, deadline=deadline)
    if dry_run:
        desk.plan(commit)
    else:
        desk.deploy(commit, without_ledger=without_ledger, reason=reason)
    leave(desk)


@verb(commit=COMMIT)
def plan(
    _context: Context, *, commit: str = "", config: str = "", env: str = "", json: bool = False
) -> None:
    """Say what a deploy would do now; touches nothing and raises no fence."""
    desk = open_desk(config, env, json=json)
    desk.plan(commit)
    leave(desk)


@verb(commit=COMMIT)
def wait_ci(
    _context: Context, *, commit: str = "", config: str = "", env: str = "", json: bool = False
) -> None:
    """Wait until CI is green for a commit and its image is in every repository."""
    desk = open_desk(config, env, json=json)
    desk.wait_ci(commit)
    leave(desk)


@verb(commit=COMMIT)
def check_superseded(
    _context: Context, *, commit: str = "", config: str = "", env: str = "", json: bool = False
) -> None:
    """Exit 0 and print the newer commit when a release is superseded, exit 10 when it is not."""
    desk = open_desk(config, env, json=json)
    desk.check_superseded(commit, exit_code_latest=STILL_LATEST)
    leave(desk)


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
    desk = open_desk(config, env, json=json)
    desk.redeploy(to, only=only, force=force)
    leave(desk)


@verb(commit=COMMIT)
def settle_verify(
    _context: Context, *, commit: str = "", config: str = "", env: str = "", json: bool = False
) -> None:
    """Poll every tenant's /buildinfo until all have settled on a release; touches nothing."""
    desk = open_desk(config, env, json=json)
    desk.settle_verify(commit)
    leave(desk)


@verb(commit=COMMIT)
def promote(
    _context: Context, *, commit: str = "", config: str = "", env: str = "", json: bool = False
) -> None:
    """Verify the fleet, then move every pointer to a release by digest and read it back."""
    desk = open_desk(config, env, json=json)
    desk.promote(commit)
    leave(desk)


@verb()
def status(_context: Context, *, config: str = "", env: str = "", json: bool = False) -> None:
    """Show the branch, the ledger, and what every tenant and pointer is on."""
    desk = open_desk(config, env, json=json)
    desk.status()
    leave(desk)


@verb(
    repair="Deploy what should be live where something is behind it; nothing under a pin or freeze."
)
def converge_check(
    _context: Context, *, repair: bool = False, config: str = "", env: str = "", json: bool = False
) -> None:
    """Say whether every tenant and pointer is on the release that should be live; exit 1 if not."""
    desk = open_desk(config, env, json=json)
    desk.converge_check(is_repairing=repair)
    leave(desk)


@verb(limit="How many writes to read back, where the ledger's store keeps them; default: 200.")
def history(
    _context: Context, *, limit: str = "200", config: str = "", env: str = "", json: bool = False
) -> None:
    """Show claims, steps, steals, pins and outcomes as the ledger keeps them, the newest last."""
    desk = open_desk(config, env, json=json)
    desk.history(limit)
    leave(desk)


namespace = Collection(
    deploy,
    plan,
    wait_ci,
    check_superseded,
    redeploy,
    settle_verify,
    promote,
    status,
    converge_check,
    history,
    rollback,
    accept_rewrite,
    unlock,
    pin,
    resume,
    ledger_init,
    ledger_repair,
    race,
    explore,
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
