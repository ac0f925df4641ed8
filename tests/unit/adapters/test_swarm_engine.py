"""How an engine's answers are told apart: a lost race, a refusal, an answer that never came."""

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from release.adapters.docker_endpoint import Endpoint
from release.adapters.registry_auth import Credentials
from release.adapters.swarm_engine import DockerEngine, encode_login
from release.core.values import Secret
from release.errors import Conflict, HeadwayError, OutcomeUnknown, Refused, Unavailable
from tests.support.clocks import StillClock
from tests.support.loopback import Answer, Asked, Cut, Loopback, Reaction, Stall, json_answer

T = TypeVar("T")
STALE = "rpc error: code = Unknown desc = update out of sequence"
NO_MANAGER = "This node is not a swarm manager. Use docker swarm init"
SPEC = {"Name": "acme"}
PASSWORD = "correct horse"  # Made up.


def play(
    reaction: Reaction | Callable[[Asked], Reaction],
    story: Callable[[DockerEngine], Awaitable[T]],
    login: Secret | None = None,
) -> tuple[T | HeadwayError, list[Asked], list[float]]:
    """Runs a story against an engine that reacts so; what came of it, what was asked, and waited.

    The question for the version, which comes first, is always answered.
    """

    def react(asked: Asked) -> Reaction:
        if asked.target == "/version":
            return json_answer({"ApiVersion": "1.41"})
        return reaction(asked) if callable(reaction) else reaction

    async def run() -> tuple[T | HeadwayError, list[Asked], list[float]]:
        clock = StillClock()
        async with Loopback(react=react) as server:
            endpoint = Endpoint(name="here", url=server.url.replace("http", "tcp"))
            async with DockerEngine(
                endpoint, clock=clock, registry_auth=login, timeout_s=0.5
            ) as engine:
                try:
                    end: T | HeadwayError = await story(engine)
                except HeadwayError as problem:
                    end = problem
        return end, [one for one in server.asked if one.target != "/version"], clock.slept

    return asyncio.run(run())


def failed(status: int, message: str) -> Answer:
    """An error as the engine's API says it."""
    return json_answer({"message": message}, status=status)


@pytest.mark.parametrize(
    ("reaction", "kind"),
    [
        (failed(500, STALE), Conflict),
        (failed(500, "rpc error: code = DeadlineExceeded"), OutcomeUnknown),
        (failed(503, NO_MANAGER), OutcomeUnknown),
        (failed(400, "invalid service spec"), Refused),
        (failed(404, "service acme not found"), Refused),
        (Cut(), OutcomeUnknown),
        (Stall(), OutcomeUnknown),
    ],
)
def test_update_that_is_no_success_says_what_may_have_happened(
    reaction: Reaction, kind: type[HeadwayError]
) -> None:
    """Only a stale version and a refusal prove that nothing was written; it is sent once."""
    end, asked, _ = play(reaction, lambda engine: engine.update("id-1", 7, SPEC))

    assert type(end) is kind
    assert ["/v1.41/services/id-1/update?version=7"] == [one.target for one in asked]


def test_update_sends_the_specification_and_the_login() -> None:
    """All that was read goes back, and the engine is told how to log in to the registry."""
    credentials = Credentials(username="robot", password=Secret(PASSWORD))
    login = encode_login(credentials, "registry.test")

    end, asked, _ = play(json_answer({}), lambda engine: engine.update("id-1", 7, SPEC), login)

    said = json.loads(urlsafe_b64decode(asked[0].headers["x-registry-auth"]))
    assert end is None
    assert SPEC == asked[0].json
    expected = {"username": "robot", "password": PASSWORD, "serveraddress": "registry.test"}
    assert expected == said


def test_engine_that_can_not_be_reached_was_sent_nothing() -> None:
    """A port where nobody listens is no lost answer."""

    async def run() -> None:
        async with Loopback() as server:
            pass
        endpoint = Endpoint(name="here", url=f"tcp://127.0.0.1:{server.port}")
        async with DockerEngine(endpoint, clock=StillClock()) as engine:
            await engine.update("id-1", 7, SPEC)

    with pytest.raises(Unavailable, match="nothing was sent"):
        asyncio.run(run())


def test_read_is_repeated_and_then_given_up() -> None:
    """A read is tried three times; what it says last stands in the error."""
    end, asked, slept = play(failed(500, "no leader"), lambda engine: engine.services("tenant"))

    assert isinstance(end, Unavailable)
    assert "no leader, 3 times" in end.seen
    assert (3, [0.2, 1.0]) == (len(asked), slept)


def test_engine_that_is_no_manager_is_refused_at_once() -> None:
    """Asking a worker again helps nobody; the error says whom to name."""
    end, asked, _ = play(failed(503, NO_MANAGER), lambda engine: engine.services("tenant"))

    assert isinstance(end, Refused)
    assert "Name a manager of the swarm" == end.advice
    assert 1 == len(asked)


def test_service_that_is_not_there_is_none() -> None:
    """An engine's 404 for a service is an answer."""
    end, _, _ = play(failed(404, "service x not found"), lambda engine: engine.service("x"))

    assert end is None


def test_image_that_is_not_there_is_fetched_first() -> None:
    """The engine is asked to fetch what it does not have, by digest, and then once more."""
    has: list[str] = []
    reference = "registry.test/acme/app@sha256:" + "1" * 64

    def react(asked: Asked) -> Reaction:
        if "/images/create" in asked.target:
            has.append(asked.target)
            return json_answer({"status": "pulled"})
        return json_answer({"Id": "image"}) if has else failed(404, "no such image")

    end, _, _ = play(react, lambda engine: engine.image(reference))

    assert {"Id": "image"} == end
    assert "fromImage=registry.test%2Facme%2Fapp&tag=sha256%3A111" in has[0]
