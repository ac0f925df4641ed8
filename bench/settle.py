"""Measures how fast a fleet is read at the edge, against a curl loop and against wrk.

This module must not judge a deploy; it prints seconds and ratios, medians of alternating rounds.
All of it runs on one machine at a time: the server of the tenants takes part of the same cores.
"""

import argparse
import asyncio
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from release.adapters.edge import HttpEdge  # noqa: E402 - the checkout is on the path only now
from release.core.values import Tenant  # noqa: E402 - as above

CURL_SAMPLE = 100
CURL_RATIO_WANTED = 20.0
WRK_RATIO_WANTED = 0.2
WRK_RATE = re.compile(r"Requests/sec:\s+([0-9.]+)")


def main() -> int:
    """Prints the measurements; exits 1 when a wanted ratio is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=64)
    options = parser.parse_args()
    has_wrk = shutil.which("wrk") is not None
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; {options.rounds} rounds")
    if not has_wrk:
        print("wrk is missing: the ratio to it is NOT measured")
    with serve_tenants() as url:
        met = [
            measure(url, count, rounds=options.rounds, concurrency=options.concurrency)
            for count in options.tenants
        ]
    return 0 if all(met) and has_wrk else 1


@contextmanager
def serve_tenants() -> Iterator[str]:
    """Runs the tenants in a process of their own; yields their address."""
    server = [sys.executable, str(ROOT / "bench" / "_tenants.py")]
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = f"http://127.0.0.1:{int(process.stdout.readline())}"
            # The first answer says that the server has left its own start behind.
            subprocess.run([*CURL, f"{url}/warm/buildinfo"], check=True, stdout=subprocess.DEVNULL)
            yield url
        finally:
            process.terminate()


CURL = ["curl", "--silent", "--fail", "--retry", "5", "--retry-connrefused"]


def measure(url: str, count: int, *, rounds: int, concurrency: int) -> bool:
    """Alternates between the three and prints their medians; True when the ratios are met."""
    tenants = tuple(Tenant(f"t{number}") for number in range(count))
    ours, curl, wrk = [], [], []
    for _ in range(rounds):
        ours.append(asyncio.run(observe_twice(url, tenants, concurrency)))
        curl.append(read_by_curl(url, tenants))
        wrk.append(read_by_wrk(url, concurrency))
    first = [count / one for one, _ in ours]
    again = [count / other for _, other in ours]
    print(f"\n{count} tenants, {concurrency} at a time")
    for name, rates in (
        ("ours, first poll", first),
        ("ours, later poll", again),
        (f"curl, one by one, {min(CURL_SAMPLE, count)} of them, scaled", curl),
        ("wrk", [rate for rate in wrk if rate]),
    ):
        show(name, rates, count)
    ratios = [("curl", CURL_RATIO_WANTED, curl)]
    if all(wrk):
        ratios.append(("wrk", WRK_RATIO_WANTED, [rate for rate in wrk if rate]))
    verdicts = [show_ratio(*ratio, first=first, again=again) for ratio in ratios]
    return all(verdicts)


def show(name: str, rates: list[float], count: int) -> None:
    """One line: seconds for the whole fleet, and requests a second, as medians."""
    if rates:
        rate = statistics.median(rates)
        print(f"  {name:<38} {count / rate:9.2f} s {rate:10.0f}/s")


def show_ratio(
    name: str, wanted: float, rates: list[float], *, first: list[float], again: list[float]
) -> bool:
    """One line: how our two kinds of polls compare, round by round, as medians."""
    low, high = (
        statistics.median(mine / theirs for mine, theirs in zip(own, rates, strict=True))
        for own in (first, again)
    )
    is_met = min(low, high) >= wanted
    verdict = "met" if is_met else "MISSED"
    print(f"  ours : {name:<31} {low:9.2f} first {high:8.2f} later; {wanted:g} wanted: {verdict}")
    return is_met


async def observe_twice(
    url: str, tenants: tuple[Tenant, ...], concurrency: int
) -> tuple[float, float]:
    """Seconds of a poll that opens its connections, and of one that finds them open."""
    async with HttpEdge(f"{url}/{{slug}}/buildinfo", concurrency=concurrency) as edge:
        took = []
        for _ in range(2):
            start_s = time.perf_counter()
            seen = await edge.observe(tenants)
            took.append(time.perf_counter() - start_s)
            assert all(one.sha for one in seen), next(one for one in seen if not one.sha)
    return took[0], took[1]


def read_by_curl(url: str, tenants: tuple[Tenant, ...]) -> float:
    """Requests a second of a shell-like loop: one process for each tenant, one after another."""
    sample = tenants[:CURL_SAMPLE]
    start_s = time.perf_counter()
    for tenant in sample:
        subprocess.run([*CURL, f"{url}/{tenant}/buildinfo"], check=True, stdout=subprocess.DEVNULL)
    return len(sample) / (time.perf_counter() - start_s)


def read_by_wrk(url: str, concurrency: int) -> float | None:
    """Requests a second of a load generator written in C; None when it is not installed."""
    if shutil.which("wrk") is None:
        return None
    command = ["wrk", "-t", "1", "-c", str(concurrency), "-d", "3", f"{url}/t1/buildinfo"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rate = WRK_RATE.search(answer)
    assert rate is not None, answer
    return float(rate.group(1))


if __name__ == "__main__":
    sys.exit(main())
