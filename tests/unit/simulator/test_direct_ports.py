"""The direct ports: what a job sees of each fault, in the words of `release.errors`."""

import asyncio

import pytest

from release.core.order import Order
from release.core.sighting import ChecksState, Fencing, RowState
from release.core.values import Digest, Pointer, Sha
from release.errors import FenceRefused, OutcomeUnknown, Refused, Unavailable
from release.ports import Event
from simulator.control_plane import FenceKind
from simulator.direct import JobSetup, Told, direct_ports
from simulator.faults import FaultKind
from simulator.happenings import Kind
from simulator.tenants import Health
from tests.support.virtual import BASE, NEWER, OLDER, Setting

POINTER = Pointer(repository="acme/app", tag="latest")


def redeploy(
    setting: Setting, *slugs: str, sha: str = NEWER, epoch: int = 1
) -> dict[str, RowState]:
    """Redeploys as a job does; the states of the rows by tenant."""
    fleet = setting.ports().fleet
    tenants = setting.tenants(*slugs)
    answer = setting.run(
        fleet.redeploy(setting.release(sha), tenants, epoch=epoch, phase="batch-1")
    )
    return {row.tenant.slug: row.state for row in answer.rows}


def digest(setting: Setting, sha: str) -> Digest:
    """The image of a release."""
    found = setting.run(setting.ports().registry.resolve("acme/app", setting.release(sha).tag))
    assert found is not None
    return found


def test_job_without_faults_reads_and_moves_the_world() -> None:
    """Head, CI, order, candidates, rows, edges and pointer are the world's."""
    setting = Setting.make()
    ports = setting.ports()

    assert setting.run(ports.forge.head()) == Sha(NEWER)
    assert setting.run(ports.forge.checks(Sha(NEWER))).state is ChecksState.GREEN
    assert setting.run(ports.forge.compare(Sha(OLDER), Sha(NEWER))) is Order.OLDER
    listed = setting.run(ports.fleet.candidates(setting.release(NEWER), epoch=1))
    assert (listed.tenants, listed.fencing) == (setting.tenants(), Fencing.LANDING)
    assert redeploy(setting, "acme") == {"acme": RowState.DONE}
    seen = setting.run(ports.edge.observe(setting.tenants()))
    assert [str(one.sha) for one in seen] == [NEWER, BASE, BASE]
    setting.run(ports.registry.point(POINTER, digest(setting, NEWER)))
    assert setting.world.pointer() == NEWER
    assert setting.run(ports.registry.revision("acme/app", digest(setting, NEWER))) == Sha(NEWER)


def test_read_survives_a_transient_fault_by_trying_again() -> None:
    """Three refusals cost three delays and no more."""
    setting = Setting.make()
    setting.fault(FaultKind.REFUSE, operation="head", status=503, times=3)

    head = setting.run(setting.ports().forge.head())

    assert (head, setting.scheduler.now_s) == (Sha(NEWER), 3.5)


@pytest.mark.parametrize("kind", [FaultKind.CUT_BEFORE, FaultKind.LOSE_ANSWER])
def test_read_that_never_succeeds_is_unavailable(kind: FaultKind) -> None:
    """Bounded retry, then an error that says that nothing is known."""
    setting = Setting.make()
    setting.fault(kind, operation="head")

    with pytest.raises(Unavailable, match="cut"):
        setting.run(setting.ports().forge.head())


def test_expired_token_is_refused_without_retry() -> None:
    """A 401 is an answer."""
    setting = Setting.make()
    setting.fault(FaultKind.EXPIRED_TOKEN, service="forge", times=1)

    with pytest.raises(Refused, match="401"):
        setting.run(setting.ports().forge.head())


def test_stale_read_answers_the_state_of_a_while_ago() -> None:
    """Branch, tenant and tag are as they were, for whom the rule is about."""
    setting = Setting.make()
    redeploy(setting, "acme")
    setting.scheduler.run(until_s=50.0)
    setting.world.release("c" * 40)
    setting.fault(FaultKind.STALE, actor="job", stale_s=49.0)

    head = setting.run(setting.ports().forge.head())
    seen = setting.run(setting.ports().edge.observe(setting.tenants("acme")))

    assert (head, seen[0].sha) == (Sha(NEWER), Sha(BASE))
    assert setting.run(setting.ports("other").forge.head()) == Sha("c" * 40)


def test_order_that_cannot_be_read_is_unknown() -> None:
    """Comparing never raises."""
    setting = Setting.make()
    setting.fault(FaultKind.REFUSE, operation="compare", status=500)

    order = setting.run(setting.ports().forge.compare(Sha(OLDER), Sha(NEWER)))

    assert order is Order.UNKNOWN


def test_deleted_switch_is_refused_not_taken_for_on() -> None:
    """A switch that was there once and is gone can't be read."""
    setting = Setting.make()
    assert setting.run(setting.ports().forge.is_enabled())
    setting.world.forge.set_variable("DEPLOY_ENABLED", "off")
    assert not setting.run(setting.ports().forge.is_enabled())
    setting.world.forge.set_variable("DEPLOY_ENABLED", None)

    with pytest.raises(Refused):
        setting.run(setting.ports().forge.is_enabled())


@pytest.mark.parametrize(
    ("fault", "served"),
    [
        ({"kind": FaultKind.CUT_BEFORE}, BASE),
        ({"kind": FaultKind.LOSE_ANSWER}, NEWER),
        ({"kind": FaultKind.LOSE_ANSWER, "status": 502}, NEWER),
        ({"kind": FaultKind.REFUSE, "status": 503}, BASE),
        ({"kind": FaultKind.DELAY, "after_s": 1000.0}, NEWER),
        ({"kind": FaultKind.DELAY, "before_s": 1000.0}, NEWER),
    ],
)
def test_effect_without_an_answer_is_unknown_whatever_became_of_it(
    fault: dict[str, object], served: str
) -> None:
    """Cut, 5xx and silence look alike to the job; it is sent once."""
    setting = Setting.make()
    setting.fault(operation="redeploy", **fault)  # type: ignore[arg-type]  # the fields of a rule

    with pytest.raises(OutcomeUnknown):
        redeploy(setting, "acme")

    assert setting.world.serving()["acme"] == served
    assert len(setting.world.log.of_kind(Kind.ACCEPTED)) == (served == NEWER)


def test_request_outlives_the_patience_of_its_job() -> None:
    """A request that arrives late lands although nobody waits for it any more."""
    setting = Setting.make()
    setting.fault(FaultKind.DELAY, operation="redeploy", before_s=200.0)

    with pytest.raises(OutcomeUnknown):
        redeploy(setting, "acme")

    (landed,) = setting.world.log.of_kind(Kind.LANDED)
    assert landed.at_s == 202.0


@pytest.mark.parametrize("end", ["cancel", "kill"])
def test_request_outlives_its_job(end: str) -> None:
    """Neither SIGTERM nor SIGKILL of a job takes back what it has sent."""
    setting = Setting.make()
    call = setting.ports().fleet.redeploy(
        setting.release(NEWER), setting.tenants("acme"), epoch=1, phase="canary"
    )
    job = setting.scheduler.spawn("job", call)
    setting.scheduler.call_at(1.0, job.cancel if end == "cancel" else job.kill)

    setting.scheduler.run()

    assert isinstance(job.error, asyncio.CancelledError) or job.is_killed
    assert (job.ended_at_s, setting.world.serving()["acme"]) == (1.0, NEWER)


def test_too_many_requests_is_unavailable_for_an_effect() -> None:
    """A 429 says that nothing was taken."""
    setting = Setting.make()
    setting.fault(FaultKind.REFUSE, operation="redeploy", status=429)

    with pytest.raises(Unavailable):
        redeploy(setting, "acme")


def test_lower_epoch_is_refused_by_the_fence() -> None:
    """A fence that has seen more names what it has seen."""
    setting = Setting.make()
    redeploy(setting, "acme", epoch=5)

    with pytest.raises(FenceRefused, match="epoch 5"):
        redeploy(setting, "acme", sha=OLDER, epoch=4)


def test_rows_say_what_is_final_and_what_is_not() -> None:
    """Missing, timed out, failed and done are told apart."""
    setting = Setting.make()
    setting.fault(FaultKind.DELAY, operation="landing", subject="acme", row="absent")
    setting.fault(FaultKind.NO_EFFECT, operation="landing", subject="globex")

    states = redeploy(setting)

    assert states == {
        "acme": RowState.UNANSWERED,
        "globex": RowState.FAILED,
        "initech": RowState.DONE,
    }


@pytest.mark.parametrize(
    ("kind", "fencing"),
    [
        (FenceKind.LANDING, Fencing.LANDING),
        (FenceKind.DOOR, Fencing.DOOR),
        (FenceKind.NONE, Fencing.NONE),
    ],
)
def test_control_plane_says_where_it_compares(kind: FenceKind, fencing: Fencing) -> None:
    """The kind of fence is part of the answer."""
    setting = Setting.make()
    setting.world.control_plane.fence_kind = kind

    listed = setting.run(setting.ports().fleet.candidates(setting.release(NEWER), epoch=None))

    assert listed.fencing is fencing


def test_fleet_without_tenants_is_refused() -> None:
    """No candidates at all is not success."""
    setting = Setting.make()
    setting.world.fleet.tenants.clear()

    with pytest.raises(Refused, match="no tenant"):
        setting.run(setting.ports().fleet.candidates(setting.release(NEWER), epoch=1))


@pytest.mark.parametrize(
    ("health", "reason", "is_reachable"),
    [
        (Health.HTML, "HTTP 404, text/html", True),
        (Health.DEV, "answers 'dev'", True),
        (Health.SLOW, "no answer within 10.0 s", False),
        (Health.GONE, "connection refused", False),
    ],
)
def test_observation_of_an_ill_tenant_says_why_it_names_no_release(
    health: Health, reason: str, *, is_reachable: bool
) -> None:
    """Observing raises nothing, and the others are read all the same."""
    setting = Setting.make()
    setting.world.set_health("globex", health, delay_s=60.0)

    acme, globex, _ = setting.run(setting.ports().edge.observe(setting.tenants()))

    assert acme.sha == Sha(BASE)
    assert (globex.sha, globex.reason, globex.is_reachable) == (None, reason, is_reachable)


def test_edge_faults_make_a_tenant_unreachable_or_give_its_status() -> None:
    """A cut is no answer, a refusal is one."""
    setting = Setting.make()
    setting.fault(FaultKind.CUT_BEFORE, service="edge", subject="acme")
    setting.fault(FaultKind.REFUSE, service="edge", subject="globex", status=502)

    acme, globex, _ = setting.run(setting.ports().edge.observe(setting.tenants()))

    assert (acme.reason, acme.is_reachable) == ("the connection was cut", False)
    assert (globex.reason, globex.is_reachable) == ("HTTP 502", True)


@pytest.mark.parametrize(
    ("fault", "pointed"),
    [
        ({"kind": FaultKind.NO_EFFECT}, BASE),
        ({"kind": FaultKind.LATE, "late_s": 20.0}, NEWER),
        ({"kind": FaultKind.TWICE, "late_s": 20.0}, NEWER),
    ],
)
def test_pointer_move_may_be_answered_and_not_be_there(
    fault: dict[str, object], pointed: str
) -> None:
    """Which is why a pointer is read back; what is late lands in the end."""
    setting = Setting.make()
    setting.fault(operation="point", **fault)  # type: ignore[arg-type]  # the fields of a rule

    setting.run(setting.ports().registry.point(POINTER, digest(setting, NEWER)))

    assert setting.world.pointer() == pointed


def test_pointer_to_an_absent_manifest_is_refused() -> None:
    """Only a manifest that is there can be pointed at."""
    setting = Setting.make()

    with pytest.raises(Refused):
        setting.run(setting.ports().registry.point(POINTER, Digest("sha256:" + "0" * 64)))


def test_journal_keeps_events_with_their_instants_and_drops_last_words() -> None:
    """A killed job tells nothing any more."""
    setting = Setting.make()
    told: list[Told] = []
    ports = direct_ports(
        setting.world,
        setting.scheduler,
        actor="older",
        ledger=setting.ledger,
        setup=JobSetup(told=told),
    )

    async def work() -> None:
        await ports.clock.sleep(3.0)
        ports.journal.tell(Event(kind="step", text="begins"))
        try:
            await ports.clock.sleep(100.0)
        finally:
            ports.journal.tell(Event(kind="step", text="cleans up"))

    job = setting.scheduler.spawn("older", work())
    setting.scheduler.call_at(9.0, job.kill)
    setting.scheduler.run()

    assert [(one.at_s, one.actor, one.event.text) for one in told] == [(3.0, "older", "begins")]


def test_wall_clock_of_a_job_may_be_off_while_its_durations_are_not() -> None:
    """Clock skew moves the wall time of one job alone."""
    setting = Setting.make()
    setup = JobSetup(clock_offset_s=90.0)
    skewed = direct_ports(
        setting.world, setting.scheduler, actor="x", ledger=setting.ledger, setup=setup
    )

    async def read() -> tuple[float, float]:
        true, off = await setting.ports().clock.utc_now(), await skewed.clock.utc_now()
        return (off - true).total_seconds(), await skewed.clock.now_s()

    assert setting.run(read()) == (90.0, 0.0)
