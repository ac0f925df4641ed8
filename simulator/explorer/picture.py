"""Draws a counterexample for people: a lane for each job, for requests under way, for what changed.

It fits 100 columns of plain ASCII, the token apart. This module must not judge what it draws.
"""

from pathlib import Path
from textwrap import wrap

from release.errors import Invalid
from simulator.explorer.replay import Replay, replay
from simulator.explorer.schedule import WORLD, Schedule
from simulator.explorer.timeline import Moment, Span, SpanEnd, Timeline, Write, timeline
from simulator.explorer.token import from_file_text, from_token, is_token, to_token
from simulator.explorer.wording import Wording
from simulator.explorer.worlds import JobState, World

__all__ = ["COLUMNS", "draw", "read_schedule", "replay_text"]

COLUMNS = 100
COMMAND = "invoke explore --replay"
_WORDS_MIN = 30
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PATH_MAX = 4096
_FILE_BYTES_MAX = 4 << 20


def replay_text(text_or_path: str) -> str:
    """Replays a token, or the file of that name, and draws what came of it.

    Raises Invalid for what is no schedule, and Diverged where this checkout goes another way.
    """
    schedule = read_schedule(text_or_path)
    return draw(schedule, replay(schedule))


def draw(schedule: Schedule, found: Replay) -> str:
    """The picture of a replay, what it shows, its token and the command that replays it."""
    told = timeline(found)
    parts = [_title(schedule, found), *_Lanes(told).lines(), "", *_verdict(told, schedule)]
    token = to_token(schedule)
    parts += ["", f"token   {token}", f"replay  {COMMAND} {token}"]
    return "\n".join(parts)


def read_schedule(text: str) -> Schedule:
    """The schedule of a token, or of the file of that name; raises Invalid for what is none."""
    if is_token(text):
        return from_token(text)
    path = Path(text)
    expected = "a token, such as hw1.ePk..., or the name of a file with a schedule"
    try:
        if len(text) > _PATH_MAX or path.stat().st_size > _FILE_BYTES_MAX:
            raise Invalid("too long for a schedule", on=text[:80], expected=expected)
        held = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as problem:
        seen = type(problem).__name__
        raise Invalid("can't be read", on=text[:80], seen=seen, expected=expected) from problem
    return from_file_text(held, text)


def _title(schedule: Schedule, found: Replay) -> str:
    jobs = ", ".join(f"{job.name} {job.kind} r{job.release}" for job in schedule.scope.jobs)
    scope = schedule.scope
    kinds = f", {'+'.join(sorted(scope.kinds))}" if scope.kinds else ""
    said = (
        f"guard {scope.guard}: {jobs}; {_many(scope.tenants, 'tenant')}, fence {scope.fence}{kinds}"
    )
    counts = (
        _many(len(found.turns), "event"),
        _many(found.preemptions, "preemption"),
        _many(found.faults, "fault"),
        _many(found.expiries, "expiry", "expiries"),
    )
    lines = wrap(f"{said}. {', '.join(counts)}.", COLUMNS)
    return "\n".join([*lines, ""])


class _Lanes:
    """The columns of a picture: number, time, jobs, requests, words, tenants, pointer, ledger."""

    def __init__(self, told: Timeline) -> None:
        self._told = told
        self._wording = Wording(told.replay)
        self._jobs = [job.name for job in told.replay.model.cast.jobs]
        used = {moment.turn.step.actor for moment in told.moments}
        self._shown = [at for at, name in enumerate(self._jobs) if name in used or name != "heal"]
        self._columns = _columns(told.spans)
        self._count = max(self._columns.values(), default=-1) + 1
        self._first = told.replay.model.first()
        worlds = [self._first, *[one.turn.after for one in told.moments]]
        self._tenants = max(len("tenants"), *[len(_tenants(one)) for one in worlds])
        self._ledger = max(len("ledger"), *[len(self._record(one)) for one in worlds])
        taken = len(self._left("", "", "", "")) + self._tenants + self._ledger + len("pointer") + 6
        self._words = max(_WORDS_MIN, COLUMNS - taken)

    def lines(self) -> list[str]:
        """The head, the world before anything, and each turn."""
        names = " ".join(self._jobs[at] for at in self._shown)
        spans = ("~" * self._count).ljust(self._count)
        head = self._left("#", "time s", names, spans) + "what happens".ljust(self._words)
        lines = [
            f"{head}  {'tenants'.ljust(self._tenants)}  pointer  ledger",
            self._line(self._left("", "", self._idle(), ""), "", self._state(None, self._first)),
        ]
        for at, moment in enumerate(self._told.moments):
            lines += self._moment(at, moment)
        return [line.rstrip() for line in [*lines, "", *self._legend()]]

    def _legend(self) -> list[str]:
        legend = "* acts  | runs  . not begun  $ over  x dead; ledger: epoch, holder, mark, intents"
        if self._count:
            legend += "; a : request a under way"
        return wrap(legend, COLUMNS)

    def _moment(self, at: int, moment: Moment) -> list[str]:
        turn = moment.turn
        said = wrap(self._wording.say(turn) + self._sent(at), self._words, subsequent_indent="  ")
        jobs = self._marks(turn.after, turn.step.actor, ended=turn.outcome is not None)
        left = self._left(str(moment.number), f"{moment.at_s:.1f}", jobs, self._flying(at))
        lines = [self._line(left, said[0], self._state(turn.before, turn.after))]
        still = self._marks(turn.after, "", ended=False)
        more = self._left("", "", still, self._flying(at, is_between=True))
        return lines + [self._line(more, line, "") for line in said[1:]]

    def _line(self, left: str, words: str, state: str) -> str:
        return f"{left}{words.ljust(self._words)}  {state}"

    def _left(self, number: str, time: str, jobs: str, spans: str) -> str:
        width = sum(len(self._jobs[at]) + 1 for at in self._shown)
        flying = f"{spans.ljust(self._count)}  " if self._count else ""
        return f"{number:>3} {time:>8}  {jobs.ljust(width)} {flying}"

    def _marks(self, world: World, actor: str, *, ended: bool) -> str:
        marks = []
        for at in self._shown:
            mark = _MARKS[world.jobs[at].state]
            if self._jobs[at] == actor:
                mark = "$" if ended else "x" if mark == "x" else "*"
            marks.append(mark.ljust(len(self._jobs[at])))
        return " ".join(marks)

    def _idle(self) -> str:
        return self._marks(self._first, "", ended=False)

    def _flying(self, at: int, *, is_between: bool = False) -> str:
        """What is under way: a letter where it begins and ends, dots in between."""
        marks = [" "] * self._count
        for span, letter in zip(self._told.spans, _LETTERS * 40, strict=False):
            column = self._columns[span]
            if span.first <= at <= span.last:
                is_end = at == span.first or (at == span.last and span.end is not SpanEnd.OPEN)
                marks[column] = letter if is_end and not is_between else ":"
                if is_between and at == span.last and span.end is not SpanEnd.OPEN:
                    marks[column] = " "
        return "".join(marks)

    def _sent(self, at: int) -> str:
        """Which requests begin here, and which are given up."""
        said = ""
        for span, letter in zip(self._told.spans, _LETTERS * 40, strict=False):
            if span.first == at:
                said += f" (request {letter} is under way)"
            elif span.last == at:
                said += {
                    SpanEnd.LANDED: f" (request {letter})",
                    SpanEnd.GONE: f" (request {letter} is gone)",
                    SpanEnd.OPEN: "",
                }[span.end]
        return said

    def _record(self, world: World) -> str:
        return self._wording.record(world.record)

    def _state(self, before: World | None, after: World) -> str:
        """What everybody can see, where it has changed."""
        tenants, pointer, ledger = "", "", ""
        if before is None or _tenants(before) != _tenants(after):
            tenants = _tenants(after)
        if before is None or before.pointers != after.pointers:
            pointer = ",".join(f"r{one.release}" for one in after.pointers)
        if before is None or before.record != after.record:
            ledger = self._record(after)
        return f"{tenants.ljust(self._tenants)}  {pointer.ljust(len('pointer'))}  {ledger}"


_MARKS = {
    JobState.WAITING: ".",
    JobState.RUNNING: "|",
    JobState.OVER: " ",
    JobState.DEAD: "x",
}


def _columns(spans: tuple[Span, ...]) -> dict[Span, int]:
    """A column for each request, the leftmost that is free while it is under way."""
    columns: dict[Span, int] = {}
    for span in spans:
        taken = {columns[one] for one in columns if one.last >= span.first}
        columns[span] = next(at for at in range(len(spans)) if at not in taken)
    return columns


def _tenants(world: World) -> str:
    """What each tenant serves: `r1 r1 r0`, and for many that agree `r1*8 r0`."""
    served = [f"r{one.serving}" + ("~" if one.draining >= 0 else "") for one in world.tenants]
    if len(served) <= _TENANTS_APART:
        return " ".join(served)
    runs: list[list[str]] = []
    for one in served:
        if runs and runs[-1][0] == one:
            runs[-1].append(one)
        else:
            runs.append([one])
    return " ".join(f"{run[0]}*{len(run)}" if len(run) > 1 else run[0] for run in runs)


_TENANTS_APART = 4


def _verdict(told: Timeline, schedule: Schedule) -> list[str]:
    """The writes that don't go together, and the promise that they break."""
    breach, lines = told.replay.breach, list[str]()
    writes = told.conflicting()
    lines += [_say_write(told, write) for write in writes]
    if breach and told.moments:
        last = told.moments[-1]
        sentence = f"broken  at {last.at_s:.1f} s, by event {last.number}: {breach}."
    elif breach:
        sentence = f"broken  before anything has happened: {breach}."
    else:
        sentence = "kept    nothing was broken"
    lines += wrap(sentence, COLUMNS, subsequent_indent=" " * 8)
    if schedule.promise and told.replay.broken != schedule.broken:
        was = f"but     the schedule was recorded as one that breaks {schedule.promise}."
        lines += wrap(was, COLUMNS, subsequent_indent=" " * 8)
    return lines


def _say_write(told: Timeline, write: Write) -> str:
    moment, cast = told.moments[write.turn], told.replay.model.cast
    who = cast.jobs[write.job].name if write.job is not None else WORLD
    change = f"{write.what} from r{write.before} to r{write.after}"
    return f"write   at {moment.at_s:.1f} s, by event {moment.number}: {who} took {change}"


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"
