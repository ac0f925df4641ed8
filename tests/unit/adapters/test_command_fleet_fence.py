"""Where the epoch is compared: nowhere, at the door by a command, or also when a change lands."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from release.adapters.command_fleet import CommandFleet
from release.core.sighting import Fencing, Redeployed
from release.errors import FenceRefused, Refused, Unavailable
from tests.support.command_fleets import ACME, GLOBEX, RELEASE, fleet_of, shell

BOTH = (ACME, GLOBEX)
KEEPER = "seen=$(cat {0} 2>/dev/null || echo 0); [ $1 -ge $seen ] || {{ echo $seen; exit 75; }}"


def keeper(folder: Path) -> str:
    """A fence in a file: refuses a lower epoch than it has seen, and keeps a higher one."""
    return f"{KEEPER.format(folder / 'epoch')}; echo $1 > {folder / 'epoch'}"


def redeploy(fleet: CommandFleet, epoch: int = 8) -> Redeployed:
    """Moves both tenants."""
    return asyncio.run(fleet.redeploy(RELEASE, BOTH, epoch=epoch, phase="canary"))


def test_fleet_without_a_fence_says_so() -> None:
    """A code that another tool happens to use means nothing where nothing is fenced."""
    answer = redeploy(fleet_of(redeploy=shell("exit 75", "{tenants}")))

    assert (Fencing.NONE, "failed") == (answer.fencing, answer.rows[0].state)


def test_listing_with_an_epoch_raises_the_fence_of_everything_listed(tmp_path: Path) -> None:
    """Listing without one raises none."""
    fence = shell(f"echo $@ >> {tmp_path / 'heard'}", "{epoch}", "{tenants}")
    fleet = fleet_of(fence=fence)

    asyncio.run(fleet.candidates(RELEASE, epoch=None))
    listed = asyncio.run(fleet.candidates(RELEASE, epoch=8))

    assert Fencing.DOOR is listed.fencing
    assert "8 acme globex\n" == (tmp_path / "heard").read_text()


def test_lower_epoch_is_refused_at_the_door_and_nothing_is_started(tmp_path: Path) -> None:
    """The redeploy runs behind the fence command only; an equal or higher epoch passes."""
    fleet = fleet_of(
        fence=shell(keeper(tmp_path), "{epoch}"),
        redeploy=shell(f"echo moved >> {tmp_path / 'moved'}", "{tenants}"),
    )
    asyncio.run(fleet.candidates(RELEASE, epoch=8))

    with pytest.raises(FenceRefused) as caught:
        redeploy(fleet, epoch=7)

    assert 8 == caught.value.fence_seen
    assert not (tmp_path / "moved").exists()
    assert Fencing.DOOR is redeploy(fleet, epoch=8).fencing
    with pytest.raises(FenceRefused):
        asyncio.run(fleet.candidates(RELEASE, epoch=7))


@pytest.mark.parametrize(
    ("said", "seen"),
    [("echo 12", 12), ("""echo so; echo '{"fence_seen": 12}'""", 12), ("true", 9), ("echo x", 9)],
)
def test_epoch_that_was_seen_is_read_from_the_last_line(said: str, seen: int) -> None:
    """A fence that does not tell it has seen at least the next one."""
    fleet = fleet_of(fence=shell(f"{said}; exit 75", "{epoch}"))

    with pytest.raises(FenceRefused) as caught:
        redeploy(fleet)

    assert seen == caught.value.fence_seen


def test_fence_that_refuses_its_equal_is_told_apart() -> None:
    """An epoch that is not above ours refutes nothing; it is the command that is wrong."""
    fleet = fleet_of(fence=shell("echo 8; exit 75", "{epoch}"))

    with pytest.raises(Refused, match="not higher") as caught:
        redeploy(fleet)

    assert not isinstance(caught.value, FenceRefused)


@pytest.mark.parametrize("script", ["echo no route >&2; exit 1", "kill -9 $$", "sleep 60"])
def test_fence_that_can_not_be_asked_lets_nothing_pass(tmp_path: Path, script: str) -> None:
    """Nothing was moved, and a later try may find it."""
    fleet = fleet_of(
        fence=shell(script, "{epoch}"),
        redeploy=shell(f"touch {tmp_path / 'moved'}", "{tenants}"),
        timeout_s=0.5,
    )

    with pytest.raises(Unavailable, match="could not compare the epoch"):
        redeploy(fleet)

    assert not (tmp_path / "moved").exists()


def landing(script: str, **more: Any) -> CommandFleet:  # noqa: ANN401 - fields of FleetCommands
    """A fleet whose redeploy compares the epoch for each tenant."""
    move = shell(script, "{epoch}", "{tenants}" if "concurrency" not in more else "{tenant}")
    return fleet_of(fence=shell("exit 0", "{epoch}"), redeploy=move, is_landing=True, **more)


@pytest.mark.parametrize("concurrency", [{}, {"concurrency": 2}])
def test_landing_that_is_refused_changed_nothing(concurrency: dict[str, int]) -> None:
    """One command for all, or every tenant's own."""
    fleet = landing("echo 12; exit 75", **concurrency)

    with pytest.raises(FenceRefused) as caught:
        redeploy(fleet)

    assert 12 == caught.value.fence_seen


def test_landing_that_is_refused_at_some_tenants_fails_those() -> None:
    """Others have moved, so that the call as a whole was not refused."""
    fleet = landing("[ $2 = acme ] || { echo 12; exit 75; }", concurrency=2)

    answer = redeploy(fleet)

    assert Fencing.LANDING is answer.fencing
    assert ["done", "failed"] == [row.state for row in answer.rows]
    assert "epoch 12" in answer.rows[1].note


def test_code_of_the_fence_means_nothing_to_a_redeploy_that_compares_nothing() -> None:
    """At the door the redeploy command knows of no epoch: its codes are its own."""
    fleet = fleet_of(fence=shell("exit 0", "{epoch}"), redeploy=shell("exit 75", "{tenants}"))

    assert ["failed", "failed"] == [row.state for row in redeploy(fleet).rows]
