"""How large things may grow: lines of a file, lines of a function, parameters.

This module must not judge what the lines say.
"""

from collections.abc import Iterator

from tests.architecture.tree import Source

__all__ = ["check_file_size", "check_function_size", "check_parameters", "check_test_size"]

_FILE_LINES_MAX = 300
_FUNCTION_LINES_MAX = 50
_TEST_LINES_MAX = 40
_POSITIONAL_MAX = 3


def check_file_size(source: Source) -> Iterator[str]:
    """Finds files that hold more than one concept, judging by their length."""
    lines = len(source.text.splitlines())
    if source.is_product and lines > _FILE_LINES_MAX:
        yield f"{source.path}:{lines}: {lines} lines, at most {_FILE_LINES_MAX}; split by concept"


def check_function_size(source: Source) -> Iterator[str]:
    """Finds functions that don't fit a screen."""
    if source.is_product:
        yield from _find_long(source, _FUNCTION_LINES_MAX, prefix="")


def check_test_size(source: Source) -> Iterator[str]:
    """Finds tests that tell more than one thing, judging by their length."""
    if source.is_test:
        yield from _find_long(source, _TEST_LINES_MAX, prefix="test_")


def _find_long(source: Source, lines_max: int, *, prefix: str) -> Iterator[str]:
    for function in source.functions:
        lines = (function.end_lineno or 0) - function.lineno + 1
        if function.name.startswith(prefix) and lines > lines_max:
            yield source.at(function, f"{function.name} has {lines} lines, at most {lines_max}")


def check_parameters(source: Source) -> Iterator[str]:
    """Finds functions whose calls can't be read without their definition.

    How many parameters there may be in all is a rule of Ruff. A task's are its options, so they may
    stand in any number; a private function is never far from its calls.
    """
    if not source.is_product or source.path == "tasks.py":
        return
    for function in source.functions:
        names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
        positional = [name for name in names if name not in {"self", "cls"}]
        if len(positional) > _POSITIONAL_MAX and not function.name.startswith("_"):
            yield source.at(function, f"{function.name} takes {len(positional)} by position")
