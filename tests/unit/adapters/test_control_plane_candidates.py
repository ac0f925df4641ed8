"""How a control plane is asked for its tenants, and which lists are no list."""

import asyncio

import pytest

from release.adapters.control_plane import ControlPlaneFleet
from release.adapters.http import Http, HttpPool
from release.core.sighting import Candidates, Fencing
from release.core.values import Release, Sha, Tenant
from release.errors import FenceRefused, Refused, Unavailable
from tests.support.clocks import StillClock
from tests.support.loopback import Answer, Loopback, html, json_answer

RELEASE = Release(sha=Sha("7f25373" + "0" * 33), tag="staging-7f25373")


def candidates(server: Loopback, *, epoch: int | None = None) -> Candidates:
    """Asks the server for the tenants of the fleet."""

    async def run() -> Candidates:
        async with server, HttpPool(clock=StillClock()) as pool:
            http = Http(pool, "control plane", server.url)
            fleet = ControlPlaneFleet(http, environment="production", timeout_s=1.0)
            return await fleet.candidates(RELEASE, epoch=epoch)

    return asyncio.run(run())


def listing(*slugs: str, **fields: object) -> Answer:
    """A dry run's answer."""
    rows = [{"slug": slug, "phase": "canary", "ssm_status": "DryRun"} for slug in slugs]
    return json_answer({"ok": True, "results": rows, **fields})


def test_candidates_come_in_the_order_of_the_control_plane() -> None:
    """A dry run without scope lists the fleet, and says how it is fenced."""
    server = Loopback(listing("zoo", "acme", "mira", fenced="door"))

    listed = candidates(server)

    assert listed == Candidates(
        tenants=(Tenant("zoo"), Tenant("acme"), Tenant("mira")), fencing=Fencing.DOOR
    )


def test_candidates_without_an_epoch_raise_no_fence() -> None:
    """A plan touches nothing: its dry run carries no fence and no scope."""
    server = Loopback(listing("acme"))

    candidates(server)

    assert server.asked[0].json == {
        "target_tag": "staging-7f25373",
        "confirm": True,
        "environment": "production",
        "dry_run": True,
    }


@pytest.mark.parametrize("epoch", [0, 7])
def test_candidates_with_an_epoch_carry_it(epoch: int) -> None:
    """A dry run that carries the epoch raises the highest one seen."""
    server = Loopback(listing("acme"))

    candidates(server, epoch=epoch)

    asked = server.asked[0].json
    assert isinstance(asked, dict)
    assert asked["fence"] == epoch


def test_candidates_are_asked_for_again_after_a_transient_failure() -> None:
    """A dry run is a read: 502, 503 and 504 are repeated."""
    server = Loopback(html(502), html(503), html(504), listing("acme"))

    assert candidates(server).tenants == (Tenant("acme"),)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (listing(), "lists no tenant"),
        (listing("acme", "acme"), "lists a tenant twice.*acme"),
        (listing("acme", "ACME"), "lists a tenant twice.*ACME"),
        (listing("acme", "../etc"), r"can't be a tenant.*\.\./etc"),
        (listing("a.b"), r"can't be a tenant.*a\.b"),
        (listing("acme", ok=False, error="inventory down"), "could not list.*inventory down"),
        (json_answer({"ok": True, "results": ["acme"]}), "unknown form.*acme"),
        (json_answer({"error": "who are you"}, status=401), "HTTP 401: who are you.*token"),
        (html(404), "HTTP 404"),
    ],
)
def test_list_that_is_no_list_is_refused(answer: Answer, message: str) -> None:
    """No candidates at all, and candidates that can't be right, are never success."""
    with pytest.raises(Refused, match=message):
        candidates(Loopback(answer))


def test_dry_run_that_was_not_dry_is_refused_loudly() -> None:
    """A row of a command that ran says that `dry_run` was not understood."""
    rows = [{"slug": "acme", "ssm_status": "Success"}]

    with pytest.raises(Refused, match="may have moved that tenant"):
        candidates(Loopback(json_answer({"ok": True, "results": rows})))


@pytest.mark.parametrize("answer", [html(200), json_answer({}), html(302), html(500)])
def test_dry_run_without_a_usable_answer_is_unavailable(answer: Answer) -> None:
    """A page in the place of the contract is no list of tenants."""
    with pytest.raises(Unavailable):
        candidates(Loopback(answer))


def test_dry_run_with_a_stale_epoch_is_refused_by_the_fence() -> None:
    """The dry run of an overtaken job learns so before it decides anything."""
    server = Loopback(json_answer({"error": "stale", "fence_seen": 8}, status=412))

    with pytest.raises(FenceRefused, match="epoch 8"):
        candidates(server, epoch=7)
