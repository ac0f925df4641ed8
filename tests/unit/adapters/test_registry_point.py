"""How a pointer is moved: once, with the bytes as they are, and never too late."""

import pytest

from release.adapters.registry import OciRegistry
from release.core.values import Pointer
from release.errors import HeadwayError, OutcomeUnknown, Refused, Unavailable
from tests.support.clocks import StillClock
from tests.support.images import image
from tests.support.loopback import Answer, Asked, Cut, html
from tests.support.scripted_registry import Routes, ask, error, held, scripted, writes

OLD, NEW = image("old"), image("new")
LATEST = Pointer(repository="acme/app", tag="latest")
SOURCE = f"GET /v2/acme/app/manifests/{NEW.manifest.digest}"
READ = "GET /v2/acme/app/manifests/latest"
WRITE = "PUT /v2/acme/app/manifests/latest"
READY: Routes = {SOURCE: held(NEW), READ: held(OLD), WRITE: Answer(status=201)}


async def point(registry: OciRegistry) -> None:
    """Moves `latest` to the new image."""
    await registry.point(LATEST, NEW.manifest.digest)


def test_pointer_is_written_once_with_the_very_bytes_that_were_read() -> None:
    """The manifest goes back as it came, under the type that the registry called it."""
    server = scripted(READY)

    ask(server, point)

    (write,) = writes(server)
    assert write.target == "/v2/acme/app/manifests/latest"
    assert write.body == NEW.manifest.body
    assert write.headers["content-type"] == NEW.content_type


def test_pointer_that_does_not_exist_yet_is_written() -> None:
    """A pointer that the registry states to be absent is made."""
    server = scripted({**READY, READ: error(404, "MANIFEST_UNKNOWN")})

    ask(server, point)

    assert len(writes(server)) == 1


def test_pointer_that_is_right_already_is_not_written() -> None:
    """Nothing is sent for a pointer that names the manifest, so immutable tags can be re-run."""
    server = scripted({**READY, READ: held(NEW), WRITE: error(400, "TAG_INVALID")})

    ask(server, point)

    assert writes(server) == []


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (error(400, "TAG_INVALID", "the repository is immutable"), "immutable"),
        (error(412, "PRECONDITION", "configured as immutable"), "immutable"),
        (error(409, "CONFLICT", "tag latest already exists"), "immutable"),
        (error(403, "DENIED", "requested access is denied"), "may push"),
        (html(403), "may push"),
        (error(405, "UNSUPPORTED"), "takes no writes"),
        (error(404, "NAME_UNKNOWN"), "push the image"),
        (error(400, "MANIFEST_BLOB_UNKNOWN"), "push the image"),
        (error(400, "MANIFEST_INVALID"), "will not take it"),
        (Answer(status=307, headers={"location": "/elsewhere"}), "will not take it"),
    ],
)
def test_no_of_the_registry_is_refused_and_not_repeated(answer: Answer, advice: str) -> None:
    """A 4xx is an answer: nothing was changed, and the advice is not to retry."""
    server = scripted({**READY, WRITE: answer})

    with pytest.raises(Refused) as caught:
        ask(server, point)

    assert caught.value.advice.startswith("Do not retry")
    assert advice in caught.value.advice
    assert len(writes(server)) == 1


@pytest.mark.parametrize("answer", [error(500, "UNKNOWN"), html(502), html(504), Cut()])
def test_write_without_an_answer_is_unknown_and_not_repeated(answer: Answer | Cut) -> None:
    """A 5xx or a cut connection is a write in flight: repeating it would make two."""
    server = scripted({**READY, WRITE: answer})

    with pytest.raises(OutcomeUnknown):
        ask(server, point)

    assert len(writes(server)) == 1


def test_write_that_is_turned_away_for_its_rate_is_unavailable() -> None:
    """A 429 changed nothing; when to try again is the caller's to decide."""
    server = scripted({**READY, WRITE: error(429, "TOOMANYREQUESTS")})

    with pytest.raises(Unavailable):
        ask(server, point)

    assert len(writes(server)) == 1


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({SOURCE: error(404, "MANIFEST_UNKNOWN")}, Refused),
        ({SOURCE: error(500, "UNKNOWN")}, Unavailable),
        ({READ: error(500, "UNKNOWN")}, Unavailable),
        ({READ: html(404)}, Refused),
    ],
)
def test_nothing_is_written_when_source_or_pointer_can_not_be_read(
    changed: Routes, expected: type[HeadwayError]
) -> None:
    """A manifest that is not there, or a pointer in an unknown state, is left alone."""
    server = scripted({**READY, **changed})

    with pytest.raises(expected):
        ask(server, point)

    assert writes(server) == []


def test_write_that_would_be_sent_late_is_given_up() -> None:
    """Reads that took too long use up the time to send: a late write could outlive its bound."""
    waits = iter([Answer(status=429, headers={"retry-after": "21"})])
    server = scripted({**READY, READ: lambda _asked: next(waits, held(OLD))})

    with pytest.raises(Unavailable, match="nothing was sent"):
        ask(server, point, clock=StillClock())

    assert writes(server) == []


def challenge(realm: str) -> Answer:
    """A 401 that asks for a token of the realm."""
    scope = 'scope="repository:acme/app:pull,push"'
    return Answer(status=401, headers={"www-authenticate": f'Bearer realm="{realm}",{scope}'})


def test_write_is_sent_again_after_the_token_that_it_was_challenged_for() -> None:
    """Behind a 401 nothing was changed, so the same write follows with a token, and only once."""
    server = scripted(
        {
            **READY,
            WRITE: lambda asked: (
                Answer(status=201)
                if asked.headers.get("authorization") == "Bearer t-1"
                else challenge(f"{server.url}/token")
            ),
            "GET /token": Answer(body=b'{"token": "t-1"}'),
        }
    )

    ask(server, point)

    assert [write.body for write in writes(server)] == [NEW.manifest.body] * 2
    assert server.asked[-2].target == "/token?scope=repository%3Aacme%2Fapp%3Apull%2Cpush"


def test_write_that_is_challenged_a_second_time_is_refused() -> None:
    """A fresh token that is too little is a no: the account may not push."""
    server = scripted(
        {
            **READY,
            WRITE: lambda _asked: challenge(f"{server.url}/token"),
            "GET /token": Answer(body=b'{"token": "t-1"}'),
        }
    )

    with pytest.raises(Refused, match="may not do this"):
        ask(server, point)

    assert len(writes(server)) == 2


def test_write_is_given_up_when_logging_in_took_too_long() -> None:
    """The second sending is held to the same time as the first."""
    waits = iter([Answer(status=429, headers={"retry-after": "21"})])

    def token(_asked: Asked) -> Answer:
        return next(waits, Answer(body=b'{"token": "t-1"}'))

    server = scripted(
        {**READY, WRITE: lambda _asked: challenge(f"{server.url}/token"), "GET /token": token}
    )

    with pytest.raises(Unavailable, match="nothing was sent"):
        ask(server, point)

    assert len(writes(server)) == 1
