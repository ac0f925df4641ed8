"""What a tenant's answer at the edge says of its release, and what it never says."""

import asyncio

import pytest

from release.adapters.edge import HttpEdge
from release.core.sighting import Observation
from release.core.values import Sha, Tenant
from release.errors import Invalid
from tests.support.loopback import Answer, Asked, Cut, Loopback, Reaction, Stall, html, json_answer

SHA = "7f25373" + "0" * 33
OTHER = "7a72516" + "0" * 33
ACME = Tenant("acme")


def observe(server: Loopback, *tenants: Tenant, timeout_s: float = 5.0) -> tuple[Observation, ...]:
    """Asks the server for the tenants, each on a path of its own."""

    async def run() -> tuple[Observation, ...]:
        async with (
            server,
            HttpEdge(f"{server.url}/{{slug}}/buildinfo", timeout_s=timeout_s) as edge,
        ):
            return await edge.observe(tenants)

    return asyncio.run(run())


def see(*reactions: Reaction, timeout_s: float = 5.0) -> Observation:
    """What is seen of tenant acme when it reacts like this."""
    (observation,) = observe(Loopback(*reactions), ACME, timeout_s=timeout_s)
    return observation


def test_each_tenant_is_asked_once_and_seen_in_the_order_asked() -> None:
    """One call takes many tenants and returns one observation for each, in order."""

    def react(asked: Asked) -> Reaction:
        return json_answer({"git_sha": SHA if "zoo" in asked.target else OTHER})

    server = Loopback(react=react)

    seen = observe(server, Tenant("zoo"), ACME, Tenant("mira"))

    assert [(one.tenant.slug, str(one.sha)) for one in seen] == [
        ("zoo", SHA),
        ("acme", OTHER),
        ("mira", OTHER),
    ]
    assert sorted(asked.target for asked in server.asked) == [
        "/acme/buildinfo",
        "/mira/buildinfo",
        "/zoo/buildinfo",
    ]


def test_no_tenants_are_seen_without_asking() -> None:
    """An empty call is answered at once."""
    assert observe(Loopback(Cut())) == ()


def test_full_sha_is_a_sighting() -> None:
    """`git_sha` with a whole commit id is the one proof of what is served."""
    answer = json_answer({"git_sha": SHA, "built": "2026-01-02"})

    assert see(answer) == Observation(tenant=ACME, sha=Sha(SHA))


@pytest.mark.parametrize(
    ("reaction", "reason"),
    [
        (html(404), "HTTP 404, text/html"),
        (html(200), "HTTP 200, text/html, not JSON"),
        (html(502), "HTTP 502, text/html"),
        (Answer(status=204), "HTTP 204, no content type"),
        (json_answer({"git_sha": SHA}, status=203), "HTTP 203, application/json"),
        (json_answer({}), "HTTP 200, application/json, without git_sha"),
        (json_answer([SHA]), "HTTP 200, application/json, without git_sha"),
        (json_answer({"git_sha": None}), "HTTP 200, application/json, without git_sha"),
        (json_answer({"git_sha": "dev"}), "answers 'dev'"),
        (json_answer({"git_sha": ""}), "answers ''"),
        (json_answer({"git_sha": "7f25373"}), "answers '7f25373'"),
        (json_answer({"git_sha": SHA.upper()}), f"answers '{SHA.upper()}'"),
        (json_answer({"git_sha": f"{SHA}\n"}), f"answers '{SHA}\\n'"),
        (json_answer({"git_sha": 7}), "answers 7"),
        (Answer(body=b"[" * 4096), "HTTP 200, no content type, not JSON"),
        (
            Answer(body=b"x", headers={"content-encoding": "gzip"}),
            "no content type, gzip, not JSON",
        ),
    ],
)
def test_answer_that_names_no_release_is_a_reason(reaction: Reaction, reason: str) -> None:
    """Not JSON, not 200, no `git_sha` and `dev` are never settled: the reason is kept."""
    seen = see(reaction)

    assert (seen.sha, seen.is_reachable) == (None, True)
    assert reason in seen.reason


@pytest.mark.parametrize(
    "broken",
    [
        Cut(),
        Cut(after=b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{"),
        Cut(after=b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        Stall(),
        Stall(after=b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{"),
        Answer(status=301, headers={"location": "http://[::1/"}),
    ],
)
def test_broken_answer_leaves_a_tenant_unreachable(broken: Reaction) -> None:
    """An edge that can't be read is an observation, not an error."""
    seen = see(broken, timeout_s=0.2)

    assert (seen.sha, seen.is_reachable) == (None, False)
    assert seen.reason


def test_tenant_where_nobody_listens_is_unreachable() -> None:
    """A refused connection is an observation that says so."""

    async def run() -> tuple[Observation, ...]:
        async with Loopback(Cut()) as server:
            url = f"{server.url}/{{slug}}"
        async with HttpEdge(url) as edge:
            return await edge.observe((ACME,))

    (seen,) = asyncio.run(run())

    assert not seen.is_reachable
    assert "connect" in seen.reason.lower()


def test_slow_tenant_does_not_keep_the_others() -> None:
    """Each tenant has a time limit of its own, and its reason names it."""

    def react(asked: Asked) -> Reaction:
        return Stall() if "acme" in asked.target else json_answer({"git_sha": SHA})

    acme, zoo = observe(Loopback(react=react), ACME, Tenant("zoo"), timeout_s=2.0)

    assert acme.reason == "no whole answer within 2 s"
    assert zoo.sha == Sha(SHA)


def test_answer_beyond_the_limit_is_not_read() -> None:
    """A body longer than any build information names no release."""
    body = b'{"git_sha": "%s", "padding": "%s"}' % (SHA.encode(), b"x" * 5000)

    seen = see(Answer(body=body))

    assert (seen.sha, seen.is_reachable) == (None, True)
    assert "too long" in seen.reason


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.example.com/buildinfo",
        "http://{slug}.example.com/buildinfo",
        "https://user:{slug}@example.com/",
        "{slug}",
        "https://example.com/#{slug}",
    ],
)
def test_template_that_is_not_safe_is_refused(url: str) -> None:
    """A template names the slug, uses TLS beyond loopback, and carries no user."""
    with pytest.raises(Invalid):
        HttpEdge(url)


def test_template_of_hosts_that_are_allowed_by_pattern_may_go_without_tls() -> None:
    """A fleet inside of a private network is allowed by the pattern of its hosts."""

    async def run() -> None:
        url = "http://{slug}.fleet.internal/buildinfo"
        async with HttpEdge(url, insecure_hosts=("*.fleet.internal",)):
            pass

    asyncio.run(run())


def test_template_may_hold_what_needs_quoting() -> None:
    """The template is quoted once, and each slug goes where it says."""
    server = Loopback(json_answer({"git_sha": SHA}))

    async def run() -> tuple[Observation, ...]:
        async with server, HttpEdge(f"{server.url}/état {{slug}}?t={{slug}}#x") as edge:
            return await edge.observe((ACME,))

    (seen,) = asyncio.run(run())

    assert seen.sha == Sha(SHA)
    assert server.asked[0].target == "/%C3%A9tat%20acme?t=acme"
