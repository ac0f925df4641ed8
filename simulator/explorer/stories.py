"""The jobs of a scope by the story that they play: deploys alone, a re-run, a rollback, a rewrite.

This module must not explore anything.
"""

from collections.abc import Callable, Mapping

from release.errors import Invalid
from simulator.explorer.scope import JobKind, JobSpec

__all__ = ["STORIES", "cast_story"]

_NAMES = "ABCD"


def cast_story(story: str, count: int) -> tuple[JobSpec, ...]:
    """The jobs of a story with `count` deploys, each of a newer push; raises Invalid."""
    if story not in STORIES:
        raise Invalid("no such story", on="--story", seen=story, expected=", ".join(STORIES))
    if not 1 <= count <= len(_NAMES):
        expected = f"a number from 1 to {len(_NAMES)}"
        raise Invalid("out of range", on="--jobs", seen=str(count), expected=expected)
    deploys = tuple(
        JobSpec(name=_NAMES[number], release=number + 1, push=number + 1) for number in range(count)
    )
    return (*deploys, *STORIES[story](deploys))


def _nobody(deploys: tuple[JobSpec, ...]) -> tuple[JobSpec, ...]:  # noqa: ARG001
    return ()


def _rerun(deploys: tuple[JobSpec, ...]) -> tuple[JobSpec, ...]:
    """The oldest deploy is run once more after it is over."""
    oldest = deploys[0]
    return (JobSpec(name=f"{oldest.name}-again", release=oldest.release, push=1, after=0),)


def _twin(deploys: tuple[JobSpec, ...]) -> tuple[JobSpec, ...]:
    """The newest deploy is run a second time while the first one runs."""
    newest = deploys[-1]
    return (JobSpec(name=f"{newest.name}-twin", release=newest.release, push=newest.push),)


def _rollback(deploys: tuple[JobSpec, ...]) -> tuple[JobSpec, ...]:  # noqa: ARG001
    """A person rolls back to what ran at the beginning, at any moment after the first push."""
    return (JobSpec(name="R", release=0, push=1, kind=JobKind.ROLLBACK),)


STORIES: Mapping[str, Callable[[tuple[JobSpec, ...]], tuple[JobSpec, ...]]] = {
    "deploys": _nobody,
    "rerun": _rerun,
    "twin": _twin,
    "rollback": _rollback,
    "rewrite": _nobody,
}
"""Who is in each story beside the deploys. In a rewrite, the newest push is of another history."""
