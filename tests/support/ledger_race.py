"""Lets many processes race on one file ledger, each adding one to the epoch of its record.

Run as `ledger_race.py PATH PROCESSES`: they start in waves, for the swaps that are lost grow with
the square of the racers. This module must not be imported: it forks, which only a process without
threads may do.
"""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

from release.adapters.clock import SystemClock
from release.adapters.file_ledger import FileLedger
from release.core.ledger import Record, Stamp
from release.core.values import JobId
from release.errors import Conflict

_ATTEMPTS_MAX = 5000
_WAVE = 20


async def _add_one(path: Path, number: int) -> None:
    """Swaps until it has won once; every lost swap is read again."""
    ledger = FileLedger(path, clock=SystemClock(), lock_wait_s=60.0)
    job = JobId(run=str(number), attempt=1, nonce="race")
    for write in range(1, _ATTEMPTS_MAX):
        reading = await ledger.read()
        stamp = Stamp(job=job, write=write)
        before = reading.record or Record(environment="race", stamp=stamp)
        try:
            await ledger.swap(reading.version, replace(before, epoch=before.epoch + 1, stamp=stamp))
        except Conflict:
            continue
        return
    raise SystemExit(f"process {number} lost {_ATTEMPTS_MAX} swaps")


def _race(path: Path, numbers: range) -> int:
    """Forks one process for each number, starts all at once, and returns how many failed."""
    gate_out, gate_in = os.pipe()
    children = []
    for number in numbers:
        child = os.fork()
        if child == 0:
            os.close(gate_in)
            os.read(gate_out, 1)
            status = 1
            try:
                asyncio.run(_add_one(path, number))
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    os.close(gate_in)
    os.close(gate_out)
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


def _race_in_waves(path: Path, processes: int) -> int:
    starts = range(0, processes, _WAVE)
    return sum(_race(path, range(start, min(start + _WAVE, processes))) for start in starts)


if __name__ == "__main__":
    sys.exit(min(_race_in_waves(Path(sys.argv[1]), int(sys.argv[2])), 100))
