"""Where the HTTP client will not go, and that it never shows a credential."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable

import pytest

from release.adapters.exchange import Reply
from release.adapters.http import Http, HttpPool, refused, ssl_context
from release.core.values import Secret
from release.errors import Invalid, OutcomeUnknown, Unavailable
from tests.support.clocks import StillClock
from tests.support.loopback import Answer, Loopback, json_answer

TOKEN = "tok-3f9a77c1"


def client(url: str, *, insecure_hosts: tuple[str, ...] = (), token: str = TOKEN) -> Http:
    """A client that has sent nothing yet."""
    pool = HttpPool(clock=StillClock(), insecure_hosts=insecure_hosts)
    return Http(pool, "forge", url, headers={"authorization": Secret(f"Bearer {token}")})


def visit(server: Loopback, say: Callable[[Http], Awaitable[Reply]]) -> Reply:
    """Runs `say` with a client of the server, and both to their end."""

    async def run() -> Reply:
        async with server, HttpPool(clock=StillClock()) as pool:
            headers = {"authorization": Secret(f"Bearer {TOKEN}")}
            return await say(Http(pool, "forge", server.url, headers=headers))

    return asyncio.run(run())


def reply(body: bytes, *, status: int = 403) -> Reply:
    """An answer as a service gave it."""
    headers = {"content-type": "text/plain"}
    return Reply(status=status, headers=headers, body=body, url="https://forge.test/x")


@pytest.mark.parametrize(
    "url",
    [
        "http://forge.test",
        "http://128.0.0.1",
        "http://127.0.0.1.forge.test",
        "http://localhost.forge.test",
        "http://[::2]",
        "ftp://localhost",
        "forge.test",
        "//forge.test",
        "https://",
        "https://forge.test:port",
        "https://forge.test?token=x",
    ],
)
def test_address_that_is_not_safe_is_refused(url: str) -> None:
    """An address needs TLS unless it is loopback by its very name."""
    with pytest.raises(Invalid):
        client(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1",
        "http://127.9.9.9",
        "http://[::1]:80",
        "http://LOCALHOST",
        "https://a.b",
    ],
)
def test_address_with_tls_or_on_loopback_is_taken(url: str) -> None:
    """Loopback may be spoken to without TLS."""
    assert client(url).service == "forge"


def test_host_that_is_allowed_by_name_may_go_without_tls() -> None:
    """The allowance is for a host, or for a pattern of hosts, and for no other."""
    allowed = ("git.internal", "*.fleet.internal")

    client("http://git.internal:3000", insecure_hosts=allowed)
    client("http://acme.fleet.internal", insecure_hosts=allowed)
    with pytest.raises(Invalid, match=r"evil-git\.internal"):
        client("http://evil-git.internal", insecure_hosts=allowed)


@pytest.mark.parametrize("url", ["https://u:tok-3f9a77c1@forge.test", "https:// u:tok-3f9a77c1@x"])
def test_address_with_a_user_is_refused_without_showing_it(url: str) -> None:
    """A credential in a URL would show up wherever the URL does."""
    with pytest.raises(Invalid) as caught:
        client(url)

    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("token", ["tok-3f9a77c1\n", "tok-3f9a77c1\r\nx: y", "tok-3f9a77c1é", " "])
def test_token_that_no_header_can_carry_is_refused_without_showing_it(token: str) -> None:
    """A line end at the end of a token's file is named before anything is sent."""
    with pytest.raises(Invalid, match="header authorization") as caught:
        client("https://forge.test", token=token)

    assert TOKEN not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "path",
    [
        "https://other.test/x",
        "http://forge.test/x",
        "https://forge.test:444/x",
        "https://u:p@forge.test/x",
        "../admin",
        "/a/../../admin",
    ],
)
def test_path_that_leads_elsewhere_is_refused(path: str) -> None:
    """A next-page link must not carry our token to another origin."""
    with pytest.raises(Invalid):
        asyncio.run(client("https://forge.test/api").read(path))


def test_whole_url_of_the_same_origin_is_followed_with_its_query() -> None:
    """A next-page link of the service itself is a path like any other."""
    server = Loopback(json_answer(1))

    visit(server, lambda http: http.read(f"{server.url}/page?n=2", params=[("limit", "5")]))

    assert server.asked[0].target == "/page?n=2&limit=5"


def test_proxy_of_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither reads nor effects go where an environment variable sends them."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    server = Loopback(json_answer(1))

    async def say(http: Http) -> Reply:
        await http.read("/read")
        return await http.effect("POST", "/effect")

    visit(server, say)

    assert [asked.target for asked in server.asked] == ["/read", "/effect"]


def test_cookies_are_not_kept() -> None:
    """A service can't make us carry anything from one request to the next."""
    server = Loopback(Answer(headers={"set-cookie": "a=b"}))

    async def say(http: Http) -> Reply:
        await http.read("/")
        return await http.read("/")

    visit(server, say)

    assert ["cookie" in asked.headers for asked in server.asked] == [False, False]


@pytest.mark.parametrize("status", [401, 500])
def test_token_that_a_service_echoes_is_blotted_out(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Some services repeat the token in their error: it reaches neither message nor log."""
    caplog.set_level(logging.DEBUG)
    server = Loopback(json_answer({"message": f"no such token: {TOKEN}"}, status=status))

    try:
        told = str(refused("forge", visit(server, lambda http: http.effect("POST", "/x"))))
    except OutcomeUnknown as error:
        told = "".join(traceback.format_exception(error))

    assert "no such token: (redacted)" in told
    assert TOKEN not in told + caplog.text


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message": "token\\nexpired"}', "HTTP 403: token expired"),
        (b'{"error": "no scope"}', "HTTP 403: no scope"),
        (
            b'{"errors": [{"code": "DENIED", "message": "access denied"}]}',
            "HTTP 403: access denied",
        ),
        (b'{"message": ["a", "b"]}', "HTTP 403: a"),
        (b'{"message": "%s"}' % (b"x" * 999), f"HTTP 403: {'x' * 200}"),
        (b"<html>", "HTTP 403"),
        (b'{"error": 7}', "HTTP 403"),
        (b"[]", "HTTP 403"),
        (b"[" * 100_000, "HTTP 403"),
    ],
)
def test_refusal_shows_what_the_service_says_of_it(body: bytes, message: str) -> None:
    """A refusal is told by status and by the service's own words, one line of 200 letters."""
    error = refused("forge", reply(body), advice="Look at the token")

    assert error.seen == message
    assert "Look at the token" in str(error)


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff\xfe", b"[" * 100_000])
def test_answer_that_is_not_json_is_unavailable(body: bytes) -> None:
    """A proxy's page in the place of JSON is named by status and type."""
    with pytest.raises(Unavailable, match="HTTP 200, text/plain"):
        reply(body, status=200).json("forge")


def test_tls_context_is_made_once_and_verifies() -> None:
    """One TLS context serves the whole process, and it checks host names."""
    context = ssl_context("https")

    assert context is ssl_context("https")
    assert context.check_hostname
