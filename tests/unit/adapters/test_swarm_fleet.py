"""A redeploy of services when something goes wrong on the way: what is final, and what is not."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from release.adapters.swarm import SwarmFleet, SwarmOptions
from release.adapters.swarm_listing import SwarmListing
from release.core.sighting import Redeployed, Row, RowState
from release.core.values import Release, Tenant
from release.errors import OutcomeUnknown, Refused, Unavailable
from simulator.swarm import SimSwarm
from tests.contract.swarm_contract import NEWER, OLDER
from tests.contract.test_sim_swarm_contract import SimScene

ACME = Tenant("acme")
EPOCH = 5
LOST = OutcomeUnknown("was sent, and its outcome is unknown")


class Disturbed(SimSwarm):
    """An engine that does something else on the first write of an image, and counts those writes.

    is_lost: whether no answer comes. is_done: whether the write takes effect all the same.
    is_moved, is_edited: whether the version moves, or a person writes, before it arrives.
    """

    def __init__(self, **ways: bool) -> None:
        super().__init__()
        self.ways = ways
        self.is_over = False
        self.images = 0

    async def update(self, identity: str, index: int, spec: Mapping[str, Any]) -> None:
        """Takes a write, or does what it does instead."""
        before = self.peek(identity)["Spec"]["TaskTemplate"]
        is_image = (
            before["ContainerSpec"]["Image"] != spec["TaskTemplate"]["ContainerSpec"]["Image"]
        )
        self.images += is_image
        if not is_image or (self.is_over and not self.ways.get("is_always")):
            await super().update(identity, index, spec)
            return
        self.is_over = True
        if self.ways.get("is_moved") or self.ways.get("is_edited"):
            changed = dict(self.peek(identity)["Spec"])
            if self.ways.get("is_edited"):
                changed["TaskTemplate"] = {**before, "ForceUpdate": 1}
            await super().update(identity, index, changed)
        if self.ways.get("is_done"):
            await super().update(identity, index, spec)
        if self.ways.get("is_lost"):
            raise LOST
        await super().update(identity, index, spec)


def open_fleet(scene: SimScene, *, timeout_s: float = 40.0) -> SwarmFleet:
    """A fleet over the scene."""
    options = SwarmOptions(
        image=scene.image, repository=scene.repository, job="job-1", timeout_s=timeout_s
    )
    listing = SwarmListing([scene.engine], label=scene.label)
    return SwarmFleet(listing, options=options, registry=scene.registry, clock=scene.clock)


def redeploy(engine: SimSwarm) -> tuple[Row, str]:
    """Moves acme to the newer release; its row, and the image that it then wants."""
    scene = SimScene(engine=engine)
    older, newer = scene.publish(OLDER), scene.publish(NEWER)
    identity = scene.create("acme", older)
    move = open_fleet(scene).redeploy(newer, (ACME,), epoch=EPOCH, phase="canary")
    (row,) = asyncio.run(move).rows
    spec = engine.peek(identity)["Spec"]
    return row, "newer" if str(newer.images[0].digest) in str(spec) else "older"


def test_answer_that_was_lost_is_looked_up() -> None:
    """The service says whether the write took effect; it is not written again."""
    engine = Disturbed(is_lost=True, is_done=True)

    row, image = redeploy(engine)

    assert (RowState.DONE, "newer", 1) == (row.state, image, engine.images)


def test_request_that_was_lost_is_sent_again_on_the_same_version() -> None:
    """The version lets one of the two take effect at most."""
    engine = Disturbed(is_lost=True)

    row, image = redeploy(engine)

    assert (RowState.DONE, "newer", 2) == (row.state, image, engine.images)


def test_write_that_may_still_land_is_unanswered() -> None:
    """As long as the version has not moved, what was sent last may take effect."""
    row, image = redeploy(Disturbed(is_lost=True, is_always=True))

    assert (RowState.UNANSWERED, "older") == (row.state, image)


def test_version_that_moved_by_itself_is_no_conflict() -> None:
    """The specification is the one that was read, so that the write is sent again."""
    engine = Disturbed(is_moved=True)

    row, image = redeploy(engine)

    assert (RowState.DONE, "newer", 2) == (row.state, image, engine.images)


def test_change_of_a_person_is_not_written_over() -> None:
    """The row fails, says so, and the change is still there."""
    engine = Disturbed(is_edited=True)

    row, image = redeploy(engine)

    assert (RowState.FAILED, "older", 1) == (row.state, image, engine.images)
    assert "was changed by somebody else while it was to be updated" in row.note


def test_update_without_an_end_is_unanswered_and_says_what_it_waits_for() -> None:
    """An engine that never gets on with it has not said how it ended."""
    row, image = redeploy(SimSwarm(is_self_moving=False))

    assert (RowState.UNANSWERED, "newer") == (row.state, image)
    assert row.note.startswith("gave no final state in time")


def test_tenant_whose_service_is_gone_fails_alone() -> None:
    """What was removed since it was listed is a row; the others are moved."""
    scene = SimScene()
    older, newer = scene.publish(OLDER), scene.publish(NEWER)
    scene.create("acme", older)
    asked = (ACME, Tenant("globex"))

    done = asyncio.run(open_fleet(scene).redeploy(newer, asked, epoch=EPOCH, phase="batch-1"))

    assert [RowState.DONE, RowState.FAILED] == [row.state for row in done.rows]
    assert "no service with its label is there any more" == done.rows[1].note


def test_release_without_a_recorded_digest_is_looked_up_by_its_tag() -> None:
    """A tag that the registry does not hold is refused before anything is written."""
    scene = SimScene()
    older = scene.publish(OLDER)
    identity = scene.create("acme", older)
    before = scene.engine.peek(identity)
    bare: Release = replace(older, images=())

    with pytest.raises(Refused, match=r"acme/app:staging-7a72516: is not in the registry"):
        asyncio.run(open_fleet(scene).redeploy(bare, (ACME,), epoch=EPOCH, phase="canary"))

    assert before["Spec"] == scene.engine.peek(identity)["Spec"]


def test_engine_that_does_not_answer_leaves_everything_untouched() -> None:
    """Nothing is sent to one engine as long as another can't be read."""

    class Silent(SimSwarm):
        """Never gives a usable answer."""

        async def services(self, label: str) -> Any:  # noqa: ANN401 - it never returns
            raise Unavailable("gave no usable answer", on=f"engine {self.name}")

    scene = SimScene()
    older, newer = scene.publish(OLDER), scene.publish(NEWER)
    identity = scene.create("acme", older)
    before = scene.engine.peek(identity)
    listing = SwarmListing([scene.engine, Silent("silent")], label=scene.label)
    options = SwarmOptions(
        image=scene.image, repository=scene.repository, job="job-1", timeout_s=40.0
    )
    fleet = SwarmFleet(listing, options=options, registry=scene.registry, clock=scene.clock)

    with pytest.raises(Unavailable, match="engine silent"):
        asyncio.run(fleet.redeploy(newer, (ACME,), epoch=EPOCH, phase="canary"))

    assert before["Spec"] == scene.engine.peek(identity)["Spec"]


def test_cancelled_wait_leaves_the_answer_to_be_had_later() -> None:
    """What was begun goes on, and its answer is handed on."""
    scene = SimScene()
    older, newer = scene.publish(OLDER), scene.publish(NEWER)
    scene.create("acme", older)
    fleet = open_fleet(scene)

    async def story() -> Redeployed | None:
        waiting = asyncio.ensure_future(fleet.redeploy(newer, (ACME,), epoch=EPOCH, phase="canary"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return await fleet.late_answer(5.0)

    done = asyncio.run(story())

    assert done is not None
    assert [RowState.DONE] == [row.state for row in done.rows]
