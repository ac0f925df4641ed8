"""Makes a scenario of the journals of real deploys, so that a team can replay its own race.

This module must not run it, and must not make up a figure without saying so in `assumed`.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from release.core.outcome import Word
from release.core.values import Sha, Tenant
from release.errors import Invalid, Unavailable
from simulator.guards import SHIPPED
from simulator.journals import JobJournal, Line, read_journals
from simulator.recorded_job import (
    colour_of,
    drains_s,
    played,
    poll_gaps_s,
    settled_tenants,
    soak_s_of,
    verb_of,
    word_of,
    writes_s,
)
from simulator.release_order import order_releases
from simulator.scenario import Scenario, parse
from simulator.scenario_parts import JobVerb, Recorded, RecordedEvent, ScenarioPush
from simulator.scenario_text import scenario_text

__all__ = ["record", "write_whole"]

_BEFORE = "before"
_BEFORE_SHA = Sha("0" * 40)
_HEAD_START = timedelta(seconds=120)
"""How long the world stands before the first job, so that its ledger can be made."""

_SECOND = timedelta(seconds=1)
_SOAK_S = 60.0
_INTERVAL_S = 20.0
_TOLD = frozenset({"claimed", "redeploy", "settled", "promote", "warning", "outcome"})
_DONE = frozenset({Word.DEPLOYED, Word.VERIFIED})


def record(paths: Sequence[str], *, name: str = "recorded") -> str:
    """The scenario of every deploy and rollback in the journals, as the JSON of its file.

    Raises Invalid for a journal that can't be read, naming file and line, and for journals that no
    scenario can be made of.
    """
    found = read_journals(paths)
    jobs = {_name(job, found): job for job in found if verb_of(job) is not None}
    left_out = [_name(job, found) for job in found if verb_of(job) is None]
    if not any(job.of_kind("redeploy") for job in jobs.values()):
        raise Invalid(
            "the journals hold no deploy that redeployed a tenant",
            on=", ".join(paths),
            advice="Record at least one job that had something to roll",
        )
    text = scenario_text(_scenario(jobs, name=name, paths=paths, left_out=left_out))
    # What is written has to be what can be read: the checks of a scenario are those of its file.
    parse(text, on=name)
    return text


def write_whole(text: str, path: str) -> None:
    """Writes a file at once, in the place of one that is there; raises Unavailable.

    Whoever reads it meanwhile finds the whole of either.
    """
    target = Path(path)
    try:
        handle, half = tempfile.mkstemp(dir=target.parent, prefix=".headway-", suffix=".half")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(half).replace(target)
        except BaseException:
            Path(half).unlink(missing_ok=True)
            raise
    except OSError as exc:
        raise Unavailable(
            "could not be written", on=path, seen=str(exc), safe="nothing was written"
        ) from exc


def _scenario(
    jobs: Mapping[str, JobJournal], *, name: str, paths: Sequence[str], left_out: Sequence[str]
) -> Scenario:
    listed = tuple(jobs.values())
    rolled_back = [job for job in listed if verb_of(job) is JobVerb.ROLLBACK]
    releases = order_releases(listed, rolled_back)
    sends = [line for job in listed for line in job.of_kind("redeploy")]
    tenants = dict.fromkeys(slug for line in sends for slug in line.texts("tenants"))
    canaries = [line.texts("tenants") for line in sends if _is_canary(line)]
    batches = [len(line.texts("tenants")) for line in sends if not _is_canary(line)]
    done = [job for job in listed if word_of(job) in _DONE]
    repository, _, tag = _pointer(listed).rpartition(":")
    interval_s = _mean([gap for job in listed for gap in poll_gaps_s(job)]) or _INTERVAL_S
    return Scenario(
        name=name,
        title=f"Recorded: {len(jobs)} jobs, {len(releases)} releases, {len(tenants)} tenants",
        story="What overlapping deploys told their journals.",
        source=", ".join(dict.fromkeys(Path(path).name for path in paths)),
        start=min(job.starts for job in listed) - _HEAD_START,
        tenants=tuple(map(Tenant, tenants)),
        canary=Tenant(canaries[0][0] if canaries else next(iter(tenants))),
        repository=repository,
        promoted_tag=tag,
        soak_s=next(filter(None, map(soak_s_of, listed)), _SOAK_S),
        batch_size=max(batches, default=1),
        settle_interval_s=interval_s,
        ledger_s=_mean([took for job in listed for took in writes_s(job)]),
        drain_s=_mean([took for job in listed for took in drains_s(job, interval_s)]),
        releases={_BEFORE: _BEFORE_SHA} | {sha.short: sha for sha in releases},
        pushes=tuple(_pushes(listed, releases)),
        jobs=tuple(played(job, name) for name, job in jobs.items()),
        newest=max(done, key=lambda job: job.lines[-1].at).release.short if done else "",
        is_healthy=bool(done),
        recorded=_recorded(jobs),
        assumed=_assumed(jobs, left_out),
    )


def _mean(seconds: Sequence[float]) -> float:
    return round(sum(seconds) / len(seconds), 3) if seconds else 0.0


def _name(job: JobJournal, among: Sequence[JobJournal]) -> str:
    """The run's id, with attempt and nonce as far as others have the same."""
    names = (job.run, f"{job.run}-{job.attempt}", f"{job.run}-{job.attempt}-{job.nonce}")
    others = [(one.run, one.attempt) for one in among if one is not job]
    if (job.run, job.attempt) in others:
        return names[2]
    return names[1] if job.run in dict(others) else names[0]


def _is_canary(line: Line) -> bool:
    return line.text.startswith("canary:")


def _pointer(jobs: Sequence[JobJournal]) -> str:
    moved = [line.one_text("pointer") for job in jobs for line in job.of_kind("promote")]
    return moved[0] if moved else "app:latest"


def _pushes(jobs: Sequence[JobJournal], releases: Sequence[Sha]) -> Iterator[ScenarioPush]:
    """Each release is pushed just before its first job, and before every newer release."""
    for index, sha in enumerate(releases):
        later = releases[index:]
        at = min(job.starts for job in jobs if job.release in later) - _SECOND
        yield ScenarioPush(at=at.isoformat().replace("+00:00", "Z"), release=sha.short)


def _recorded(jobs: Mapping[str, JobJournal]) -> Recorded:
    settled = sorted(
        (at, slug, job.release.short) for job in jobs.values() for at, slug in settled_tenants(job)
    )
    moved = [
        (line.at, job.release.short)
        for job in jobs.values()
        for line in job.of_kind("promote")
        if word_of(job) is Word.DEPLOYED
    ]
    told = sorted(
        (
            (line.at, name, line.text)
            for name, job in jobs.items()
            for line in job.lines
            if line.kind in _TOLD
        ),
    )
    return Recorded(
        guard=SHIPPED,
        tenants={slug: release for _, slug, release in settled},
        pointer=max(moved)[1] if moved else "",
        jobs={name: colour_of(job) for name, job in jobs.items()},
        events=tuple(
            RecordedEvent(at=at.isoformat().replace("+00:00", "Z"), job=name, what=text)
            for at, name, text in told
        ),
    )


def _assumed(jobs: Mapping[str, JobJournal], left_out: Sequence[str]) -> str:
    """What the journals do not say, in sentences."""
    said = [
        "What was live before is not in the journals: the release called before is made up.",
        "Each release is pushed, with a green CI and its image, just before its first job.",
        "A redeploy lands when it is answered, and each takes the average time of its job.",
        "All tenants drain for the same time, and the ledger always takes the same.",
        "The control plane keeps no fence.",
    ]
    if all(soak_s_of(job) is None for job in jobs.values()):
        said.append(f"No job soaked; the soak of {_SOAK_S:.0f} s is the usual one.")
    if not any(job.of_kind("promote") for job in jobs.values()):
        said.append("No job moved a pointer; its name is made up.")
    cancelled = [
        name for name, job in jobs.items() if job.of_kind("outcome") and word_of(job) is None
    ]
    if cancelled:
        said.append(f"Cancelled, which is played as a kill: {', '.join(cancelled)}.")
    if left_out:
        counted = ", ".join(
            f"{name} ({count} jobs)" if count > 1 else name
            for name, count in Counter(left_out).items()
        )
        said.append(f"Left out, because no scenario plays their verb: {counted}.")
    return " ".join(said)
