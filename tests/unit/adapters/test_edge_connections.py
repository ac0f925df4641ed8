"""Which connections the edge is read over, what is sent over them, and where they never lead."""

import asyncio
import sys
from pathlib import Path

import pytest

from release.adapters.edge import HttpEdge
from release.adapters.resolver import WideResolver
from release.core.sighting import Observation
from release.core.values import Sha, Tenant
from tests.support.loopback import Answer, Loopback, Reaction, json_answer

SHA = "7f25373" + "0" * 33
GOOD = json_answer({"git_sha": SHA})
ACME = Tenant("acme")


def redirect(location: str, status: int = 302) -> Answer:
    """An answer that leads elsewhere."""
    return Answer(status=status, headers={"location": location, "set-cookie": "a=b; Path=/"})


def observe_twice(server: Loopback, template: str, *tenants: Tenant, concurrency: int) -> int:
    """Observes the tenants in two calls; returns how many connections were open in the end."""

    async def run() -> int:
        async with server:
            url = template.replace("PORT", str(server.port))
            async with HttpEdge(
                url, concurrency=concurrency, insecure_hosts=("127.0.0.*",)
            ) as edge:
                for _ in range(2):
                    seen = await edge.observe(tenants)
                    assert {one.sha for one in seen} == {Sha(SHA)}, seen
                # What we closed, the server learns of in its next turns.
                for _ in range(20):
                    await asyncio.sleep(0)
                return server.open_connections

    return asyncio.run(run())


def see_redirected(react: Reaction, *more: Reaction) -> tuple[Observation, Loopback]:
    """What is seen of tenant acme, and the server that was asked."""
    server = Loopback(react, *more)

    async def run() -> Observation:
        async with server, HttpEdge(f"{server.url}/{{slug}}/buildinfo") as edge:
            (seen,) = await edge.observe((ACME,))
            return seen

    return asyncio.run(run()), server


def test_tenants_of_one_host_share_a_bounded_number_of_connections() -> None:
    """No more tenants are asked at a time than allowed, and connections are used again."""
    server = Loopback(GOOD)
    tenants = [Tenant(f"t{number}") for number in range(50)]

    observe_twice(server, "http://127.0.0.1:PORT/{slug}", *tenants, concurrency=4)

    assert len(server.asked) == 100
    assert server.connections <= 4


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is not loopback")
def test_tenants_with_hosts_of_their_own_keep_a_bounded_number_of_connections() -> None:
    """Ten thousand hosts must not take ten thousand open files between two polls."""
    slugs = ("2", "3", "4", "5", "6")
    server = Loopback(GOOD, hosts=tuple(f"127.0.0.{slug}" for slug in slugs))
    tenants = [Tenant(slug) for slug in slugs]

    left_open = observe_twice(server, "http://127.0.0.{slug}:PORT/", *tenants, concurrency=2)

    assert left_open == 2
    assert server.connections == 2 + 3 + 3


def test_request_carries_no_credential_and_asks_past_caches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A tenant is a stranger: it gets no token, no cookie, and no password of the environment."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://user:password@127.0.0.1:9")

    seen, server = see_redirected(redirect("/acme/buildinfo"), GOOD)

    assert seen.sha == Sha(SHA)
    names = {"host", "user-agent", "accept", "accept-encoding", "cache-control"}
    assert [set(asked.headers) for asked in server.asked] == [names, names]
    assert server.asked[0].headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_on_the_same_host_is_followed(status: int) -> None:
    """A tenant may answer from another path of its host."""
    seen, server = see_redirected(redirect("../v2?x=1", status), GOOD)

    assert seen.sha == Sha(SHA)
    assert [asked.target for asked in server.asked] == ["/acme/buildinfo", "/v2?x=1"]


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://login.test/sso?token=x", "https://login.test/sso"),
        ("//127.0.0.9/x", "http://127.0.0.9/x"),
        ("http://127.0.0.1:1/x", "http://127.0.0.1:1/x"),
        ("http://user:password@login.test/", "http://login.test/"),
        ("file:///etc/passwd", "file:/etc/passwd"),
    ],
)
def test_redirect_to_another_host_is_a_reason(location: str, shown: str) -> None:
    """Another host can't vouch for this tenant, and is not asked."""
    seen, server = see_redirected(redirect(location), GOOD)

    assert (seen.sha, seen.is_reachable) == (None, True)
    assert seen.reason == f"redirects to another host, {shown}"
    assert len(server.asked) == 1


def test_redirects_without_end_are_a_reason() -> None:
    """Three redirects are followed, a fourth is not."""
    seen, server = see_redirected(redirect("/again"))

    assert seen.reason == "redirects more than 3 times"
    assert len(server.asked) == 4


def test_name_of_a_host_is_looked_up() -> None:
    """Host names are resolved by the system, as its own programs resolve them."""

    async def run() -> set[str]:
        resolver = WideResolver(2)
        found = await resolver.resolve("localhost", 80)
        await resolver.close()
        return {address["host"] for address in found}

    assert "127.0.0.1" in asyncio.run(run())
