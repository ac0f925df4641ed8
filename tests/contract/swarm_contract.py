"""What a fleet of Swarm services must do for the pipeline, on the simulated engine and a real one.

A subclass in a test module runs it; that module has the fixture `scene`. This module must not know
which engine it is.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import pytest

from release.adapters.swarm import SwarmFleet, SwarmOptions
from release.adapters.swarm_edge import SwarmEdge
from release.adapters.swarm_engine import SwarmEngine
from release.adapters.swarm_listing import SwarmListing
from release.adapters.swarm_spec import Plain, UpdatePolicy
from release.core.sighting import Fencing, Observation, Redeployed, RowState
from release.core.values import Release, Sha, Tenant
from release.errors import Conflict, FenceRefused, Refused
from release.ports import Clock, Registry
from simulator.swarm_orchestrator import Fate

__all__ = ["NEWER", "OLDER", "Scene", "SwarmContract", "Under"]

OLDER = Sha("7a72516" + "0" * 33)
NEWER = Sha("7f25373" + "0" * 33)
ACME, GLOBEX = Tenant("acme"), Tenant("globex")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Under:
    """An engine under test, and the ports that go with it."""

    engine: SwarmEngine
    registry: Registry
    clock: Clock


class Scene(Protocol):
    """A stage for one test: images and services of its own."""

    label: str
    image: str
    repository: str

    def publish(self, sha: Sha, fate: Fate = Fate.RUNS, *, has_check: bool = True) -> Release:
        """Builds and pushes the image of a commit."""

    def create(self, slug: str, release: Release, **more: Any) -> str:  # noqa: ANN401 - parts of a specification
        """Makes a service that runs the release, start-first and rolled back when it fails."""

    def play(self, story: Callable[[Under], Awaitable[T]]) -> T:
        """Runs a story on the engine to its end."""


class Play:
    """A fleet and its edge over the services of a scene."""

    def __init__(self, scene: Scene, under: Under, policy: UpdatePolicy) -> None:
        listing = SwarmListing([under.engine], label=scene.label)
        options = SwarmOptions(
            image=scene.image,
            repository=scene.repository,
            job="job-1",
            timeout_s=40.0,
            policy=policy,
        )
        self.engine = under.engine
        self.fleet = SwarmFleet(
            listing, options=options, registry=under.registry, clock=under.clock
        )
        self.edge = SwarmEdge(
            listing, image=scene.image, repository=scene.repository, registry=under.registry
        )
        self._clock = under.clock

    async def settled(self, tenant: Tenant) -> Observation:
        """What the tenant serves once nothing drains any more."""
        seen = (await self.edge.observe((tenant,)))[0]
        for _ in range(200):
            if not seen.reason:
                break
            await self._clock.sleep(0.1)
            seen = (await self.edge.observe((tenant,)))[0]
        return seen

    async def spec(self, identity: str) -> Plain:
        """The specification of a service."""
        plain = await self.engine.service(identity)
        assert plain is not None, "it is there"
        spec: Plain = plain["Spec"]
        return spec


def play(
    scene: Scene, story: Callable[[Play], Awaitable[T]], policy: UpdatePolicy | None = None
) -> T:
    """Runs a story with a fleet over the scene."""

    async def told(under: Under) -> T:
        return await story(Play(scene, under, policy or UpdatePolicy()))

    return scene.play(told)


def roll(scene: Scene, release: Release, *, epoch: int = 5) -> tuple[Redeployed, Observation]:
    """Raises the fence, redeploys acme, and looks at it."""

    async def story(it: Play) -> tuple[Redeployed, Observation]:
        await it.fleet.candidates(release, epoch=epoch)
        done = await it.fleet.redeploy(release, (ACME,), epoch=epoch, phase="canary")
        return done, await it.settled(ACME)

    return play(scene, story)


class SwarmContract:
    """The contract of `ports.Fleet` and `ports.Edge` over services."""

    def test_services_with_the_label_are_the_candidates(self, scene: Scene) -> None:
        """Each service with the label is a tenant, named by its value, in the order of slugs."""
        older = scene.publish(OLDER)
        scene.create("globex", older)
        scene.create("acme", older)

        found = play(scene, lambda it: it.fleet.candidates(older, epoch=None))

        assert (ACME, GLOBEX) == found.tenants
        assert Fencing.LANDING == found.fencing

    def test_fence_is_raised_without_touching_a_task(self, scene: Scene) -> None:
        """Listing with an epoch writes it as a label; the same tasks run on."""
        older = scene.publish(OLDER)
        identity = scene.create("acme", older)

        async def story(it: Play) -> tuple[Plain, set[str], set[str]]:
            before = {task["ID"] for task in await it.engine.tasks((identity,))}
            await it.fleet.candidates(older, epoch=7)
            await it.fleet.candidates(older, epoch=7)
            after = {task["ID"] for task in await it.engine.tasks((identity,))}
            return await it.spec(identity), before, after

        spec, before, after = play(scene, story)

        assert "7" == spec["Labels"]["headway.epoch"]
        assert before == after

    def test_lower_epoch_is_refused_and_changes_nothing(self, scene: Scene) -> None:
        """Neither listing nor a redeploy gets past a label with a higher epoch."""
        older, newer = scene.publish(OLDER), scene.publish(NEWER)
        identity = scene.create("acme", newer)

        async def story(it: Play) -> tuple[int, int, Plain, Plain]:
            await it.fleet.candidates(newer, epoch=7)
            before = await it.spec(identity)
            with pytest.raises(FenceRefused) as listing:
                await it.fleet.candidates(older, epoch=6)
            with pytest.raises(FenceRefused) as moving:
                await it.fleet.redeploy(older, (ACME,), epoch=6, phase="canary")
            seen = listing.value.fence_seen, moving.value.fence_seen
            return (*seen, before, await it.spec(identity))

        listed, moved, before, after = play(scene, story)

        assert (7, 7) == (listed, moved)
        assert before == after

    def test_redeploy_brings_exactly_the_named_tenants_onto_the_release(self, scene: Scene) -> None:
        """The answer is final, the tasks run the release, and nobody else was touched."""
        older, newer = scene.publish(OLDER), scene.publish(NEWER)
        identity = scene.create("acme", older)
        other = scene.create("globex", older)

        async def story(it: Play) -> tuple[Redeployed, Observation, Plain, Plain, Plain]:
            await it.fleet.candidates(newer, epoch=5)
            before = await it.spec(other)
            done = await it.fleet.redeploy(newer, (ACME,), epoch=5, phase="canary")
            seen = await it.settled(ACME)
            return done, seen, await it.spec(identity), before, await it.spec(other)

        done, seen, spec, before, after = play(scene, story)

        assert [(ACME, RowState.DONE, "")] == [(r.tenant, r.state, r.note) for r in done.rows]
        assert Fencing.LANDING == done.fencing
        assert NEWER == seen.sha
        labels = {key: spec["Labels"][f"headway.{key}"] for key in ("epoch", "release", "job")}
        assert {"epoch": "5", "release": str(NEWER), "job": "job-1"} == labels
        assert spec["TaskTemplate"]["ContainerSpec"]["Image"].startswith(f"{scene.image}@sha256:")
        assert before == after

    def test_service_that_is_right_already_gets_its_labels_alone(self, scene: Scene) -> None:
        """A redeploy of what runs is answered at once, and no task is replaced."""
        older = scene.publish(OLDER)
        identity = scene.create("acme", older)

        async def story(it: Play) -> tuple[Redeployed, Plain, set[str], set[str]]:
            before = {task["ID"] for task in await it.engine.tasks((identity,))}
            done = await it.fleet.redeploy(older, (ACME,), epoch=5, phase="canary")
            after = {task["ID"] for task in await it.engine.tasks((identity,))}
            return done, await it.spec(identity), before, after

        done, spec, before, after = play(scene, story)

        assert [RowState.DONE] == [row.state for row in done.rows]
        assert "5" == spec["Labels"]["headway.epoch"]
        assert str(OLDER) == spec["Labels"]["headway.release"]
        assert before == after

    @pytest.mark.parametrize(
        ("fate", "reason"),
        [
            (Fate.CRASHES, "a task crashed"),
            (Fate.UNHEALTHY, "a task was not healthy"),
        ],
    )
    def test_broken_image_is_rolled_back_and_the_old_tasks_serve(
        self, scene: Scene, fate: Fate, reason: str
    ) -> None:
        """The row says that the engine went back, why, and what serves; the fence stays."""
        older, newer = scene.publish(OLDER), scene.publish(NEWER, fate)
        identity = scene.create("acme", older)
        running = {"before": "", "after": ""}

        async def story(it: Play) -> tuple[Redeployed, Observation, int]:
            running["before"] = str(await _running(it, identity))
            await it.fleet.candidates(newer, epoch=5)
            done = await it.fleet.redeploy(newer, (ACME,), epoch=5, phase="canary")
            running["after"] = str(await _running(it, identity))
            with pytest.raises(FenceRefused) as refusal:
                await it.fleet.candidates(older, epoch=4)
            return done, await it.settled(ACME), refusal.value.fence_seen

        done, seen, fence_seen = play(scene, story)

        assert RowState.FAILED == done.rows[0].state
        assert f"the engine rolled it back: {reason}" in done.rows[0].note, done.rows[0].note
        assert done.rows[0].note.endswith(f"{_pinned(scene, older)} serves")
        assert running["before"] == running["after"]
        assert (OLDER, 5) == (seen.sha, fence_seen)

    def test_image_that_a_node_can_not_have_is_told_apart(self, scene: Scene) -> None:
        """A rejected task names the missing image and its node; the old task serves."""
        older = scene.publish(OLDER)
        missing = scene.publish(NEWER, Fate.MISSING)
        check = {"Healthcheck": {"Test": ["CMD", "/bin/busybox", "true"], "Interval": 3 * 10**8}}
        scene.create("acme", older, container=check)

        done, seen = roll(scene, missing)

        assert RowState.FAILED == done.rows[0].state
        assert "the image is missing on node" in done.rows[0].note
        assert "No such image" in done.rows[0].note
        assert OLDER == seen.sha

    def test_paused_update_is_told_apart(self, scene: Scene) -> None:
        """An engine that pauses leaves the specification on the new image; the row says so."""
        older, newer = scene.publish(OLDER), scene.publish(NEWER, Fate.UNHEALTHY)
        identity = scene.create("acme", older, update={"FailureAction": "pause"})

        async def story(it: Play) -> tuple[Redeployed, Observation, Plain]:
            done = await it.fleet.redeploy(newer, (ACME,), epoch=5, phase="canary")
            return done, (await it.edge.observe((ACME,)))[0], await it.spec(identity)

        done, seen, spec = play(scene, story)

        assert RowState.FAILED == done.rows[0].state
        assert "the engine paused the update: a task was not healthy" in done.rows[0].note, (
            done.rows[0].note
        )
        assert OLDER == seen.sha
        assert _pinned(scene, newer) == spec["TaskTemplate"]["ContainerSpec"]["Image"]

    def test_update_that_goes_on_despite_failures_is_no_success(self, scene: Scene) -> None:
        """Told to continue, an engine completes an update whose tasks crash; the row is red."""
        older, newer = scene.publish(OLDER), scene.publish(NEWER, Fate.UNHEALTHY)
        scene.create("acme", older, update={"FailureAction": "continue"})

        done = play(scene, lambda it: it.fleet.redeploy(newer, (ACME,), epoch=5, phase="canary"))

        assert RowState.FAILED == done.rows[0].state
        assert "its tasks fail: a task was not healthy" in done.rows[0].note

    def test_start_first_without_a_health_check_is_refused(self, scene: Scene) -> None:
        """The engine would stop the old task before anybody knows whether the new one works."""
        older, newer = scene.publish(OLDER), scene.publish(NEWER, has_check=False)
        identity = scene.create("acme", older)

        async def story(it: Play) -> tuple[str, Plain, Plain]:
            before = await it.spec(identity)
            with pytest.raises(Refused) as refusal:
                await it.fleet.redeploy(newer, (ACME,), epoch=5, phase="canary")
            return str(refusal.value), before, await it.spec(identity)

        said, before, after = play(scene, story)

        assert "starts its new task first and has no health check" in said
        assert before == after

    def test_settings_go_into_the_update_policy(self, scene: Scene) -> None:
        """What is set goes in with the image; the rest stays as the service has it."""
        older, newer = scene.publish(OLDER), scene.publish(NEWER)
        identity = scene.create("acme", older)
        policy = UpdatePolicy(monitor_s=0.7, stop_grace_s=3.0, parallelism=2)

        async def story(it: Play) -> Plain:
            await it.fleet.redeploy(newer, (ACME,), epoch=5, phase="canary")
            return await it.spec(identity)

        spec = play(scene, story, policy)

        update = spec["UpdateConfig"]
        assert ("start-first", "rollback") == (update["Order"], update["FailureAction"])
        assert (2, 700_000_000) == (update["Parallelism"], update["Monitor"])
        assert 3_000_000_000 == spec["TaskTemplate"]["ContainerSpec"]["StopGracePeriod"]

    def test_draining_task_is_seen_as_the_release_before(self, scene: Scene) -> None:
        """While the old task runs beside the new one, the tenant has not left the old release."""
        older, newer = scene.publish(OLDER), scene.publish(NEWER)
        scene.create("acme", older)

        async def story(it: Play) -> list[Sha | None]:
            moving = asyncio.ensure_future(
                it.fleet.redeploy(newer, (ACME,), epoch=5, phase="canary")
            )
            seen: list[Sha | None] = []
            while not moving.done() or seen[-1] != NEWER:
                observed = (await it.edge.observe((ACME,)))[0]
                seen += [] if seen[-1:] == [observed.sha] else [observed.sha]
                await asyncio.sleep(0)
            return seen

        assert [OLDER, NEWER] == play(scene, story)

    def test_version_of_a_service_moves_by_itself(self, scene: Scene) -> None:
        """What the engine says of an update is written into the service; a stale write is lost."""
        older, newer = scene.publish(OLDER), scene.publish(NEWER)
        identity = scene.create("acme", older)

        async def story(it: Play) -> tuple[int, int, bool]:
            await it.fleet.candidates(newer, epoch=5)
            listed = await it.engine.service(identity)
            assert listed is not None, "it is there"
            await it.fleet.redeploy(newer, (ACME,), epoch=5, phase="canary")
            moved = await it.engine.service(identity)
            assert moved is not None, "it is there"
            try:
                await it.engine.update(identity, moved["Version"]["Index"] - 1, listed["Spec"])
            except Conflict:
                return listed["Version"]["Index"], moved["Version"]["Index"], True
            return 0, 0, False

        before, after, is_refused = play(scene, story)

        assert after > before + 1
        assert is_refused


def _pinned(scene: Scene, release: Release) -> str:
    return f"{scene.image}@{release.digest(scene.repository)}"


async def _running(it: Play, identity: str) -> set[str]:
    tasks = await it.engine.tasks((identity,))
    return {task["ID"] for task in tasks if task["Status"]["State"] == "running"}
