"""How the CI statuses of a commit are judged against the contexts that are required."""

import pytest

from release.core.contexts import StatusRow, judge_contexts, matches, newest_rows
from release.core.sighting import Check, ChecksState


def row(context: str, state: str, number: int = 1) -> StatusRow:
    """One status."""
    return StatusRow(context=context, state=state, number=number)


@pytest.mark.parametrize(
    ("pattern", "context"),
    [
        ("ci / test (push)", "ci / test (push)"),
        ("*", "ci / test (push)"),
        ("ci/*", "ci/a/b"),
        ("**/b", "ci/a/b"),
        ("ci / test ?", "ci / test 3"),
        ("py3.1[123]", "py3.12"),
        ("py3.1[1-3]", "py3.12"),
        ("py[!2]", "py3"),
        ("{lint,test*}", "tests"),
        ("{a,{b,c}}x", "cx"),
        ("test \\*", "test *"),
        ("a,b", "a,b"),
        ("test (3.12", "test (3.12"),
        ("[\\]]", "]"),
        ("a.c", "a.c"),
        ("build [broken", "build [broken"),
        ("test}", "test}"),
        ("*\n*", "a\nb"),
    ],
)
def test_context_is_matched(pattern: str, context: str) -> None:
    """A required context matches literally or as a forge's glob, in which a star takes slashes."""
    assert matches(pattern, context)


@pytest.mark.parametrize(
    ("pattern", "context"),
    [
        ("ci / test", "ci / test (push)"),
        ("a.c", "abc"),
        ("py[!3]", "py3"),
        ("{lint,test}", "tests"),
        ("test ?", "test 12"),
        ("test \\*", "test x"),
        ("{open", "open"),
        ("[open", "o"),
        ("[3-1]", "2"),
        ("trail\\", "trail"),
        ("[^a]", "b"),
    ],
)
def test_context_is_not_matched(pattern: str, context: str) -> None:
    """A glob spans the whole name; what is no glob matches itself alone."""
    assert not matches(pattern, context)


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("success", ChecksState.GREEN),
        ("Success", ChecksState.GREEN),
        ("skipped", ChecksState.GREEN),
        ("failure", ChecksState.RED),
        ("error", ChecksState.RED),
        ("warning", ChecksState.RED),
        ("cancelled", ChecksState.RED),
        ("pending", ChecksState.PENDING),
        ("running_with_failure", ChecksState.PENDING),
        ("", ChecksState.PENDING),
    ],
)
def test_word_of_forge_means_verdict(state: str, verdict: ChecksState) -> None:
    """Success and skipped are green, failures red, everything else is waited for."""
    assert verdict is row("test", state).verdict


def test_newest_row_of_each_context_is_highest_number() -> None:
    """Rows count by their number, in whatever order they were listed."""
    history = (row("a", "success", 7), row("a", "failure", 3), row("b", "pending", 5))

    newest = newest_rows(history)

    assert (history[0], history[2]) == newest


def test_required_context_without_row_is_pending() -> None:
    """What is required and was never reported is missing, which is pending."""
    checks = judge_contexts(["test", "lint"], [row("test", "success")], own=None)

    missing = Check(context="lint", state="missing", verdict=ChecksState.PENDING)
    assert missing in checks.checks
    assert checks.state is ChecksState.PENDING


def test_glob_requires_every_context_that_it_matches() -> None:
    """All contexts under one glob must be green, in order of their names."""
    rows = [row("ci / b", "pending"), row("ci / a", "success"), row("nightly", "failure")]

    checks = judge_contexts(["ci / *"], rows, own=None)

    assert ["ci / a", "ci / b"] == [check.context for check in checks.checks]
    assert checks.state is ChecksState.PENDING


@pytest.mark.parametrize("order", [1, -1])
def test_worst_of_several_rows_of_one_context_counts(order: int) -> None:
    """Two workflows may report under one name: both must be green."""
    rows = [row("test", "success", 2), row("test", "failure", 1)][::order]

    checks = judge_contexts(["test", "t*"], rows, own=None)

    assert (Check(context="test", state="failure", verdict=ChecksState.RED),) == checks.checks


def test_own_context_is_never_required() -> None:
    """A job that waits for CI does not wait for itself."""
    rows = [row("deploy / x (push)", "pending"), row("ci", "success")]

    checks = judge_contexts(["*", "deploy / x (push)"], rows, own="deploy / x (push)")

    assert checks.state is ChecksState.GREEN


def test_glob_that_own_context_alone_matches_is_pending() -> None:
    """Before CI has reported anything, `*` is missing, not satisfied."""
    rows = [row("deploy / x (push)", "success")]

    checks = judge_contexts(["*"], rows, own="deploy / x (push)")

    assert checks.state is ChecksState.PENDING


def test_nothing_required_is_green() -> None:
    """A branch that requires nothing holds nobody up."""
    assert judge_contexts([], [row("ci", "failure")], own=None).state is ChecksState.GREEN
