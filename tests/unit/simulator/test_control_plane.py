"""The simulated control plane: its contract, its fence, what lands when."""

from collections.abc import Mapping
from typing import Any

import pytest

from simulator.control_plane import FenceKind
from simulator.faults import PASS, Call, FaultKind, FaultRule, Service
from simulator.happenings import Kind
from simulator.tenants import Health
from simulator.waits import Pause
from simulator.wire import Refusal
from tests.support.virtual import BASE, NEWER, OLDER, Setting

ALL = ["acme", "globex", "initech"]
CALL = Call(
    actor="job",
    service=Service.CONTROL_PLANE,
    operation="redeploy",
    subject="all",
    is_effect=True,
)


def ask(setting: Setting, sha: str = NEWER, **fields: object) -> dict[str, Any]:
    """Sends one request and plays until it is answered; what is late may land after that."""
    request = {
        "target_tag": setting.world.layout.image_tag(sha),
        "confirm": True,
        "soak_seconds": 0,
        **fields,
    }

    async def send() -> dict[str, Any]:
        plane = setting.world.control_plane
        verdict = setting.world.faults.judge(CALL)[0]
        later = plane.redeploy(request, actor="job", verdict=verdict)
        await Pause(later.after_s)
        answer = later.answer()
        assert isinstance(answer, dict), "in one process nobody is asked over a network"
        return answer

    return setting.run(send())


def rows(answer: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The rows by tenant."""
    return {row["slug"]: row for row in answer["results"]}


def test_redeploy_moves_its_scope_and_answers_rows_read_off_the_tenants() -> None:
    """A scoped request touches just these tenants; each has a row with every sign of success."""
    setting = Setting.make()

    answer = ask(setting, only_slugs=["globex", "acme"], batch_size=2)

    assert setting.world.serving() == {"acme": NEWER, "globex": NEWER, "initech": BASE}
    assert answer["ok"] is True
    assert answer["fenced"] == "landing"
    assert rows(answer)["acme"] == {
        "slug": "acme",
        "phase": "batch-1",
        "ssm_status": "Success",
        "ssm_exit_code": 0,
        "healthz_ok": True,
        "running_image": "acme/app:staging-7f25373",
        "verified_on_target": True,
    }


def test_effect_lands_before_it_is_answered() -> None:
    """By default it lands after 2 s and is answered after 3."""
    setting = Setting.make()

    ask(setting, only_slugs=["acme"])

    (landed,) = setting.world.log.of_kind(Kind.LANDED)
    (answered,) = setting.world.log.of_kind(Kind.ANSWERED)
    assert (landed.at_s, answered.at_s) == (2.0, 3.0)
    assert (landed.actor, landed.subject, landed.before, landed.after) == (
        "job",
        "acme",
        BASE,
        NEWER,
    )


def test_tenant_that_has_not_landed_when_the_answer_is_given_is_in_progress() -> None:
    """An answer may come before the effect; its row then has no final state."""
    setting = Setting.make()
    setting.world.control_plane.timing.answer_s = 1.0

    answer = ask(setting, only_slugs=["acme"])

    assert rows(answer)["acme"]["ssm_status"] == "InProgress"
    assert setting.world.serving()["acme"] == NEWER


@pytest.mark.parametrize(
    "body", [{}, {"target_tag": "x"}, {"target_tag": "x", "confirm": False}, [], None]
)
def test_unconfirmed_request_is_answered_400(body: object) -> None:
    """`confirm` must be true, in a dry run too."""
    plane = Setting.make().world.control_plane

    with pytest.raises(Refusal) as caught:
        plane.redeploy(body, actor="job", verdict=PASS)

    assert caught.value.status == 400


@pytest.mark.parametrize(
    "fields", [{"only_slugs": []}, {"batch_size": 0}, {"soak_seconds": -1}, {"target_tag": ""}]
)
def test_request_that_is_off_is_answered_400_and_touches_nothing(fields: dict[str, Any]) -> None:
    """An empty scope is never taken for all."""
    setting = Setting.make()

    with pytest.raises(Refusal) as caught:
        ask(setting, **fields)

    assert caught.value.status == 400
    assert set(setting.world.serving().values()) == {BASE}


def test_dry_run_lists_the_fleet_and_touches_nothing() -> None:
    """A dry run names the tenants in their order."""
    setting = Setting.make()

    answer = ask(setting, dry_run=True)

    assert list(rows(answer)) == ALL
    assert {row["ssm_status"] for row in answer["results"]} == {"DryRun"}
    assert set(setting.world.serving().values()) == {BASE}


def test_unknown_image_tag_is_a_failed_row() -> None:
    """The tenant can't pull it and stays as it is."""
    setting = Setting.make()

    answer = ask(setting, target_tag="staging-0000000", only_slugs=["acme"])

    row = rows(answer)["acme"]
    assert (answer["ok"], row["ssm_status"], row["ssm_exit_code"]) == (False, "Failed", 1)
    assert "staging-0000000" in row["error"]
    assert setting.world.serving()["acme"] == BASE


def test_tenant_that_is_not_there_has_no_row() -> None:
    """The answer still says ok: a missing row is the caller's to notice."""
    answer = ask(Setting.make(), only_slugs=["acme", "nobody"])

    assert (answer["ok"], list(rows(answer))) == (True, ["acme"])


def test_older_control_plane_has_no_inspection_in_its_rows() -> None:
    """A row without `verified_on_target` proves nothing either way."""
    setting = Setting.make()
    setting.world.fleet.has_inspection = False

    answer = ask(setting, only_slugs=["acme"])

    assert "verified_on_target" not in rows(answer)["acme"]


def test_unscoped_rollout_does_the_canary_soaks_and_goes_on_in_batches() -> None:
    """Where the control plane sequences itself, the canary is first and soaks."""
    setting = Setting.make()

    answer = ask(setting, canary_slug="globex", soak_seconds=60, batch_size=1)

    landed = [(one.subject, one.at_s) for one in setting.world.log.of_kind(Kind.LANDED)]
    assert landed == [("globex", 2.0), ("acme", 64.0), ("initech", 66.0)]
    phases = {slug: row["phase"] for slug, row in rows(answer).items()}
    assert phases == {"globex": "canary", "acme": "batch-1", "initech": "batch-2"}


def test_failed_canary_stops_an_unscoped_rollout() -> None:
    """Beyond the tolerated stragglers later groups stay as they are and have no row."""
    setting = Setting.make()
    setting.world.set_health("globex", Health.BROKEN)

    answer = ask(setting, canary_slug="globex", batch_size=3)

    assert answer["ok"] is False
    assert list(rows(answer)) == ["globex"]
    assert setting.world.serving() == {"acme": BASE, "globex": None, "initech": BASE}


def test_tolerated_straggler_does_not_stop_a_rollout() -> None:
    """With `max_stragglers` one stuck tenant is let be, and the answer is ok."""
    setting = Setting.make()
    setting.world.set_health("globex", Health.BROKEN)

    answer = ask(setting, canary_slug="globex", max_stragglers=1)

    assert answer["ok"] is True
    assert setting.world.serving() == {"acme": NEWER, "globex": None, "initech": NEWER}


def test_fence_refuses_a_lower_epoch_with_the_highest_seen() -> None:
    """The highest epoch counts for each environment; a dry run raises it too."""
    setting = Setting.make()
    ask(setting, dry_run=True, fence=7, environment="production")

    with pytest.raises(Refusal) as caught:
        ask(setting, only_slugs=["acme"], fence=6, environment="production")

    assert (caught.value.status, caught.value.body) == (
        412,
        {"error": "a higher fence was seen", "fence_seen": 7},
    )
    assert ask(setting, only_slugs=["acme"], fence=1, environment="staging")["ok"] is True
    assert setting.world.control_plane.fence_seen == {"production": 7, "staging": 1}


@pytest.mark.parametrize(
    ("kind", "served"),
    [(FenceKind.LANDING, BASE), (FenceKind.DOOR, OLDER), (FenceKind.NONE, OLDER)],
)
def test_command_in_flight_meets_a_fence_raised_meanwhile_only_where_it_lands(
    kind: FenceKind, served: str
) -> None:
    """A true landing fence compares again on the tenant; one at the door does not."""
    setting = Setting.make()
    plane = setting.world.control_plane
    plane.fence_kind = kind
    body = {"target_tag": "staging-7a72516", "confirm": True, "only_slugs": ["acme"], "fence": 1}
    raised = {"target_tag": "staging-7f25373", "confirm": True, "dry_run": True, "fence": 2}

    plane.redeploy(body, actor="older", verdict=PASS)
    plane.redeploy(raised, actor="newer", verdict=PASS)
    setting.scheduler.run()

    assert setting.world.serving()["acme"] == served
    refused = setting.world.log.of_kind(Kind.LANDING_REFUSED)
    assert [one.subject for one in refused] == (["acme"] if kind is FenceKind.LANDING else [])


def test_control_plane_without_a_fence_ignores_the_field() -> None:
    """It neither refuses, nor remembers, nor says `fenced`."""
    setting = Setting.make()
    setting.world.control_plane.fence_kind = FenceKind.NONE
    ask(setting, dry_run=True, fence=7)

    answer = ask(setting, only_slugs=["acme"], fence=1)

    assert "fenced" not in answer
    assert setting.world.control_plane.fence_seen == {}


def test_late_effect_is_answered_as_done_and_lands_afterwards() -> None:
    """The row says Success; the inspection does not lie."""
    setting = Setting.make()
    setting.fault(FaultKind.LATE, operation="redeploy", late_s=30.0)

    answer = ask(setting, only_slugs=["acme"])

    row = rows(answer)["acme"]
    assert (row["ssm_status"], row["verified_on_target"]) == ("Success", False)
    (landed,) = setting.world.log.of_kind(Kind.LANDED)
    assert landed.at_s == 32.0


def test_staggered_batch_lands_tenant_by_tenant_in_the_given_order() -> None:
    """One request, several instants; the answer waits for the last."""
    setting = Setting.make()
    setting.fault(FaultKind.STAGGERED, gap_s=5.0, order=("initech", "acme"))

    answer = ask(setting, only_slugs=ALL)

    landed = [(one.subject, one.at_s) for one in setting.world.log.of_kind(Kind.LANDED)]
    assert landed == [("initech", 2.0), ("acme", 7.0), ("globex", 12.0)]
    assert answer["ok"] is True


def test_no_effect_is_answered_as_success_and_changes_nothing() -> None:
    """As when `compose up` was a no-op on a cached tag: ok, and not verified on target."""
    setting = Setting.make()
    setting.fault(FaultKind.NO_EFFECT, operation="redeploy")

    answer = ask(setting, only_slugs=["acme"])

    row = rows(answer)["acme"]
    assert (answer["ok"], row["ssm_status"], row["verified_on_target"]) == (True, "Success", False)
    assert setting.world.serving()["acme"] == BASE


def test_request_that_lands_twice_undoes_what_came_between() -> None:
    """A duplicate in flight lands over a newer release, where nothing is fenced."""
    setting = Setting.make()
    plane, world = setting.world.control_plane, setting.world
    twice = world.faults.add(FaultRule(kind=FaultKind.TWICE, operation="redeploy", late_s=50.0))
    body = {"confirm": True, "only_slugs": ["acme"]}

    verdict = world.faults.judge(CALL)[0]
    plane.redeploy({**body, "target_tag": "staging-7a72516"}, actor="older", verdict=verdict)
    world.faults.remove(twice)
    setting.scheduler.run(until_s=10.0)
    plane.redeploy({**body, "target_tag": "staging-7f25373"}, actor="newer", verdict=PASS)
    setting.scheduler.run()

    landed = [(one.after, one.at_s) for one in world.log.of_kind(Kind.LANDED)]
    assert landed == [(OLDER, 2.0), (NEWER, 12.0), (OLDER, 52.0)]


@pytest.mark.parametrize(("row", "shown"), [("TimedOut", "TimedOut"), ("absent", None)])
def test_one_tenants_row_may_tell_less_than_what_happened(row: str, shown: str | None) -> None:
    """A command that timed out, or a tenant that erred in silence, may have landed all the same."""
    setting = Setting.make()
    setting.fault(FaultKind.DELAY, operation="landing", subject="globex", row=row)

    answer = ask(setting, only_slugs=ALL)

    found = rows(answer).get("globex")
    assert (found["ssm_status"] if found else None) == shown
    assert setting.world.serving()["globex"] == NEWER


def test_wedged_tenant_is_reported_a_success() -> None:
    """Only the edge shows that it is not."""
    setting = Setting.make()
    setting.world.set_health("acme", Health.WEDGED)

    answer = ask(setting, only_slugs=["acme"])

    assert answer["ok"] is True
    assert rows(answer)["acme"]["verified_on_target"] is True
    assert setting.world.serving()["acme"] == BASE
