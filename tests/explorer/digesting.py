"""Prints the digest of each scope of the determinism tests, one a line.

`python -m tests.explorer.digesting`. This module must not compare them.
"""

from simulator.explorer.digest import digest
from simulator.explorer.engine import explore
from simulator.explorer.sampling import sample
from simulator.explorer.scope import Kind
from simulator.explorer.territory import Territory
from tests.explorer.scopes import overlap, single

__all__ = ["main"]

SCOPES = {
    "churn": single(Kind.CHURN),
    "pin": single(Kind.PIN),
    "lease": overlap("lease"),
    "recheck": overlap("recheck"),
}


def main() -> None:
    """Explores and samples every scope."""
    for name, scope in SCOPES.items():
        explored = explore(Territory(scope))
        found = sample(Territory(scope), schedules=20, seed=1, depth=3)
        counts = f"{explored.states} {found.schedules} {found.steps} {found.states}"
        print(f"{name}: {digest(explored)} {counts}")  # noqa: T201 - it is what this module does


if __name__ == "__main__":
    main()
