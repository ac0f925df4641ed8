"""How the registry adapter earns tokens, how long it keeps them, and whom it tells its secrets."""

import base64
import json
import traceback
from urllib.parse import parse_qs, urlsplit

import pytest

from release.adapters.registry import OciRegistry
from release.adapters.registry_auth import Credentials
from release.core.values import Digest, Secret
from release.errors import HeadwayError, Refused, Unavailable
from tests.support.clocks import StillClock
from tests.support.images import image
from tests.support.loopback import Answer, Asked, Loopback, html, json_answer
from tests.support.scripted_registry import ask, held, scripted

PASSWORD, IDENTITY = "pw-7c2e91", "id-40ab77"  # Made up.
KNOWN = Credentials(username="robot", password=Secret(PASSWORD))
BASIC = "Basic " + base64.b64encode(f"robot:{PASSWORD}".encode()).decode()
ONE = image("one")
TAG = "GET /v2/acme/app/manifests/v1"


async def resolve(registry: OciRegistry) -> Digest | None:
    """Resolves one tag."""
    return await registry.resolve("acme/app", "v1")


async def resolve_twice(registry: OciRegistry) -> Digest | None:
    """Resolves one tag, and once more."""
    await registry.resolve("acme/app", "v1")
    return await registry.resolve("acme/app", "v1")


def guarded(challenge: str, granted: Answer, *, passes: str) -> Loopback:
    """A registry that shows its tag to `passes` alone, and has its token server at /token.

    challenge: the header of its 401, where REALM stands for the address of the token server.
    """

    def tag(asked: Asked) -> Answer:
        if asked.headers.get("authorization") == passes:
            return held(ONE)
        header = challenge.replace("REALM", f"{server.url}/token")
        return Answer(status=401, headers={"www-authenticate": header})

    server = scripted({TAG: tag, "GET /token": granted, "POST /token": granted})
    return server


def token_requests(server: Loopback) -> list[Asked]:
    """What the token server was asked."""
    return [asked for asked in server.asked if asked.target.startswith("/token")]


BEARER = 'Bearer realm="REALM",service="registry",scope="repository:acme/app:pull"'


def test_token_is_asked_for_with_the_password_and_kept() -> None:
    """The challenge's service and scope go to the realm; the token serves until it expires."""
    server = guarded(BEARER, json_answer({"access_token": "t-1"}), passes="Bearer t-1")

    digest = ask(server, resolve_twice, credentials=KNOWN)

    assert digest == ONE.manifest.digest
    (asked,) = token_requests(server)
    assert asked.headers["authorization"] == BASIC
    assert parse_qs(urlsplit(asked.target).query) == {
        "service": ["registry"],
        "scope": ["repository:acme/app:pull"],
        "account": ["robot"],
    }
    assert BASIC not in [one.headers.get("authorization") for one in server.asked if one != asked]


def test_two_scopes_are_asked_for_in_a_parameter_each() -> None:
    """A realm keeps its own query and its last slash, and each scope has its parameter."""
    challenge = 'Bearer realm="REALM/?via=proxy",scope="repository:a:pull repository:b:pull"'
    server = guarded(challenge, html(404), passes="Bearer t-1")

    with pytest.raises(Refused):
        ask(server, resolve)

    (asked,) = token_requests(server)
    assert (
        asked.target == "/token/?via=proxy&scope=repository%3Aa%3Apull&scope=repository%3Ab%3Apull"
    )
    assert "authorization" not in asked.headers


@pytest.mark.parametrize(
    ("lifetime", "waited_s", "tokens"),
    [(300, 294.0, 1), (300, 295.0, 2), (None, 54.0, 1), (None, 55.0, 2), (0, 54.0, 1), (4, 2.0, 2)],
)
def test_token_is_fetched_anew_before_it_expires(
    lifetime: int | None, waited_s: float, tokens: int
) -> None:
    """A token is used until 5 s before its end; one that names no end lives for 60 s."""
    clock = StillClock()
    granted = json_answer({"token": "t-1", "expires_in": lifetime})
    server = guarded(BEARER, granted, passes="Bearer t-1")

    async def story(registry: OciRegistry) -> None:
        await registry.resolve("acme/app", "v1")
        await clock.sleep(waited_s)
        await registry.resolve("acme/app", "v1")

    ask(server, story, clock=clock)

    assert len(token_requests(server)) == tokens


def test_token_that_is_refused_before_its_time_is_replaced_once() -> None:
    """A 401 on a token that should hold, as when keys were changed, earns another."""
    numbers = iter(range(1, 9))
    server = scripted(
        {
            TAG: lambda asked: (
                held(ONE)
                if asked.headers.get("authorization") in {"Bearer t-1", "Bearer t-2"}
                and len(server.asked) != 4
                else Answer(
                    status=401,
                    headers={"www-authenticate": BEARER.replace("REALM", f"{server.url}/token")},
                )
            ),
            "GET /token": lambda _asked: json_answer({"token": f"t-{next(numbers)}"}),
        }
    )

    digest = ask(server, resolve_twice)

    assert digest == ONE.manifest.digest
    assert len(token_requests(server)) == 2


def test_identity_token_is_posted_and_never_put_in_an_address() -> None:
    """A refresh token goes to the realm in a form, as OAuth 2 has it."""
    server = guarded(BEARER, json_answer({"access_token": "t-1"}), passes="Bearer t-1")
    identity = Credentials(username="<token>", identity_token=Secret(IDENTITY))

    ask(server, resolve, credentials=identity)

    (asked,) = token_requests(server)
    assert (asked.method, asked.target) == ("POST", "/token")
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["refresh_token"],
        "client_id": ["headway"],
        "service": ["registry"],
        "scope": ["repository:acme/app:pull"],
        "refresh_token": [IDENTITY],
    }


def test_password_is_sent_at_once_to_a_registry_that_once_asked_for_it() -> None:
    """After the first Basic challenge there is no further 401."""
    server = guarded('Basic realm="registry"', html(404), passes=BASIC)

    ask(server, resolve_twice, credentials=KNOWN)

    assert [one.headers.get("authorization") for one in server.asked] == [None, BASIC, BASIC]


def test_wrong_password_is_tried_once_for_each_call() -> None:
    """A password that was just refused is not sent again: accounts get locked that way."""
    server = guarded('Basic realm="registry"', html(404), passes="Basic other")

    async def story(registry: OciRegistry) -> None:
        for _ in range(2):
            with pytest.raises(Refused):
                await registry.resolve("acme/app", "v1")

    ask(server, story, credentials=KNOWN)

    assert len(server.asked) == 3


def test_bearer_is_preferred_where_both_are_offered() -> None:
    """A token server that is offered beside Basic is asked."""
    server = guarded(
        f'Basic realm="r", {BEARER}', json_answer({"token": "t-1"}), passes="Bearer t-1"
    )

    assert ask(server, resolve, credentials=KNOWN) == ONE.manifest.digest


@pytest.mark.parametrize(
    ("challenge", "granted", "expected"),
    [
        ("Negotiate", html(404), Refused),
        ("", html(404), Refused),
        ("Bearer", html(404), Refused),
        ('Bearer realm="http://169.254.169.254/token"', html(404), Refused),
        ('Bearer realm="http://tokens.example/token"', html(404), Refused),
        (BEARER, Answer(status=401, body=PASSWORD.encode()), Refused),
        (BEARER, html(403), Refused),
        (BEARER, html(200), Unavailable),
        (BEARER, html(503), Unavailable),
        (BEARER, json_answer([]), Unavailable),
        (BEARER, json_answer({"token": ""}), Unavailable),
        (BEARER, json_answer({"token": "two\r\nlines"}), Unavailable),
        (BEARER, json_answer({"token": "too little"}), Unavailable),
        (BEARER, json_answer({"token": "too-little"}), Refused),
    ],
)
def test_login_that_fails_shows_no_secret(
    challenge: str, granted: Answer, expected: type[HeadwayError]
) -> None:
    """A login that can't be had is told as such, and nowhere is a password or token shown."""
    server = guarded(challenge, granted, passes="Bearer t-1")

    with pytest.raises(expected) as caught:
        ask(server, resolve, credentials=KNOWN)

    told = "".join(traceback.format_exception(caught.value)) + json.dumps(caught.value.args)
    assert not any(secret in told for secret in (PASSWORD, BASIC, "too-little"))


@pytest.mark.parametrize(
    "known", [None, Credentials(username="robot", identity_token=Secret(IDENTITY))]
)
def test_registry_that_wants_a_password_that_we_lack_is_refused(known: Credentials | None) -> None:
    """Without a password a Basic challenge can't be answered; the advice says how to get one."""
    server = guarded('Basic realm="registry"', html(404), passes=BASIC)

    with pytest.raises(Refused, match="docker login"):
        ask(server, resolve, credentials=known)
