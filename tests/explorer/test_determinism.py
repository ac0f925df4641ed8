"""A scope is the same in every process: no order of a set, no address and no clock shows."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.explorer.digest import digest
from simulator.explorer.engine import explore
from simulator.explorer.scope import Kind, Scope
from simulator.explorer.territory import Territory
from tests.explorer.scopes import overlap, single
from tests.explorer.weakened import SOURCES

_MAX_S = 120


def test_two_runs_under_any_hash_seed_find_the_same() -> None:
    """The states, the order of finding them and the sampled schedules don't hang on hashes."""
    begun = [_begin(sys.executable, seed) for seed in ("0", "1", "4711")]

    printed = {_read(one) for one in begun}

    assert len(printed) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (single(), single(Kind.LOST)),
        (single(tenants=2), single(tenants=3)),
        (overlap("lease"), overlap("lease-reread")),
        (overlap("none"), overlap("recheck")),
    ],
    ids=["kinds", "tenants", "guards", "breaches"],
)
def test_other_scopes_have_other_digests(one: Scope, other: Scope) -> None:
    """What is explored shows in the digest."""
    digests = {digest(explore(Territory(scope))) for scope in (one, other)}

    assert len(digests) == 2


def test_a_digest_does_not_hang_on_the_numbers_that_a_run_gives_away() -> None:
    """A territory that knows some states already has other numbers for them, and one digest."""
    scope = single(Kind.SWAP_UNKNOWN)
    used = Territory(scope)
    for state in _some_way(used):
        used.moves(state)

    digests = {digest(explore(Territory(scope))), digest(explore(used))}

    assert len(digests) == 1


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_every_supported_python_finds_the_same(version: str) -> None:
    """The explorer needs nothing but the standard library, and no Python finds other states."""
    python = _find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")

    begun = [_begin(one, "0") for one in (sys.executable, python)]

    ours, others = [_read(one) for one in begun]

    assert ours == others


def _some_way(territory: Territory) -> Iterator[int]:
    """The states of one way that takes the last of all moves each time."""
    state, moves = territory.start, territory.moves(territory.start)
    while moves:
        yield state
        state = moves[-1].target
        moves = territory.moves(state)


def _find_python(version: str) -> str | None:
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(root.glob(f"versions/{version}*/bin/python"))
    return str(found[-1]) if found else None


def _begin(python: str, hash_seed: str) -> subprocess.Popen[str]:
    """Starts a process that prints its digests."""
    folders = [str(SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": os.pathsep.join(folders),
    }
    return subprocess.Popen(
        [python, "-m", "tests.explorer.digesting"],
        cwd=SOURCES,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def _read(begun: subprocess.Popen[str]) -> str:
    """What the process has printed in the end."""
    with begun:
        printed, _ = begun.communicate(timeout=_MAX_S)
    assert begun.returncode == 0
    return printed
