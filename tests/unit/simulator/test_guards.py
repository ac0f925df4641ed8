"""The guards by name: what they are called, and what each makes of two races."""

import json
from pathlib import Path

import pytest

from release.errors import Invalid
from simulator.guards import GUARDS, TOLD
from simulator.race import run_race
from simulator.race_desk import Asked, answer
from simulator.scenario import load

KEPT, BACKWARD, FALSE_WORD = "every promise kept", ("P1", "P4"), ("P3", "P4")

VERDICTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "none": (BACKWARD, BACKWARD),
    "before-verify": (BACKWARD, BACKWARD),
    "before-effects": ((), BACKWARD),
    "recheck": ((), ()),
    "mutex": (BACKWARD, ()),
    "lease": ((), ()),
    "lease-reread": ((), ()),
    "person-lock": ((), BACKWARD),
    "acquisition-fence": ((), ()),
    "timestamp-order": ((), FALSE_WORD),
    "run-id-order": ((), FALSE_WORD),
    "fail-closed-green": ((), ()),
    "tag-without-read-back": ((), ()),
    "verify-any-200": ((), ()),
    "cancel-running": ((), ()),
    "headway": ((), ()),
}
"""The promises that are broken in `incident-2213` and in `push-during-soak`."""

ALIASES = {"as-it-happened": "before-verify", "upstream": "before-effects"}


@pytest.mark.parametrize("guard", VERDICTS)
def test_race_under_a_guard_has_the_verdict_of_its_design(guard: str) -> None:
    """Two overlaps without a fault kill the designs that wait for nothing or order by chance.

    The others need a stale reading, a lost answer, a lease that runs out, or an untrue answer.
    """
    said = json.loads(answer(Asked(guard=guard)).document)

    found = {one["scenario"]: one["guards"][guard] for one in said["scenarios"]}
    assert VERDICTS[guard] == tuple(
        tuple(sorted({breach["promise"][:2] for breach in found[name]["breaches"]}))
        for name in ("incident-2213", "push-during-soak")
    )
    assert all((KEPT == one["verdict"]) == (not one["breaches"]) for one in found.values())


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_alias_is_the_guard_itself_wherever_a_guard_is_named(alias: str, name: str) -> None:
    """An older name finds the same guard, the race answers under the name of today."""
    document = json.loads(answer(Asked(scenario="incident-2213", guard=alias)).document)

    assert GUARDS[alias] is GUARDS[name]
    assert alias in GUARDS
    assert alias not in set(GUARDS)
    assert [name] == list(document["scenarios"][0]["guards"])
    assert run_race(load("incident-2213"), alias).guard is GUARDS[name]


def test_record_is_held_to_the_guard_of_the_day_by_either_name() -> None:
    """The incident was recorded under one of the guards, and comes out as recorded."""
    scenario = load("incident-2213")
    assert scenario.recorded is not None
    result = run_race(scenario, "before-verify")

    assert GUARDS[scenario.recorded.guard] is result.guard
    assert () == result.departures


def test_race_without_a_guard_shows_the_three_that_tell_the_story() -> None:
    """As it happened, as it was mended, and as it is shipped."""
    document = json.loads(answer(Asked(scenario="incident-2213")).document)

    assert ("before-verify", "before-effects", "headway") == TOLD
    assert list(TOLD) == list(document["scenarios"][0]["guards"])


def test_unknown_guard_is_refused_with_the_known_names() -> None:
    """Nothing runs, and every name is listed."""
    with pytest.raises(Invalid) as refusal:
        answer(Asked(guard="nobody"))

    assert all(name in str(refusal.value) for name in GUARDS)


def test_names_and_titles_are_distinct_and_fit_a_table() -> None:
    """No name or alias is used twice; a title is one short phrase without a full stop."""
    names = [name for guard in GUARDS.values() for name in (guard.name, *guard.aliases)]
    titles = [guard.title for guard in GUARDS.values()]

    assert len(set(names)) == len(names)
    assert len(set(titles)) == len(titles)
    assert not [title for title in titles if title.endswith(".") or len(title) > 70]
    assert set(VERDICTS) <= set(GUARDS)
    assert "headway" == list(GUARDS)[-1]


def test_documentation_lists_every_guard_in_order() -> None:
    """The table of guards has a row for each, with its aliases."""
    text = Path("docs/simulator.md").read_text("utf-8").partition("### Guards")[2]
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| `")]

    named = [
        ", or ".join(f"`{name}`" for name in (one.name, *one.aliases)) for one in GUARDS.values()
    ]
    assert named == rows
