"""Jobs, people and the engine itself write one Swarm service, in every order of their calls.

What is looked at is each single turn: what it found and what it left.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import pytest

from release.adapters.swarm_service import read_service
from release.adapters.swarm_spec import Step, UpdatePolicy, epoch_in, image_in, is_taken
from release.adapters.swarm_write import Target, raise_fence, take
from release.core.values import Sha
from release.errors import Conflict
from simulator.swarm import SimSwarm
from simulator.swarm_orchestrator import Fate, SimImage
from tests.support.clocks import StillClock
from tests.support.interleavings import Actor, Interleaving, TurnEngine, explore

BASE, OLDER, NEWER, NEWEST = (f"registry.test/app@sha256:{n:064}" for n in range(4))
RANKS = {BASE: 0, OLDER: 1, NEWER: 2, NEWEST: 3}
ALWAYS_S = 1e9
EDITS_MAX = 3
SERVICE = "sim-1"
BY_HAND, FENCE = "SET_BY_HAND", "headway.epoch"
View = type[TurnEngine]
Breaches = set[str]


class BlindToVersion(TurnEngine):
    """A view whose writes compare no version."""

    async def write(self, identity: str, index: int, spec: Mapping[str, Any]) -> None:
        """Writes over whatever is there."""
        current = self.engine.peek(identity)["Version"]["Index"]
        await super().write(identity, current, spec)


class BlindToLabel(TurnEngine):
    """A view that shows no epoch above the writer's own, so that no fence refuses it."""

    async def service(self, identity: str) -> Mapping[str, Any] | None:
        """Reads a service with its fence lowered."""
        plain = deepcopy(dict(await super().service(identity) or {}))
        for part in ("Spec", "PreviousSpec"):
            labels = plain.get(part, {}).get("Labels", {})
            if int(labels.get(FENCE, 0)) > self.epoch:
                labels[FENCE] = str(self.epoch)
        return plain


class BlindToPrevious(TurnEngine):
    """A view that does not show what a rollback would go back to."""

    async def service(self, identity: str) -> Mapping[str, Any] | None:
        """Reads a service without its previous specification."""
        plain = dict(await super().service(identity) or {})
        plain.pop("PreviousSpec", None)
        return plain


def step_of(image: str) -> Step:
    """The step of the job that deploys this image; its epoch is its rank and ten more."""
    rank = RANKS[image]
    return Step(
        image=image,
        release=Sha(f"{rank:040}"),
        epoch=10 + rank,
        job=f"job-{rank}",
        policy=UpdatePolicy(),
    )


async def deploy(engine: TurnEngine, image: str) -> Step:
    """Reads the service, raises its fence and takes its step, as a fleet does."""
    plain = await engine.service(SERVICE)
    assert plain is not None, "it is there"
    target, clock = Target(engine=engine, service=read_service(plain)), StillClock()
    target = await raise_fence(target, engine.epoch, clock=clock)
    engine.has_raised = True
    await take(target, step_of(image), clock=clock, write_by_s=ALWAYS_S)
    return step_of(image)


async def edit(engine: TurnEngine) -> None:
    """Sets a variable as a person does, who reads again when the version has moved."""
    for _ in range(EDITS_MAX):
        plain = await engine.service(SERVICE) or {}
        spec, index = deepcopy(dict(plain["Spec"])), plain["Version"]["Index"]
        spec["TaskTemplate"]["ContainerSpec"]["Env"] = [BY_HAND]
        try:
            await engine.update(SERVICE, index, spec)
        except Conflict:
            continue
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Who writes. moves: how many steps the orchestrator may take; a broken image rolls back."""

    jobs: tuple[str, ...]
    has_person: bool = False
    moves: int = 0
    broken: str = ""
    view: View = TurnEngine

    def make(self) -> Interleaving:
        """The service on the base image, at an epoch below all others; nobody has begun."""
        engine = SimSwarm(is_self_moving=False)
        for image in RANKS:
            fate = Fate.UNHEALTHY if image == self.broken else Fate.RUNS
            engine.add_image(SimImage(reference=image, fate=fate))
        engine.create(
            {
                "Name": "acme",
                "Labels": {FENCE: "10"},
                "TaskTemplate": {"ContainerSpec": {"Image": BASE}},
                "Mode": {"Replicated": {"Replicas": 1}},
                "UpdateConfig": {"Order": "start-first", "FailureAction": "rollback"},
            }
        )
        actors = []
        for image in self.jobs:
            view = self.view(engine, epoch=step_of(image).epoch)
            actors.append(Actor(view, deploy(view, image)))
        if self.has_person:
            person = TurnEngine(engine)
            actors.append(Actor(person, edit(person)))
        return Interleaving(engine=engine, service=SERVICE, actors=actors)


def breaches_of(played: Interleaving) -> Iterator[str]:
    """What the last turn has broken."""
    if not played.order:
        return
    before, after = played.before, played.after
    raised = [one.engine.epoch for one in played.actors if one.engine.has_raised]
    if (epoch_in(after, "acme") or 0) < max(raised, default=0):
        yield "the fence was lowered"
    if played.order[-1] == len(played.actors):
        return  # What the engine takes back, it takes back by its owner's own policy.
    if RANKS[image_in(after)] < RANKS[image_in(before)]:
        yield "the service moved back"
    if is_edited(before) and not is_edited(after):
        yield "a person's change was lost"
    end = played.actors[played.order[-1]].end
    if isinstance(end, Step) and not is_taken(after, end):
        yield "a job was told that it wrote what is not there"


def is_edited(spec: Mapping[str, Any]) -> bool:
    """Whether the person's change is in it."""
    return BY_HAND in spec["TaskTemplate"]["ContainerSpec"].get("Env", [])


def look(scope: Scope, until: str = "") -> tuple[Breaches, int, list[Interleaving]]:
    """Every breach, how many worlds there are, and those in which everybody is done.

    until: the breach behind which it is enough.
    """
    breaches: Breaches = set()
    count, ends = 0, []
    for played in explore(scope.make, moves=scope.moves):
        count += 1
        breaches.update(breaches_of(played))
        if all(actor.is_over for actor in played.actors):
            ends.append(played)
        if until and until in breaches:
            break
    return breaches, count, ends


TWO = Scope(jobs=(OLDER, NEWER))
ROLLED_BACK = Scope(jobs=(OLDER, NEWER), moves=6, broken=OLDER)
# The jobs, and how many worlds their calls can lead to.
SCOPES = [
    pytest.param(TWO, 92, id="two jobs"),
    pytest.param(
        ROLLED_BACK,
        1413,
        id="two jobs and the engine, which rolls the older one back",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        Scope(jobs=(OLDER, NEWER), has_person=True),
        1135,
        id="two jobs and a person",
        marks=pytest.mark.slow,
    ),
    pytest.param(Scope(jobs=(OLDER, NEWER, NEWEST)), 1646, id="three jobs", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("scope", "worlds"), SCOPES)
def test_no_order_of_calls_loses_an_update_or_moves_back(scope: Scope, worlds: int) -> None:
    """In every order a fence that was raised stays, images go forward, nobody is written over."""
    breaches, count, _ = look(scope)

    assert set() == breaches
    assert worlds == count


def test_either_job_may_win_and_the_older_one_may_be_refused() -> None:
    """The rules are not kept by nobody ever writing: each way in which two jobs can end is seen."""
    _, _, ends = look(TWO)

    ways = {tuple(describe(actor.end) for actor in played.actors) for played in ends}
    images = {image_in(played.after) for played in ends}
    assert {NEWER} == images
    assert ("wrote", "wrote") in ways
    assert ("FenceRefused", "wrote") in ways


@pytest.mark.parametrize(
    ("scope", "view", "breach"),
    [
        (TWO, BlindToVersion, "the service moved back"),
        (TWO, BlindToLabel, "the fence was lowered"),
        (TWO, BlindToLabel, "the service moved back"),
        (replace(TWO, has_person=True), BlindToVersion, "a person's change was lost"),
        (ROLLED_BACK, BlindToPrevious, "the fence was lowered"),
    ],
)
def test_each_comparison_is_needed(scope: Scope, view: View, breach: str) -> None:
    """Without the version, the label, or the look at what a rollback brings back, a rule breaks."""
    breaches, _, _ = look(replace(scope, view=view), until=breach)

    assert breach in breaches


def describe(end: object) -> str:
    """How a job ended."""
    return "wrote" if isinstance(end, Step) else type(end).__name__
