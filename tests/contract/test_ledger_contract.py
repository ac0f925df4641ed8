"""One suite for all ledger stores: memory, a file, and a git ref over a path and over http."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from release.adapters.file_ledger import FileLedger
from release.adapters.memory_ledger import MemoryLedger, MemoryPlace
from release.ports import Clock, Ledger
from tests.contract.ledger_contract import LedgerContract, LedgerStore
from tests.support.git_http import GitHttp
from tests.support.git_ledgers import REF, GitLedgers
from tests.support.git_repository import GitRepository


class _Memory:
    rounds = 10

    def __init__(self) -> None:
        self._place = MemoryPlace()

    def open(self, clock: Clock) -> Ledger:
        return MemoryLedger(clock, place=self._place)

    def spoil(self, data: bytes) -> None:
        self._place.stored = data


class _File:
    rounds = 10

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ledger"

    def open(self, clock: Clock) -> Ledger:
        return FileLedger(self._path, clock=clock)

    def spoil(self, data: bytes) -> None:
        header = self._path.read_bytes().partition(b"\n")[0]
        self._path.write_bytes(header + b"\n" + data)


class _GitRef:
    rounds = 3

    def __init__(self, ledgers: GitLedgers) -> None:
        self._ledgers = ledgers

    def open(self, clock: Clock) -> Ledger:
        return self._ledgers.open(clock)

    def spoil(self, data: bytes) -> None:
        files = {"record.json": data}
        self._ledgers.repository.commit("by hand", files=files, ref=REF)


@pytest.fixture(params=["memory", "file", "git-path", "git-http"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LedgerStore]:
    """An empty place in each kind of store."""
    if request.param == "memory":
        yield _Memory()
        return
    if request.param == "file":
        yield _File(tmp_path)
        return
    repository = GitRepository(tmp_path / "remotes" / "ledger.git")
    if request.param == "git-path":
        yield _GitRef(GitLedgers(repository, tmp_path))
        return
    with GitHttp(repository.path.parent) as host:
        yield _GitRef(GitLedgers(repository, tmp_path, url=f"{host.url}/ledger.git"))


class TestLedger(LedgerContract):
    """Every store keeps the promise of `ports.Ledger`."""
