"""Runs SPIN on each configuration of `headway.pml` and compares its verdict with the expected one.

`python tests/promela/run.py [NAME...]`; exits 1 when a verdict is another one. It must not import
anything of Headway: it is a third opinion.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

__all__ = ["CONFIGURATIONS", "Configuration", "Found", "main"]

_MODEL = Path(__file__).with_name("headway.pml")
_DEPTH_MAX = 100_000
_MEMORY_MAX_MIB = 4096
_PAN_MAX_S = 600


class Verdict(StrEnum):
    """What SPIN has to find.

    BACKWARD: a landing that takes a tenant or the pointer to an older release. BLOCKED: a job that
    waits for ever. HAPPENS: a way to what must not be impossible.
    """

    HOLDS = "holds"
    BACKWARD = "backward"
    BLOCKED = "blocked"
    HAPPENS = "happens"
    OTHER = "something else"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The switches of one run, `NAME=value`, and what it must find.

    is_first_shortest: searches breadth first, so that a counterexample is a shortest one.
    """

    switches: str
    expected: Verdict

    @property
    def is_first_shortest(self) -> bool:
        """Whether it searches breadth first."""
        return self.expected is not Verdict.HOLDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What SPIN found, with the states it stored; depth: in steps of the model."""

    verdict: Verdict
    states: int
    depth: int
    took_s: float
    said: str


def _holds(switches: str) -> Configuration:
    return Configuration(switches=switches, expected=Verdict.HOLDS)


def _backward(switches: str) -> Configuration:
    return Configuration(switches=switches, expected=Verdict.BACKWARD)


def _happens(switches: str) -> Configuration:
    return Configuration(switches=switches, expected=Verdict.HAPPENS)


CONFIGURATIONS = (
    # The protocol as it is shipped: nothing may be found.
    _holds("FENCE=0"),
    _holds("FENCE=1"),
    _holds("FENCE=2"),
    _holds("FENCE=0 JOBS=3 THIRD=1 FAULTS=1"),
    _holds("FENCE=0 JOBS=3 THIRD=2 FAULTS=1"),
    _holds("FENCE=0 JOBS=3 THIRD=3 FAULTS=1"),
    _holds("FENCE=2 JOBS=3 THIRD=3 FAULTS=1"),
    # One thing taken away, the rest as it is.
    _backward("FENCE=0 NO_DRAIN"),
    _backward("FENCE=0 NO_CLOCK_CHECK"),
    _backward("FENCE=0 ACK_TIMEOUT"),
    _backward("FENCE=0 ACK_SECOND"),
    _backward("FENCE=0 BLIND_RETRY"),
    _backward("FENCE=0 NO_MARK"),
    _backward("FENCE=2 NO_MARK"),
    _backward("FENCE=0 CHECK_BEFORE_SWAP"),
    _backward("FENCE=2 CHECK_BEFORE_SWAP"),
    # A dead holder's lease runs out, or else the next job of the same release never begins.
    Configuration(switches="FENCE=0 EXPIRIES=0 NO_LEASE", expected=Verdict.BLOCKED),
    # Beyond the bound: only a fence at landing holds, and only for what it guards.
    _backward("FENCE=0 FREE_TIMER"),
    _backward("FENCE=1 FREE_TIMER TENANTS_ONLY"),
    _holds("FENCE=2 FREE_TIMER TENANTS_ONLY"),
    _backward("FENCE=2 FREE_TIMER"),
    # With a fence at landing the wait for tenants may be left out, the one for pointers may not.
    _backward("FENCE=1 NO_DRAIN TENANTS_ONLY"),
    _holds("FENCE=2 NO_DRAIN TENANTS_ONLY"),
    _backward("FENCE=2 NO_DRAIN"),
    # While everybody waits, that fence never has to refuse a landing.
    _holds("FENCE=2 SOMETIMES=FENCE_REFUSES"),
    _happens("FENCE=2 FREE_TIMER TENANTS_ONLY SOMETIMES=FENCE_REFUSES"),
    # What holds would hold of nothing if these could not happen.
    _happens("FENCE=0 SOMETIMES=LANDS_AFTER_DEATH"),
    _happens("FENCE=0 SOMETIMES=CLOCK_REFUSES"),
    _happens("FENCE=0 SOMETIMES=OVERTAKEN_MIDWAY"),
    _happens("FENCE=0 SOMETIMES=HEALER_SENDS"),
    _happens("FENCE=0 JOBS=3 THIRD=2 FAULTS=1 SOMETIMES=SAME_CLAIMS_AGAIN"),
)


def check(configuration: Configuration) -> Found:
    """Builds the checker of one configuration and runs it to its end."""
    switches = [f"-D{switch}" for switch in configuration.switches.split()]
    search = ["-DBFS"] if configuration.is_first_shortest else []
    with tempfile.TemporaryDirectory(prefix="headway-spin-") as folder:
        _run(["spin", "-a", *switches, str(_MODEL)], folder)
        build = ["gcc", "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", f"-DMEMLIM={_MEMORY_MAX_MIB}"]
        _run([*build, *search, "-o", "pan", "pan.c"], folder)
        began_s = time.monotonic()
        said = _run(["./pan", f"-m{_DEPTH_MAX}"], folder)
        took_s = time.monotonic() - began_s
    return Found(
        verdict=_judge(said),
        states=_number(r"(\d+) states, stored", said),
        depth=_number(r"at depth (\d+)", said) or _number(r"depth reached (\d+)", said),
        took_s=took_s,
        said=said,
    )


def _judge(said: str) -> Verdict:
    """Reads SPIN's report; what was cut short or ended otherwise is neither."""
    is_whole = "Search not completed" not in said and "max search depth too small" not in said
    if is_whole and re.search(r"errors: 0\b", said):
        return Verdict.HOLDS
    violated = re.search(r"assertion violated (.*) \(at depth", said)
    if violated is None:
        return Verdict.BLOCKED if "invalid end state (at depth" in said else Verdict.OTHER
    if re.search(r"place\[\d\]<=release\[\d\]", violated[1]):
        return Verdict.BACKWARD
    return Verdict.OTHER if "place[" in violated[1] else Verdict.HAPPENS


def _number(pattern: str, said: str) -> int:
    found = re.search(pattern, said)
    return int(found[1]) if found else 0


def _run(command: Sequence[str], folder: str) -> str:
    """Runs a command; its report. An error of the model's own is one of this program."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=_PAN_MAX_S, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def main(names: Sequence[str]) -> int:
    """Checks the named configurations, by default all; returns the exit code."""
    wanted = [one for one in CONFIGURATIONS if not names or one.switches in names]
    wrong = 0
    _tell(f"{'states':>10} {'depth':>6} {'time':>7}  verdict   switches")
    for configuration in wanted:
        found = check(configuration)
        is_right = found.verdict is configuration.expected
        wrong += not is_right
        _tell(
            f"{found.states:>10,} {found.depth:>6} {found.took_s:>5.1f} s  {found.verdict:<8}  "
            + configuration.switches
        )
        if not is_right:
            _tell(f"UNEXPECTED: {configuration.expected} was expected; SPIN said:\n{found.said}")
    _tell(f"{len(wanted) - wrong} of {len(wanted)} verdicts are as expected")
    return 1 if wrong or not wanted else 0


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
