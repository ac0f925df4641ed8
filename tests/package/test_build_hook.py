"""How the build hook moves our imports under one name, and what it refuses to guess."""

import pytest

from distribution.build_hook import rewrite


@pytest.mark.parametrize(
    ("written", "moved"),
    [
        ("from release.errors import Invalid\n", "from headway.release.errors import Invalid\n"),
        ("from tasks import main\n", "from headway.tasks import main\n"),
        (
            "def f():\n    from simulator.world import World\n",
            "def f():\n    from headway.simulator.world import World\n",
        ),
        ("if x: from release import core\n", "if x: from headway.release import core\n"),
        ("from releases import a\n", "from releases import a\n"),
        ('"""from release import a"""\n', '"""from release import a"""\n'),
        ("from release.x import (\n    a,\n)\n", "from headway.release.x import (\n    a,\n)\n"),
    ],
)
def test_import_of_ours_is_moved_and_nothing_else_is(written: str, moved: str) -> None:
    """Import lines of our packages change, at any depth; text that looks like one stays."""
    result = rewrite(written, "sample.py")

    assert moved == result


@pytest.mark.parametrize(
    "written",
    [
        "import release.errors\n",
        "import os, tasks\n",
        "from . import errors\n",
        "from  release.errors import Invalid\n",
        "from release.errors \\\n    import Invalid\nfrom\\\n release import x\n",
        "name = 'release.errors'\n",
    ],
)
def test_line_that_can_not_be_moved_stops_the_build(written: str) -> None:
    """A form that would name the wrong module in the wheel fails the build, with file and line."""
    with pytest.raises(SyntaxError, match=r"sample\.py:\d: .*headway"):
        rewrite(written, "sample.py", frozenset({"release.errors"}))
