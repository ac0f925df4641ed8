"""The registry adapter on a real registry: distribution, open, with passwords and with tokens."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from release.adapters.clock import SystemClock
from release.adapters.http import HttpPool
from release.adapters.manifest import ACCEPT, REVISION_LABEL
from release.adapters.registry import OciRegistry
from release.adapters.registry_auth import Credentials
from release.core.values import Digest, Pointer, Secret, Sha
from release.errors import Refused
from tests.contract.registry_contract import OpenRegistry, RegistryContract, UnderTest, play
from tests.support.distribution import DistributionServer, distribution, is_installed
from tests.support.images import image, index
from tests.support.token_server import TokenServer

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not is_installed(), reason="docker-registry (distribution) is not installed"
    ),
]

USERNAME, PASSWORD, REFRESH_TOKEN = "robot", "correct horse", "refresh-5c1d"  # Made up.
HTPASSWD = f"{USERNAME}:$2y$05$eImiTXuWVxfM37uY4JANjOYDw9oK5dyrLde07/2yHpj1o4aDBdPG6\n"
SHA = Sha("7f25373" + "0" * 33)
KNOWN = Credentials(username=USERNAME, password=Secret(PASSWORD))


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A real registry, what we log in to it with, and its token server where it has one."""

    server: DistributionServer
    credentials: Credentials | None = None
    tokens: TokenServer | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[UnderTest]:
        """The adapter, logged in."""
        async with HttpPool(clock=SystemClock()) as pool:
            registry = OciRegistry(pool, self.server.url, credentials=self.credentials)
            yield UnderTest(registry=registry, push_image=self.push_image)

    async def push_image(self, repository: str, tag: str, *, revision: Sha | None) -> Digest:
        """Builds an image and pushes it, past the adapter."""
        labels = {REVISION_LABEL: str(revision)} if revision else None
        return self.server.push(repository, tag, image(f"{tag} {revision}", labels=labels))


@contextmanager
def open_account(folder: Path) -> Iterator[Account]:
    """A registry that lets everybody in."""
    with distribution(folder) as server:
        yield Account(server=server)


@contextmanager
def basic_account(folder: Path) -> Iterator[Account]:
    """A registry that asks for a user name and password."""
    passwords = folder / "htpasswd"
    passwords.write_text(HTPASSWD)
    pair = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    with distribution(
        folder,
        auth={"htpasswd": {"realm": "basic, with a comma", "path": str(passwords)}},
        headers=lambda _repository: {"authorization": f"Basic {pair}"},
    ) as server:
        yield Account(server=server, credentials=KNOWN)


@contextmanager
def bearer_account(folder: Path) -> Iterator[Account]:
    """A registry that asks for tokens of a token server."""
    with TokenServer(username=USERNAME, password=PASSWORD, refresh_token=REFRESH_TOKEN) as tokens:
        certificate = folder / "tokens.pem"
        certificate.write_bytes(tokens.certificate_pem)
        auth = {
            "realm": tokens.realm,
            "service": tokens.service,
            "issuer": tokens.issuer,
            "rootcertbundle": str(certificate),
        }
        with distribution(
            folder,
            auth={"token": auth},
            headers=lambda repository: {
                "authorization": f"Bearer {tokens.grant(f'repository:{repository}:pull,push')}"
            },
        ) as server:
            yield Account(server=server, credentials=KNOWN, tokens=tokens)


ACCOUNTS = {"open": open_account, "basic": basic_account, "bearer": bearer_account}


@pytest.fixture(scope="module", params=sorted(ACCOUNTS))
def account(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Account]:
    """Each kind of registry in turn, started once for the module."""
    with ACCOUNTS[request.param](tmp_path_factory.mktemp("registry")) as account:
        yield account


WITH_LOGIN = pytest.mark.parametrize("account", ["basic", "bearer"], indirect=True, scope="module")
WITH_TOKENS = pytest.mark.parametrize("account", ["bearer"], indirect=True, scope="module")


@pytest.fixture
def open_registry(account: Account) -> OpenRegistry:
    """Opens the adapter on it."""
    return account.open


class TestDistribution(RegistryContract):
    """The contract, on a real registry in each way of authenticating."""


def test_index_is_pointed_at_byte_for_byte(account: Account) -> None:
    """An index of two images with odd white space keeps its bytes, and so its digest."""
    labels = {REVISION_LABEL: str(SHA)}
    pushed = index(image("amd64", labels=labels), image("arm64", labels=labels))
    account.server.push("acme/index", "v1", pushed)

    async def story(it: UnderTest) -> tuple[Digest | None, Sha | None]:
        await it.registry.point(Pointer(repository="acme/index", tag="latest"), digest)
        seen = await it.registry.resolve("acme/index", "latest")
        return seen, await it.registry.revision("acme/index", digest)

    digest = pushed.manifest.digest
    seen = play(account.open, story)

    assert seen == (digest, SHA)
    assert account.server.raw("acme/index", "latest", accept=ACCEPT) == pushed.manifest.body


def test_pointer_that_is_right_is_not_written_again(account: Account) -> None:
    """A second move to the same manifest leaves the registry's own file of the tag alone."""
    digest = account.server.push("acme/idle", "v1", image("idle"))
    pointer = Pointer(repository="acme/idle", tag="latest")

    async def story(it: UnderTest) -> tuple[int, int]:
        await it.registry.point(pointer, digest)
        link = account.server.tag_link("acme/idle", "latest")
        written = link.stat().st_mtime_ns
        await it.registry.point(pointer, digest)
        return written, link.stat().st_mtime_ns

    first, second = play(account.open, story)

    assert first == second


@pytest.mark.slow
@pytest.mark.parametrize("account", ["open"], indirect=True, scope="module")
def test_pointer_is_never_absent_to_who_reads_it_while_it_moves(account: Account) -> None:
    """This registry answers 500 to some reads of a tag that is being written; none is absence."""
    digests = [account.server.push("acme/busy", tag, image(f"busy {tag}")) for tag in ("v1", "v2")]
    pointer = Pointer(repository="acme/busy", tag="latest")

    async def story(it: UnderTest) -> list[Digest | None]:
        async def move() -> None:
            for turn in range(40):
                await it.registry.point(pointer, digests[turn % 2])

        await it.registry.point(pointer, digests[1])
        moving, seen = asyncio.create_task(move()), []
        while not moving.done():
            seen.append(await it.registry.resolve("acme/busy", "latest"))
        await moving
        return seen

    assert set(play(account.open, story)) <= set(digests)


@WITH_LOGIN
def test_wrong_password_is_refused_without_being_shown(account: Account) -> None:
    """A login that the registry does not know is an answer, and no secret is in the message."""
    wrong = replace(account, credentials=Credentials(username=USERNAME, password=Secret("w-81c4")))

    async def story(it: UnderTest) -> Digest | None:
        return await it.registry.resolve("acme/app", "v1")

    with pytest.raises(Refused) as caught:
        play(wrong.open, story)

    assert "w-81c4" not in str(caught.value)


@WITH_TOKENS
def test_nobody_may_pull_and_is_refused_to_point(account: Account) -> None:
    """Without credentials an anonymous token reads; a write is Refused, and nothing moves."""
    digest = account.server.push("acme/public", "v1", image("public"))
    nobody = replace(account, credentials=None)

    async def story(it: UnderTest) -> tuple[Digest | None, Digest | None]:
        read = await it.registry.resolve("acme/public", "v1")
        with pytest.raises(Refused):
            await it.registry.point(Pointer(repository="acme/public", tag="latest"), digest)
        return read, await it.registry.resolve("acme/public", "latest")

    assert play(nobody.open, story) == (digest, None)


@WITH_TOKENS
def test_one_token_reads_and_a_second_one_also_writes(account: Account) -> None:
    """A token is kept for what it covers; the first write asks for pull and push in one."""
    digest = account.server.push("acme/scopes", "v1", image("scopes"))
    assert account.tokens is not None
    before = len(account.tokens.asked)

    async def story(it: UnderTest) -> None:
        for tag in ("one", "other"):
            await it.registry.resolve("acme/scopes", "v1")
            await it.registry.point(Pointer(repository="acme/scopes", tag=tag), digest)

    play(account.open, story)

    # The registry names the actions of a challenge in any order.
    asked = [set(one.rpartition(":")[2].split(",")) for (one,) in account.tokens.asked[before:]]
    assert asked == [{"pull"}, {"pull", "push"}]


@WITH_TOKENS
def test_identity_token_takes_the_place_of_a_password(account: Account) -> None:
    """An identity token is posted to the token server, and the token that it gives may write."""
    digest = account.server.push("acme/identity", "v1", image("identity"))
    identity = Credentials(username="<token>", identity_token=Secret(REFRESH_TOKEN))

    async def story(it: UnderTest) -> Digest | None:
        await it.registry.point(Pointer(repository="acme/identity", tag="latest"), digest)
        return await it.registry.resolve("acme/identity", "latest")

    assert play(replace(account, credentials=identity).open, story) == digest
