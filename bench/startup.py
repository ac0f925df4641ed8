"""Measures what a user waits for before a task starts, as ratios to an empty tasks file.

It must not be read as seconds of this machine: the runs alternate, so that whatever else the
machine does weighs on each of them, and only the ratios of their medians are compared.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

CHECKOUT = Path(__file__).resolve().parents[1]
# Invoke refuses to list a file that has none, so there is one, which does nothing.
EMPTY_TASKS = "from invoke import task\n\n\n@task\ndef nothing(context):\n    pass\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A command line of `invoke`, and how many times the empty tasks file it may take.

    is_refused: whether the command is to end with an exit code other than 0.
    """

    name: str
    words: tuple[str, ...]
    ratio_max: float
    is_refused: bool = False


CASES = (
    Case(name="--list", words=("--list",), ratio_max=1.3),
    Case(
        name="check-superseded --help",
        words=("check-superseded", "--help"),
        ratio_max=1.5,
    ),
    Case(
        name="a refused flag",
        words=("check-superseded", "--no-such-flag"),
        ratio_max=1.5,
        is_refused=True,
    ),
)


def run(words: tuple[str, ...], folder: Path, *, is_refused: bool = False) -> float:
    """Runs `invoke` in a folder; returns the seconds that it took.

    Raises RuntimeError when it was to be refused and was not, or the other way round.
    """
    # A user's Python keeps its byte code, so this one does too.
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    command = [sys.executable, "-m", "invoke", *words]
    started_s = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    took_s = time.perf_counter() - started_s
    if (done.returncode != 0) is not is_refused:
        raise RuntimeError(f"{words} ended with {done.returncode}: {done.stderr.decode()}")
    return took_s


def measure(rounds: int, empty: Path) -> dict[str, float]:
    """Runs everything `rounds` times in turn, after one round that counts for nothing.

    Returns the median seconds of each case, and of the empty tasks file as `empty`.
    """
    times: dict[str, list[float]] = {"empty": [], **{case.name: [] for case in CASES}}
    for _ in range(rounds + 1):
        times["empty"].append(run(("--list",), empty))
        for case in CASES:
            times[case.name].append(run(case.words, CHECKOUT, is_refused=case.is_refused))
    return {name: statistics.median(taken[1:]) for name, taken in times.items()}


def main() -> int:
    """Prints the medians and their ratios; exits 1 when one is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="measured runs of each, 15 if unset")
    rounds = parser.parse_args().rounds
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tasks.py").write_text(EMPTY_TASKS, "utf-8")
        medians = measure(rounds, folder)
    print(f"medians of {rounds} runs each, in turn")
    print(f"{'an empty tasks file':<26}{medians['empty'] * 1000:7.0f} ms")
    is_slow = False
    for case in CASES:
        ratio = medians[case.name] / medians["empty"]
        is_slow = is_slow or ratio > case.ratio_max
        print(
            f"{case.name:<26}{medians[case.name] * 1000:7.0f} ms"
            f"  {ratio:5.2f} times, at most {case.ratio_max}"
        )
    return int(is_slow)


if __name__ == "__main__":
    sys.exit(main())
