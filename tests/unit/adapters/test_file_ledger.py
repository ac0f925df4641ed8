"""What the file ledger promises beyond the contract: processes, locks, and what lies on disk."""

import asyncio
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from release.adapters.file_ledger import FileLedger
from release.errors import Conflict, Invalid, Refused, Unavailable
from tests.support.clocks import StillClock
from tests.support.ledger_records import small_record

PROCESSES = 200


def _ledger(path: Path, *, clock: StillClock | None = None) -> FileLedger:
    return FileLedger(path, clock=clock or StillClock(), lock_wait_s=5.0)


@pytest.mark.slow
def test_two_hundred_racing_processes_lose_no_update(tmp_path: Path) -> None:
    """Each process that was told that it won has its update in the record."""
    script = Path(__file__).parents[2] / "support" / "ledger_race.py"
    path = tmp_path / "ledger"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    race = subprocess.run(
        [sys.executable, str(script), str(path), str(PROCESSES)], env=environment, check=False
    )

    reading = asyncio.run(_ledger(path).read())
    assert race.returncode == 0
    assert reading.record is not None
    assert reading.record.epoch == PROCESSES
    assert path.read_bytes().startswith(b"headway ledger, generation 200\n")


def test_lock_that_is_never_free_is_unavailable(tmp_path: Path) -> None:
    """A swap waits for the lock, for a bounded time, and then has written nothing."""
    path, clock = tmp_path / "ledger", StillClock()
    asyncio.run(_ledger(path).swap(None, small_record()))
    before = path.read_bytes()

    with (tmp_path / "ledger.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Unavailable, match=r"not free within 5 s.*nothing was written"):
            asyncio.run(_ledger(path, clock=clock).swap(None, small_record(epoch=2)))

    assert 5.0 <= sum(clock.slept) < 6.0
    assert path.read_bytes() == before


def test_reading_needs_no_lock(tmp_path: Path) -> None:
    """A writer that hangs does not keep readers out."""
    path = tmp_path / "ledger"
    version = asyncio.run(_ledger(path).swap(None, small_record()))

    with (tmp_path / "ledger.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        reading = asyncio.run(_ledger(path).read())

    assert reading.version == version


def test_record_that_was_mended_by_hand_is_another_version(tmp_path: Path) -> None:
    """Who read the record before it was mended does not swap on it."""
    path = tmp_path / "ledger"
    version = asyncio.run(_ledger(path).swap(None, small_record(epoch=2)))
    path.write_bytes(path.read_bytes().replace(b'"epoch": 2', b'"epoch": 3'))

    with pytest.raises(Conflict):
        asyncio.run(_ledger(path).swap(version, small_record(epoch=4)))


@pytest.mark.parametrize("content", [b"", b"{}\n", b"headway ledger, generation 0\n{}", b"\x00"])
def test_file_of_another_kind_is_invalid_and_left_alone(tmp_path: Path, content: bytes) -> None:
    """A file that is no ledger is neither read nor overwritten."""
    path = tmp_path / "ledger"
    path.write_bytes(content)

    with pytest.raises(Invalid, match="no record"):
        asyncio.run(_ledger(path).read())
    with pytest.raises(Invalid, match="no record"):
        asyncio.run(_ledger(path).swap(None, small_record()))

    assert path.read_bytes() == content


def test_write_that_died_half_way_changes_nothing(tmp_path: Path) -> None:
    """What a killed writer left beside the file is not read, and is written over."""
    path = tmp_path / "ledger"
    version = asyncio.run(_ledger(path).swap(None, small_record(epoch=1)))
    (tmp_path / "ledger.new").write_bytes(b"headway ledger, gen")

    asyncio.run(_ledger(path).swap(version, small_record(epoch=2)))

    assert asyncio.run(_ledger(path).read()).record == small_record(epoch=2)


def test_link_and_file_are_one_ledger(tmp_path: Path) -> None:
    """A symbolic link is followed, so that both names share one record and one lock."""
    path, link = tmp_path / "ledger", tmp_path / "link"
    link.symlink_to(path)

    version = asyncio.run(_ledger(link).swap(None, small_record()))

    assert asyncio.run(_ledger(path).read()).version == version
    assert link.is_symlink()


def test_folder_is_made(tmp_path: Path) -> None:
    """The first write makes the folder that the ledger is to lie in."""
    path = tmp_path / "a" / "b" / "ledger"

    asyncio.run(_ledger(path).swap(None, small_record()))

    assert asyncio.run(_ledger(path).read()).record == small_record()


@pytest.mark.parametrize("name", ["folder", "folder/" + "x" * 600])
def test_path_that_can_not_be_a_file_is_no_crash(tmp_path: Path, name: str) -> None:
    """What the operating system says is told as an error of ours, with the path."""
    (tmp_path / "folder").mkdir()

    with pytest.raises((Refused, Unavailable), match="folder"):
        asyncio.run(_ledger(tmp_path / name).read())
