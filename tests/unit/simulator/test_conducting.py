"""The conductor lets effects happen in the order of the race in virtual time."""

import asyncio

import pytest

from release.errors import Invalid
from simulator.choices import Choices
from simulator.clock import LoopClock
from simulator.containers.conducting import Conducting
from simulator.containers.settings import Settings
from simulator.world import World

FIRST = {"actor": "275427", "subject": "hongming to staging-7f25373"}
SECOND = {"actor": "275383", "subject": "hongming to staging-7a72516"}


def conducting(scenario: str = "incident-2213") -> Conducting:
    """The conductor of a race that has not begun."""
    settings = Settings.read({"SIM_SCENARIO": scenario})
    return Conducting(settings=settings, world=World(LoopClock(), Choices()))


async def hold(conductor: Conducting, call: dict[str, str], phase: str) -> None:
    """Asks as a service does, before it acts and before it answers."""
    redeploy = {"service": "control_plane", "operation": "redeploy", "phase": phase}
    await conductor.move(("hold",), {**call, **redeploy})


def test_nothing_is_held_while_no_race_is_on() -> None:
    """Services ask all the same."""
    conductor = conducting()

    asyncio.run(hold(conductor, SECOND, "request"))

    assert not conductor.plain()["is_on"]


def test_effect_is_held_until_the_one_before_it_was_answered() -> None:
    """The older job's redeploy of the canary comes after the newer one's."""

    async def play() -> list[str]:
        conductor, order = conducting(), list[str]()
        await conductor.move(("race",), {"guard": "as-it-happened"})

        async def late() -> None:
            await hold(conductor, SECOND, "request")
            order.append("second")

        held = asyncio.create_task(late())
        await asyncio.sleep(0)
        await hold(conductor, FIRST, "request")
        order.append("first")
        await hold(conductor, FIRST, "answer")
        await held
        return [*order, *conductor.plain()["lost"]]

    assert ["first", "second"] == asyncio.run(play())


def test_job_that_has_left_holds_nobody_up() -> None:
    """What was recorded of it is dropped."""

    async def play() -> list[str]:
        conductor = conducting()
        await conductor.move(("race",), {"guard": "as-it-happened"})
        await conductor.move(("race", "leave"), {"actor": FIRST["actor"]})
        await hold(conductor, SECOND, "request")
        lost: list[str] = conductor.plain()["lost"]
        return lost

    assert [] == asyncio.run(play())


def test_race_needs_a_scenario() -> None:
    """Without one there is no order to keep."""
    conductor = Conducting(settings=Settings.read({}), world=World(LoopClock(), Choices()))

    with pytest.raises(Invalid, match="scenario"):
        asyncio.run(conductor.move(("race",), {"guard": "headway"}))
