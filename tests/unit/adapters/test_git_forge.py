"""A deploy branch read by git alone: head, order of commits, references, and the switch."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from release.adapters.git_command import GitCommand
from release.adapters.git_forge import GitForge
from release.adapters.git_mirror import GitMirror
from release.adapters.git_remote import GitRemote
from release.core.order import Order
from release.core.sighting import Checks
from release.core.switch import Switch
from release.core.values import Sha
from release.errors import Invalid, Refused, Unavailable
from tests.support.clocks import StillClock
from tests.support.git_http import GitHttp
from tests.support.git_repository import GitRepository

MAIN = "refs/heads/main"
FILES = {f"folder/{name}": name.encode() * 500 for name in ("a", "b", "c")}
SWITCH = Switch(file="ops/deploy", ref="refs/heads/ops")

OpenForge = Callable[..., GitForge]


@pytest.fixture
def remote(tmp_path: Path) -> GitRepository:
    """A repository on the other side, without commits."""
    return GitRepository(tmp_path / "remotes" / "app.git")


@pytest.fixture
def host(remote: GitRepository) -> Iterator[GitHttp]:
    """Git's own http backend in front of it."""
    with GitHttp(remote.path.parent) as host:
        yield host


@pytest.fixture(params=["path", "http"])
def open_forge(request: pytest.FixtureRequest, remote: GitRepository, tmp_path: Path) -> OpenForge:
    """Opens the forge of `main` with a mirror in a folder of the test's choice."""
    url = remote.url
    if request.param == "http":
        url = f"{request.getfixturevalue('host').url}/app.git"

    def opened(*, mirror: str = "mirror", switch: Switch | None = None) -> GitForge:
        return GitForge(
            GitMirror(
                GitCommand(os.environ),
                GitRemote(url),
                directory=tmp_path / mirror,
                clock=StillClock(),
            ),
            branch="main",
            switch=switch,
        )

    return opened


def test_head_is_the_newest_commit_of_the_branch(
    remote: GitRepository, open_forge: OpenForge
) -> None:
    """Each call asks the remote anew."""
    forge = open_forge()
    first = remote.commit("first", ref=MAIN)
    assert asyncio.run(forge.head()) == Sha(first)

    second = remote.commit("second", first, ref=MAIN)

    assert asyncio.run(forge.head()) == Sha(second)


def test_missing_branch_is_refused(remote: GitRepository, open_forge: OpenForge) -> None:
    """A branch that is not there is no empty branch; one that ends alike is another one."""
    remote.commit("elsewhere", ref="refs/heads/team/main")

    with pytest.raises(Refused, match="branch is not there"):
        asyncio.run(open_forge().head())


def test_order_follows_all_parents(remote: GitRepository, open_forge: OpenForge) -> None:
    """A commit that came in by the second parent of a merge is older; a sibling has diverged."""
    root = remote.commit("root")
    side = remote.commit("side", root)
    trunk = remote.commit("trunk", root)
    merge = remote.commit("merge", trunk, side, ref=MAIN)
    foreign = remote.commit("foreign", root, ref="refs/heads/foreign")
    unrelated = remote.commit("unrelated", ref="refs/heads/unrelated")
    forge = open_forge()

    def order(ours: str, other: str) -> Order:
        return asyncio.run(forge.compare(Sha(ours), Sha(other)))

    assert order(merge, merge) is Order.SAME
    assert order(side, merge) is Order.OLDER
    assert order(merge, side) is Order.NEWER
    assert order(side, trunk) is Order.DIVERGED
    assert order(foreign, merge) is Order.DIVERGED
    assert order(unrelated, merge) is Order.DIVERGED
    assert order(root, unrelated) is Order.DIVERGED


def test_commit_that_nobody_has_is_unknown(remote: GitRepository, open_forge: OpenForge) -> None:
    """Unknown is neither older nor newer, and no error."""
    head = Sha(remote.commit("root", ref=MAIN))

    assert asyncio.run(open_forge().compare(head, Sha("f" * 40))) is Order.UNKNOWN
    assert asyncio.run(open_forge().compare(Sha("f" * 40), head)) is Order.UNKNOWN


def test_new_commits_are_fetched_when_they_are_asked_for(
    remote: GitRepository, open_forge: OpenForge
) -> None:
    """A mirror that is behind catches up."""
    forge = open_forge()
    first = remote.commit("first", ref=MAIN)
    second = remote.commit("second", first, ref=MAIN)
    assert asyncio.run(forge.compare(Sha(first), Sha(second))) is Order.OLDER

    third = remote.commit("third", second, ref=MAIN)

    assert asyncio.run(forge.compare(Sha(third), Sha(first))) is Order.NEWER


def test_rewritten_branch_has_diverged(remote: GitRepository, open_forge: OpenForge) -> None:
    """After a force-push a new mirror asks for the old head by its id, which the host may know."""
    root = remote.commit("root")
    old = remote.commit("old", root, ref=MAIN)
    new = remote.commit("new", root, ref=MAIN)

    order = asyncio.run(open_forge().compare(Sha(old), Sha(new)))

    assert order is Order.DIVERGED


def test_order_of_known_commits_needs_no_remote(
    remote: GitRepository, open_forge: OpenForge
) -> None:
    """What the mirror has is compared also while the remote is away; what it lacks is unknown."""
    first = remote.commit("first", ref=MAIN)
    second = remote.commit("second", first, ref=MAIN)
    forge = open_forge()
    asyncio.run(forge.compare(Sha(first), Sha(second)))
    later = remote.commit("later", second, ref=MAIN)

    remote.path.rename(remote.path.with_name("gone.git"))

    assert asyncio.run(forge.compare(Sha(second), Sha(first))) is Order.NEWER
    assert asyncio.run(forge.compare(Sha(later), Sha(first))) is Order.UNKNOWN


def test_mirror_holds_commits_and_no_files(
    remote: GitRepository, open_forge: OpenForge, tmp_path: Path
) -> None:
    """A large checkout costs no more than its history."""
    first = remote.commit("first", files=FILES, ref=MAIN)
    second = remote.commit("second", first, files={**FILES, "d": b"d"}, ref=MAIN)

    order = asyncio.run(open_forge().compare(Sha(first), Sha(second)))

    mirror = GitCommand(os.environ)
    listing = ("cat-file", "--batch-all-objects", "--batch-check=%(objecttype)")
    run = asyncio.run(mirror.run(listing, directory=tmp_path / "mirror"))
    assert order is Order.OLDER
    assert set(run.out.split()) == {b"commit"}


def test_remote_that_can_not_leave_files_out_works_too(
    remote: GitRepository, open_forge: OpenForge
) -> None:
    """A remote without filters sends everything; the answer is the same."""
    remote.git("config", "uploadpack.allowFilter", "false")
    first = remote.commit("first", files=FILES, ref=MAIN)
    second = remote.commit("second", first, files=FILES, ref=MAIN)

    assert asyncio.run(open_forge().compare(Sha(first), Sha(second))) is Order.OLDER


def test_references_are_resolved(remote: GitRepository, open_forge: OpenForge) -> None:
    """Branches, light and annotated tags, full names, full and shortened ids name a commit."""
    first = remote.commit("first", ref=MAIN)
    second = remote.commit("second", first, ref=MAIN)
    remote.git("tag", "light", first)
    remote.git("tag", "-a", "-m", "annotated", "v1.0", first)
    forge = open_forge()

    def resolve(reference: str) -> str:
        return str(asyncio.run(forge.resolve(reference)))

    assert [resolve(one) for one in ("main", MAIN, second, second[:7])] == [second] * 4
    assert [resolve(one) for one in ("light", "v1.0", "refs/tags/v1.0", first)] == [first] * 4


@pytest.mark.parametrize(
    "reference",
    [
        "nope",
        "refs/tags/nope",
        "f" * 40,
        "f" * 7,
        "-x",
        "",
        "*",
        "main~1",
        "HEAD@{1}",
        "a b",
        "..",
        "M",
    ],
)
def test_reference_that_names_nothing_is_none(
    remote: GitRepository, open_forge: OpenForge, reference: str
) -> None:
    """What is not there, and what no ref may be called, resolves to nothing."""
    first = remote.commit("first", ref=MAIN)
    remote.commit("second", first, ref=MAIN)

    assert asyncio.run(open_forge().resolve(reference)) is None


def test_name_of_a_branch_and_of_a_tag_is_ambiguous(
    remote: GitRepository, open_forge: OpenForge
) -> None:
    """Which of the two is meant is never guessed, unless both are one commit."""
    first = remote.commit("first", ref=MAIN)
    remote.commit("second", first, ref="refs/heads/v1")
    remote.git("tag", "v1", first)
    remote.git("tag", "main", first)

    with pytest.raises(Invalid, match=r"more than one commit.*refs/tags/"):
        asyncio.run(open_forge().resolve("v1"))

    assert asyncio.run(open_forge().resolve("main")) == Sha(first)
    assert asyncio.run(open_forge().resolve("refs/tags/v1")) == Sha(first)


def test_shortened_id_of_two_commits_is_ambiguous(
    remote: GitRepository, open_forge: OpenForge
) -> None:
    """A prefix that two commits share names neither."""
    one = remote.commit("n26", files={"x": b""})
    other = remote.commit("n109", files={"x": b""})
    remote.commit("merge", one, other, ref=MAIN)
    assert (one[:5], other[:5]) == ("c7b02", "c7b03")

    with pytest.raises(Invalid, match="more than one commit"):
        asyncio.run(open_forge().resolve("c7b0"))

    assert asyncio.run(open_forge().resolve("c7b02")) == Sha(one)


def test_checks_are_green_when_nothing_is_required(open_forge: OpenForge) -> None:
    """Git knows nothing of CI, and requires nothing of it."""
    assert asyncio.run(open_forge().checks(Sha("f" * 40))) == Checks(checks=())


def test_required_contexts_are_invalid(remote: GitRepository, tmp_path: Path) -> None:
    """A context that nobody can judge is never taken for green."""
    mirror = GitMirror(
        GitCommand(os.environ),
        GitRemote(remote.url),
        directory=tmp_path / "mirror",
        clock=StillClock(),
    )
    forge = GitForge(mirror, branch="main", required_contexts=("ci / test (push)",))

    with pytest.raises(Invalid, match="no CI statuses"):
        asyncio.run(forge.checks(Sha("f" * 40)))
    with pytest.raises(Invalid, match="no variables"):
        GitForge(mirror, branch="main", switch=Switch(variable="DEPLOY"))
    with pytest.raises(Invalid, match="not the name of a branch"):
        GitForge(mirror, branch="-x")


def test_no_switch_is_on(open_forge: OpenForge) -> None:
    """Where no switch is configured, nothing is asked."""
    assert asyncio.run(open_forge().is_enabled())


def test_switch_is_read_live(remote: GitRepository, open_forge: OpenForge) -> None:
    """Each call sees the file as it is on the remote now."""
    forge = open_forge(switch=SWITCH)
    on = remote.commit("on", files={"ops/deploy": b"on\n", **FILES}, ref="refs/heads/ops")
    assert asyncio.run(forge.is_enabled())

    off = remote.commit("off", on, files={"ops/deploy": b"off\n", **FILES}, ref="refs/heads/ops")
    assert not asyncio.run(forge.is_enabled())

    remote.commit("on again", off, files={"ops/deploy": b"on\n", **FILES}, ref="refs/heads/ops")
    assert asyncio.run(forge.is_enabled())


def test_switch_on_the_deploy_branch_is_read(remote: GitRepository, open_forge: OpenForge) -> None:
    """Without a ref of its own the file lies on the deploy branch."""
    remote.commit("main", files={"ops/deploy": b"off"}, ref=MAIN)

    assert not asyncio.run(open_forge(switch=Switch(file="ops/deploy")).is_enabled())


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"other": b"on"}, "not there"),
        ({"ops/other": b"on"}, "not there"),
        ({"ops/deploy/deeper": b"on"}, "not there"),
        ({"ops/deploy": b"maybe"}, "neither on nor off"),
        (None, "not there"),
    ],
)
def test_switch_that_can_not_be_understood_is_refused(
    remote: GitRepository,
    open_forge: OpenForge,
    files: dict[str, bytes] | None,
    message: str,
) -> None:
    """A configured switch that is missing or says something else is never taken for on."""
    remote.commit("main", ref=MAIN)
    if files:
        remote.commit("ops", files=files, ref="refs/heads/ops")

    with pytest.raises(Refused, match=message):
        asyncio.run(open_forge(switch=SWITCH).is_enabled())


def test_remote_that_is_away_is_unavailable(
    remote: GitRepository, host: GitHttp, tmp_path: Path
) -> None:
    """Head and switch raise where the order of commits would be unknown."""
    forge = GitForge(
        GitMirror(
            GitCommand(os.environ),
            GitRemote(f"{host.url}/app.git"),
            directory=tmp_path / "mirror",
            clock=StillClock(),
        ),
        branch="main",
        switch=SWITCH,
    )
    host.refusal = lambda _: 503

    with pytest.raises(Unavailable, match="503"):
        asyncio.run(forge.head())
    with pytest.raises(Unavailable, match="503"):
        asyncio.run(forge.is_enabled())
    assert asyncio.run(forge.compare(Sha("a" * 40), Sha("b" * 40))) is Order.UNKNOWN
