"""One kill: a world of its own, a deploy that is killed in it, and the deploy that follows.

This module must not judge; `verdict` does, from the simulator's log.
"""

import http.client
import json
import random
import tempfile
import time
from collections import deque
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from simulator.control_plane import FenceKind
from simulator.job_config import Pace, write_config
from simulator.process import Running
from simulator.served import ServeOptions
from tests.kills.processes import JobProcess, served_world
from tests.kills.verdict import (
    Course,
    find_backward,
    find_late,
    find_unconverged,
    has_left_open,
    list_span_s,
)
from tests.support.live_world import address_of

__all__ = ["BOUND_S", "LEASE_S", "Kill", "Plan", "kill_once"]

LEASE_S, BOUND_S, SEND_MARGIN_S = 2.0, 5.0, 1.0
LATE_MIN_S, LATE_MAX_S = 0.1, 3.5
OWN_WORK_MIN_S = 2.0
"""The least that a job's own work between two lists may take, however quick it was when alone."""

_TENANTS = ("hongming", "acme", "globex")
_FIRST, _OLDER, _NEWER = "first", "older", "newer"
_INSIDE_S = BOUND_S - SEND_MARGIN_S
_ATTEMPTS_MAX = 8
_HAPPENINGS_MAX = 50
_SILENCE_S = 30.0
_SHOWN = 1500
_PACE = Pace(
    canary=_TENANTS[0],
    batch_size=2,
    soak_s=0.1,
    settle_interval_s=0.2,
    settle_budget_s=12.0,
    lease_s=LEASE_S,
    redeploy_bound_s=BOUND_S,
    pointer_bound_s=BOUND_S,
    ci_interval_s=0.1,
    ci_wait_s=10.0,
    fleet_timeout_s=4.5,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is drawn for one kill; the same seed, index and attempt draw the same.

    late_s: how late each of its redeploys lands. is_answered_early: it is answered before that, so
    that its intent stays open. share: where in the job's life it is killed, from 0 to 1.
    """

    seed: int
    index: int
    attempt: int
    is_fenced: bool
    late_s: float
    is_answered_early: bool
    share: float
    is_newer_next: bool

    @classmethod
    def draw(cls, seed: int, index: int, *, attempt: int) -> "Plan":
        """Draws one; every second index is fenced, every fourth of those lands at once."""
        chance = random.Random(f"{seed}/{index}/{attempt}")  # noqa: S311 - chance that a seed repeats
        is_fenced = index % 2 == 0
        late_s = chance.uniform(LATE_MIN_S, LATE_MAX_S)
        return cls(
            seed=seed,
            index=index,
            attempt=attempt,
            is_fenced=is_fenced,
            late_s=0.0 if is_fenced and index % 4 == 0 else late_s,
            is_answered_early=chance.random() < 0.5,
            share=chance.random(),
            is_newer_next=chance.random() < 0.5,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """What became of one kill.

    life_s: of an undisturbed deploy in the same world. stage: in which it died, by its journal.
    open_s: the largest bound of an intent that it left open; zero when it left none.
    waited_s, limit_s: how long the next deploy spent before it could begin, and how long it may.
    redrawn: why earlier draws of the same index were no kills.
    unconverged, backward: what broke a promise; empty when all is well.
    """

    plan: Plan
    life_s: float
    stage: str
    ended: str
    open_s: float = 0.0
    waited_s: float = 0.0
    limit_s: float = 0.0
    unconverged: tuple[str, ...] = ()
    backward: tuple[str, ...] = ()
    redrawn: tuple[str, ...] = ()

    @property
    def is_blocked(self) -> bool:
        """Whether the next deploy waited longer than lease and bound allow."""
        return self.waited_s > self.limit_s

    @property
    def is_well(self) -> bool:
        """Whether every promise was kept."""
        return not (self.unconverged or self.backward or self.is_blocked)


def kill_once(seed: int, index: int, *, beyond_s: float = 0.0) -> Kill:
    """Draws moments until one finds the job alive and the machine within its assumptions.

    beyond_s: lets what the killed job sent land so much later than planned. More than the bound
    allows breaks what the promise rests on, and then anything may happen.
    """
    redrawn: list[str] = []
    for attempt in range(_ATTEMPTS_MAX):
        plan = Plan.draw(seed, index, attempt=attempt)
        with tempfile.TemporaryDirectory(prefix="headway-kill-") as name:
            found = _Scene(Path(name), plan).play(beyond_s=beyond_s)
        if isinstance(found, str):
            redrawn.append(found)
            continue
        return replace(found, redrawn=tuple(redrawn))
    raise RuntimeError(f"no moment was found in {_ATTEMPTS_MAX} attempts: {redrawn}")


class _Scene:
    """One world and the deploys in it."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folder = folder
        self._plan = plan
        self._releases: list[str] = []

    def play(self, *, beyond_s: float) -> Kill | str:
        """Kills one deploy and runs the next; says why when this was no kill at all."""
        fence = FenceKind.LANDING if self._plan.is_fenced else FenceKind.NONE
        options = ServeOptions(
            tenants=_TENANTS, actors=(_FIRST, _OLDER, _NEWER), fence=fence, idle_s=90.0
        )
        with served_world(self._folder / "world", options) as world:
            self._releases.append(world.ask("state")["head"])
            self._set_the_scene(world)
            life_s, own_s = self._measure(world)
            late_s, is_early = self._plan.late_s + beyond_s, self._plan.is_answered_early
            self._delay(world, _OLDER, late_s=late_s, is_answered_early=is_early)
            return self._kill(world, life_s, own_s=own_s, is_checked=not beyond_s)

    def _set_the_scene(self, world: Running) -> None:
        for actor in (_FIRST, _OLDER, _NEWER):
            path = write_config(self._folder / actor, address_of(world, actor), _PACE)
            text = path.read_text("utf-8")
            path.write_text(text.replace("[lease]", f"[lease]\nsend_margin_s = {SEND_MARGIN_S}"))
        done = self._start("ledger-init", _FIRST).finish()
        assert done.code == 0, done.out + done.err
        # A delay of nothing delays nothing, but the simulator's log then tells of every list.
        world.move("faults", {"kind": "delay", "operation": "candidates"})
        self._delay(world, _FIRST, late_s=self._plan.late_s, is_answered_early=False)

    def _delay(self, world: Running, actor: str, *, late_s: float, is_answered_early: bool) -> None:
        """Lets a job's redeploys land late; the job that follows it is quick, and so meets them."""
        rule = {"kind": "delay", "actor": actor}
        world.move("faults", {**rule, "operation": "landing", "before_s": late_s})
        if not is_answered_early:
            world.move("faults", {**rule, "operation": "redeploy", "after_s": late_s})

    def _measure(self, world: Running) -> tuple[float, float]:
        """The life of an undisturbed deploy, and its own work before its first effect."""
        self._push(world)
        began_s = time.monotonic()
        done = self._start("deploy", _FIRST).finish()
        life_s = time.monotonic() - began_s
        assert done.code == 0, f"an undisturbed deploy ended {done.code}: {done.out}{done.err}"
        return life_s, list_span_s(world.ask("happenings"), _FIRST)

    def _kill(self, world: Running, life_s: float, *, own_s: float, is_checked: bool) -> Kill | str:
        plan = self._plan
        self._push(world)
        killed = self._start("deploy", _OLDER).kill_after(plan.share * life_s)
        if killed.code != -9:
            return f"had ended before, {killed.code}"
        stage = _last_stage(self._folder / _OLDER / "journal.jsonl")
        if plan.is_newer_next:
            self._push(world)
        done = self._start("deploy", _NEWER).finish()
        _wait_until_landed(world)
        course = Course(
            happenings=world.ask("happenings"), state=world.ask("state"), releases=self._releases
        )
        late = [one for one in find_late(course.happenings, _OLDER) if one.after_s > _INSIDE_S]
        if late and is_checked:
            return f"landed outside its bound on a busy machine: {late}"
        open_s = BOUND_S if has_left_open(course.happenings, _OLDER) else 0.0
        unconverged = find_unconverged(course)
        if (done.code, done.word) not in {(0, "deployed"), (0, "verified")}:
            unconverged += (f"the next deploy ended {done.code}: {done.out}{done.err[-_SHOWN:]}",)
        return Kill(
            plan=plan,
            life_s=life_s,
            stage=stage,
            ended=done.word,
            open_s=open_s,
            waited_s=list_span_s(course.happenings, _NEWER),
            limit_s=LEASE_S + open_s + max(OWN_WORK_MIN_S, 3 * own_s),
            unconverged=unconverged,
            backward=find_backward(course),
        )

    def _push(self, world: Running) -> None:
        self._releases.append(world.move("push", {})["sha"])

    def _start(self, verb: str, actor: str) -> JobProcess:
        commit = ("--commit", self._releases[-1]) if verb == "deploy" else ()
        words = (verb, "--config", str(self._folder / actor / "headway.toml"), *commit)
        return JobProcess(f"{verb}-{actor}", words, folder=self._folder / actor)


def _last_stage(journal: Path) -> str:
    """In which stage a job was when it died; `start` before it told of any."""
    lines = journal.read_text("utf-8").splitlines() if journal.exists() else []
    told = (json.loads(line) for line in lines if line.endswith("}"))
    stages = deque((one["data"]["stage"] for one in told if one["kind"] == "stage"), maxlen=1)
    ended = any('"kind": "outcome"' in line for line in lines)
    return "after its outcome" if ended else next(iter(stages), "start")


def _wait_until_landed(world: Running) -> None:
    """Waits until nothing is in flight any more; whatever lands is a happening."""
    for _ in range(_HAPPENINGS_MAX):
        state = world.ask("state")
        if not state["in_flight"]:
            return
        _wait_for_next(world, state["happenings"])
    raise AssertionError("something is still in flight")


def _wait_for_next(world: Running, index: int) -> None:
    """Follows the event stream until something happens, or it says that nothing has."""
    parts = urlsplit(world.state.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_SILENCE_S)
    with closing(connection):
        connection.request("GET", f"/sim/events?from={index}")
        for line in connection.getresponse():
            if line.startswith((b"data: ", b": still here")):
                return
