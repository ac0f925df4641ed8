"""The explorer notices when one line of the pipeline is made weaker."""

from pathlib import Path

import pytest

from tests.explorer.weakened import (
    SOURCES,
    STATES_MAX,
    Weakening,
    copy_packages,
    explore_copy,
    weaken,
)
from tests.explorer.weakenings import WEAKENINGS

_EACH = pytest.mark.parametrize("weakening", WEAKENINGS, ids=lambda one: one.name)
_OPTIONS = tuple(dict.fromkeys(one.options for one in WEAKENINGS))


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages as they are."""
    return copy_packages(tmp_path_factory.mktemp("unchanged"))


@_EACH
def test_weakened_line_is_in_its_file_once(weakening: Weakening) -> None:
    """A line that was rewritten takes its weakening along: none is left out in silence."""
    text = (SOURCES / weakening.file).read_text(encoding="utf-8")

    assert text.count(weakening.old) == 1
    assert weakening.old != weakening.new


@pytest.mark.slow
@_EACH
def test_weakened_line_breaks_a_promise(weakening: Weakening, tmp_path: Path) -> None:
    """Every line that keeps a promise is missed by the explorer once it is weakened."""
    weaken(copy_packages(tmp_path), weakening)

    said = explore_copy(tmp_path, weakening.options)

    assert said.startswith(weakening.promise)


@pytest.mark.slow
@pytest.mark.parametrize("options", _OPTIONS, ids=lambda options: options or "defaults")
def test_unchanged_copy_keeps_every_promise(options: str, unchanged: Path) -> None:
    """What is found in a weakened copy comes from the weakening alone.

    A scope that is larger than the limit is kept as far as any weakening is looked for.
    """
    said = explore_copy(unchanged, options)

    assert said in {"kept", f"{STATES_MAX} states"}
