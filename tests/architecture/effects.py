"""What code may do: only adapters and wiring touch the world, only port methods are awaited.

This module must not know who imports whom; `layers` does.
"""

import ast
from collections.abc import Iterable, Iterator

from tests.architecture.layers import layer_of
from tests.architecture.tree import Source

__all__ = ["check_awaits", "check_effects", "check_ports", "check_tests", "find_coroutines"]

_PIPELINE = frozenset({"pipeline", "stages"})
_PORTS = frozenset({"clock", "edge", "fleet", "forge", "journal", "ledger", "registry"})
_PORT_METHODS_MAX = 5
_WORLD_MODULES = frozenset(
    {
        "asyncio",
        "os",
        "random",
        "secrets",
        "shutil",
        "socket",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "uuid",
    }
)
_HARMLESS = frozenset(
    {
        # How a runner or the explorer tells a job to end: a value to catch, nothing more.
        ("release.pipeline", "asyncio", "CancelledError"),
        # Somebody has to start the loop that the adapters run on, and that is who starts a job.
        ("release.job_start", "asyncio", ""),
    }
)
_FILE_METHODS = frozenset({"open", "read_bytes", "read_text", "write_bytes", "write_text"})
_NOW_METHODS = frozenset({"now", "today", "utcnow"})


def _may_touch_world(source: Source) -> bool:
    return source.module == "release.wiring" or layer_of(source.module) == "adapters"


def check_effects(source: Source) -> Iterator[str]:
    """Finds time, chance, processes, sockets and files in release/ outside adapters and wiring."""
    if not source.path.startswith("release/") or _may_touch_world(source):
        return
    for module, name, statement in source.imports:
        is_harmless = (source.module, module, name) in _HARMLESS
        if module.partition(".")[0] in _WORLD_MODULES and not is_harmless:
            yield source.at(statement, f"imports {module}; only adapters and wiring may")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and (called := _world_call(node.func)):
            yield source.at(node, f"calls {called}; only adapters and wiring may")


def _world_call(function: ast.expr) -> str | None:
    if isinstance(function, ast.Name) and function.id == "open":
        return "open()"
    if not isinstance(function, ast.Attribute):
        return None
    if function.attr in _FILE_METHODS:
        return f".{function.attr}()"
    is_date = isinstance(function.value, ast.Name) and function.value.id in {"date", "datetime"}
    return f"{ast.unparse(function)}()" if is_date and function.attr in _NOW_METHODS else None


def find_coroutines(sources: Iterable[Source]) -> frozenset[str]:
    """The names of the async functions that the pipeline layer defines."""
    return frozenset(
        function.name
        for source in sources
        if layer_of(source.module) in _PIPELINE
        for function in source.functions
        if isinstance(function, ast.AsyncFunctionDef)
    )


def check_awaits(source: Source, coroutines: frozenset[str]) -> Iterator[str]:
    """Finds awaits of the pipeline on anything but a port method or a coroutine of its own."""
    if layer_of(source.module) not in _PIPELINE:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.AsyncFor | ast.AsyncWith):
            yield source.at(node, "awaits without a call; await a port method instead")
        if isinstance(node, ast.comprehension) and node.is_async:
            yield source.at(node.target, "awaits without a call; await a port method instead")
        if isinstance(node, ast.Await) and not _is_step(node.value, coroutines):
            yield source.at(node, f"awaits {ast.unparse(node.value)}, which is no port method")


def _is_step(awaited: ast.expr, coroutines: frozenset[str]) -> bool:
    if not isinstance(awaited, ast.Call):
        return False
    match awaited.func:
        case ast.Attribute(value=ast.Attribute(value=bundle, attr=port)) if port in _PORTS:
            return getattr(bundle, "attr", getattr(bundle, "id", "")) == "ports"
        case ast.Name(id=name):
            # The pipeline's page walks a tuple of stages; the import rule says whose they are.
            return name in {*coroutines, "stage"}
    return False


def check_ports(source: Source) -> Iterator[str]:
    """Finds ports with more methods than a reader can keep in mind."""
    if source.module != "release.ports":
        return
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef) and "Protocol" in map(ast.unparse, node.bases):
            methods = [one for one in node.body if isinstance(one, ast.AsyncFunctionDef)]
            if len(methods) > _PORT_METHODS_MAX:
                yield source.at(node, f"{node.name} has {len(methods)} methods")


def check_tests(source: Source) -> Iterator[str]:
    """Finds tests that replace what they test, or that wait for time to pass."""
    if not source.is_test:
        return
    for module, name, statement in source.imports:
        if "mock" in {*module.split("."), name}:
            yield source.at(statement, "imports mock; hand in a double that says what it is")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _is_sleep(node):
            yield source.at(node, "sleeps; wait for what is to happen, or move a clock")


def _is_sleep(call: ast.Call) -> bool:
    if ast.unparse(call.func) not in {"asyncio.sleep", "time.sleep"}:
        return False
    is_yield = [ast.unparse(argument) for argument in call.args] == ["0"]
    return not (is_yield and ast.unparse(call.func) == "asyncio.sleep")
