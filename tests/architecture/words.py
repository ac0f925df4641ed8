"""What things are called and what is said of them: `__all__`, docstrings, names, frozen values.

This module must not judge what code does.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.architecture.layers import layer_of
from tests.architecture.tree import Source

__all__ = [
    "check_all",
    "check_docstring",
    "check_names",
    "check_package_file",
    "check_test_docstrings",
    "check_values",
]

_BANNED = frozenset({"base", "common", "helper", "helpers", "misc", "util", "utils"})
_NUMBERED = re.compile(r".*_part_?\d+|.*_\d+")
_SENTENCE_END = re.compile(r"[.?!](?=\s|$)")
_MUTABLE = frozenset({"bytearray", "dict", "list", "set"})


def check_all(source: Source) -> Iterator[str]:
    """Finds an `__all__` that is missing, unsorted, or not what the module really offers."""
    if not source.path.startswith(("release/", "simulator/")):
        return
    listed = _listed(source.tree)
    public = _public_definitions(source.tree)
    if listed is None:
        if public or not source.is_package_file:
            yield f"{source.path}:1: has no __all__ that is a plain list of strings"
        return
    if listed != sorted(listed, key=_all_order):
        yield f"{source.path}:1: __all__ is not sorted: {listed}"
    for name in sorted(set(listed) - _bound(source.tree)):
        yield f"{source.path}:1: __all__ lists {name}, which is not there"
    for name in sorted(public - set(listed)):
        yield f"{source.path}:1: {name} is public and not in __all__"


def _listed(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            try:
                return list(ast.literal_eval(node.value))
            except ValueError:
                return None
    return None


def _all_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, as Ruff sorts them."""
    kind = 0 if name.isupper() else 1 if name[:1].isupper() else 2
    return kind, name


def _public_definitions(tree: ast.Module) -> set[str]:
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")
    }


def _bound(tree: ast.Module) -> set[str]:
    names = _public_definitions(tree)
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {ast.unparse(target) for target in targets}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def check_docstring(source: Source) -> Iterator[str]:
    """Finds modules that don't say both what they own and what they must not do.

    What is checked is that there are two sentences; an `__init__` and a test module may have one.
    """
    docstring = ast.get_docstring(source.tree) or ""
    wanted = 1 if source.is_package_file or source.is_test else 2
    if len(_SENTENCE_END.findall(docstring)) < wanted:
        yield f"{source.path}:1: the module's docstring has fewer sentences than {wanted}"


def check_test_docstrings(source: Source) -> Iterator[str]:
    """Finds tests that don't say which rule they hold to."""
    if not source.is_test:
        return
    for function in source.functions:
        if function.name.startswith("test_") and not ast.get_docstring(function):
            yield source.at(function, f"{function.name} has no docstring")


def check_names(source: Source) -> Iterator[str]:
    """Finds files and folders named for nothing in particular, and doubles called mocks."""
    for part in PurePosixPath(source.path).with_suffix("").parts:
        if part in _BANNED or _NUMBERED.fullmatch(part):
            yield f"{source.path}:1: `{part}` names no concept"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and "mock" in node.name.lower():
            yield source.at(node, f"{node.name}: a double says what it is")


def check_package_file(source: Source) -> Iterator[str]:
    """Finds an `__init__` of ours that does more than re-export."""
    if not (source.is_product and source.is_package_file):
        return
    for node in source.tree.body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        if not (is_docstring or is_all or isinstance(node, ast.ImportFrom)):
            yield source.at(node, "an __init__ only re-exports")


def check_values(source: Source) -> Iterator[str]:
    """Finds values of release/core that can change after they were made."""
    if layer_of(source.module) != "core":
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ClassDef):
            continue
        decorators = [one for one in map(ast.unparse, node.decorator_list) if "dataclass" in one]
        for decorator in decorators:
            if "frozen=True" not in decorator or "slots=True" not in decorator:
                yield source.at(node, f"{node.name} is not frozen and slotted")
            yield from _find_mutable_fields(source, node)


def _find_mutable_fields(source: Source, node: ast.ClassDef) -> Iterator[str]:
    for field in node.body:
        if isinstance(field, ast.AnnAssign):
            words = set(re.findall(r"\w+", ast.unparse(field.annotation)))
            if words & _MUTABLE:
                yield source.at(field, f"{node.name} holds a {ast.unparse(field.annotation)}")
