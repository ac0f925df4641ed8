"""The Gitea adapter beyond the contract: paging, protection, odd answers, switches, messages."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from release.adapters.gitea import GiteaForge, gitea_http
from release.adapters.http import HttpPool
from release.core.order import Order
from release.core.sighting import Checks, ChecksState
from release.core.switch import Switch
from release.core.values import Secret, Sha
from release.errors import HeadwayError, Invalid, Refused, Unavailable
from release.ports import Forge
from tests.support.clocks import StillClock
from tests.support.gitea_double import REPOSITORY, GiteaDouble
from tests.support.loopback import Answer, Asked, Loopback, html, json_answer

NEWER = Sha("7f25373" + "0" * 33)
OLDER = Sha("7a72516" + "0" * 33)
TOKEN = "t0ken-5c1d"
T = TypeVar("T")


def a_gitea(**options: Any) -> GiteaDouble:  # noqa: ANN401 - the fields of the double
    """A repository with the older and, on `main`, the newer commit."""
    commits = {str(OLDER): (), str(NEWER): (str(OLDER),)}
    branches = {"main": str(NEWER)}
    return GiteaDouble(commits=commits, branches=branches, **options)


@dataclass(slots=True, kw_only=True)
class Setup:
    """What the adapter is told, and the requests that it then made."""

    react: Callable[[Asked], Answer]
    required: tuple[str, ...] | None = ("test",)
    own: str | None = None
    switch: Switch | None = None
    asked: list[Asked] = field(default_factory=list)

    def ask(self, question: Callable[[Forge], Awaitable[T]]) -> T:
        """Asks the adapter on a server that lives for this question."""

        async def run() -> T:
            async with (
                Loopback(react=self.react) as server,
                HttpPool(clock=StillClock()) as pool,
            ):
                forge = GiteaForge(
                    gitea_http(pool, server.url, Secret(TOKEN)),
                    repository=REPOSITORY,
                    branch="main",
                    required_contexts=self.required,
                    own_context=self.own,
                    switch=self.switch,
                )
                self.asked = server.asked
                return await question(forge)

        return asyncio.run(run())

    def checks(self) -> Checks:
        """What CI says of the newer commit."""
        return self.ask(lambda forge: forge.checks(NEWER))

    def refusal(self, question: Callable[[Forge], Awaitable[object]]) -> str:
        """What the error says that the question ends in."""
        with pytest.raises(HeadwayError) as caught:
            self.ask(question)
        assert TOKEN not in str(caught.value)
        return f"{type(caught.value).__name__}: {caught.value}"


def test_every_request_carries_the_token() -> None:
    """Gitea wants the word `token` before it."""
    setup = Setup(react=a_gitea().react)

    setup.ask(lambda forge: forge.head())

    assert f"token {TOKEN}" == setup.asked[0].headers["authorization"]


def test_statuses_are_read_until_an_empty_page() -> None:
    """A server that clamps its pages to three rows hides no context: incident (d)."""
    gitea = a_gitea(page_rows_max=3)
    for number in range(10):
        gitea.add_status(str(NEWER), f"noise {number}", "success")
    gitea.add_status(str(NEWER), "test", "success")

    checks = Setup(react=gitea.react).checks()

    assert checks.state is ChecksState.GREEN


@pytest.mark.parametrize(
    "oddity", [{"has_combined": False}, {"repeats_pages": frozenset({"status"})}]
)
def test_history_is_read_where_combined_status_is_missing_or_capped(
    oddity: dict[str, object],
) -> None:
    """Without a usable combined status the newest row of the whole history counts."""
    gitea = a_gitea(page_rows_max=2, **oddity)
    for context, state in (("a", "x"), ("b", "x"), ("test", "failure"), ("test", "success")):
        gitea.add_status(str(NEWER), context, state)

    checks = Setup(react=gitea.react).checks()

    assert [("test", "success")] == [(check.context, check.state) for check in checks.checks]


def test_server_that_repeats_every_list_is_refused() -> None:
    """Where no list can be read to its end, no context is called green or missing."""
    gitea = a_gitea(page_rows_max=2, repeats_pages=frozenset({"status", "statuses"}))
    for context in ("a", "b", "test"):
        gitea.add_status(str(NEWER), context, "success")

    message = Setup(react=gitea.react).refusal(lambda forge: forge.checks(NEWER))

    assert message.startswith("Refused: gitea commit 7f25373: its CI statuses can't be listed")


def test_server_without_end_of_pages_is_given_up() -> None:
    """The number of pages has a bound, and reaching it is an error."""
    numbers = iter(range(100_000))

    def react(_: Asked) -> Answer:
        return json_answer(
            {"statuses": [{"id": next(numbers), "context": "x", "state": "success"}]}
        )

    message = Setup(react=react).refusal(lambda forge: forge.checks(NEWER))

    assert "more than 200 pages of CI statuses" in message


def test_two_workflows_of_one_context_must_both_be_green() -> None:
    """The combined status may list a context twice; the failed one counts."""
    gitea = a_gitea()
    gitea.add_status(str(NEWER), "test", "failure", workflow="nightly.yaml")
    gitea.add_status(str(NEWER), "test", "success", workflow="ci.yaml")

    assert Setup(react=gitea.react).checks().state is ChecksState.RED


def test_commit_without_statuses_is_pending_also_when_the_body_is_empty() -> None:
    """An older Gitea answers 200 and nothing at all."""
    checks = Setup(react=lambda _: Answer(status=200)).checks()

    assert checks.state is ChecksState.PENDING


@pytest.mark.parametrize(
    ("protection", "state"),
    [
        ({"enable_status_check": True, "status_check_contexts": ["te*"]}, ChecksState.PENDING),
        ({"enable_status_check": False, "status_check_contexts": ["te*"]}, ChecksState.GREEN),
        ({"enable_status_check": True, "status_check_contexts": None}, ChecksState.GREEN),
        ({}, ChecksState.GREEN),
    ],
)
def test_contexts_are_taken_from_protection_of_branch(
    protection: dict[str, object], state: ChecksState
) -> None:
    """Without configured contexts, those count that the branch requires at this moment."""
    gitea = a_gitea(protection=protection)

    assert Setup(react=gitea.react, required=None).checks().state is state


def test_unrelated_histories_list_no_commits_and_are_unknown() -> None:
    """Gitea answers an empty list in both directions, which must not read as an ancestor."""
    gitea = a_gitea()
    gitea.commits["a" * 40] = ()

    order = Setup(react=gitea.react).ask(lambda forge: forge.compare(NEWER, Sha("a" * 40)))

    assert order is Order.UNKNOWN


def test_order_that_the_listed_parents_contradict_is_unknown() -> None:
    """A merge base that the server failed to find reads as "no commits": the parents tell."""
    stray = "b" * 40

    def react(asked: Asked) -> Answer:
        ahead = f"{OLDER}...{NEWER}" in asked.target
        commits = [{"sha": str(NEWER), "parents": [{"sha": stray}]}] if ahead else []
        return json_answer({"total_commits": len(commits), "commits": commits})

    order = Setup(react=react).ask(lambda forge: forge.compare(NEWER, OLDER))

    assert order is Order.UNKNOWN


def test_order_is_told_where_parents_are_not_listed() -> None:
    """A server that lists no parents is believed by its totals."""
    gitea = a_gitea(lists_parents=False)

    order = Setup(react=gitea.react).ask(lambda forge: forge.compare(NEWER, OLDER))

    assert order is Order.NEWER


@pytest.mark.parametrize("answer", [html(200), html(502), json_answer({}), json_answer([1])])
def test_comparison_that_can_not_be_read_is_unknown(answer: Answer) -> None:
    """A proxy's page, an outage or another shape is no order, and no error."""
    order = Setup(react=lambda _: answer).ask(lambda forge: forge.compare(NEWER, OLDER))

    assert order is Order.UNKNOWN


@pytest.mark.parametrize(
    "answer",
    [
        html(200),
        html(503),
        json_answer(["x"]),
        json_answer({"commit": None}),
        json_answer({"commit": {"id": "main"}}),
    ],
)
def test_head_that_can_not_be_read_is_unavailable(answer: Answer) -> None:
    """What is no commit id is never taken for a head."""
    message = Setup(react=lambda _: answer).refusal(lambda forge: forge.head())

    assert message.startswith("Unavailable: gitea")


@pytest.mark.parametrize(
    "statuses", ["x", ["x"], [{"id": "1", "context": "a"}], [{"id": 1, "context": None}]]
)
def test_statuses_of_another_shape_are_unavailable(statuses: object) -> None:
    """A row that can't be read is an error, not a row less."""
    setup = Setup(react=lambda _: json_answer({"statuses": statuses}))

    with pytest.raises(Unavailable):
        setup.checks()


def test_protection_of_another_shape_is_unavailable() -> None:
    """Required contexts that can't be read don't read as none."""
    gitea = a_gitea(protection={"status_check_contexts": "test"})

    with pytest.raises(Unavailable):
        Setup(react=gitea.react, required=None).checks()


def test_refused_branch_names_branch_and_token() -> None:
    """A private repository answers 404 to a token that may not read it; the advice says so."""
    setup = Setup(react=lambda _: json_answer({"message": "not here"}, status=404))

    message = setup.refusal(lambda forge: forge.head())

    assert message.startswith("Refused: ")
    assert "HTTP 404: not here" in message
    assert "forge.branch (main)" in message


def test_missing_variable_is_refused_and_says_what_to_create() -> None:
    """A switch that was configured and never created stops the deploy."""
    setup = Setup(react=a_gitea().react, switch=Switch(variable="DEPLOY"))

    message = setup.refusal(lambda forge: forge.is_enabled())

    assert message.startswith("Refused: ")
    assert "Create the Actions variable DEPLOY on the repository itself" in message


def test_variable_without_owners_token_is_refused_and_points_to_file() -> None:
    """Only an owner's token reads Actions variables; any token reads a file."""
    setup = Setup(react=a_gitea(variable_status=403).react, switch=Switch(variable="DEPLOY"))

    message = setup.refusal(lambda forge: forge.is_enabled())

    assert "user should be the owner of the repo" in message
    assert "forge.switch.file" in message


@pytest.mark.parametrize(("ref", "text"), [("ops", "off\n"), (None, "on")])
def test_switch_file_is_read_from_its_ref_or_the_deploy_branch(ref: str | None, text: str) -> None:
    """A file is read live, on the ref that is named or else on the deploy branch."""
    gitea = a_gitea(files={("deploy/on", ref or "main"): text})
    setup = Setup(react=gitea.react, switch=Switch(file="deploy/on", ref=ref))

    assert setup.ask(lambda forge: forge.is_enabled()) is (text == "on")


def test_missing_switch_file_is_refused_and_says_what_to_commit() -> None:
    """A file that is not there is never "on"."""
    setup = Setup(react=a_gitea().react, switch=Switch(file="deploy/on", ref="ops"))

    assert "Commit the file deploy/on on ops" in setup.refusal(lambda forge: forge.is_enabled())


def test_switch_that_says_nothing_known_is_refused() -> None:
    """A typing error in the switch stops the deploy and is shown."""
    setup = Setup(
        react=a_gitea(variables={"DEPLOY": "onn"}).react, switch=Switch(variable="DEPLOY")
    )

    with pytest.raises(Refused, match="seen: 'onn'"):
        setup.ask(lambda forge: forge.is_enabled())


def test_without_switch_nothing_is_asked() -> None:
    """No switch is on."""
    setup = Setup(react=a_gitea().react)

    assert setup.ask(lambda forge: forge.is_enabled())
    assert setup.asked == []


def test_name_of_hexadecimal_digits_may_be_a_branch() -> None:
    """`cafe` is looked for as a commit first, then as a branch."""
    gitea = a_gitea()
    gitea.branches["cafe"] = str(OLDER)

    assert OLDER == Setup(react=gitea.react).ask(lambda forge: forge.resolve("cafe"))


@pytest.mark.parametrize("name", ["../../user", "a b", "-x", "a..b", "x?y", "", ".git", "a/.b"])
def test_name_that_git_allows_nobody_is_not_asked_for(name: str) -> None:
    """What can't be a ref never becomes part of a URL."""
    setup = Setup(react=a_gitea().react)

    assert setup.ask(lambda forge: forge.resolve(name)) is None
    assert setup.asked == []


@pytest.mark.parametrize(
    ("repository", "branch"), [("acme", "main"), ("acme/..", "main"), ("acme/shop", "a..b")]
)
def test_repository_and_branch_that_can_not_be_are_invalid(repository: str, branch: str) -> None:
    """A repository is owner/name, a branch what git allows."""
    pool = HttpPool(clock=StillClock())

    with pytest.raises(Invalid):
        GiteaForge(
            gitea_http(pool, "https://git.example.com", None), repository=repository, branch=branch
        )
