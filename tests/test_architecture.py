"""The rules of the architecture that a program can check, and a bad sample for each of them.

The rules themselves are in tests/architecture; a rule without a sample here is not known to work,
and must not be added.
"""

import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.architecture import effects, layers, sizes, words
from tests.architecture.tree import Source, read_tree

Rule = Callable[[Source], Iterable[str]]


def check_awaits_of_one(source: Source) -> Iterable[str]:
    """Judges a sample as if it were the whole pipeline layer."""
    return effects.check_awaits(source, effects.find_coroutines([source]))


# Rule, path of the sample, and its text: each breaks exactly this rule.
BAD: list[tuple[Rule, str, str]] = [
    (layers.check_layers, "release/core/plan.py", "from release.ports import Clock"),
    (layers.check_layers, "release/adapters/edge.py", "from simulator.world import World"),
    (layers.check_layers, "release/adapters/edge.py", "def f():\n    from release import wiring"),
    (layers.check_layers, "release/stages/gate.py", "from release.adapters.http import Http"),
    (layers.check_layers, "simulator/world.py", "from release.adapters.http import Http"),
    (layers.check_layers, "simulator/world.py", "from tests.support.clocks import SimClock"),
    (layers.check_layers, "noxfile.py", "from release.errors import Invalid"),
    (layers.check_layers, "tasks.py", "from release.adapters.http import Http"),
    (layers.check_layers, "release/elsewhere.py", ""),
    (layers.check_third_party, "release/core/plan.py", "import httpx"),
    (layers.check_third_party, "release/stages/gate.py", "from pydantic import BaseModel"),
    (layers.check_form, "release/core/plan.py", "import release.core.values"),
    (layers.check_form, "release/core/plan.py", "from .values import Sha"),
    (layers.check_form, "release/adapters/edge.py", "from release.adapters.http import _retry"),
    (effects.check_effects, "release/core/plan.py", "import time"),
    (effects.check_effects, "release/stages/gate.py", "from os import environ"),
    (effects.check_effects, "release/stages/gate.py", "from asyncio import gather"),
    (effects.check_effects, "release/configuration.py", "text = open('headway.toml')"),
    (effects.check_effects, "release/configuration.py", "text = path.read_text()"),
    (effects.check_effects, "release/core/freeze.py", "at = datetime.now(UTC)"),
    (check_awaits_of_one, "release/pipeline.py", "async def f(run):\n    await asyncio.sleep(1)"),
    (check_awaits_of_one, "release/pipeline.py", "async def f(run):\n    await run.event"),
    (check_awaits_of_one, "release/pipeline.py", "async def f(run):\n    await run.clock.now_s()"),
    (check_awaits_of_one, "release/stages/gate.py", "async def f(x):\n    async with x: ..."),
    (effects.check_tests, "tests/test_x.py", "from unittest import mock"),
    (effects.check_tests, "tests/test_x.py", "import unittest.mock"),
    (effects.check_tests, "tests/test_x.py", "def test_x():\n    time.sleep(0)"),
    (effects.check_tests, "tests/test_x.py", "async def f():\n    await asyncio.sleep(0.1)"),
    (sizes.check_file_size, "release/core/plan.py", "\n" * 301),
    (sizes.check_function_size, "simulator/world.py", "def f():\n" + "    x = 1\n" * 50),
    (sizes.check_test_size, "tests/test_x.py", "def test_x():\n" + "    x = 1\n" * 40),
    (sizes.check_parameters, "release/core/plan.py", "def f(a, b, c, d): ..."),
    (words.check_all, "release/core/plan.py", "def f(): ..."),
    (words.check_all, "release/core/plan.py", "__all__ = ['b', 'a']\na = 1\nb = 2"),
    (words.check_all, "release/core/plan.py", "__all__ = ['gone']"),
    (words.check_all, "release/core/plan.py", "__all__ = []\ndef forgotten(): ..."),
    (words.check_docstring, "release/core/plan.py", '"""Owns a thing."""'),
    (words.check_docstring, "release/core/__init__.py", ""),
    (words.check_test_docstrings, "tests/test_x.py", "def test_x(): ..."),
    (words.check_names, "release/core/utils.py", ""),
    (words.check_names, "simulator/common/world.py", ""),
    (words.check_names, "release/core/plan_part2.py", ""),
    (words.check_names, "tests/test_x.py", "class MockClock: ..."),
    (words.check_package_file, "release/core/__init__.py", "x = 1"),
    (words.check_values, "release/core/plan.py", "@dataclass\nclass A: ..."),
    (
        words.check_values,
        "release/core/plan.py",
        "@dataclass(frozen=True, slots=True)\nclass A:\n    names: list[str]",
    ),
]

GOOD: list[tuple[Rule, str, str]] = [
    (layers.check_layers, "release/core/plan.py", "from release.core.values import Sha"),
    (layers.check_layers, "tasks.py", "def f():\n    from simulator.serve import serve"),
    (effects.check_effects, "release/adapters/clock.py", "import time"),
    (effects.check_effects, "release/wiring.py", "import os\ntext = open('headway.toml')"),
    (effects.check_effects, "release/core/freeze.py", "from datetime import time"),
    (effects.check_effects, "release/pipeline.py", "from asyncio import CancelledError"),
    (check_awaits_of_one, "release/pipeline.py", "async def f(run, stage):\n    await stage(run)"),
    (
        check_awaits_of_one,
        "release/pipeline.py",
        "async def f(run):\n    await run.ports.clock.now_s()",
    ),
    (
        check_awaits_of_one,
        "release/stages/gate.py",
        "async def f():\n    await g()\nasync def g(): ...",
    ),
    (effects.check_tests, "tests/test_x.py", "async def f():\n    await asyncio.sleep(0)"),
    (sizes.check_parameters, "release/core/plan.py", "def f(self, a, b, c, *, d, e): ..."),
    (words.check_all, "release/core/plan.py", "__all__ = ['A', 'b']\nclass A: ...\ndef b(): ..."),
    (words.check_all, "release/core/plan.py", "from x import a\n__all__ = []"),
    (words.check_docstring, "release/core/plan.py", '"""Owns a thing. Never does another."""'),
    (words.check_names, "release/core/__init__.py", ""),
]
RULES = sorted({rule for rule, _, _ in BAD} - {check_awaits_of_one}, key=lambda rule: rule.__name__)


@pytest.fixture(scope="session")
def tree(checkout: Path) -> tuple[Source, ...]:
    """Every Python file of the checkout."""
    return read_tree(checkout)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__.removeprefix("check_"))
def test_checkout_keeps_rule(rule: Rule, tree: tuple[Source, ...]) -> None:
    """Every file of the checkout keeps every rule; each finding names its file and line."""
    findings = [finding for source in tree for finding in rule(source)]

    assert not findings, "\n".join(findings)


def test_pipeline_awaits_port_methods_and_its_own_coroutines_only(tree: tuple[Source, ...]) -> None:
    """A step of the pipeline is the code between two port calls."""
    coroutines = effects.find_coroutines(tree)

    findings = [found for source in tree for found in effects.check_awaits(source, coroutines)]

    assert not findings, "\n".join(findings)


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_sample_that_breaks_rule_is_found(rule: Rule, path: str, text: str) -> None:
    """Each rule sees a sample that breaks it."""
    findings = list(rule(Source(path=path, text=text)))

    assert findings


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_sample_that_keeps_rule_is_let_pass(rule: Rule, path: str, text: str) -> None:
    """A rule is silent about what it allows, where a careless one would speak."""
    findings = list(rule(Source(path=path, text=text)))

    assert not findings, "\n".join(findings)


def test_port_of_six_methods_is_found() -> None:
    """A port has at most five methods."""
    methods = "".join(f"    async def call_{letter}(self): ...\n" for letter in "abcdef")
    ports = Source(path="release/ports.py", text=f"class Wide(Protocol):\n{methods}")

    findings = list(effects.check_ports(ports))

    assert findings == ["release/ports.py:1: Wide has 6 methods"]


def test_ports_of_checkout_are_narrow(tree: tuple[Source, ...]) -> None:
    """Each port of the pipeline has at most five methods."""
    findings = [finding for source in tree for finding in effects.check_ports(source)]

    assert not findings, "\n".join(findings)


def test_menu_costs_no_adapter_and_no_library_of_one() -> None:
    """`invoke --list` imports what it shows; an adapter is imported by the task that uses it."""
    program = "import sys, tasks; print(*sys.modules)"
    root = Path(__file__).resolve().parents[1]

    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )

    imported = {module.removeprefix("headway.") for module in shown.stdout.split()}
    costly = {"aiohttp", "httpx", "pydantic", "rich", "starlette", "uvicorn"}
    assert costly & imported == set()
    assert [module for module in imported if module.startswith("release.adapters")] == []
