"""Writes the specification of a Swarm service that is wanted: labels, image and update policy.

This module must not talk to an engine; specifications come in as plain JSON and go out as such.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from release.core.values import Digest, Sha
from release.errors import Invalid, Refused

__all__ = [
    "FailureAction",
    "Plain",
    "Step",
    "UpdateOrder",
    "UpdatePolicy",
    "digest_of",
    "epoch_in",
    "image_in",
    "is_health_check",
    "is_same_image",
    "is_taken",
    "job_in",
    "labels_in",
    "raise_epoch",
    "release_in",
    "repository_of",
    "take_step",
]

Plain = Mapping[str, Any]
"""A JSON object as the engine's API has it."""

_EPOCH = "headway.epoch"
_RELEASE = "headway.release"
_JOB = "headway.job"
_IMAGE = "headway.image"
"""Which image the label of the release was written for: a hand that changes the image alone would
otherwise leave a release behind that is not what runs."""

_NUMBER = re.compile(r"[0-9]{1,18}")
_NANOSECONDS = 1_000_000_000
# What the engine does where a specification says nothing; as soon as one of these is given, the API
# takes silence about another for its zero.
_ENGINE_DEFAULTS = {"Parallelism": 1, "FailureAction": "pause", "Order": "stop-first"}


class UpdateOrder(StrEnum):
    """Whether a task is stopped before its successor starts, or after that is healthy."""

    START_FIRST = "start-first"
    STOP_FIRST = "stop-first"


class FailureAction(StrEnum):
    """What the engine does when a new task fails within its time of watching."""

    PAUSE = "pause"
    CONTINUE = "continue"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePolicy:
    """How the engine replaces tasks; None leaves what the service's own specification says.

    parallelism: how many tasks of a service at a time, 0 for all. delay_s: between two of them.
    monitor_s: how long a new task is watched, above 0. stop_grace_s: how long a task that was asked
    to end may take before it is killed.
    """

    order: UpdateOrder | None = None
    failure_action: FailureAction | None = None
    parallelism: int | None = None
    delay_s: float | None = None
    monitor_s: float | None = None
    stop_grace_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one redeploy writes into a service.

    image: with its digest, as the engine pulls it.
    """

    image: str
    release: Sha
    epoch: int
    job: str
    policy: UpdatePolicy


def raise_epoch(spec: Plain, epoch: int) -> Plain:
    """The specification with the fence at `epoch` and nothing else changed: no task is touched."""
    wanted: dict[str, Any] = deepcopy(dict(spec))
    wanted["Labels"] = {**labels_in(spec), _EPOCH: str(epoch)}
    return wanted


def take_step(spec: Plain, step: Step) -> Plain:
    """The specification that brings the service onto the release.

    A service that wants this image already gets the labels alone, so that none of its tasks is
    touched: the update policy goes in together with an image.
    """
    wanted: dict[str, Any] = deepcopy(dict(spec))
    wanted["Labels"] = {**labels_in(spec), **_labels_of(step)}
    if is_same_image(image_in(spec), step.image):
        return wanted
    container, policy = wanted["TaskTemplate"]["ContainerSpec"], step.policy
    container["Image"] = step.image
    if policy.stop_grace_s is not None:
        container["StopGracePeriod"] = _nanoseconds(policy.stop_grace_s)
    if said := _said(policy):
        wanted["UpdateConfig"] = {**_ENGINE_DEFAULTS, **(spec.get("UpdateConfig") or {}), **said}
    return wanted


def is_taken(spec: Plain, step: Step) -> bool:
    """Whether this step is the last one that was written into the specification."""
    said = labels_in(spec)
    written = all(said.get(key) == value for key, value in _labels_of(step).items())
    return written and is_same_image(image_in(spec), step.image)


def _labels_of(step: Step) -> dict[str, str]:
    return {
        _EPOCH: str(step.epoch),
        _RELEASE: str(step.release),
        _JOB: step.job,
        _IMAGE: step.image,
    }


def _said(policy: UpdatePolicy) -> dict[str, object]:
    """What the settings say of the update, as the API names it."""
    given = {
        "Order": policy.order,
        "FailureAction": policy.failure_action,
        "Parallelism": policy.parallelism,
        "Delay": None if policy.delay_s is None else _nanoseconds(policy.delay_s),
        "Monitor": None if policy.monitor_s is None else _nanoseconds(policy.monitor_s),
    }
    return {name: value for name, value in given.items() if value is not None}


def labels_in(spec: Plain) -> dict[str, str]:
    """The labels of the service itself, which no task has."""
    return dict(spec.get("Labels") or {})


def image_in(spec: Plain) -> str:
    """The image that the specification wants."""
    container = (spec.get("TaskTemplate") or {}).get("ContainerSpec") or {}
    return str(container.get("Image", ""))


def job_in(spec: Plain) -> str:
    """The job that took the last step; empty when there was none."""
    return labels_in(spec).get(_JOB, "")


def release_in(spec: Plain, digest: Digest) -> Sha | None:
    """The release that this image was deployed as; None when it was not deployed here."""
    labels = labels_in(spec)
    if digest_of(labels.get(_IMAGE, "")) != digest:
        return None
    try:
        return Sha(labels.get(_RELEASE, ""))
    except Invalid:
        return None


def epoch_in(spec: Plain, name: str) -> int | None:
    """The fence: the highest epoch that the service has seen; None before the first.

    Raises Refused for a label that is no number, which no epoch can be compared with.
    """
    text = labels_in(spec).get(_EPOCH)
    if text is None:
        return None
    if _NUMBER.fullmatch(text):
        return int(text)
    raise Refused(
        f"has a label {_EPOCH} that is no epoch",
        on=f"service {name}",
        seen=repr(text)[:80],
        expected="a number",
        safe="nothing was changed",
        advice="Find out who wrote it; take the label off if it is not Headway's",
    )


def is_health_check(plain: Plain | None) -> bool:
    """Whether this is a health check that checks something."""
    test = (plain or {}).get("Test") or []
    return bool(test) and test[0] != "NONE"


def digest_of(image: str) -> Digest | None:
    """The digest that an image is pinned to; None where it floats."""
    _, _, digest = image.partition("@")
    try:
        return Digest(digest)
    except Invalid:
        return None


def is_same_image(image: str, other: str) -> bool:
    """Whether both are pinned to one digest of one repository, with a tag beside it or without."""
    digest = digest_of(image)
    is_same = digest is not None and digest == digest_of(other)
    return is_same and repository_of(image) == repository_of(other)


def repository_of(image: str) -> str:
    """An image without tag and digest."""
    named = image.partition("@")[0]
    before, colon, tag = named.rpartition(":")
    return before if colon and "/" not in tag else named


def _nanoseconds(duration_s: float) -> int:
    return round(duration_s * _NANOSECONDS)
