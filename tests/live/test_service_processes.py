"""The simulator as one process for each service, as its containers run it, on loopback."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from release.errors import Invalid
from simulator.containers.settings import tokens_of
from simulator.process import Running
from tests.support.service_processes import SECRET, ServiceProcesses, service_processes

pytestmark = pytest.mark.slow

SLUGS = ("hongming", "acme")


@pytest.fixture(scope="module")
def them(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcesses]:
    """All services, with a fleet of two and the first use declared."""
    with service_processes(tmp_path_factory.mktemp("services"), SLUGS) as started:
        assert started.run_job("older", "ledger-init").code == 0, "the first use is declared"
        yield started


def live(running: Running) -> tuple[Mapping[str, str], str]:
    """What each tenant serves, and the release that the pointer names."""
    state = running.ask("state")
    serving = {slug: one["serving"] for slug, one in state["tenants"].items()}
    return serving, state["pointers"]["acme/app"]["sha"]


def land(them: ServiceProcesses, slug: str, *, fence: int, seen: int = 0) -> Mapping[str, Any]:
    """Orders a tenant to land what it runs, as the control plane does; how it ended."""
    running = live(them.running)[0][slug]
    order = {
        "target": running,
        "target_tag": "latest",
        "actor": "older",
        "environment": "staging",
        "fence": fence,
        "fence_seen": seen,
        "is_fenced": True,
        "is_image_broken": False,
    }
    end: Mapping[str, Any] = them.post(slug, "land", order)["end"]
    return end


def test_deploy_brings_tenants_and_pointer_onto_what_was_pushed(them: ServiceProcesses) -> None:
    """Every service plays its part, and each knows the job by the port that it came in by."""
    sha = them.running.move("push", {})["sha"]

    said = them.run_job("older", SIM_COMMIT=sha)

    assert ("deployed", 0) == (said.document["outcome"], said.code)
    assert (dict.fromkeys(SLUGS, sha), sha) == live(them.running)
    landed = [one for one in them.running.ask("happenings") if one["after"] == sha]
    actors = {one["actor"] for one in landed if one["kind"] == "landed"}
    assert {"older"} == actors


def test_happenings_of_all_services_are_told_in_the_order_of_time(them: ServiceProcesses) -> None:
    """They are counted without gaps, though each service keeps its own."""
    them.running.move("push", {})

    happened = them.running.ask("happenings")

    assert list(range(len(happened))) == [one["index"] for one in happened]
    assert happened == sorted(happened, key=lambda one: one["at_s"])
    assert {"pushed", "published", "pointed"} <= {one["kind"] for one in happened}


def test_killed_registry_loses_nothing(them: ServiceProcesses) -> None:
    """It comes back with every image and tag."""
    before = them.running.ask("state")["registry"]

    them.stop("registry", is_kill=True)
    unreached = them.running.ask("state")["unreached"]
    them.start("registry")
    them.wait("registry")

    assert ["registry"] == unreached
    assert before == them.running.ask("state")["registry"]


def test_killed_tenant_is_still_known_and_comes_back_as_it_was(them: ServiceProcesses) -> None:
    """The control plane goes on listing it, and its edge answers for nobody meanwhile."""
    before = live(them.running)[0]

    them.stop("acme", is_kill=True)
    gone = them.running.ask("state")["tenants"]["acme"]
    them.start("acme")
    them.wait("acme")

    assert (None, False) == (gone["serving"], gone["is_reached"])
    assert before == live(them.running)[0]


def test_tenant_compares_the_fence_with_the_highest_that_it_has_seen(
    them: ServiceProcesses,
) -> None:
    """An order of a lower epoch is refused there, also after a restart, and by what others saw."""
    first = land(them, "hongming", fence=7)
    lower = land(them, "hongming", fence=6)
    them.stop("hongming", is_kill=True)
    them.start("hongming")
    them.wait("hongming")
    restarted = land(them, "hongming", fence=6)
    told = land(them, "hongming", fence=8, seen=9)

    ends = [one["status"] for one in (first, lower, restarted, told)]
    assert ["Success", "Failed", "Failed", "Failed"] == ends


def test_fault_acts_in_the_service_that_it_is_about_and_ends_by_its_number(
    them: ServiceProcesses,
) -> None:
    """It has one number, whichever service carries it out."""
    rule = {"kind": "refuse", "status": 503, "service": "control_plane", "times": 1}
    number = them.running.move("faults", rule)["number"]

    said = them.run_job("older", "status")
    acted = {one["number"]: one["acted"] for one in them.running.ask("state")["faults"]}
    left = them.running.move("faults", {"remove": number})["faults"]

    assert {number: 1} == acted
    assert [] == left
    assert said.code == 0, "one refusal of a read is asked again"


def test_lever_without_the_control_token_is_refused(them: ServiceProcesses) -> None:
    """A job has no way to move the world that it is tried in."""
    stranger = tokens_of("another secret")

    with pytest.raises(Invalid, match="401"):
        them.post("acme", "tenant", {"health": "gone"}, token=stranger.control)

    assert tokens_of(SECRET).control != stranger.control


def test_tenant_that_comes_later_is_provisioned_with_what_the_pointer_names(
    tmp_path: Path,
) -> None:
    """As a real one is: nothing was deployed to it."""
    with service_processes(tmp_path, SLUGS, SIM_TENANTS="1") as them:
        them.stop("acme")
        them.forget("acme")
        sha = them.running.move("push", {})["sha"]
        tag = {"repository": "acme/app", "tag": "latest", "reference": f"staging-{sha[:7]}"}
        them.running.move("retag", tag)

        them.start("acme")
        them.wait("acme")

        assert sha == live(them.running)[0]["acme"]
