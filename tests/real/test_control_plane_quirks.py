"""Control planes as they are: old ones, forgetful ones, ones behind a proxy that gives up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.independent import SECRETS, World
from tests.support.independent_plane import HTML, Act
from tests.support.independent_registry import RealRegistry

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not RealRegistry.is_installed(), reason="docker-registry is not installed"),
]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Three tenants, one of which is listed in odd case."""
    with World(tmp_path, "alpha", "beta", "HongMing") as world:
        yield world


def answers_502(act: Act) -> None:
    """The effect lands, and a proxy answers in the place of the control plane."""
    act.status, act.headers, act.body = 502, HTML, b"<html>bad gateway</html>"


def is_cut(act: Act) -> None:
    """The effect lands, and the connection ends."""
    act.cut = True


def loses_a_row(act: Act) -> None:
    """The effect lands, and the answer says ok:true without the last tenant."""
    act.rows.pop()


def writes_slugs_in_lower_case(act: Act) -> None:
    """The list says HongMing, the answer hongming."""
    for row in act.rows:
        row["slug"] = row["slug"].lower()


def rows_are_new(act: Act) -> None:
    """Rows of a later version, with types that the contract does not know."""
    for row in act.rows:
        row |= {"verified_on_target": True, "ssm_exit_code": 0, "healthz": [1], "notes": None}


HABITS = (answers_502, is_cut, loses_a_row, writes_slugs_in_lower_case, rows_are_new)


def test_answers_that_say_little_are_made_up_for_by_what_tenants_serve(tmp_path: Path) -> None:
    """An effect that landed is seen at the edge, whatever became of its answer."""
    with World(tmp_path, "alpha", "beta", "gamma", "HongMing", "zeta") as world:
        newer = world.push()
        world.fleet.habits = [*HABITS]

        done = world.deploy(newer, HEADWAY_ROLLOUT__BATCH_SIZE="1")

        assert ("deployed", 0) == (done.outcome, done.code), done.out + done.err
        assert world.is_wholly_on(newer)
        assert len(HABITS) == len([one for one in world.fleet.asked if not one.get("dry_run")])
        assert 3 == len(world.record()["intents"])


def test_tenant_that_is_silently_left_out_is_no_success(world: World) -> None:
    """ok:true without a row and without an effect ends red, and the pointer stays."""
    newer = world.push()

    def forgets_beta(act: Act) -> None:
        act.lands = [slug for slug in act.lands if slug != "beta"]
        act.rows = [row for row in act.rows if row["slug"] != "beta"]

    world.fleet.always = forgets_beta
    done = world.deploy(newer, HEADWAY_SETTLE__BUDGET_S="0.5")

    assert ("exhausted", 1) == (done.outcome, done.code)
    assert f"tenant beta did not reach {newer[:7]}" in done.last
    assert f"serves the older {world.commits[0][:7]}" in done.last
    assert not world.is_wholly_on(newer)


def test_effect_that_lands_after_the_job_gave_up_never_goes_backward(world: World) -> None:
    """A request whose answer came before its effect is waited out by whoever comes next."""
    older, newer = world.push(), world.push()
    world.fleet.always = lambda act: setattr(act, "later", True)
    given_up = world.deploy(older, HEADWAY_SETTLE__BUDGET_S="0.3", HEADWAY_SETTLE__REPAIRS_MAX="0")
    world.fleet.always = lambda _act: None

    def lands_when_it_is_claimed(kind: str) -> None:
        if kind == "push":
            world.fleet.land_late()

    world.watch(lands_when_it_is_claimed)
    done = world.deploy(newer)

    assert "exhausted" == given_up.outcome
    assert ("deployed", 0) == (done.outcome, done.code)
    assert world.is_wholly_on(newer)
    assert [] == world.moves_back()


def test_text_of_a_control_plane_can_not_write_into_the_log(world: World) -> None:
    """Terminal escapes, line ends and the commands of a CI are taken out of what it says."""
    newer, summary = world.push(), world.folder / "summary"
    evil = "\x1b[31mboo\r\n::error::pwned\n##[add-mask]deployed\u202e" + "x" * 100_000

    def fails(act: Act) -> None:
        act.lands = []
        for row in act.rows:
            row |= {"ssm_status": "Failed", "error": evil, "running_image": SECRETS[0]}

    world.fleet.always = fails
    done = world.deploy(newer, **world.ci_run(newer, summary=summary), PYTHONIOENCODING="ascii")

    assert ("failed", 1) == (done.outcome, done.code)
    written = done.out + done.err + summary.read_text()
    assert "boo" in written
    assert not {"\x1b", "\r", "\u202e"} & set(written)
    assert not [line for line in written.splitlines() if line.startswith("::error::")]
    assert "##[" not in written
    assert not [secret for secret in SECRETS if secret in written]
    assert len(written) < 20_000


def test_listed_slug_that_is_a_path_or_a_header_is_refused(world: World) -> None:
    """What can't be a DNS label never gets near a URL, and nothing is touched."""
    newer = world.push()
    world.fleet.dry_rows = lambda rows: [*rows, {"slug": f"../x\r\nHost: {SECRETS[0]}"}]

    done = world.deploy(newer)

    assert ("failed", 1) == (done.outcome, done.code)
    assert "lists what can't be a tenant" in done.last
    assert not [secret for secret in SECRETS if secret in done.out + done.err]
    assert [] == world.fleet.landings
