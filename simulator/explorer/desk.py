"""Answers `explore`: reads the words of the command line, explores, and says what was found.

This module must not explore or draw anything itself.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from release.core.policy import OnNewer, SupersededBy
from release.errors import Invalid
from simulator.explorer.counterexample import find_counterexample
from simulator.explorer.counting import count_small
from simulator.explorer.engine import Exploration, Limits, explore
from simulator.explorer.findings import plain, text
from simulator.explorer.line_coverage import FileLines, LineCoverage, lines_plain, lines_text
from simulator.explorer.matrix import matrix, matrix_plain, matrix_text, matrix_word
from simulator.explorer.picture import draw, read_schedule
from simulator.explorer.replay import replay
from simulator.explorer.sampling import sample
from simulator.explorer.scope import Kind, Scope, Start
from simulator.explorer.stories import cast_story
from simulator.explorer.territory import Territory
from simulator.explorer.token import to_file_text
from simulator.guards import GUARDS, SHIPPED
from simulator.recording import write_whole

__all__ = ["Answer", "Asked", "answer", "scope_of"]

_FENCES = {"on": "landing", "off": "none"}
_TROUBLES = {"unknown": Kind.SWAP_UNKNOWN, "lost": Kind.LEDGER_LOST}
_LEDGERS = (*Start, *_TROUBLES)
_POLICIES = (*SupersededBy, *OnNewer)
_COUNTED_MAX = 2_000_000
_TELL_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for, in the words of the command line.

    time, states and memory: where to give up; seconds, how many, and MiB.
    """

    jobs: int = 2
    tenants: int = 3
    batch: int = 3
    faults: int = 1
    expiries: int = 1
    kinds: str = "timeout,lost,crash"
    guard: str = SHIPPED
    story: str = "deploys"
    policy: str = ""
    ledger: str = "steady"
    fence: str = "on"
    confirmations: int = 1
    renewals: int = 1
    time: int = 600
    states: int = 20_000_000
    memory: int = 4096
    is_matrix: bool = False
    is_coverage: bool = False
    schedules: int = 0
    seed: int = 0
    depth: int = 3
    replayed: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The text to show, the same as data, and whether every promise was kept in every state."""

    text: str
    document: str
    is_good: bool


def answer(asked: Asked) -> Answer:
    """Does what was asked for; raises Invalid for words that it does not understand."""
    _check_modes(asked)
    if asked.replayed:
        return _answer_replay(asked.replayed)
    scope, limits = scope_of(asked), _limits(asked)
    if asked.is_matrix:
        return _answer_matrix(asked, limits)
    territory = Territory(scope)
    if asked.schedules:
        return _answer_sample(territory, asked)
    if not asked.is_coverage:
        return _answer_exploration(explore(territory, limits, progress=_progress()), asked)
    with LineCoverage() as lines:
        found = explore(territory, limits, progress=_progress())
    return _answer_exploration(found, asked, lines.files())


def _check_modes(asked: Asked) -> None:
    modes = {
        "--replay": bool(asked.replayed),
        "--matrix": asked.is_matrix,
        "--schedules": bool(asked.schedules),
        "--coverage": asked.is_coverage,
    }
    chosen = [name for name, is_on in modes.items() if is_on]
    if len(chosen) > 1:
        raise Invalid("are asked for one at a time", on=f"explore {' and '.join(chosen)}")
    for name, value in (("schedules", asked.schedules), ("depth", asked.depth)):
        if value < 0:
            raise Invalid("must not be negative", on=f"--{name}", seen=str(value))


def scope_of(asked: Asked) -> Scope:
    """The scope that the words mean; raises Invalid."""
    if asked.guard not in GUARDS:
        raise Invalid("no such guard", on="--guard", seen=asked.guard, expected=", ".join(GUARDS))
    if asked.ledger not in _LEDGERS:
        expected = ", ".join(_LEDGERS)
        raise Invalid("no such ledger", on="--ledger", seen=asked.ledger, expected=expected)
    superseded_by, on_newer = _policy(asked.policy)
    trouble = _TROUBLES.get(asked.ledger)
    return Scope(
        jobs=cast_story(asked.story, asked.jobs),
        tenants=asked.tenants,
        batch=asked.batch,
        guard=GUARDS[asked.guard].name,
        kinds=_kinds(asked.kinds) | ({trouble} if trouble else frozenset()),
        faults=asked.faults,
        expiries=asked.expiries,
        fence=_FENCES.get(asked.fence, asked.fence),
        superseded_by=superseded_by,
        on_newer=on_newer,
        confirmations=asked.confirmations,
        renewals=asked.renewals,
        start=Start.STEADY if trouble else Start(asked.ledger),
        rewritten=asked.story == "rewrite",
        is_healed=asked.story != "rewrite",
    )


def _kinds(words: str) -> frozenset[Kind]:
    named = [word.strip() for word in words.split(",") if word.strip()]
    unknown = [word for word in named if word not in [*Kind]]
    if unknown:
        raise Invalid(
            "no such kind of choice", on="--kinds", seen=unknown[0], expected=", ".join(Kind)
        )
    return frozenset(Kind(word) for word in named)


def _policy(words: str) -> tuple[SupersededBy, OnNewer]:
    superseded_by, on_newer = SupersededBy.CLAIMED, OnNewer.YIELD
    for word in filter(None, (one.strip() for one in words.split(","))):
        if word in [*SupersededBy]:
            superseded_by = SupersededBy(word)
        elif word in [*OnNewer]:
            on_newer = OnNewer(word)
        else:
            expected = ", ".join(_POLICIES)
            raise Invalid("no such policy", on="--policy", seen=word, expected=expected)
    return superseded_by, on_newer


def _limits(asked: Asked) -> Limits:
    for name, value in (("time", asked.time), ("states", asked.states), ("memory", asked.memory)):
        if value <= 0:
            raise Invalid("must be more than zero", on=f"--{name}", seen=str(value))
    return Limits(states=asked.states, memory_bytes=asked.memory << 20, time_s=float(asked.time))


def _named(asked: Asked) -> tuple[str, ...]:
    """The guards of a matrix: all of them, unless another one than the shipped is named."""
    return () if asked.guard == SHIPPED else (GUARDS[asked.guard].name, SHIPPED)


def _answer_replay(token_or_path: str) -> Answer:
    schedule = read_schedule(token_or_path)
    found = replay(schedule)
    picture, guard = draw(schedule, found), schedule.scope.guard
    word, events = "broken" if found.breach else "kept", len(found.turns)
    said = f"{guard} breaks {found.breach}" if found.breach else f"{guard} breaks no promise"
    document = {
        "outcome": word,
        "guard": guard,
        "events": events,
        "breach": found.breach or None,
        "text": picture,
    }
    return Answer(
        text=f"{picture}\n\n{word}: {said}, in the {events} events of this schedule",
        document=json.dumps(document, indent=2),
        is_good=not found.breach,
    )


def _answer_matrix(asked: Asked, limits: Limits) -> Answer:
    cells = matrix(_named(asked), limits=limits, tell=_tell)
    return Answer(
        text=matrix_text(cells),
        document=json.dumps(
            {"outcome": matrix_word(cells), "matrix": matrix_plain(cells)}, indent=2
        ),
        is_good=matrix_word(cells) == "kept",
    )


def _answer_exploration(
    found: Exploration, asked: Asked, files: tuple[FileLines, ...] = ()
) -> Answer:
    if found.breach is None and not found.complete and not found.stopped_by:
        raise AssertionError("no schedule came to an end: nothing was shown")
    count = count_small(found, _COUNTED_MAX)
    picture, token = _draw(found, asked)
    document = plain(found, schedules=count) | ({"token": token} if token else {})
    document |= {"lines": lines_plain(files)} if files else {}
    extra = "\n\n".join(filter(None, (lines_text(files), picture)))
    return Answer(
        text=text(found, schedules=count, picture=extra),
        document=json.dumps(document, indent=2),
        is_good=found.is_exhausted,
    )


def _draw(found: Exploration, asked: Asked) -> tuple[str, str]:
    """The simplest schedule that breaks the promise, and its token; empty when none does."""
    example = find_counterexample(found, _limits(asked))
    if example is None:
        return "", ""
    if asked.output:
        write_whole(to_file_text(example.schedule), asked.output)
    return example.picture, example.token


def _answer_sample(territory: Territory, asked: Asked) -> Answer:
    chosen = sample(territory, schedules=asked.schedules, seed=asked.seed, depth=asked.depth)
    how = f"PCT of depth {asked.depth}" if asked.depth else "random walks"
    said = f"{chosen.schedules:,} schedules by {how}, seed {asked.seed}"
    document = {
        "outcome": "broken" if chosen.breach else "sampled",
        "schedules": chosen.schedules,
        "seed": asked.seed,
        "depth": asked.depth,
        "states": chosen.states,
        "breach": chosen.breach.promise if chosen.breach else None,
    }
    seen = f"{chosen.states:,} different states"
    line = f"sampled: no promise broken in {said}, {seen}; that is no exhaustion"
    if chosen.breach is not None:
        found = Exploration(territory=territory, parents=chosen.parents, breach=chosen.breach)
        picture, token = _draw(found, asked)
        document["token"] = token
        line = f"{picture}\n\nbroken: {chosen.breach.promise}, found in {said}"
    return Answer(text=line, document=json.dumps(document), is_good=chosen.breach is None)


def _progress() -> Callable[[Exploration], None]:
    """Tells stderr how far an exploration is, every few seconds."""
    told_s = [monotonic()]

    def tell(found: Exploration) -> None:
        if monotonic() - told_s[0] < _TELL_S:
            return
        told_s[0] = monotonic()
        _tell(
            f"depth {found.depth}: {found.states:,} states, {found.transitions:,} transitions, "
            f"{found.spent_s:.0f} s"
        )

    return tell


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
