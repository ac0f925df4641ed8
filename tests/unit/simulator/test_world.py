"""The world as a whole: what is found, logged and shown, and who may hold a call."""

import json
from dataclasses import dataclass, field

from release.core.values import Sha
from simulator.cells import Cell
from simulator.choices import Choices
from simulator.faults import Call, FaultKind
from simulator.happenings import Happening, Kind
from simulator.tenants import Lag
from simulator.wire import Phase
from simulator.world import Layout, World
from tests.support.virtual import BASE, NEWER, OLDER, Setting


@dataclass
class HoldUntilServed:
    """Holds the newer job's redeploy until a tenant serves the older release."""

    world: World
    seen: list[tuple[str, Phase]] = field(default_factory=list)

    async def hold(self, call: Call, phase: Phase) -> None:
        """Waits by the world's clock, as a script does."""
        self.seen.append((call.operation, phase))
        if call.actor == "newer" and phase is Phase.REQUEST:
            await self.world.clock.wait_until(lambda: self.world.serving()["acme"] == OLDER, None)


def test_script_forces_the_order_of_two_jobs() -> None:
    """A held request goes on at the very instant at which its condition comes true."""
    setting = Setting.make()
    setting.world.script = HoldUntilServed(setting.world)

    for actor, sha in (("newer", NEWER), ("older", OLDER)):
        fleet = setting.ports(actor).fleet
        call = fleet.redeploy(
            setting.release(sha), setting.tenants("acme"), epoch=1, phase="canary"
        )
        setting.scheduler.spawn(actor, call, at_s=0.0 if actor == "newer" else 30.0)
    setting.scheduler.run()

    landed = [(one.actor, one.at_s) for one in setting.world.log.of_kind(Kind.LANDED)]
    assert landed == [("older", 32.0), ("newer", 34.0)]


def test_script_sees_every_call_before_the_act_and_before_the_answer() -> None:
    """Twice for each call, refused ones too."""
    setting = Setting.make()
    script = HoldUntilServed(setting.world)
    setting.world.script = script
    setting.fault(FaultKind.EXPIRED_TOKEN, operation="resolve")

    async def read() -> None:
        await setting.ports().forge.head()
        try:
            await setting.ports().forge.resolve("main")
        finally:
            await setting.ports().forge.head()

    job = setting.scheduler.spawn("job", read())
    setting.scheduler.run()

    assert job.error is not None
    names = ("head", "resolve", "head")
    assert script.seen == [(name, phase) for name in names for phase in Phase]


def test_snapshot_is_json_and_shows_everything() -> None:
    """One value tells tenants, pointers, fence, faults, head and ledger."""
    setting = Setting.make(lag=Lag.fixed(60.0))
    setting.fault(FaultKind.CUT_BEFORE, actor="nobody")
    fleet = setting.ports().fleet
    call = fleet.redeploy(setting.release(NEWER), setting.tenants("acme"), epoch=4, phase="canary")
    setting.scheduler.spawn("job", call)
    setting.scheduler.run(until_s=10.0)

    shown = json.loads(json.dumps(setting.world.snapshot()))

    assert shown["head"] == NEWER
    acme = shown["tenants"]["acme"]
    assert (acme["serving"], acme["running"], acme["drained_in_s"]) == (BASE, NEWER, 52.0)
    assert shown["pointers"]["acme/app"]["sha"] == BASE
    assert shown["fence"] == {"kind": "landing", "seen": {"production": 4}}
    assert [rule["kind"] for rule in shown["faults"]] == ["cut_before"]
    assert (shown["at_s"], shown["in_flight"], shown["ledger"]) == (10.0, 0, None)


def test_listener_hears_what_happens_until_it_unsubscribes() -> None:
    """Each happening is handed on at once, numbered without gaps."""
    setting = Setting.make()
    heard: list[Happening] = []
    unsubscribe = setting.world.log.subscribe(heard.append)

    setting.world.forge.set_variable("DEPLOY_ENABLED", "off")
    unsubscribe()
    setting.world.forge.set_variable("DEPLOY_ENABLED", "on")

    assert [(one.kind, one.after) for one in heard] == [(Kind.SWITCHED, "off")]
    indexes = [one.index for one in setting.world.log.happenings]
    assert indexes == list(range(len(indexes)))


def test_fault_that_acts_is_in_the_log() -> None:
    """A timeline can tell what went wrong by itself from what was made to."""
    setting = Setting.make()
    setting.fault(FaultKind.REFUSE, operation="head", status=502, times=1)

    setting.run(setting.ports("older").forge.head())

    (fault,) = setting.world.log.of_kind(Kind.FAULT)
    assert (fault.actor, fault.subject, fault.note) == ("older", "forge.head main", "refuse")


def test_ci_may_be_reported_later() -> None:
    """A commit is pending until its report comes."""
    setting = Setting.make()
    setting.world.release("c" * 40, ci_state="pending")
    setting.world.report_ci("c" * 40, "success", after_s=30.0)

    async def read() -> list[str]:
        ports = setting.ports()
        before = await ports.forge.checks(Sha("c" * 40))
        await ports.clock.sleep(30.0)
        return [str(before.state), str((await ports.forge.checks(Sha("c" * 40))).state)]

    assert setting.run(read()) == ["pending", "green"]


def test_each_repository_has_an_image_of_its_own() -> None:
    """One release, another digest in each repository, and the pointer in every one."""
    layout = Layout(repositories=("acme/app", "acme/worker"))
    setting = Setting.make(layout=layout)

    digests = setting.world.publish(NEWER)

    assert len(set(digests.values())) == 2
    assert [setting.world.pointer(one) for one in layout.repositories] == [BASE, BASE]


def test_cell_tells_what_it_was_at_any_instant() -> None:
    """A write counts from its own instant on."""
    cell = Cell("a")
    cell.write("b", 2.0)
    cell.write("c", 2.0)
    cell.write("d", 5.0)

    assert [cell.at(at_s) for at_s in (1.9, 2.0, 4.9, 5.0)] == ["a", "c", "c", "d"]
    assert cell.history == ((2.0, "b"), (2.0, "c"), (5.0, "d"))


def test_choices_repeat_for_the_same_seed_and_are_written_down() -> None:
    """Chance has one source, and it can be told afterwards."""

    def choose(seed: int) -> tuple[list[object], list[tuple[str, object]]]:
        choices = Choices(seed)
        chosen: list[object] = [
            choices.between("lag", 1.0, 2.0),
            choices.pick("tenant", ("a", "b", "c")),
            choices.token("id"),
            choices.between("fixed", 3.0, 3.0),
            choices.pick("only", ("x",)),
        ]
        return chosen, choices.made

    assert choose(7) == choose(7)
    assert choose(7) != choose(8)
    assert [what for what, _ in choose(7)[1]] == ["lag", "tenant", "id"]
