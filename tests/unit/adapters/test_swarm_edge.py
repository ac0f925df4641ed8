"""What is seen of services, and of fleets over several engines: releases, or why there is none."""

import asyncio
from typing import Any

import pytest

from release.adapters.swarm_edge import SwarmEdge
from release.adapters.swarm_listing import SwarmListing
from release.core.sighting import Observation
from release.core.values import Tenant
from release.errors import Invalid, Refused, Unavailable
from simulator.swarm import SimSwarm
from simulator.swarm_orchestrator import Fate
from tests.contract.swarm_contract import NEWER, OLDER
from tests.contract.test_sim_swarm_contract import SimScene

ACME = Tenant("acme")


class SilentEngine(SimSwarm):
    """An engine that never gives a usable answer."""

    async def services(self, label: str) -> Any:  # noqa: ANN401 - it never returns
        """Raises as the real one does after its retries."""
        raise Unavailable("gave no usable answer", on=f"engine {self.name}")


def observe(scene: SimScene, *engines: SimSwarm) -> Observation:
    """What is seen of acme."""
    listing = SwarmListing(engines or [scene.engine], label=scene.label)
    edge = SwarmEdge(
        listing, image=scene.image, repository=scene.repository, registry=scene.registry
    )
    return asyncio.run(edge.observe((ACME,)))[0]


def candidates(scene: SimScene, *engines: SimSwarm) -> tuple[str, ...]:
    """The slugs that the engines list."""
    listing = SwarmListing(engines, label=scene.label)
    return tuple(tenant.slug for tenant in asyncio.run(listing.read_all()))


def create_floating(scene: SimScene) -> None:
    """A service whose image is not pinned."""
    spec = {"Image": "registry.test/acme/app:latest"}
    scene.create("acme", scene.publish(OLDER), container=spec)


@pytest.mark.parametrize(
    ("fate", "more", "reason"),
    [
        (Fate.UNHEALTHY, {}, "no task runs: a task was not healthy on node node-1: exit code 143"),
        (Fate.CRASHES, {}, "no task runs: a task crashed on node node-1: exit code 3"),
        (Fate.MISSING, {}, "no task runs: the image is missing on node node-1"),
        (Fate.RUNS, {"replicas": 0}, "is scaled to no task"),
    ],
)
def test_service_that_does_not_run_says_why(fate: Fate, more: dict[str, Any], reason: str) -> None:
    """Crashed, unhealthy, missing and scaled away are four different things."""
    scene = SimScene()
    identity = scene.create("acme", scene.publish(OLDER, fate), **more)
    scene.engine.restart(identity)

    seen = observe(scene)

    assert seen.sha is None
    assert seen.reason.startswith(reason)
    assert seen.is_reachable


def test_image_that_floats_names_no_release() -> None:
    """A tag says nothing of what runs behind it."""
    scene = SimScene()
    create_floating(scene)

    seen = observe(scene)

    assert "runs registry.test/acme/app:latest, which is not pinned to a digest" == seen.reason


def test_label_counts_for_the_image_that_it_was_written_for_alone() -> None:
    """A hand that changes the image leaves the label behind; the image's own label is right."""
    scene = SimScene()
    older, newer = scene.publish(OLDER), scene.publish(NEWER)
    labels = {
        "headway.release": str(OLDER),
        "headway.image": f"{scene.image}@{older.digest(scene.repository)}",
    }
    scene.create("acme", newer, labels=labels)

    assert NEWER == observe(scene).sha


def test_label_names_the_release_of_an_image_that_names_none() -> None:
    """What was deployed here is known, also when the registry can't say it."""
    scene = SimScene()
    older = scene.publish(OLDER)
    scene.registry.revisions.clear()
    labels = {
        "headway.release": str(OLDER),
        "headway.image": f"{scene.image}@{older.digest(scene.repository)}",
    }
    scene.create("acme", older, labels=labels)

    assert OLDER == observe(scene).sha


def test_engine_that_does_not_answer_makes_its_tenants_unreachable() -> None:
    """The tenants of the other engines are seen all the same."""
    scene = SimScene()
    scene.create("acme", scene.publish(OLDER))
    silent = SilentEngine("silent")

    assert OLDER == observe(scene, scene.engine, silent).sha
    seen = observe(scene, silent)
    assert not seen.is_reachable
    assert "engine silent: gave no usable answer" == seen.reason


def test_tenants_of_several_engines_are_one_fleet() -> None:
    """Engine by engine, each sorted by slug."""
    one, other = SimScene(), SimScene(engine=SimSwarm("other"))
    one.create("globex", one.publish(OLDER))
    one.create("acme", one.publish(OLDER))
    other.create("aeolus", other.publish(OLDER))

    assert ("acme", "globex", "aeolus") == candidates(one, one.engine, other.engine)


def test_slug_on_two_engines_is_invalid_and_names_both() -> None:
    """A slug is one tenant; nothing is touched while it is two."""
    one, other = SimScene(engine=SimSwarm("one")), SimScene(engine=SimSwarm("other"))
    one.create("acme", one.publish(OLDER))
    other.create("Acme", other.publish(OLDER))

    with pytest.raises(Invalid) as problem:
        candidates(one, one.engine, other.engine)

    assert "service acme on engine one, and service Acme on engine other" == problem.value.seen


def test_one_swarm_by_two_names_is_said_to_be_one() -> None:
    """Two managers of one swarm list the same services."""
    scene = SimScene()
    scene.create("acme", scene.publish(OLDER))

    with pytest.raises(Invalid, match="both engines are of one swarm"):
        candidates(scene, scene.engine, scene.engine)


def test_fleet_without_a_service_is_refused() -> None:
    """A label that selects nothing is a mistake, not an empty deploy."""
    with pytest.raises(Refused, match=r"no service has the label headway\.tenant"):
        candidates(SimScene(), SimSwarm())


def test_label_with_a_value_takes_slugs_from_names() -> None:
    """`key=value` selects, and the service's name is the slug."""
    scene = SimScene()
    scene.create("acme", scene.publish(OLDER), labels={"team": "shop"})
    scene.create("globex", scene.publish(OLDER), labels={"team": "other"})
    scene.label = "team=shop"

    assert ("acme",) == candidates(scene, scene.engine)


def test_service_whose_name_can_be_no_tenant_is_refused() -> None:
    """A slug goes into host names; the error says how to give the service one."""
    scene = SimScene()
    scene.create("stack_web", scene.publish(OLDER), labels={scene.label: ""})

    with pytest.raises(Refused, match="can't be a tenant") as problem:
        candidates(scene, scene.engine)

    assert "--label-add headway.tenant=SLUG" in problem.value.advice
