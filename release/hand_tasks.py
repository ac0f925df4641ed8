"""The verbs of a person as Invoke tasks: go back, hold, resume, take or mend the record.

Nothing here decides anything, and no adapter is imported before a task runs.
"""

from invoke.context import Context

from release.verb import REASON, leave, open_desk, verb

__all__ = [
    "accept_rewrite",
    "ledger_init",
    "ledger_repair",
    "pin",
    "resume",
    "rollback",
    "unlock",
]


@verb(
    to="To which release: a commit, or an existing image tag.",
    reason=REASON,
    steal="Take the record also from a job whose lease still lives.",
    now="Roll at once, whatever may still land, and again once nothing can.",
)
def rollback(  # noqa: PLR0913 - the options of the verb
    _context: Context,
    *,
    to: str = "",
    reason: str = "",
    steal: bool = False,
    now: bool = False,
    config: str = "",
    env: str = "",
    json: bool = False,
) -> None:
    """Go back to an older release, deny the newer ones, and pin the environment until `resume`."""
    desk = open_desk(config, env, json=json)
    desk.rollback(to, reason=reason, is_stealing=steal, is_now=now)
    leave(desk)


@verb(to="The commit of the rewritten branch that counts from now on.", reason=REASON)
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
    desk = open_desk(config, env, json=json)
    desk.accept_rewrite(to, reason)
    leave(desk)


@verb(reason=REASON)
def unlock(
    _context: Context, *, reason: str = "", config: str = "", env: str = "", json: bool = False
) -> None:
    """Take the record from its holder and pin it; automatic deploys are held until `resume`."""
    desk = open_desk(config, env, json=json)
    desk.unlock(reason)
    leave(desk)


@verb(
    reason=REASON,
    until="Until which instant, such as 2026-12-24T18:00, which is UTC; default: until `resume`.",
)
def pin(
    _context: Context,
    *,
    reason: str = "",
    until: str = "",
    config: str = "",
    env: str = "",
    json: bool = False,
) -> None:
    """Hold automatic deploys; nothing that is deployed already is touched or denied."""
    desk = open_desk(config, env, json=json)
    desk.pin(reason, until)
    leave(desk)


@verb(fixed_in="The commit that mends what a rollback denied.")
def resume(
    _context: Context, *, fixed_in: str = "", config: str = "", env: str = "", json: bool = False
) -> None:
    """Lift the pin, so that automatic deploys go on."""
    desk = open_desk(config, env, json=json)
    desk.resume(fixed_in)
    leave(desk)


@verb()
def ledger_init(_context: Context, *, config: str = "", env: str = "", json: bool = False) -> None:
    """Create an environment's record from what its fleet serves, before the first deploy."""
    desk = open_desk(config, env, json=json)
    desk.ledger_init()
    leave(desk)


@verb(reason=REASON)
def ledger_repair(
    _context: Context, *, reason: str = "", config: str = "", env: str = "", json: bool = False
) -> None:
    """Make a ledger safe to go on with after a backup of it was restored; touches no tenant."""
    desk = open_desk(config, env, json=json)
    desk.ledger_repair(reason)
    leave(desk)
