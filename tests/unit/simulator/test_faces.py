"""The faces on sockets, as the shipped adapters and as plain HTTP see them."""

import asyncio
import json

import httpx
import pytest

from release.core.order import Order
from release.core.sighting import ChecksState, Fencing, RowState
from release.core.values import Pointer, Sha, Tenant
from release.errors import FenceRefused, OutcomeUnknown, Refused, Unavailable
from simulator.apps.tokens import RegistryLogin
from simulator.control_plane import FenceKind
from simulator.faults import FaultKind, FaultRule
from simulator.happenings import Kind
from simulator.sockets import FacesSetup
from simulator.tenants import Health, Lag
from tests.support.faces import Visit, played
from tests.support.virtual import BASE, NEWER, OLDER

POINTER = Pointer(repository="acme/app", tag="latest")
ACME = (Tenant("acme"),)
ALL = (Tenant("acme"), Tenant("globex"), Tenant("initech"))


def test_adapters_deploy_a_release_through_every_face() -> None:
    """Forge, control plane, edge and registry show one world, whoever asks."""

    async def tell(it: Visit) -> list[object]:
        registry, fleet = it.registry(), it.fleet("newer")
        head = await it.forge().head()
        checks = await it.forge().checks(head)
        listed = await fleet.candidates(it.release(NEWER), epoch=3)
        done = await fleet.redeploy(it.release(NEWER), ALL, epoch=3, phase="all")
        async with it.edge() as edge:
            seen = await edge.observe(ALL)
        digest = await registry.resolve("acme/app", it.release(NEWER).tag)
        assert digest is not None
        await registry.point(POINTER, digest)
        return [
            head,
            checks.state,
            listed.tenants,
            done.fencing,
            {row.state for row in done.rows},
            {str(one.sha) for one in seen},
            await registry.revision("acme/app", digest),
            it.world.pointer(),
            {one.actor for one in it.world.log.of_kind(Kind.LANDED)},
        ]

    assert asyncio.run(played(tell)) == [
        Sha(NEWER),
        ChecksState.GREEN,
        ALL,
        Fencing.LANDING,
        {RowState.DONE},
        {NEWER},
        Sha(NEWER),
        NEWER,
        {"newer"},
    ]


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/api/v1/repos/acme/app/branches/main", "GET"),
        ("/cp/admin/tenants/redeploy-fleet", "POST"),
        ("/v2/", "GET"),
        ("/v2/acme/app/manifests/latest", "GET"),
        ("/token?scope=repository:acme/app:pull", "GET"),
        ("/sim/push", "POST"),
        ("/sim/shutdown", "POST"),
    ],
)
def test_face_without_its_token_answers_401(path: str, method: str) -> None:
    """Nobody is let in by the name of the machine; only edges and the state are public."""

    async def tell(it: Visit) -> int:
        return (await it.client.request(method, path)).status_code

    assert asyncio.run(played(tell)) == 401


def test_forge_token_that_is_no_owners_may_not_read_variables() -> None:
    """As with a job token: 403, which a switch file on a ref avoids."""

    async def tell(it: Visit) -> tuple[bool, str]:
        it.world.forge.set_variable("DEPLOY_ENABLED", "on")
        is_enabled = await it.forge().is_enabled()
        with pytest.raises(Refused) as caught:
            await it.forge(token=it.faces.setup.tokens.forge).is_enabled()
        return is_enabled, str(caught.value)

    is_enabled, refusal = asyncio.run(played(tell))

    assert is_enabled
    assert "owner" in refusal


def test_order_over_http_is_by_ancestry() -> None:
    """Compare counts the commits that each has beyond the other."""

    async def tell(it: Visit) -> list[Order]:
        it.world.forge.add_commit("d" * 40, [BASE])
        pairs = ((OLDER, NEWER), (NEWER, OLDER), (NEWER, "d" * 40), (NEWER, "e" * 40))
        return [await it.forge().compare(Sha(ours), Sha(other)) for ours, other in pairs]

    assert asyncio.run(played(tell)) == [
        Order.OLDER,
        Order.NEWER,
        Order.DIVERGED,
        Order.UNKNOWN,
    ]


def test_many_statuses_are_paged_and_clamped_in_silence() -> None:
    """The server gives fewer than were asked for, and miscounts beyond its first page."""

    async def tell(it: Visit) -> tuple[list[int], list[str], ChecksState]:
        for number in range(70):
            it.world.forge.set_status(NEWER, f"other / {number}", "failure")
        headers = {"authorization": f"token {it.faces.setup.tokens.forge}"}
        sizes, totals = [], []
        for page in (1, 2, 3):
            path = f"/api/v1/repos/acme/app/commits/{NEWER}/statuses?limit=100&page={page}"
            reply = await it.client.get(path, headers=headers)
            sizes.append(len(reply.json()))
            totals.append(reply.headers["x-total-count"])
        it.world.faults.add(FaultRule(kind=FaultKind.CLAMP_PAGE, operation="checks", page=3))
        return sizes, totals, (await it.forge().checks(Sha(NEWER))).state

    assert asyncio.run(played(tell)) == ([50, 21, 0], ["71", "0", "0"], ChecksState.GREEN)


def test_combined_status_speaks_of_its_page_alone() -> None:
    """A commit without statuses has the state "" and no list at all."""

    async def tell(it: Visit) -> tuple[object, object]:
        it.world.forge.add_commit("d" * 40, [NEWER])
        it.world.forge.set_status(NEWER, "late / one", "failure")
        headers = {"authorization": f"token {it.faces.setup.tokens.forge}"}
        root = "/api/v1/repos/acme/app/commits"
        none = (await it.client.get(f"{root}/{'d' * 40}/status", headers=headers)).json()
        page = f"{root}/{NEWER}/status?limit=1&page=2"
        return none, (await it.client.get(page, headers=headers)).json()["state"]

    none, state = asyncio.run(played(tell))

    assert isinstance(none, dict)
    assert (none["state"], none["total_count"], none["statuses"]) == ("", 0, None)
    assert state == "success"


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (FaultRule(kind=FaultKind.CUT_BEFORE, operation="redeploy"), OutcomeUnknown),
        (FaultRule(kind=FaultKind.LOSE_ANSWER, operation="redeploy"), OutcomeUnknown),
        (FaultRule(kind=FaultKind.LOSE_ANSWER, operation="redeploy", status=502), OutcomeUnknown),
        (FaultRule(kind=FaultKind.REFUSE, operation="redeploy", status=429), Unavailable),
        (FaultRule(kind=FaultKind.EXPIRED_TOKEN, operation="redeploy"), Refused),
    ],
)
def test_fault_on_a_socket_is_what_it_is_on_a_direct_port(
    rule: FaultRule, error: type[Exception]
) -> None:
    """The adapter raises what the direct port raises, and what landed is the same."""

    async def tell(it: Visit) -> str | None:
        it.world.faults.add(rule)
        with pytest.raises(error):
            await it.fleet().redeploy(it.release(NEWER), ACME, epoch=1, phase="canary")
        return it.world.serving()["acme"]

    served = NEWER if rule.kind is FaultKind.LOSE_ANSWER else BASE
    assert asyncio.run(played(tell)) == served


def test_cut_connection_ends_without_an_answer() -> None:
    """Not a single byte comes back."""

    async def tell(it: Visit) -> None:
        it.world.faults.add(FaultRule(kind=FaultKind.CUT_BEFORE, service="edge"))
        with pytest.raises(httpx.TransportError):
            await it.client.get("/edge/acme/buildinfo")

    asyncio.run(played(tell))


def test_fence_refuses_over_http() -> None:
    """412 with the highest epoch seen."""

    async def tell(it: Visit) -> int:
        await it.fleet("newer").candidates(it.release(NEWER), epoch=9)
        with pytest.raises(FenceRefused) as caught:
            await it.fleet("older").redeploy(it.release(OLDER), ACME, epoch=8, phase="canary")
        return caught.value.fence_seen

    assert asyncio.run(played(tell)) == 9


def test_edges_show_every_illness_over_http() -> None:
    """HTML, dev, gone, dead and draining, each by path and by host name."""

    async def tell(it: Visit) -> list[object]:
        world = it.world
        world.set_health("acme", Health.HTML)
        world.set_health("globex", Health.DEV)
        world.set_health("initech", Health.GONE)
        async with it.edge() as edge:
            html, dev, gone = await edge.observe(ALL)
        world.set_health("acme", Health.HEALTHY)
        world.set_lag("acme", Lag.fixed(1e6))
        await it.fleet().redeploy(it.release(NEWER), ACME, epoch=1, phase="canary")
        by_host = await it.client.get("/buildinfo", headers={"host": "acme.localhost"})
        healthz = await it.client.get("/edge/acme/healthz")
        return [
            "404" in html.reason,
            "dev" in dev.reason,
            gone.is_reachable,
            by_host.json(),
            healthz.status_code,
        ]

    assert asyncio.run(played(tell)) == [True, True, False, {"git_sha": BASE}, 200]


def test_slow_tenant_runs_into_the_edge_timeout() -> None:
    """It is not reachable for whoever has no patience; the others are."""

    async def tell(it: Visit) -> list[bool]:
        it.world.set_health("globex", Health.SLOW, delay_s=600.0)
        async with it.edge(timeout_s=2.0) as edge:
            return [one.is_reachable for one in await edge.observe(ALL)]

    assert asyncio.run(played(tell)) == [True, False, True]


def test_script_holds_requests_on_sockets_too() -> None:
    """The same script forces the same order in virtual time and behind sockets."""

    class OlderFirst:
        def __init__(self, it: Visit) -> None:
            self._world = it.world

        async def hold(self, call: object, phase: object) -> None:
            if str(call).startswith("newer") and str(phase) == "request":
                await self._world.clock.wait_until(
                    lambda: self._world.serving()["acme"] == OLDER, 10.0
                )

    async def tell(it: Visit) -> list[str]:
        it.world.script = OlderFirst(it)
        newer, older = it.fleet("newer"), it.fleet("older")
        await asyncio.gather(
            newer.redeploy(it.release(NEWER), ACME, epoch=1, phase="canary"),
            older.redeploy(it.release(OLDER), ACME, epoch=1, phase="canary"),
        )
        return [one.actor for one in it.world.log.of_kind(Kind.LANDED)]

    assert asyncio.run(played(tell)) == ["older", "newer"]


@pytest.mark.parametrize("login", list(RegistryLogin))
def test_registry_lets_the_adapter_in_however_it_asks(login: RegistryLogin) -> None:
    """Open, by password, by token server."""

    async def tell(it: Visit) -> str | None:
        registry = it.registry()
        digest = await registry.resolve("acme/app", it.release(NEWER).tag)
        assert digest is not None
        await registry.point(POINTER, digest)
        return it.world.pointer()

    assert asyncio.run(played(tell, FacesSetup(login=login))) == NEWER


def test_registry_token_that_expires_in_mid_run_is_renewed() -> None:
    """One 401 costs a new token, not the run; a token for reading does not let write."""

    async def tell(it: Visit) -> str | None:
        registry = it.registry()
        digest = await registry.resolve("acme/app", it.release(NEWER).tag)
        assert digest is not None
        expired = FaultRule(kind=FaultKind.EXPIRED_TOKEN, operation="manifest", times=1)
        it.world.faults.add(expired)
        await registry.point(POINTER, digest)
        return it.world.pointer()

    assert asyncio.run(played(tell)) == NEWER


def test_registry_answers_an_accept_that_lacks_the_type_with_404() -> None:
    """The manifest is there and yet "unknown", as with the real one; the message tells."""

    async def tell(it: Visit) -> tuple[int, str, int]:
        path = "/v2/acme/app/manifests/latest"
        bare = await it.client.get(path, headers={"accept": "*/*"})
        accept = "application/vnd.oci.image.manifest.v1+json"
        good = await it.client.head(path, headers={"accept": accept})
        return bare.status_code, bare.json()["errors"][0]["message"], good.status_code

    status, message, good = asyncio.run(played(tell, FacesSetup(login=RegistryLogin.OPEN)))

    assert (status, good) == (404, 200)
    assert "accept header does not support" in message


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("application/json", b"{}", 400, "MANIFEST_INVALID"),
        ("application/vnd.oci.image.manifest.v1+json", b"no", 400, "MANIFEST_INVALID"),
        (
            "application/vnd.oci.image.manifest.v1+json",
            json.dumps({"config": {"digest": "sha256:" + "0" * 64}}).encode(),
            400,
            "MANIFEST_BLOB_UNKNOWN",
        ),
    ],
)
def test_registry_refuses_a_manifest_that_is_none(
    content_type: str, body: bytes, status: int, code: str
) -> None:
    """The tag stays where it was."""

    async def tell(it: Visit) -> tuple[int, str, str | None]:
        path = "/v2/acme/app/manifests/latest"
        reply = await it.client.put(path, content=body, headers={"content-type": content_type})
        return reply.status_code, reply.json()["errors"][0]["code"], it.world.pointer()

    told = asyncio.run(played(tell, FacesSetup(login=RegistryLogin.OPEN)))

    assert told == (status, code, BASE)


def test_levers_move_the_world_and_its_state_shows_it() -> None:
    """Faults, tenants, options and the switch, by whoever has the control token."""

    async def tell(it: Visit) -> tuple[list[int], dict[str, object]]:
        headers = {"authorization": f"Bearer {it.faces.setup.tokens.control}"}
        levers: list[tuple[str, dict[str, object]]] = [
            ("faults", {"kind": "late", "operation": "redeploy", "late_s": 5.0}),
            ("faults", {"kind": "nonsense"}),
            ("tenants/acme", {"health": "wedged", "lag": {"low_s": 1.0, "high_s": 2.0}}),
            ("tenants/hooli", {"add": BASE}),
            ("tenants/globex", {"remove": True}),
            ("tenants/nobody", {"health": "healthy"}),
            ("options", {"fence": "door", "latency_s": {"forge": 0.01}}),
            ("switch", {"value": "off"}),
            ("releases/" + NEWER, {"broken": True}),
            ("nothing", {}),
        ]
        statuses = [
            (await it.client.post(f"/sim/{path}", json=body, headers=headers)).status_code
            for path, body in levers
        ]
        return statuses, (await it.client.get("/sim/state")).json()

    statuses, state = asyncio.run(played(tell))

    assert statuses == [200, 400, 200, 200, 200, 404, 200, 200, 200, 404]
    assert state["fence"] == {"kind": "door", "seen": {}}
    tenants = state["tenants"]
    assert isinstance(tenants, dict)
    assert (list(tenants), tenants["acme"]["health"]) == (["acme", "initech", "hooli"], "wedged")


def test_event_stream_replays_from_an_index_and_goes_on_live() -> None:
    """Who reconnects with the last id misses nothing."""

    async def tell(it: Visit) -> list[tuple[int, str]]:
        start = len(it.world.log.happenings)
        it.world.forge.set_variable("DEPLOY_ENABLED", "off")
        found: list[tuple[int, str]] = []
        headers = {"last-event-id": str(start - 1)}
        async with it.client.stream("GET", "/sim/events", headers=headers) as reply:
            async for line in reply.aiter_lines():
                if not line.startswith("data: "):
                    continue
                happening = json.loads(line.removeprefix("data: "))
                found.append((happening["index"] - start, happening["after"]))
                if len(found) == 2:
                    break
                it.world.forge.set_variable("DEPLOY_ENABLED", "on")
        return found

    assert asyncio.run(played(tell)) == [(0, "off"), (1, "on")]


@pytest.mark.parametrize("kind", list(FenceKind))
def test_control_plane_over_http_names_its_fence(kind: FenceKind) -> None:
    """Landing and door are said, none is silence."""

    async def tell(it: Visit) -> Fencing:
        it.world.control_plane.fence_kind = kind
        return (await it.fleet().candidates(it.release(NEWER), epoch=1)).fencing

    expected = {
        FenceKind.LANDING: Fencing.LANDING,
        FenceKind.DOOR: Fencing.DOOR,
        FenceKind.NONE: Fencing.NONE,
    }
    assert asyncio.run(played(tell)) == expected[kind]
