"""What no sequence of transitions may do, whatever jobs come in whatever order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from release.core.ledger import PAST_MAX, Effect, Phase, PinKind, Record
from release.core.ledger_json import dumps, loads
from release.core.rollback import RollbackOrder, accept_rewrite, roll_back
from release.core.transitions import (
    acknowledge,
    add_waited,
    carry_waited,
    claim,
    drop_waited_out,
    enter,
    finish,
    lift_pin,
    open_intent,
    queue,
    raise_mark,
    release_hold,
    repair,
    set_epoch,
    set_pin,
    stamp,
    steal,
)
from release.core.values import JobId
from tests.support.records import AT, denial, intent, job, past, pin, record, release, sha


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One transition by one job, with the numbers of the intents that it names."""

    name: str
    job: JobId
    change: Callable[[Record], Record]
    numbers: frozenset[int] = frozenset()


RAISES_EPOCH = frozenset({"claim", "repair", "roll_back", "set_epoch", "steal"})
MOVES_MARK = frozenset({"accept_rewrite", "claim", "raise_mark", "roll_back"})
LETS_GO = frozenset({"claim", "finish", "release_hold", "repair", "roll_back", "steal"})
ENDS = frozenset({"accept_rewrite", "finish", "lift_pin", "repair", "set_pin", "steal"})
ROLLBACK = RollbackOrder(reason="loses data", by="ada")


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Any legal transition by one of three jobs, with one of three releases."""
    run, letter = draw(st.sampled_from("123")), draw(st.sampled_from("abc"))
    who, what, number = job(run), release(letter), draw(st.integers(1, 3))
    waited_s = draw(st.sampled_from([0.0, 20.0, 299.0, 300.0]))
    answered = draw(st.frozensets(st.integers(1, 3)))
    changes: dict[str, Callable[[Record], Record]] = {
        "stamp": lambda found: stamp(found, who, number),
        "claim": lambda found: claim(found, job=who, release=what, lease_s=60.0),
        "enter": lambda found: enter(found, Phase.SOAKING) if found.holder else found,
        "open_intent": lambda found: open_intent(found, intent(number, run, bound_s=300.0)),
        "acknowledge": lambda found: acknowledge(found, who, answered),
        "add_waited": lambda found: add_waited(found, waited_s),
        "carry_waited": lambda found: carry_waited(found, add_waited(START, waited_s)),
        "drop_waited_out": drop_waited_out,
        "raise_mark": lambda found: raise_mark(found, what.sha),
        "queue": lambda found: queue(found, job=who, release=what, lease_s=60.0),
        "release_hold": lambda found: release_hold(found, who),
        "finish": lambda found: finish(found, past(run, letter)),
        "lift_pin": lambda found: lift_pin(
            found, fixed_in=what.sha if number > 1 else None, past=past(run, letter)
        ),
        "accept_rewrite": lambda found: accept_rewrite(found, sha=what.sha, past=past(run)),
        "roll_back": lambda found: roll_back(
            found, job=who, release=what, lease_s=60.0, order=ROLLBACK, orders={}, at=AT
        ),
        "repair": lambda found: repair(
            found,
            epoch=found.epoch + number,
            forgotten=replace(intent(0, run), effect=Effect.UNKNOWN),
            past=past(run, letter),
        ),
        "set_pin": lambda found: set_pin(found, pin(), past(run, letter)),
        "set_epoch": lambda found: set_epoch(found, found.epoch + number),
        "steal": lambda found: steal(found, pin(PinKind.UNLOCK), past(run, letter)),
    }
    name = draw(st.sampled_from(sorted(changes)))
    return Step(name=name, job=who, change=changes[name], numbers=answered)


START = record(
    mark=sha("a"),
    intents=(intent(1, "1"), intent(9, "9")),
    denied=(denial("a", "b"),),
    past=tuple(past(str(number)) for number in range(PAST_MAX - 2)),
)


def play(taken: list[Step], start: Record = START) -> Iterator[tuple[Step, Record, Record]]:
    """Each step with the record before and after it."""
    found = start
    for step in taken:
        after = step.change(found)
        yield step, found, after
        found = after


sequences = given(st.lists(steps(), max_size=20))
quickly = settings(deadline=None, max_examples=40)


@quickly
@sequences
def test_epoch_never_decreases(taken: list[Step]) -> None:
    """A claim, a rollback, a theft and a set-back ledger raise it; nothing else moves it."""
    for step, before, after in play(taken):
        assert (after.epoch > before.epoch) is (step.name in RAISES_EPOCH)
        assert after.epoch >= before.epoch


@quickly
@sequences
def test_intents_vanish_by_their_own_jobs_word_or_by_waiting_alone(taken: list[Step]) -> None:
    """Acknowledged by the job that wrote it, or waited out; a repair renews what is unknown."""
    for step, before, after in play(taken):
        left = {(one.job, one.number) for one in after.intents}
        for gone in before.intents:
            if (gone.job, gone.number) in left:
                continue
            was_answered = step.name == "acknowledge" and gone.job == step.job
            was_waited_out = step.name == "drop_waited_out" and gone.remaining_s == 0
            was_renewed = step.name == "repair" and gone.effect is Effect.UNKNOWN
            assert not was_renewed or gone.remaining_s <= after.intents[-1].remaining_s
            was_acknowledged = was_answered and gone.number in step.numbers
            assert was_acknowledged or was_waited_out or was_renewed, step.name


@quickly
@sequences
def test_intents_never_wait_longer_than_was_written(taken: list[Step]) -> None:
    """A bound does not change, and what was waited is never taken back."""
    for step, before, after in play(taken):
        if step.name in {"acknowledge", "drop_waited_out", "open_intent", "repair"}:
            continue
        assert [one.bound_s for one in before.intents] == [one.bound_s for one in after.intents]
        pairs = zip(before.intents, after.intents, strict=True)
        assert all(new.waited_s >= old.waited_s for old, new in pairs)


@quickly
@sequences
def test_mark_moves_by_claim_rollback_sighting_or_accepted_rewrite_alone(
    taken: list[Step],
) -> None:
    """Finishing, stealing, queueing and letting go never lose the mark."""
    for step, before, after in play(taken):
        assert after.mark == before.mark or step.name in MOVES_MARK
        assert after.mark is not None


@quickly
@sequences
def test_nobody_lets_another_job_go(taken: list[Step]) -> None:
    """A holder leaves the record by its own word, by a claim, a rollback or a theft."""
    for step, before, after in play(taken):
        lost = before.holder is not None and (
            after.holder is None or after.holder.job != before.holder.job
        )
        if lost:
            assert step.name in LETS_GO
        if lost and step.name in {"finish", "release_hold"}:
            assert before.holder is not None
            assert before.holder.job == step.job


@quickly
@sequences
def test_deny_list_pin_and_past_are_not_lost_in_passing(taken: list[Step]) -> None:
    """Only `resume` lifts a pin, only a rollback lifts a denial, and the past is bounded."""
    for step, before, after in play(taken):
        assert len(after.denied) == len(before.denied) or step.name == "roll_back"
        assert (after.pin is not None) or before.pin is None or step.name == "lift_pin"
        assert len(after.past) <= PAST_MAX
        assert after.past[-1:] == before.past[-1:] or step.name in ENDS
        assert after.environment == before.environment


@settings(deadline=None, max_examples=20)
@sequences
def test_record_can_always_be_written_and_read_back(taken: list[Step]) -> None:
    """Whatever jobs do, the next one finds a record that it understands."""
    played = [after for _, _, after in play(taken, start=record())]

    assert played[-1:] == [loads(dumps(last)) for last in played[-1:]]
