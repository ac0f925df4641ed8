"""What is explored is the shipped code: the very code objects that `invoke deploy` runs."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from inspect import unwrap
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType

import pytest

from release.desk import Desk
from release.job_start import JobStarter
from release.pipeline import run_job
from simulator.explorer.cast import Cast
from simulator.explorer.engine import explore
from simulator.explorer.scope import Kind
from simulator.explorer.territory import Territory
from simulator.guards import GUARDS, Guard
from tests.explorer.scopes import single
from tests.support.live_world import live_world

_PIPELINE = Path(run_job.__code__.co_filename)
_FILES = {str(_PIPELINE), *map(str, (_PIPELINE.parent / "stages").glob("*.py"))}

Codes = dict[int, CodeType]
"""Code objects by their identity: two that are equal may still be a copy of each other."""


def codes_run_by(act: Callable[[], object]) -> Codes:
    """The code of the pipeline and of its stages that runs while something is done."""
    seen: Codes = {}

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_filename in _FILES:
            seen[id(frame.f_code)] = frame.f_code

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(before)
    return seen


def shipped() -> Codes:
    """The code of every function and method that the modules of those files hold."""
    modules = [one for one in sys.modules.values() if getattr(one, "__file__", None) in _FILES]
    return {id(code): code for module in modules for code in codes_of(module)}


def is_ours(kind: type) -> bool:
    """Whether a class is of one of those files."""
    return getattr(sys.modules[kind.__module__], "__file__", None) in _FILES


def codes_of(holder: ModuleType | type) -> Iterator[CodeType]:
    """The code of a module's or a class's own functions, and of what is nested in them."""
    made = [one.default_factory for one in fields(holder)] if is_dataclass(holder) else []
    for value in (*vars(holder).values(), *made):
        inner: object = value.fget if isinstance(value, property) else value
        if isinstance(inner, type) and is_ours(inner):
            yield from codes_of(inner)
        elif isinstance(inner, FunctionType):
            ahead: list[CodeType] = [unwrap(inner).__code__]
            while ahead:
                code = ahead.pop()
                ahead += [one for one in code.co_consts if isinstance(one, CodeType)]
                yield code


def names(codes: Codes) -> set[str]:
    """What code is called, for a message that people can read."""
    return {f"{Path(code.co_filename).name}:{code.co_qualname}" for code in codes.values()}


def module_of(held: type) -> Mapping[str, object]:
    """Everything that the module of a class holds by name, imports included."""
    return vars(sys.modules[held.__module__])


@pytest.fixture(scope="module")
def explored() -> Codes:
    """What runs as one job is explored, whose tenants may drain."""
    scope = single(Kind.LAG, tenants=2)
    return codes_run_by(lambda: explore(Territory(scope)))


@pytest.mark.slow
def test_every_explored_piece_is_the_modules_own(explored: Codes) -> None:
    """No copy, no double and no rewritten source is explored."""
    own = shipped()

    foreign = {key: code for key, code in explored.items() if key not in own}

    assert {"pipeline.py:run_job", "claim.py:claim", "finish.py:finish"} <= names(explored)
    assert set() == names(foreign)


@pytest.mark.slow
def test_a_deploy_of_the_desk_runs_what_was_explored(explored: Codes, tmp_path: Path) -> None:
    """`invoke deploy` over real sockets runs the modules' own code, and none that was not seen."""
    with live_world(tmp_path) as world:
        commit, config = world.push(), world.config()

        opened = Desk.open(config=config, is_quiet=True)
        run = codes_run_by(lambda: opened.deploy(commit, without_ledger=False, reason=""))

    assert 0 == opened.exit_code
    assert "pipeline.py:run_job" in names(run)
    assert set() == set(run) - set(shipped())
    assert set() == names({key: code for key, code in run.items() if key not in explored})


def test_guard_and_desk_hold_the_same_stages() -> None:
    """The guard `headway` runs the pipeline's own objects, which are those of the desk."""
    guards, cast = module_of(Guard), module_of(Cast)
    desk, starter = module_of(Desk), module_of(JobStarter)

    assert guards["run_job"] is desk["run_job"] is cast["run_job"]
    assert guards["start"] is starter["start"] is cast["start"]
    assert guards["DEPLOY"] is desk["DEPLOY"]
    assert cast["ROLLBACK"] is desk["ROLLBACK"]
    assert getattr(GUARDS["headway"].deploy, "__globals__", None) is guards
