"""When a tenant counts as settled on a release, from what its edge answered one by one."""

import pytest

from release.core.order import Order, Orders
from release.core.settle import Progress, SettleState, Settling
from release.core.sighting import Observation
from release.core.values import Sha, Tenant
from tests.support.records import NEWER, OLDER, sha

ACME, GLOBEX, INITECH = Tenant("acme"), Tenant("globex"), Tenant("initech")
OURS, BEFORE, AFTER, FOREIGN, STRANGE = map(sha, "baced")
ORDERS: Orders = {
    OURS: Order.SAME,
    BEFORE: Order.NEWER,
    AFTER: Order.OLDER,
    FOREIGN: Order.DIVERGED,
}
"""How ours stands to each; STRANGE is missing."""

PENDING, SETTLED = SettleState.PENDING, SettleState.SETTLED
REGRESSED, OVERTAKEN = SettleState.REGRESSED, SettleState.OVERTAKEN


def on(commit: Sha, tenant: Tenant = ACME) -> Observation:
    """A tenant that answered with this release."""
    return Observation(tenant=tenant, sha=commit)


def unnamed(reason: str) -> Observation:
    """A tenant that answered without naming a release."""
    return Observation(tenant=ACME, sha=None, reason=reason)


def unreachable(reason: str = "connection refused") -> Observation:
    """A tenant that did not answer."""
    return Observation(tenant=ACME, sha=None, reason=reason, is_reachable=False)


def judged(*answers: Observation, confirmations: int = 2) -> Progress:
    """How one tenant stands after these answers."""
    progress = Progress(tenant=ACME)
    for answer in answers:
        progress = progress.judge(answer, ORDERS, confirmations)
    return progress


NO_RELEASE = [
    unnamed("HTTP 404, text/html"),
    unnamed("HTTP 503"),
    unnamed("answers 'dev'"),
    unnamed("no git_sha"),
    unnamed(""),
    unreachable(),
    unreachable(""),
]


@pytest.mark.parametrize("confirmations", [1, 2, 3, 5])
def test_tenant_settles_after_exactly_so_many_in_a_row(confirmations: int) -> None:
    """One answer less is pending, and a further one changes nothing."""
    states = [
        judged(*[on(OURS)] * count, confirmations=confirmations).state
        for count in range(confirmations + 2)
    ]

    assert states == [PENDING] * confirmations + [SETTLED] * 2


def test_tenant_that_was_never_asked_is_pending() -> None:
    """Nothing seen is not settled, and says so."""
    assert Progress(tenant=ACME) == judged()
    assert (PENDING, None, "not asked yet") == (judged().state, judged().seen, judged().note)


def test_stale_answer_of_a_draining_task_does_not_count() -> None:
    """A 200 with the old release is pending, keeps what was seen, and breaks the row."""
    progress = judged(on(BEFORE), on(OURS), on(BEFORE), on(OURS))

    assert (PENDING, 1) == (progress.state, progress.streak)
    assert SETTLED is progress.judge(on(OURS), ORDERS, 2).state
    assert (BEFORE, "serves the older aaaaaaa") == (
        judged(on(BEFORE)).seen,
        judged(on(BEFORE)).note,
    )


def test_tenant_that_flaps_between_old_and_new_never_settles() -> None:
    """Old and new in turn, however long, is not twice in a row."""
    progress = judged(*[on(OURS), on(BEFORE)] * 50)

    assert (PENDING, 0, False) == (progress.state, progress.streak, progress.has_settled)


@pytest.mark.parametrize("answer", [*NO_RELEASE, on(OURS), on(BEFORE), on(AFTER), on(STRANGE)])
def test_tenant_counts_as_asked_once_anything_was_judged(answer: Observation) -> None:
    """Silence is an answer too; only before the first poll nothing is known."""
    assert not judged().was_asked
    assert judged(answer).was_asked


@pytest.mark.parametrize("answer", NO_RELEASE)
def test_answer_without_a_release_never_settles(answer: Observation) -> None:
    """Not JSON, not 200, no `git_sha`, `dev`, or no answer at all: however often, it is pending."""
    assert PENDING is judged(*[answer] * 100).state
    assert PENDING is judged(on(OURS), answer, on(OURS)).state


@pytest.mark.parametrize("answer", NO_RELEASE)
def test_answer_without_a_release_is_no_regression(answer: Observation) -> None:
    """A settled tenant that fell silent is pending, and settles by a whole row of its own."""
    silent = judged(on(OURS), on(OURS), answer)

    assert (PENDING, 0, OURS) == (silent.state, silent.streak, silent.seen)
    assert PENDING is silent.judge(on(OURS), ORDERS, 2).state
    assert SETTLED is silent.judge(on(OURS), ORDERS, 2).judge(on(OURS), ORDERS, 2).state


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        (unnamed("HTTP 404, text/html"), "HTTP 404, text/html"),
        (unnamed("answers 'dev'"), "answers 'dev'"),
        (unnamed("unreachable by design"), "unreachable by design"),
        (unnamed(""), "names no release"),
        (unreachable("connection refused"), "unreachable: connection refused"),
        (unreachable("unreachable"), "unreachable: unreachable"),
        (unreachable(""), "unreachable"),
    ],
)
def test_reason_is_kept_while_the_last_release_stays_seen(answer: Observation, note: str) -> None:
    """A stuck tenant is reported with its last seen release and why its answer did not count."""
    progress = judged(on(BEFORE), answer)

    assert (BEFORE, note) == (progress.seen, progress.note)


def test_older_release_after_having_settled_is_a_regression() -> None:
    """Somebody rolled the tenant back, or its new container died: an alarm."""
    progress = judged(on(OURS), on(OURS), on(BEFORE))

    assert (REGRESSED, 0, BEFORE) == (progress.state, progress.streak, progress.seen)
    assert "serves the older aaaaaaa" == progress.note


@pytest.mark.parametrize("answer", NO_RELEASE)
def test_older_release_after_a_silence_is_still_a_regression(answer: Observation) -> None:
    """A moment without an answer does not hide that the tenant had settled."""
    settled = (on(OURS), on(OURS))

    assert REGRESSED is judged(*settled, answer, answer, on(BEFORE)).state
    assert REGRESSED is judged(*settled, answer, on(OURS), on(BEFORE)).state
    assert PENDING is judged(on(OURS), answer, on(BEFORE)).state


def test_regressed_tenant_that_comes_back_settles_anew() -> None:
    """It takes a whole row again."""
    states = [
        judged(on(OURS), on(OURS), on(BEFORE), *[on(OURS)] * count).state for count in range(3)
    ]

    assert [REGRESSED, PENDING, SETTLED] == states


@pytest.mark.parametrize("before", [(), (on(OURS),), (on(OURS), on(OURS)), (on(BEFORE),)])
def test_newer_release_is_overtaken_whatever_was_before(before: tuple[Observation, ...]) -> None:
    """A tenant on a newer release makes the job read the ledger again."""
    progress = judged(*before, on(AFTER))

    assert (OVERTAKEN, AFTER, 0) == (progress.state, progress.seen, progress.streak)
    assert "serves the newer ccccccc" == progress.note


@pytest.mark.parametrize(
    ("commit", "note"),
    [
        (FOREIGN, "serves eeeeeee, to which ours is diverged"),
        (STRANGE, "serves ddddddd, to which ours is unknown"),
    ],
)
def test_release_without_an_order_neither_settles_nor_regresses(commit: Sha, note: str) -> None:
    """It may be newer than ours, so it is no reason for a repair, which could move it back."""
    for before in ((), (on(OURS), on(OURS))):
        progress = judged(*before, on(commit))

        assert (PENDING, commit, note) == (progress.state, progress.seen, progress.note)


def test_regression_canary_of_incident_2213_was_moved_backward() -> None:
    """The newer job settled its canary on 7f25373 and sees 7a72516 there: regressed."""
    orders = {NEWER: Order.SAME, OLDER: Order.NEWER}
    progress = Progress(tenant=Tenant("hongming"))

    for commit in (OLDER, NEWER, NEWER, OLDER):
        progress = progress.judge(on(commit), orders, 2)

    assert (REGRESSED, "serves the older 7a72516") == (progress.state, progress.note)


def test_regression_older_job_of_incident_2213_is_overtaken_at_the_tenant() -> None:
    """The older job that sees 7f25373 at a tenant has not failed to settle: it was overtaken."""
    progress = Progress(tenant=ACME).judge(on(NEWER), {NEWER: Order.OLDER}, 2)

    assert (OVERTAKEN, NEWER) == (progress.state, progress.seen)


def test_newer_release_is_what_a_rollback_rolls_back() -> None:
    """A rollback is not overtaken: before it settles the newer release drains, after it, alarms."""
    settling = Settling(tenants=(Progress(tenant=ACME),), confirmations=1, heeds_newer=False)

    drains = settling.judge([on(AFTER)], ORDERS)
    went_off = drains.judge([on(OURS)], ORDERS).judge([on(AFTER)], ORDERS)

    assert [PENDING] == [one.state for one in drains.tenants]
    assert [REGRESSED] == [one.state for one in went_off.tenants]


def test_fleet_settles_when_its_last_tenant_does() -> None:
    """Each tenant counts for itself; the order is that in which they were asked for."""
    settling = Settling.start((ACME, GLOBEX), 2)

    once = settling.judge((on(OURS, GLOBEX), on(OURS)), ORDERS)
    mixed = once.judge((on(BEFORE, GLOBEX), on(OURS)), ORDERS)
    again = mixed.judge((on(OURS, GLOBEX),), ORDERS)
    done = again.judge((on(OURS, GLOBEX),), ORDERS)

    assert [ACME, GLOBEX] == [one.tenant for one in settling.tenants]
    assert not any(one.is_settled for one in (settling, once, mixed, again))
    assert [ACME] == [one.tenant for one in mixed.of_state(SETTLED)]
    assert [GLOBEX] == [one.tenant for one in mixed.of_state(PENDING, REGRESSED)]
    assert done.is_settled


def test_tenant_without_an_answer_in_a_round_stays_as_it_was() -> None:
    """Neither its row nor its note changes, and answers of others are not taken for its own."""
    once = Settling.start((ACME,), 2).judge((on(OURS),), ORDERS)

    assert once == once.judge((), ORDERS) == once.judge((on(BEFORE, INITECH),), ORDERS)


def test_states_are_found_in_order_and_none_where_none_is_asked_for() -> None:
    """Several states may be asked for at once."""
    fleet = Settling.start((GLOBEX, ACME, INITECH), 1).judge(
        (on(AFTER, GLOBEX), on(OURS), on(BEFORE, INITECH)), ORDERS
    )

    found = fleet.of_state(PENDING, OVERTAKEN)

    assert [GLOBEX, INITECH] == [one.tenant for one in found]
    assert fleet.of_state() == ()
