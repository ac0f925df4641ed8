"""What holds automatic deploys back: a pin that a person sets, and the hours of the week."""

from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from release.core.freeze import FreezeWindow
from release.core.ledger import PinKind
from release.errors import Invalid, Refused
from release.stages import hand
from simulator.clock import EPOCH
from simulator.direct import JobSetup
from tests.support.configurations import LEAST, load
from tests.support.stage import Stage

BERLIN = ZoneInfo("Europe/Berlin")


def pin(stage: Stage, reason: str = "the fair", until: datetime | None = None) -> None:
    """Ada pins the environment."""
    stage.act("ada", partial(hand.pin, reason=reason, by="ada", until=until))
    stage.run(until_s=stage.now_s + 1)


def test_automatic_deploy_is_held_while_a_pin_stands_and_goes_on_after_resume() -> None:
    """A pin denies nothing: the very release that was held is deployed after it."""
    stage = Stage(soak_s=0)
    stage.push("newer")
    pin(stage)

    stage.start("during", "newer")
    stage.run()
    stage.act("bob", partial(hand.resume, fixed_in=None, by="bob"))
    stage.run()
    stage.start("after", "newer")
    stage.run()

    assert ["held", "deployed"] == [stage.word("during"), stage.word("after")]
    assert "pinned by ada (pin): the fair" == stage.reason("during")
    assert () == stage.record.denied
    stage.assert_serving("newer")


def test_pin_shows_in_the_history_with_who_set_and_who_lifted_it() -> None:
    """The record remembers both as it does outcomes."""
    stage = Stage()

    pin(stage)
    stage.act("bob", partial(hand.resume, fixed_in=None, by="bob"))
    stage.run()

    told = [(past.word, past.reason) for past in stage.record.past]
    assert ("pinned", "ada, until `resume`: the fair") == told[0]
    assert ("resumed", "bob") == told[1]


def test_pin_ends_at_its_instant() -> None:
    """Until then deploys are held, from then on they are not; nobody has to lift it."""
    stage = Stage(soak_s=0)
    stage.push("newer")
    pin(stage, until=EPOCH + timedelta(seconds=100))

    stage.start("before", "newer", at_s=99.9)
    stage.start("behind", "newer", at_s=100)
    stage.run()

    assert ["held", "deployed"] == [stage.word("before"), stage.word("behind")]
    assert "pinned by ada until 2026-01-01 00:01 UTC" in stage.reason("before")


def test_offset_of_an_instant_counts() -> None:
    """18:00 at +01:00 is 17:00 UTC."""
    stage = Stage()
    evening = datetime(2026, 1, 1, 18, 0, tzinfo=timezone(timedelta(hours=1)))

    pin(stage, until=evening)

    assert "automatic deploys are held until 2026-01-01 17:00 UTC" == stage.said("ada")
    assert stage.record.pin is not None
    assert evening == stage.record.pin.until


@pytest.mark.parametrize("ago_s", [0, 1])
def test_pin_until_an_instant_that_has_passed_is_refused(ago_s: float) -> None:
    """It would hold nothing, and whoever set it would not know."""
    stage = Stage()

    pin(stage, until=EPOCH - timedelta(seconds=ago_s))

    with pytest.raises(Invalid, match="has passed already"):
        stage.said("ada")
    assert stage.record.pin is None


def test_running_deploy_goes_no_further_than_its_step() -> None:
    """A pin after the first effect ends the job stopped; tenants it has not reached stay."""
    stage = Stage()
    stage.push("newer")
    stage.start("ship newer", "newer")
    stage.run(until_s=30)

    pin(stage)
    stage.run()

    assert "goes no further than its step" in stage.said("ada")
    assert "stopped" == stage.word("ship newer")
    assert {"t1": "newer", "t2": "base", "t3": "base", "app:latest": "base"} == stage.serving()


def test_pin_takes_the_place_of_an_earlier_pin() -> None:
    """A person may shorten or lengthen what a person set."""
    stage = Stage()
    pin(stage, "first")

    pin(stage, "second", EPOCH + timedelta(days=1))

    assert stage.record.pin is not None
    assert "second" == stage.record.pin.reason


@pytest.mark.parametrize("kind", [PinKind.ROLLBACK, PinKind.UNLOCK])
def test_pin_never_takes_the_place_of_one_that_must_not_lapse(kind: PinKind) -> None:
    """With `--until` it would let the bad release out again, with nobody asked for a fix."""
    stage = Stage()
    stage.pin("checkout is broken", kind=kind)

    pin(stage, until=EPOCH + timedelta(seconds=100))

    with pytest.raises(Refused, match="a pin stands already"):
        stage.said("ada")
    assert stage.record.pin is not None
    assert ("checkout is broken", kind) == (stage.record.pin.reason, stage.record.pin.kind)


def freezes(days: str, start: str, end: str) -> tuple[FreezeWindow, ...]:
    """The windows of a configuration with one of them, local time in Berlin."""
    window = f"""
        [[freeze]]
        days = [{days}]
        start = "{start}"
        end = "{end}"
        time_zone = "Europe/Berlin"
        reason = "nobody is here"
    """
    return load(LEAST + window).freezes


def word_at(local: str, windows: tuple[FreezeWindow, ...]) -> str:
    """How a deploy ends that begins when the clocks of Berlin show this, and takes no time."""
    at = datetime.fromisoformat(local).replace(tzinfo=BERLIN).astimezone(UTC)
    stage = Stage(soak_s=0, confirmations=1)
    stage.push("newer")
    stage.start("deploy", "newer", freezes=windows, setup=JobSetup(epoch=at))
    stage.run()
    return stage.word("deploy")


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-03-27 15:59:00", "deployed"),
        ("2026-03-27 16:00:00", "held"),
        ("2026-03-27 17:59:59.999", "held"),
        ("2026-03-27 18:00:00", "deployed"),
        ("2026-03-28 17:00:00", "deployed"),
    ],
)
def test_configured_window_holds_deploys_from_its_start_up_to_its_end(
    local: str, expected: str
) -> None:
    """From the text of the configuration to the outcome: Friday afternoon, and no other."""
    assert expected == word_at(local, freezes('"fri"', "16:00", "18:00"))


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-03-27 21:59:00", "deployed"),
        ("2026-03-27 22:00:00", "held"),
        ("2026-03-28 00:00:00", "held"),
        ("2026-03-28 05:59:59", "held"),
        ("2026-03-28 06:00:00", "deployed"),
        ("2026-03-27 05:00:00", "deployed"),
    ],
)
def test_configured_window_over_midnight_ends_on_the_next_day(local: str, expected: str) -> None:
    """The night that begins on Friday is frozen, also behind midnight; the one before is not."""
    assert expected == word_at(local, freezes('"fri"', "22:00", "06:00"))


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-03-28 22:00:00", "held"),
        ("2026-03-29 01:59:59", "held"),
        ("2026-03-29 03:00:00", "held"),
        ("2026-03-29 05:59:59", "held"),
        ("2026-03-29 06:00:00", "deployed"),
        ("2026-10-25 05:59:59", "held"),
        ("2026-10-25 06:00:00", "deployed"),
    ],
)
def test_configured_window_follows_the_clocks_of_its_place_over_their_change(
    local: str, expected: str
) -> None:
    """Saturday 22:00 to 06:00 takes seven hours when summer time begins, and nine when it ends."""
    assert expected == word_at(local, freezes('"sat"', "22:00", "06:00"))


def test_window_that_opens_under_a_running_deploy_stops_it_before_its_next_effect() -> None:
    """What has been rolled stays; a later deploy, or `converge-check --repair`, completes it."""
    stage = Stage()
    stage.push("newer")
    opens = datetime(2026, 3, 27, 15, 59, 30, tzinfo=BERLIN).astimezone(UTC)
    frozen = freezes('"fri"', "16:00", "18:00")

    stage.start("deploy", "newer", freezes=frozen, setup=JobSetup(epoch=opens))
    stage.run()

    assert "stopped" == stage.word("deploy")
    assert "a freeze window is open: nobody is here" == stage.reason("deploy")
    assert {"t1": "newer", "t2": "base", "t3": "base", "app:latest": "base"} == stage.serving()


def test_window_does_not_hold_a_person() -> None:
    """By hand, whoever is there decides."""
    stage = Stage(soak_s=0, confirmations=1)
    stage.push("newer")
    frozen = freezes('"fri"', "16:00", "18:00")
    at = datetime(2026, 3, 27, 17, 0, tzinfo=BERLIN).astimezone(UTC)

    stage.start("by hand", "newer", freezes=frozen, is_by_hand=True, setup=JobSetup(epoch=at))
    stage.run()

    assert "deployed" == stage.word("by hand")
