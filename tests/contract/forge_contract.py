"""What every forge must do: heads, ancestry over all parents, kill switch, names, CI statuses.

A subclass in a test module runs it; that module has the fixture `world`, with an empty repository
for each test. This module must not know any forge.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import pytest

from release.core.order import Order
from release.core.sighting import ChecksState
from release.core.values import Sha
from release.errors import Refused
from release.ports import Forge

__all__ = ["REQUIRED", "CheckingForgeContract", "CheckingForgeWorld", "ForgeContract", "ForgeWorld"]

REQUIRED = ("ci / test (push)", "ci / build *")
"""The contexts that the forge under test requires."""

NOWHERE = Sha("0123456789" * 4)
T = TypeVar("T")


class ForgeWorld(Protocol):
    """A repository with the deploy branch `main`, and a switch of which nothing is set yet."""

    def commit(self, *parents: Sha) -> Sha:
        """Adds a commit, which no branch holds yet."""

    def push(self, branch: str, sha: Sha) -> None:
        """Points a branch at a commit, by force where it has to."""

    def tag(self, name: str, sha: Sha) -> None:
        """Points a tag at a commit."""

    def set_switch(self, text: str) -> None:
        """Sets the kill switch that the forge under test is configured with."""

    def ask(self, question: Callable[[Forge], Awaitable[T]]) -> T:
        """Asks a forge on this repository and returns what it answers, or raises what it does."""


class CheckingForgeWorld(ForgeWorld, Protocol):
    """A repository whose forge knows of CI, and whose job has the context `deploy / x (push)`."""

    def set_status(self, sha: Sha, context: str, state: str) -> None:
        """Adds a row of status to a commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """root-a-b-merge is `main`; side, from a, is merged; stray is from root, alone from none."""

    root: Sha
    a: Sha
    b: Sha
    side: Sha
    merge: Sha
    stray: Sha
    alone: Sha


def grow(world: ForgeWorld) -> Graph:
    """Grows the graph, every commit of it held by a branch."""
    root = world.commit()
    a = world.commit(root)
    b = world.commit(a)
    side = world.commit(a)
    merge = world.commit(b, side)
    stray = world.commit(root)
    alone = world.commit()
    world.push("main", merge)
    world.push("feature/stray", stray)
    world.push("alone", alone)
    return Graph(root=root, a=a, b=b, side=side, merge=merge, stray=stray, alone=alone)


class ForgeContract:
    """The contract of `ports.Forge`, but for CI."""

    def test_head_is_newest_commit_of_branch(self, world: ForgeWorld) -> None:
        """The head is read anew each time, also after a push that goes back."""
        graph = grow(world)
        before = world.ask(lambda forge: forge.head())
        world.push("main", graph.stray)

        after = world.ask(lambda forge: forge.head())

        assert (graph.merge, graph.stray) == (before, after)

    def test_head_of_branch_that_is_not_there_is_refused(self, world: ForgeWorld) -> None:
        """A missing branch is an error, never an empty answer."""
        world.push("other", world.commit())

        with pytest.raises(Refused):
            world.ask(lambda forge: forge.head())

    @pytest.mark.parametrize(
        ("ours", "other", "order"),
        [
            ("merge", "merge", Order.SAME),
            ("a", "merge", Order.OLDER),
            ("merge", "a", Order.NEWER),
            ("side", "merge", Order.OLDER),
            ("merge", "side", Order.NEWER),
            ("b", "side", Order.DIVERGED),
            ("merge", "stray", Order.DIVERGED),
            ("stray", "merge", Order.DIVERGED),
            ("root", "stray", Order.OLDER),
        ],
    )
    def test_order_is_by_ancestry_over_all_parents(
        self, world: ForgeWorld, ours: str, other: str, order: Order
    ) -> None:
        """A commit is older than every one that has it among its ancestors, by any parent."""
        graph = grow(world)
        pair = (getattr(graph, ours), getattr(graph, other))

        answer = world.ask(lambda forge: forge.compare(*pair))

        assert order == answer

    @pytest.mark.parametrize("is_ours", [True, False])
    def test_order_to_commit_that_is_not_there_is_unknown(
        self, world: ForgeWorld, *, is_ours: bool
    ) -> None:
        """What the forge does not know is neither older nor newer, and no error."""
        graph = grow(world)
        pair = (NOWHERE, graph.merge) if is_ours else (graph.merge, NOWHERE)

        answer = world.ask(lambda forge: forge.compare(*pair))

        assert answer is Order.UNKNOWN

    @pytest.mark.parametrize("is_ours", [True, False])
    def test_histories_without_common_root_have_no_order(
        self, world: ForgeWorld, *, is_ours: bool
    ) -> None:
        """A foreign history is never taken for an older or newer one."""
        graph = grow(world)
        pair = (graph.alone, graph.merge) if is_ours else (graph.merge, graph.alone)

        answer = world.ask(lambda forge: forge.compare(*pair))

        assert answer in {Order.DIVERGED, Order.UNKNOWN}

    def test_branch_tag_and_ids_resolve_to_their_commits(self, world: ForgeWorld) -> None:
        """A branch, also one with a slash, a tag, and a full or abbreviated id name a commit."""
        graph = grow(world)
        world.tag("v1", graph.a)

        async def resolve_all(forge: Forge) -> list[Sha | None]:
            names = ("feature/stray", "v1", str(graph.b), str(graph.b)[:12])
            return [await forge.resolve(name) for name in names]

        assert [graph.stray, graph.a, graph.b, graph.b] == world.ask(resolve_all)

    @pytest.mark.parametrize("name", ["gone", str(NOWHERE), "0123456", "v9.9", "../main"])
    def test_name_of_nothing_resolves_to_none(self, world: ForgeWorld, name: str) -> None:
        """A name that no commit has is answered with None."""
        grow(world)

        assert world.ask(lambda forge: forge.resolve(name)) is None

    @pytest.mark.parametrize(
        ("text", "is_enabled"),
        [("on\n", True), ("TRUE", True), ("1", True), ("off", False), ("0\n", False)],
    )
    def test_switch_is_read_as_its_word_says(
        self, world: ForgeWorld, text: str, *, is_enabled: bool
    ) -> None:
        """On, true, 1 and yes enable; off, false, 0 and no disable, in any case of letters."""
        grow(world)
        world.set_switch(text)

        assert world.ask(lambda forge: forge.is_enabled()) is is_enabled


class CheckingForgeContract:
    """The contract of `ports.Forge.checks`."""

    def test_required_context_without_status_is_pending(self, world: CheckingForgeWorld) -> None:
        """What CI has not spoken of yet is pending, whatever else is green."""
        graph = grow(world)
        world.set_status(graph.merge, "ci / test (push)", "success")

        checks = world.ask(lambda forge: forge.checks(graph.merge))

        assert checks.state is ChecksState.PENDING

    def test_newest_status_of_each_required_context_decides(
        self, world: CheckingForgeWorld
    ) -> None:
        """An older failure is forgotten; other contexts and the deploy's own do not count."""
        graph = grow(world)
        rows = (
            ("ci / test (push)", "failure"),
            ("ci / test (push)", "success"),
            ("ci / build arm (push)", "success"),
            ("nightly", "failure"),
            ("deploy / x (push)", "pending"),
        )
        for context, state in rows:
            world.set_status(graph.merge, context, state)

        checks = world.ask(lambda forge: forge.checks(graph.merge))

        assert checks.state is ChecksState.GREEN
        assert ["ci / build arm (push)", "ci / test (push)"] == [c.context for c in checks.checks]

    def test_one_red_context_makes_commit_red(self, world: CheckingForgeWorld) -> None:
        """A failure is told at once, also while others are pending."""
        graph = grow(world)
        world.set_status(graph.merge, "ci / test (push)", "failure")

        checks = world.ask(lambda forge: forge.checks(graph.merge))

        assert checks.state is ChecksState.RED

    def test_word_that_nobody_knows_is_not_green(self, world: CheckingForgeWorld) -> None:
        """A state that a later forge may invent is waited for."""
        graph = grow(world)
        world.set_status(graph.merge, "ci / test (push)", "success")
        world.set_status(graph.merge, "ci / build (push)", "running_with_failure")

        checks = world.ask(lambda forge: forge.checks(graph.merge))

        assert checks.state is ChecksState.PENDING
