"""Reads the source files that the architecture tests judge.

This module must not judge: each rule is a function in `layers`, `effects`, `sizes` or `words`.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

__all__ = ["Source", "read_tree"]

_FOLDERS = ("bench", "distribution", "release", "simulator", "tests")
_FILES = ("noxfile.py", "tasks.py")


@dataclass(frozen=True)
class Source:
    """One Python file, by its path below the checkout and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The file as a syntax tree."""
        return ast.parse(self.text, self.path)

    @cached_property
    def module(self) -> str:
        """The dotted name that the file is imported by, `release.core.plan`."""
        parts = PurePosixPath(self.path).with_suffix("").parts
        return ".".join(parts).removesuffix(".__init__")

    @property
    def is_product(self) -> bool:
        """Whether it is shipped: part of `release`, `simulator` or the tasks."""
        return self.path == "tasks.py" or self.path.startswith(("release/", "simulator/"))

    @property
    def is_package_file(self) -> bool:
        """Whether it is an `__init__.py`, which only re-exports."""
        return self.path.endswith("__init__.py")

    @property
    def is_test(self) -> bool:
        """Whether it belongs to the tests."""
        return self.path.startswith("tests/")

    @cached_property
    def imports(self) -> tuple[tuple[str, str, ast.stmt], ...]:
        """Each import as module, imported name ("" for a whole module) and its statement."""
        return tuple(self._find_imports())

    def _find_imports(self) -> Iterator[tuple[str, str, ast.stmt]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, "", node) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                yield from ((module, alias.name, node) for alias in node.names)

    @cached_property
    def functions(self) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
        """Every function and method, nested ones included."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        return tuple(node for node in ast.walk(self.tree) if isinstance(node, kinds))

    def at(self, node: ast.AST, finding: str) -> str:
        """Says a finding with its place, as compilers do."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {finding}"


def read_tree(checkout: Path) -> tuple[Source, ...]:
    """Reads every Python file that the rules speak of, in the order of their paths."""
    paths = [path for folder in _FOLDERS for path in (checkout / folder).rglob("*.py")]
    paths += [checkout / name for name in _FILES]
    return tuple(
        Source(path=path.relative_to(checkout).as_posix(), text=path.read_text("utf-8"))
        for path in sorted(paths)
        if path.exists()
    )
