"""The recorded incident and a push during the soak, between containers: the verdicts stay.

`--rounds 10` replays each of them ten times.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from simulator.race import RaceResult, run_race
from simulator.scenario import load
from tests.support.compose_race import race_between_containers

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SCENARIOS = ("incident-2213", "push-during-soak")
GUARDS = ("before-verify", "before-effects", "headway")
BROKEN = {
    ("incident-2213", "before-verify"),
    ("push-during-soak", "before-verify"),
    ("push-during-soak", "before-effects"),
}


def verdict(result: RaceResult) -> Mapping[str, Any]:
    """What came of a race, without what depends on the machine's speed."""
    return {
        "promises": sorted({breach.promise for breach in result.breaches}),
        "by": sorted({breach.job for breach in result.breaches}),
        "words": dict(result.words),
        "colours": dict(result.colours),
        "tenants": dict(result.tenants),
        "pointer": result.pointer,
        "departures": result.departures,
    }


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_race_between_containers_gives_the_verdict_of_virtual_time(
    scenario: str, guard: str, round_number: int, tmp_path: Path
) -> None:
    """Jobs, services and tenants in containers: the same promises, colours, words and end."""
    expected = run_race(load(scenario), guard)

    with race_between_containers(scenario, guard, tmp_path) as result:
        assert verdict(expected) == verdict(result), f"in round {round_number}"
        assert ((scenario, guard) in BROKEN) is not result.is_kept
