"""The verbs for the days between deploys, by their command lines: pin, check, repair, look back."""

from collections.abc import Mapping
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

from tests.support.live_world import TENANTS, LiveWorld

pytestmark = pytest.mark.slow

USAGE = 2
QUICK_SOAK = {"HEADWAY_ROLLOUT__SOAK_S": "0"}
LEDGER = "refs/headway/production"


def deploy(world: LiveWorld, commit: str) -> None:
    """Deploys a commit."""
    said = world.invoke("deploy", "--commit", commit, **QUICK_SOAK)
    assert ("deployed", 0) == said.end, said.out + said.err


def by_hand(world: LiveWorld, verb: str, *words: str) -> tuple[str, int]:
    """How a verb of a person ends."""
    return world.invoke(verb, *words, actor="operator", USER="ada", **QUICK_SOAK).end


def test_pin_holds_a_deploy_until_it_is_lifted(world: LiveWorld) -> None:
    """The deploy ends held and names who pinned it; `status` shows until when."""
    newer = world.push()
    until = "2999-12-24T18:00+01:00"

    pinned = by_hand(world, "pin", "--reason", "the fair", "--until", until)
    held = world.invoke("deploy", "--commit", newer)
    status = world.invoke("status")
    resumed = by_hand(world, "resume")
    after = world.invoke("deploy", "--commit", newer, **QUICK_SOAK)

    assert [("pinned", 0), ("resumed", 0)] == [pinned, resumed]
    assert ("held", 0) == held.end
    assert "pinned by ada until 2999-12-24 17:00 UTC (pin): the fair" in held.last_line
    assert "pinned until 2999-12-24 17:00 UTC by ada" in status.out
    assert ("deployed", 0) == after.end


def test_check_finds_what_a_pin_left_behind_and_repairs_it_once_it_is_lifted(
    world: LiveWorld,
) -> None:
    """Converged, behind, held, and after the repair converged again; exit 1 only when behind."""
    deploy(world, world.push())
    converged = world.invoke("converge-check")
    newer = world.push()
    behind = world.invoke("converge-check")
    by_hand(world, "pin", "--reason", "the fair")
    held = world.invoke("converge-check", "--repair")
    by_hand(world, "resume")
    repaired = world.invoke("converge-check", "--repair", **QUICK_SOAK)
    again = world.invoke("converge-check", "--repair")

    assert [("converged", 0), ("behind", 1)] == [converged.end, behind.end]
    assert ("held", 0) == held.end
    assert "nothing was repaired" in held.out
    assert "pinned by ada (pin): the fair" in held.last_line
    assert [("deployed", 0), ("converged", 0)] == [repaired.end, again.end]
    assert ({newer}, newer) == world.live()


def test_check_touches_nothing_and_tells_ci_and_machines(world: LiveWorld, tmp_path: Path) -> None:
    """As JSON each part by name; in Gitea outputs, a summary and an error beside the run."""
    deploy(world, world.push())
    newer = world.push()
    before = world.untouched()
    variables = {
        "GITEA_ACTIONS": "true",
        "GITHUB_SHA": newer,
        "GITHUB_RUN_ID": "7",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }

    said = world.invoke("converge-check", "--json", **variables)

    found = said.document
    names = {f"tenant {slug}" for slug in TENANTS} | {"pointer acme/app:latest"}
    assert ("behind", 1, 1) == (found["outcome"], found["exit_code"], said.code)
    assert (newer, newer) == (found["target"], found["head"])
    assert dict.fromkeys(names, "behind") == {one["name"]: one["state"] for one in found["parts"]}
    assert {"outcome=behind", "exit_code=1"} <= set((tmp_path / "output").read_text().splitlines())
    assert (tmp_path / "summary").read_text().startswith("### behind: production\n")
    assert "::error title=behind on production::" in said.err
    assert before == world.untouched()


def test_repair_as_json_is_the_outcome_of_a_deploy_with_what_was_found(world: LiveWorld) -> None:
    """One document: `outcome` is the deploy's, `convergence` what was found before it."""
    deploy(world, world.push())
    newer = world.push()

    said = world.invoke("converge-check", "--repair", "--json", **QUICK_SOAK)

    assert ("deployed", newer) == (said.document["outcome"], said.document["release"])
    assert "behind" == said.document["convergence"]["outcome"]


def test_restored_backup_is_repaired_and_nothing_goes_back(world: LiveWorld) -> None:
    """The epoch clears whatever was handed out since; the next deploy waits, and goes forward."""
    deploy(world, world.push())
    backup = world.git("rev-parse", LEDGER).strip()
    lost = world.push()
    deploy(world, lost)
    forgotten = world.record().epoch
    world.git("update-ref", LEDGER, backup)

    repaired = by_hand(world, "ledger-repair", "--reason", "restored")
    epoch = world.record().epoch
    newer = world.push()
    deploy(world, newer)

    assert ("repaired", 0) == repaired
    assert epoch > forgotten + 1000
    assert epoch + 1 == world.record().epoch
    assert ({newer}, newer) == world.live()
    assert "repaired" in {past.word for past in world.record().past}


def test_rollback_now_rolls_before_a_killed_job_is_waited_for(world: LiveWorld) -> None:
    """Two rounds: one at once, one when what the killed job left open can no longer land."""
    good, bad = world.push(), world.push()
    deploy(world, good)
    since = world.count()
    words = ["deploy", "--config", world.config(), "--commit", bad]
    world.running.move("options", {"answer_s": 2.0})
    with world.shell.start(*words, **QUICK_SOAK) as killed:
        world.wait_for(lambda one: one["kind"] == "accepted", since)
        killed.send(SIGKILL)
        killed.finish()
    world.running.move("options", {"answer_s": 0.05})
    since = world.count()

    back = by_hand(
        world, "rollback", "--to", good, "--reason", "errors", "--steal", "--now", "--json"
    )
    landed = [
        one["subject"]
        for one in world.happenings(since)
        if (one["kind"], one["actor"]) == ("landed", "operator")
    ]
    by_hand(world, "resume", "--fixed-in", world.push())

    assert 0 == back[1]
    assert dict.fromkeys(TENANTS, 2) == {slug: landed.count(slug) for slug in TENANTS}
    assert ({good}, good) == world.live()


def test_history_shows_claims_steps_pins_and_outcomes(world: LiveWorld) -> None:
    """From the chain of commits: each with its instant, its epoch and its job."""
    newer = world.push()
    deploy(world, newer)
    by_hand(world, "pin", "--reason", "the fair")
    by_hand(world, "resume")

    said = world.invoke("history")
    entries = world.invoke("history", "--json").document
    short = world.invoke("history", "--limit", "2", "--json").document

    told = [(one["kind"], one["word"]) for one in entries]
    steps = {("claim", "claimed"), ("step", "redeploy"), ("step", "promote")}
    assert {*steps, ("step", "acknowledged"), ("outcome", "deployed")} <= set(told)
    assert [("hand", "pinned"), ("hand", "resumed")] == told[-2:]
    claims = [one for one in entries if one["kind"] == "claim"]
    assert (newer, world.record().epoch) == (claims[-1]["release"], claims[-1]["epoch"])
    assert "ada, until `resume`: the fair" in said.out
    assert "history" == said.word
    assert ("hand", "resumed") == (short[-1]["kind"], short[-1]["word"])


def test_history_of_a_file_is_what_its_record_remembers(world: LiveWorld, tmp_path: Path) -> None:
    """A file keeps no earlier versions: a person's verbs and the outcomes, then what stands now."""
    file = {"HEADWAY_LEDGER__KIND": "file", "HEADWAY_LEDGER__PATH": str(tmp_path / "ledger")}
    world.invoke("ledger-init", **file)
    world.invoke("pin", "--reason", "the fair", USER="ada", **file)
    world.invoke("ledger-repair", "--reason", "restored", USER="ada", **file)

    said = world.invoke("history", "--json", **file)

    told = [(one["kind"], one["word"]) for one in said.document]
    hands = [("hand", "pinned"), ("hand", "repaired")]
    assert [*hands, ("ledger", "first"), ("step", "unknown"), ("pin", "pinned")] == told


@pytest.fixture
def before(world: LiveWorld) -> Mapping[str, Any]:
    """The world as it is."""
    return world.untouched()


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["pin"], "needs a reason"),
        (["pin", "--reason", " "], "needs a reason"),
        (["pin", "--reason", "x", "--until", "tomorrow"], "is no instant"),
        (["pin", "--reason", "x", "--until", "2001-01-01T00:00"], "has passed already"),
        (["pin", "--reason", "x", "--until", "--json"], "needed value"),
        (["ledger-repair"], "needs a reason"),
        (["history", "--limit", "0"], "is no count"),
        (["history", "--limit", "many"], "is no count"),
        (["rollback", "--now"], "needs --to and --reason"),
        (["rollback", "--now", "--to", "main"], "needs --to and --reason"),
        (["converge-check", "--repair=yes"], ""),
        (["converge-check", "now"], ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_words_that_make_no_sense_are_refused_and_touch_nothing(
    world: LiveWorld, before: Mapping[str, Any], words: list[str], missing: str
) -> None:
    """Exit 2, the sentence says what is missing, and the record stays as it is."""
    said = world.shell.headway(*words, HEADWAY_CONFIG=world.config("operator"))

    assert USAGE == said.code, said.out + said.err
    assert missing in said.out + said.err
    assert before == world.untouched()
