"""What each answer of a control plane to a redeploy means, and how a redeploy is asked for."""

import asyncio

import pytest

from release.adapters.control_plane import ControlPlaneFleet
from release.adapters.http import Http, HttpPool
from release.core.sighting import Fencing, Redeployed, Row, RowState
from release.core.values import Release, Secret, Sha, Tenant
from release.errors import FenceRefused, OutcomeUnknown, Refused
from tests.support.clocks import StillClock
from tests.support.loopback import Answer, Cut, Loopback, Stall, html, json_answer

TOKEN = "tok-3f9a77c1"
RELEASE = Release(sha=Sha("7f25373" + "0" * 33), tag="staging-7f25373")
ACME, ZOO = Tenant("acme"), Tenant("zoo")
GOOD = {
    "phase": "batch-1",
    "ssm_status": "Success",
    "ssm_exit_code": 0,
    "healthz_ok": True,
    "verified_on_target": True,
    "running_image": "app@sha256:1",
    "newer_field": {"ignored": 1},
}


def good(slug: str, **changed: object) -> dict[str, object]:
    """A row with every sign of success, but for what is changed."""
    return {"slug": slug, **GOOD, **changed}


def redeploy(server: Loopback, *tenants: Tenant) -> Redeployed:
    """Redeploys the tenants through the server, with epoch 7."""

    async def run() -> Redeployed:
        async with server, HttpPool(clock=StillClock()) as pool:
            headers = {"authorization": Secret(f"Bearer {TOKEN}")}
            http = Http(pool, "control plane", server.url, headers=headers)
            fleet = ControlPlaneFleet(http, environment="production", timeout_s=2.0)
            return await fleet.redeploy(RELEASE, tenants, epoch=7, phase="canary")

    return asyncio.run(run())


def row_of(*rows: object, ok: bool = True, error: str | None = None) -> Row:
    """What becomes of tenant acme when the control plane answers with these rows."""
    answer = {"ok": ok, "results": rows, "error": error}
    (row,) = redeploy(Loopback(json_answer(answer)), ACME).rows
    return row


def test_redeploy_asks_for_exactly_its_tenants_once_and_carries_the_epoch() -> None:
    """A redeploy is one scoped call: no soak, one batch, the fence and whose fence it is."""
    rows = [good("zoo"), good("acme")]
    server = Loopback(json_answer({"ok": True, "results": rows, "fenced": "landing"}))

    answer = redeploy(server, ACME, ZOO)

    (asked,) = server.asked
    assert (asked.method, asked.target) == ("POST", "/cp/admin/tenants/redeploy-fleet")
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["content-type"] == "application/json"
    assert asked.json == {
        "target_tag": "staging-7f25373",
        "confirm": True,
        "environment": "production",
        "dry_run": False,
        "only_slugs": ["acme", "zoo"],
        "soak_seconds": 0,
        "batch_size": 2,
        "fence": 7,
    }
    assert [(row.tenant, row.state) for row in answer.rows] == [
        (ACME, RowState.DONE),
        (ZOO, RowState.DONE),
    ]
    assert answer.is_answered


@pytest.mark.parametrize(
    ("said", "fencing"),
    [
        ({"fenced": "landing"}, Fencing.LANDING),
        ({"fenced": "door"}, Fencing.DOOR),
        ({"fenced": True}, Fencing.NONE),
        ({"fenced": None}, Fencing.NONE),
        ({}, Fencing.NONE),
    ],
)
def test_fencing_is_what_the_answer_says_of_it(said: dict[str, object], fencing: Fencing) -> None:
    """A control plane that does not speak of the fence has none."""
    server = Loopback(json_answer({"ok": True, "results": [good("acme")], **said}))

    assert redeploy(server, ACME).fencing is fencing


@pytest.mark.parametrize("changed", [{"ssm_exit_code": None}, {"error": ""}, {"error": None}])
def test_row_with_every_sign_of_success_is_done(changed: dict[str, object]) -> None:
    """No exit code and no error are signs of success too."""
    assert row_of(good("acme", **changed)).state is RowState.DONE


@pytest.mark.parametrize("answer", [{"verified_on_target": None}, {}])
def test_row_that_proves_nothing_about_its_image_is_done_and_says_so(
    answer: dict[str, object],
) -> None:
    """A row without `verified_on_target` proves nothing either way: the edge decides."""
    unverified = {name: value for name, value in GOOD.items() if name != "verified_on_target"}

    row = row_of({"slug": "acme", **unverified, **answer})

    assert row.state is RowState.DONE
    assert "not verified by the control plane" in row.note


@pytest.mark.parametrize(
    ("changed", "note"),
    [
        ({"verified_on_target": False}, "not on the target image, runs app@sha256:1"),
        ({"healthz_ok": False}, "not healthy"),
        ({"healthz_ok": None}, "not healthy"),
        ({"ssm_exit_code": 1}, "exit code 1"),
        ({"error": "disk full"}, "disk full"),
        ({"error": {"code": 3}}, '{"code": 3}'),
        ({"ssm_status": "Failed"}, "command Failed"),
    ],
)
def test_final_state_with_a_sign_missing_is_failed(changed: dict[str, object], note: str) -> None:
    """`ok:true` and a return code are not success: a compose that did nothing returns 0 too."""
    row = row_of(good("acme", **changed))

    assert row.state is RowState.FAILED
    assert note in row.note


@pytest.mark.parametrize("status", ["TimedOut", "InProgress", "Cancelled", "DryRun", "", None])
def test_row_without_a_final_state_is_unanswered(status: str | None) -> None:
    """`TimedOut` and states that nobody knows may still take effect."""
    row = row_of(good("acme", ssm_status=status))

    assert row.state is RowState.UNANSWERED


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"slug": "acme", "ssm_status": 7}],
        [{"ssm_status": "Success"}],
        ["acme"],
        [good("acme", healthz_ok="yes")],
    ],
)
def test_tenant_without_a_readable_row_is_unanswered(rows: list[object]) -> None:
    """`ok:true` with a tenant missing from the results is not success for it."""
    row = row_of(*rows)

    assert (row.state, row.note) == (RowState.UNANSWERED, "no row in the answer")


def test_worse_of_two_rows_for_a_tenant_counts() -> None:
    """A second, answered command does not answer for a first that timed out."""
    row = row_of(good("acme"), good("acme", ssm_status="TimedOut"))

    assert row.state is RowState.UNANSWERED


def test_not_ok_with_only_good_rows_fails_them_all() -> None:
    """An answer that calls itself a failure is answered, and is not success."""
    row = row_of(good("acme"), ok=False, error="canary gate closed")

    assert (row.state, row.note) == (RowState.FAILED, "ok:false: canary gate closed")


def test_call_that_touched_a_tenant_unasked_fails() -> None:
    """A control plane that ignores the scope must stop the rollout, not go on with it."""
    row = row_of(good("acme"), good("zoo"))

    assert row.state is RowState.FAILED
    assert "zoo" in row.note


@pytest.mark.parametrize(
    "broken",
    [
        html(200),
        html(504),
        json_answer([]),
        json_answer({"ok": True}),
        json_answer({"ok": "true", "results": []}),
        json_answer({"ok": True, "results": []}, status=202),
        Answer(status=302),
        Cut(),
        Stall(),
    ],
)
def test_redeploy_without_a_usable_answer_is_of_unknown_outcome(
    broken: Answer | Cut | Stall,
) -> None:
    """A lost answer is a request in flight: it is not repeated, and nobody knows what moved."""
    server = Loopback(broken)

    with pytest.raises(OutcomeUnknown):
        redeploy(server, ACME)

    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422])
def test_redeploy_that_is_refused_changed_nothing(status: int) -> None:
    """A 4xx is an answer: understood, refused, nothing changed."""
    server = Loopback(json_answer({"error": f"no: {TOKEN}"}, status=status))

    with pytest.raises(Refused, match=r"no: \(redacted\)") as caught:
        redeploy(server, ACME)

    assert not isinstance(caught.value, FenceRefused)


def test_fence_that_saw_a_higher_epoch_refuses() -> None:
    """A 412 names the epoch that the fence has seen."""
    server = Loopback(json_answer({"error": "fenced off", "fence_seen": 9}, status=412))

    with pytest.raises(FenceRefused) as caught:
        redeploy(server, ACME)

    assert caught.value.fence_seen == 9


def test_token_that_a_row_echoes_is_blotted_out() -> None:
    """A note reaches summaries and the ledger: no credential may ride along."""
    row = row_of(good("acme", error=f"curl -H 'Authorization: Bearer {TOKEN}' failed"))

    assert TOKEN not in row.note
    assert "(redacted)" in row.note


def test_slug_of_a_row_is_a_dns_label_in_which_case_says_nothing() -> None:
    """A tenant that is listed as Acme may be answered for as acme, and was not touched unasked."""
    server = Loopback(json_answer({"ok": True, "results": [good("ACME"), good("zoo")]}))

    answer = redeploy(server, Tenant("Acme"), ZOO)

    assert [RowState.DONE, RowState.DONE] == [row.state for row in answer.rows]


def test_token_that_a_success_echoes_is_blotted_out() -> None:
    """An answer 200 that is none of the contract is told without our token, as a 401 is."""
    server = Loopback(json_answer({"error": f"no such token: {TOKEN}"}))

    with pytest.raises(OutcomeUnknown) as caught:
        redeploy(server, ACME)

    assert "(redacted)" in str(caught.value)
    assert TOKEN not in str(caught.value)
