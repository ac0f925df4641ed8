"""What the git ledger promises beyond the contract: history, lost answers, refusals, bounds."""

import asyncio
import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from release.adapters.git_ref_ledger import GitRefLedger
from release.core.ledger import Record
from release.core.transitions import stamp
from release.core.values import Secret
from release.errors import Conflict, OutcomeUnknown, Refused, Unavailable
from tests.support.clocks import StillClock
from tests.support.git_http import GitHttp, GitRequest
from tests.support.git_ledgers import REF, GitLedgers
from tests.support.git_repository import GitRepository
from tests.support.ledger_records import AT, JOB, full_record, small_record

TOKEN = Secret("t0ken-of-a-test")
HOLDING = full_record(reason_length=5)


@pytest.fixture
def remote(tmp_path: Path) -> GitRepository:
    """An empty repository on the other side."""
    return GitRepository(tmp_path / "remotes" / "ledger.git")


@pytest.fixture
def ledgers(remote: GitRepository, tmp_path: Path) -> GitLedgers:
    """Ledgers that reach it by its path."""
    return GitLedgers(remote, tmp_path)


@pytest.fixture
def host(remote: GitRepository) -> Iterator[GitHttp]:
    """Git's own http backend in front of it."""
    with GitHttp(remote.path.parent) as host:
        yield host


@pytest.fixture
def web(remote: GitRepository, host: GitHttp, tmp_path: Path) -> GitLedgers:
    """Ledgers that reach it over http."""
    return GitLedgers(remote, tmp_path, url=f"{host.url}/ledger.git")


def _is_push(request: GitRequest) -> bool:
    return request.is_push


def _write_all(ledger: GitRefLedger, *records: Record) -> list[str]:
    """Swaps each record in on top of the one before."""

    async def write() -> list[str]:
        version = (await ledger.read()).version
        versions: list[str] = []
        for record in records:
            version = await ledger.swap(version, record)
            versions.append(version)
        return versions

    return asyncio.run(write())


def _renewals(count: int) -> list[Record]:
    return [stamp(HOLDING, JOB, write) for write in range(8, 8 + count)]


def test_chain_of_commits_is_the_history(remote: GitRepository, ledgers: GitLedgers) -> None:
    """Each write has the one before as parent, and says who wrote what."""
    versions = _write_all(ledgers.open(StillClock()), *(small_record(epoch=n) for n in (1, 2, 3)))

    assert remote.git("rev-list", REF).split() == versions[::-1]
    shown = remote.git("log", "-1", "--format=%an %ae %ad%n%B", "--date=iso-strict", REF)
    assert shown.splitlines()[:2] == [
        "headway headway@localhost 2026-01-02T03:04:05+00:00",
        "production: epoch 3, free",
    ]
    assert "stamp: run-1#1-nonce-1 write 1" in shown
    assert remote.git("cat-file", "blob", f"{REF}:record.json").startswith("{")


def test_versions_are_the_chain_of_writes_the_newest_last(
    remote: GitRepository, ledgers: GitLedgers
) -> None:
    """Each with the record as it was and when it was written, and never more than asked for."""
    _write_all(ledgers.open(StillClock()), *(small_record(epoch=n) for n in range(1, 20)))

    whole = asyncio.run(ledgers.open(StillClock()).versions(100))
    newest = asyncio.run(ledgers.open(StillClock()).versions(2))

    epochs = [version.record.epoch for version in whole if version.record is not None]
    assert list(range(1, 20)) == epochs
    assert {AT} == {version.at for version in whole}
    assert whole[-2:] == newest


def test_version_that_is_no_record_is_one_without(
    remote: GitRepository, ledgers: GitLedgers
) -> None:
    """What a hand broke and another mended stays in the chain, and can be passed over."""
    _write_all(ledgers.open(StillClock()), small_record(epoch=1))
    for name in ("record.json", "another.txt"):
        before = remote.git("rev-parse", REF)
        remote.commit("by hand", before, files={name: b"broken"}, ref=REF)

    versions = asyncio.run(ledgers.open(StillClock()).versions(100))

    assert [1, None, None] == [one.record and one.record.epoch for one in versions]


def test_ref_that_is_not_there_has_no_versions(ledgers: GitLedgers) -> None:
    """An environment before its first use has no history."""
    assert () == asyncio.run(ledgers.open(StillClock()).versions(100))


def test_renewal_takes_the_place_of_what_it_renews(
    remote: GitRepository, ledgers: GitLedgers
) -> None:
    """A day of renewals leaves one commit behind, and the history before it whole."""
    first, *_ = _write_all(ledgers.open(StillClock()), small_record(), HOLDING)

    *_, last = _write_all(ledgers.open(StillClock()), *_renewals(3))

    assert remote.git("rev-list", REF).split() == [last, first]


def test_write_that_is_more_than_a_renewal_is_kept(
    remote: GitRepository, ledgers: GitLedgers
) -> None:
    """A change of anything but stamp, beat and waited time is history."""
    assert HOLDING.pin is not None
    changed = replace(HOLDING, pin=replace(HOLDING.pin, reason="another"))
    waited = replace(
        changed, intents=tuple(replace(one, waited_s=one.waited_s + 5) for one in changed.intents)
    )

    versions = _write_all(ledgers.open(StillClock()), HOLDING, changed, waited)

    assert remote.git("rev-list", REF).split() == [versions[2], versions[0]]


def test_on_a_branch_renewals_are_kept_too(remote: GitRepository, ledgers: GitLedgers) -> None:
    """A branch may refuse to be rewritten, so there every write is a fast-forward."""
    remote.git("config", "receive.denyNonFastForwards", "true")
    ref = "refs/heads/headway/production"

    versions = _write_all(ledgers.open(StillClock(), ref=ref), HOLDING, *_renewals(2))

    assert remote.git("rev-list", ref).split() == versions[::-1]


def test_push_whose_answer_is_lost_is_unknown_and_found_by_its_stamp(
    host: GitHttp, web: GitLedgers
) -> None:
    """A push that the remote took before the line went dead is told by reading again."""
    ledger = web.open(StillClock())
    version = asyncio.run(ledger.swap(None, small_record(write=1)))
    host.cuts = _is_push

    with pytest.raises(OutcomeUnknown, match="read the ledger again"):
        asyncio.run(ledger.swap(version, small_record(epoch=2, write=2)))

    reading = asyncio.run(ledger.read())
    assert reading.version != version
    assert reading.record == small_record(epoch=2, write=2)


def test_push_that_never_arrived_is_unknown_and_not_found(
    remote: GitRepository, host: GitHttp, web: GitLedgers
) -> None:
    """A gateway that answers in the place of the host tells nothing of what became of a push."""
    ledger = web.open(StillClock())
    version = asyncio.run(ledger.swap(None, small_record()))
    host.refusal = lambda request: 502 if request.is_push else None

    with pytest.raises(OutcomeUnknown, match="502"):
        asyncio.run(ledger.swap(version, small_record(epoch=2)))

    assert remote.git("rev-parse", REF) == version


@pytest.mark.slow
def test_push_that_takes_too_long_is_unknown(remote: GitRepository, ledgers: GitLedgers) -> None:
    """A push that had to be killed may have been carried out."""
    remote.add_hook("post-receive", "while :; do sleep 0.1; done")

    with pytest.raises(OutcomeUnknown, match="took longer than 3 s"):
        asyncio.run(ledgers.open(StillClock(), timeout_s=3.0).swap(None, small_record()))

    reading = asyncio.run(ledgers.open(StillClock()).read())
    assert reading.record == small_record()


def test_refused_connection_is_unavailable(
    host: GitHttp, web: GitLedgers, remote: GitRepository
) -> None:
    """A push that surely sent nothing is no riddle."""
    ledger = web.open(StillClock())
    version = asyncio.run(ledger.swap(None, small_record()))
    host.refusal = lambda request: 503 if "receive-pack" in request.query else None

    with pytest.raises(Unavailable, match="503"):
        asyncio.run(ledger.swap(version, small_record(epoch=2)))

    assert remote.git("rev-parse", REF) == version


@pytest.mark.parametrize("status", [401, 403, 404])
def test_token_that_may_read_but_not_push_is_refused(
    host: GitHttp, web: GitLedgers, status: int
) -> None:
    """What the host says no to before anything is sent is its last word."""
    ledger = web.open(StillClock(), token=TOKEN)
    host.refusal = lambda request: status if "receive-pack" in request.query else None

    with pytest.raises(Refused, match="read and push"):
        asyncio.run(ledger.swap(None, small_record()))


def test_read_is_tried_again_before_it_is_unavailable(host: GitHttp, web: GitLedgers) -> None:
    """A host that hiccups is asked four times, with growing pauses."""
    ledger = web.open(clock := StillClock())
    host.refusal = lambda _: 503

    with pytest.raises(Unavailable, match="503"):
        asyncio.run(ledger.read())

    assert clock.slept == [0.5, 1.0, 2.0]
    assert len(host.requests) == 4


def test_token_opens_the_host_and_is_nowhere_else(
    remote: GitRepository, host: GitHttp, web: GitLedgers
) -> None:
    """With its token the ledger works; nothing of it is written down on either side."""
    basic = base64.b64encode(f"x-access-token:{TOKEN.reveal()}".encode()).decode()
    host.authorization = f"Basic {basic}"

    asyncio.run(web.open(StillClock(), token=TOKEN).swap(None, small_record()))

    written = [path for path in remote.path.parents[1].rglob("*") if path.is_file()]
    assert len(written) > 10
    for path in written:
        assert basic.encode() not in path.read_bytes()
        assert TOKEN.reveal().encode() not in path.read_bytes()


@pytest.mark.parametrize("token", [None, Secret("a-wrong-one")])
def test_wrong_token_is_refused_and_not_told(
    host: GitHttp, web: GitLedgers, token: Secret | None
) -> None:
    """Who may not read is told so, without a prompt, a retry or a word of the token."""
    host.authorization = "Basic something-else"
    ledger = web.open(clock := StillClock(), token=token)

    with pytest.raises(Refused, match="token") as caught:
        asyncio.run(ledger.read())

    assert "a-wrong-one" not in str(caught.value)
    assert clock.slept == []


def test_redirect_is_not_followed(host: GitHttp, web: GitLedgers) -> None:
    """A token is never carried to another place than the configured one."""
    host.refusal = lambda _: 302

    with pytest.raises(Refused, match="302"):
        asyncio.run(web.open(StillClock(), token=TOKEN).read())


@pytest.mark.parametrize(
    ("hook", "ref"),
    [
        ("pre-receive", REF),
        ("update", REF),
        ("", "refs/one"),
        ("", "refs/hidden/production"),
    ],
)
def test_remote_that_will_not_have_the_ref_is_refused_with_advice(
    remote: GitRepository, ledgers: GitLedgers, hook: str, ref: str
) -> None:
    """A hook that declines, a hidden or a too short name: another ref is what helps."""
    remote.git("config", "receive.hideRefs", "refs/hidden")
    if hook:
        remote.add_hook(hook, "echo not here >&2; exit 1")

    with pytest.raises(Refused, match=r"set ledger\.ref to another one.*refs/heads/"):
        asyncio.run(ledgers.open(StillClock(), ref=ref).swap(None, small_record()))


def test_ref_below_another_ref_is_refused(remote: GitRepository, ledgers: GitLedgers) -> None:
    """A name that can't be made because a shorter one is taken is a matter of configuration."""
    asyncio.run(ledgers.open(StillClock()).swap(None, small_record()))

    with pytest.raises(Refused, match=r"cannot create"):
        asyncio.run(ledgers.open(StillClock(), ref=f"{REF}/eu").swap(None, small_record()))

    assert remote.git("for-each-ref", "--format=%(refname)") == REF


def test_ref_that_stays_locked_is_unknown(remote: GitRepository, ledgers: GitLedgers) -> None:
    """A stale lock on the remote is tried again a few times and then named."""
    ledger = ledgers.open(clock := StillClock())
    version = asyncio.run(ledger.swap(None, small_record()))
    lock = remote.path / f"{REF}.lock"
    lock.touch()

    with pytest.raises(OutcomeUnknown, match=r"did not take 4 pushes.*File exists"):
        asyncio.run(ledger.swap(version, small_record(epoch=2)))

    assert len(clock.slept) == 4
    lock.unlink()
    asyncio.run(ledger.swap(version, small_record(epoch=3)))


def test_write_between_read_and_push_is_a_conflict_by_the_remote(
    remote: GitRepository, ledgers: GitLedgers
) -> None:
    """A writer that comes between the lease and the update is seen by the remote itself."""
    ledger, other = ledgers.open(StillClock()), ledgers.open(StillClock())
    version = asyncio.run(ledger.swap(None, small_record()))
    won = asyncio.run(other.swap(version, small_record(epoch=2)))
    remote.git("update-ref", REF, version)
    remote.add_hook("pre-receive", f"unset GIT_QUARANTINE_PATH; git update-ref {REF} {won}")

    with pytest.raises(Conflict):
        asyncio.run(ledger.swap(version, small_record(epoch=3)))

    assert remote.git("rev-parse", REF) == won


def test_unchanged_ref_is_not_fetched_again(host: GitHttp, web: GitLedgers) -> None:
    """A poll that finds the same commit costs one question."""
    ledger = web.open(StillClock())
    asyncio.run(ledger.swap(None, small_record()))
    before = len(host.requests)

    asyncio.run(ledger.read())

    assert [request.method for request in host.requests[before:]] == ["GET", "POST"]


def test_mirror_does_not_grow_for_ever(remote: GitRepository, ledgers: GitLedgers) -> None:
    """After a number of exchanges the mirror begins anew, and nobody notices."""
    ledger = ledgers.open(StillClock(), exchanges_max=3)

    versions = _write_all(ledger, small_record(), HOLDING, *_renewals(5))

    objects = [path for path in (ledgers.mirrors[0] / "objects").rglob("*") if path.is_file()]
    assert len(objects) < 15
    assert remote.git("rev-list", REF).split() == [versions[-1], versions[0]]


def test_ledger_works_in_a_sha256_repository(tmp_path: Path) -> None:
    """The hash of the remote is found out, not assumed."""
    remote = GitRepository(tmp_path / "other.git", object_format="sha256")
    remote.commit("code", ref="refs/heads/main")
    remote.git("symbolic-ref", "HEAD", "refs/heads/main")
    ledgers = GitLedgers(remote, tmp_path)

    *_, version = _write_all(ledgers.open(StillClock()), small_record(), small_record(epoch=2))

    assert len(version) == 64
    assert asyncio.run(ledgers.open(StillClock()).read()).record == small_record(epoch=2)


def test_other_refs_that_end_alike_are_not_the_ledger(
    remote: GitRepository, ledgers: GitLedgers
) -> None:
    """A branch whose name ends like the ledger's ref is not read in its place."""
    remote.commit("not a record", ref=f"refs/heads/{REF}")

    reading = asyncio.run(ledgers.open(StillClock()).read())

    assert reading.version is None
