"""The incident library: every scenario goes as it was recorded, and Headway keeps its promises."""

from dataclasses import replace
from typing import Any

import pytest

from simulator.library import compare_all, comparison_plain, comparison_text, listing
from simulator.race import RaceResult, run_race
from simulator.scenario import load, names
from simulator.scenario_parts import JobVerb

# What each job ends with under Headway, in the order in which the scenario names its jobs.
WORDS: dict[str, tuple[str, ...]] = {
    "bike-index-4313": ("killed", "deployed"),
    "buildinfo-404": ("exhausted",),
    "capped-statuses": ("deployed",),
    "copilotkit-6174": ("deployed", "superseded", "superseded"),
    "devantler-2838": ("superseded",),
    "dynamical-1077": ("deployed", "superseded"),
    "eliza-14121": ("deployed", "superseded"),
    "fleetdm-50806": ("superseded", "superseded", "superseded", "superseded", "deployed"),
    "floating-default": ("deployed",),
    "free4chat-84": ("superseded", "deployed"),
    "govuk-1946": ("deployed", "deployed", "superseded"),
    "grafana-1037": ("superseded", "deployed"),
    "hash-9466": ("deployed", "deployed", "deployed"),
    "incident-2213": ("deployed", "superseded"),
    "neotoma-2286": ("exhausted",),
    "noop-redeploy": ("exhausted",),
    "push-during-soak": ("superseded", "deployed"),
    "shepherdjerred-2560": ("exhausted",),
    "shipit-707": ("deployed", "deployed", "resumed", "held"),
    "silent-row": ("exhausted",),
    "suna-3352": ("deployed",),
    "threadplane-816": ("deployed", "superseded"),
    "unkey-7152": ("deployed", "deployed", "held"),
}

# Which promise the design of the day broke.
BROKEN: dict[str, set[str]] = {
    "bike-index-4313": {"P4"},
    "buildinfo-404": {"P2"},
    "capped-statuses": {"P4"},
    "copilotkit-6174": {"P1", "P4"},
    "devantler-2838": {"P1", "P4"},
    "dynamical-1077": {"P1", "P4"},
    "eliza-14121": {"P1", "P4"},
    "fleetdm-50806": {"P1", "P4"},
    "floating-default": {"P1", "P2", "P4"},
    "free4chat-84": {"P1", "P4"},
    "govuk-1946": {"P1", "P4"},
    "grafana-1037": {"P3", "P4"},
    "hash-9466": {"P3", "P4"},
    "incident-2213": {"P1", "P4"},
    "neotoma-2286": {"P2"},
    "noop-redeploy": {"P2"},
    "shepherdjerred-2560": {"P1", "P2", "P4"},
    "shipit-707": {"P1", "P4"},
    "silent-row": {"P2"},
    "suna-3352": {"P2", "P4"},
    "threadplane-816": {"P1", "P4"},
    "unkey-7152": {"P1", "P4"},
}


def then(name: str) -> RaceResult:
    """The scenario under the design that was in force."""
    scenario = load(name)
    assert scenario.recorded is not None
    return run_race(scenario, scenario.recorded.guard)


def promises(result: RaceResult) -> set[str]:
    """The promises that were broken, by their numbers."""
    return {breach.promise.partition(" ")[0] for breach in result.breaches}


def test_library_holds_what_this_test_expects() -> None:
    """A scenario without an expectation is not in the library, and none has gone missing."""
    assert names() == tuple(sorted(WORDS))
    assert 14 <= len([one for one in listing() if one["source"].startswith("https://")])


@pytest.mark.parametrize("name", names())
def test_scenario_is_called_as_its_file_and_tells_its_story(name: str) -> None:
    """Each has a title, a story and a source, and says what it had to assume."""
    scenario = load(name)

    assert name == scenario.name
    assert scenario.title
    assert scenario.story
    assert scenario.source
    assert scenario.assumed or scenario.recorded is None


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_scenario_goes_as_recorded_under_the_design_of_the_day(name: str) -> None:
    """Tenants, pointer and the colours of jobs end as it was written down; a promise is broken."""
    result = then(name)

    assert () == result.departures
    assert BROKEN[name] == promises(result)


@pytest.mark.parametrize("name", sorted(WORDS))
def test_headway_keeps_every_promise_of_the_scenario(name: str) -> None:
    """P1 to P4 hold, and each job says what became of it."""
    result = run_race(load(name), "headway")

    assert () == result.breaches
    assert WORDS[name] == tuple(result.words.values())


@pytest.mark.parametrize("name", sorted(WORDS))
def test_newest_release_is_live_under_headway_where_the_fleet_can_be_brought_there(
    name: str,
) -> None:
    """P4: where nothing keeps tenants from it, all of them and the pointer are on the newest."""
    scenario = load(name)

    result = run_race(scenario, "headway")

    live = {*result.tenants.values(), result.pointer}
    assert ({scenario.newest_sha} == live) is scenario.is_healthy


def test_deploys_of_free4chat_end_at_the_recorded_seconds() -> None:
    """The newer deploy ends at 12:32:34 and the older one 14 seconds later."""
    result = then("free4chat-84")

    ends = {end.job: end.at_s for end in result.ends}
    assert result.scenario.at_s("12:32:34Z") == pytest.approx(ends["deploy-newer"])
    assert result.scenario.at_s("12:32:48Z") == pytest.approx(ends["deploy-older"])


def test_older_builds_of_copilotkit_move_the_tag_1_and_16_seconds_after_the_newest() -> None:
    """The pointer is moved by all three, the newest first."""
    result = then("copilotkit-6174")

    moves = [one.at_s for one in result.course.happenings if one.kind.value == "pointed"]
    assert [0, 1, 16] == [pytest.approx(at_s - moves[0]) for at_s in moves]


def test_rollback_that_is_undone_breaks_the_promise_never_to_go_backward() -> None:
    """P1: a rollback itself breaks nothing; what brings back the release that it took away does."""
    result = then("shipit-707")

    backward = {breach.job for breach in result.breaches if breach.promise.startswith("P1")}
    assert {"deploy-bad-again"} == backward
    verbs = {job.name: job.verb for job in result.scenario.jobs}
    assert JobVerb.ROLLBACK is verbs["rollback"]


def test_comparison_marks_a_replay_that_does_not_end_as_recorded() -> None:
    """The table says so in capitals, names the difference, and nothing else is marked."""
    first, second, *_ = compare_all()
    assert first.then is not None
    elsewhere = replace(first.then, departures=("the pointer ended elsewhere",))

    departed = replace(first, then=elsewhere)
    text = comparison_text([departed, second])

    assert (False, True) == (departed.is_good, second.is_good)
    assert 1 == text.count("NOT AS RECORDED")
    assert "not as recorded: bike-index-4313: the pointer ended elsewhere" in text
    assert text.endswith("1 of 2 replays end as recorded")


def test_comparison_as_data_says_the_same_as_the_table() -> None:
    """Each scenario has its replay and its end now; one that was made up has no replay."""
    found = {one["scenario"]: one for one in comparison_plain(compare_all())}

    assert sorted(WORDS) == sorted(map(str, found))
    assert [name for name, one in found.items() if one["then"] is None] == ["push-during-soak"]
    told: Any = found["govuk-1946"]
    assert "none" == told["then"]["guard"]
    assert told["then"]["is_as_recorded"]
    assert {"site": "older"} == told["then"]["tenants"]
    assert {"site": "newer"} == told["headway"]["tenants"]
    assert "superseded" == told["headway"]["jobs"]["run-1-again"]["outcome"]
