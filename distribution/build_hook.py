"""Moves the packages of the checkout under the one name `headway` while a wheel is built.

In the checkout they are `release`, `simulator` and `tasks`; installed beside a project that has a
`release` folder of its own, those names would collide. The hook copies the files and rewrites their
import lines. It must not change anything else in them, and writes nothing into the checkout.
"""

import ast
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["HeadwayBuildHook", "rewrite"]

PACKAGES = ("release", "simulator")
MODULES = ("tasks",)
OURS = (*PACKAGES, *MODULES)
INSTALLED_NAME = "headway"
# Not called `headway`: hatchling would find it and ship it a second time.
PACKAGE_FOLDER = Path("distribution", "package")
# Data that is read at run time from beside the code.
DATA_FOLDERS = ("examples",)
_EDITABLE = '''"""Headway, as it stands in the checkout that was installed with `pip install -e`."""

__path__.append({checkout!r})
'''


class HeadwayBuildHook(BuildHookInterface[Any]):
    """The build hook that hatchling calls around every wheel, from a checkout or from an sdist."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Prepares the files in a temporary folder and tells hatchling to ship that folder.

        version: `standard`, or `editable` for `pip install -e`, which ships the path of the
        checkout and a package that leads to it.
        """
        self._prepared = TemporaryDirectory(prefix="headway-build-")
        prepared = Path(self._prepared.name)
        root = Path(self.root)
        if version == "editable":
            _prepare_editable(root, prepared)
            build_data["force_include_editable"][str(prepared)] = INSTALLED_NAME
        else:
            _prepare(root, prepared)
            build_data["force_include"][str(prepared)] = INSTALLED_NAME

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes the temporary folder once the wheel is written."""
        del version, build_data, artifact_path
        self._prepared.cleanup()


def rewrite(source: str, path: str, modules: frozenset[str] = frozenset()) -> str:
    """Returns the source with our packages imported from `headway`.

    modules: the dotted names of our modules; a string that is one of them would name nothing in the
    wheel. Raises SyntaxError for it, and for any import that is not `from package import name`.
    """
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source, path)):
        if isinstance(node, ast.Import) and any(_is_ours(alias.name) for alias in node.names):
            raise _unfit(path, node.lineno, "write `from package import name`")
        if isinstance(node, ast.ImportFrom) and node.level:
            raise _unfit(path, node.lineno, "write the import in its absolute form")
        if isinstance(node, ast.ImportFrom) and _is_ours(node.module or ""):
            _rewrite_line(lines, node, path)
        if isinstance(node, ast.Constant) and node.value in modules:
            raise _unfit(path, node.lineno, "a string that names our module breaks in the wheel")
    rewritten = "".join(lines)
    compile(rewritten, path, "exec")
    return rewritten


def _rewrite_line(lines: list[str], node: ast.ImportFrom, path: str) -> None:
    line = lines[node.lineno - 1].encode()
    before, statement = line[: node.col_offset], line[node.col_offset :]
    written = f"from {node.module} ".encode()
    if not statement.startswith(written):
        raise _unfit(path, node.lineno, "write `from package import name` on one line")
    moved = f"from {INSTALLED_NAME}.{node.module} ".encode()
    lines[node.lineno - 1] = (before + moved + statement[len(written) :]).decode()


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in OURS


def _unfit(path: str, line: int, advice: str) -> SyntaxError:
    return SyntaxError(f"{path}:{line}: this line can't move under `{INSTALLED_NAME}`; {advice}")


def _prepare(root: Path, prepared: Path) -> None:
    sources = _find_sources(root)
    names = (".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in sources)
    # A name without a dot, such as "release", is a word like any other.
    modules = frozenset(name for name in names if "." in name and _is_ours(name))
    for target, source in sources.items():
        destination = prepared / target
        destination.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".py":
            text = rewrite(source.read_text("utf-8"), str(target), modules)
            destination.write_text(text, "utf-8")
        else:
            copyfile(source, destination)
    (prepared / "py.typed").touch()


def _find_sources(root: Path) -> dict[Path, Path]:
    found = {Path(f"{name}.py"): root / f"{name}.py" for name in MODULES}
    trees = [(root / PACKAGE_FOLDER, Path())]
    trees += [(root / name, Path(name)) for name in (*PACKAGES, *DATA_FOLDERS)]
    for tree, place in trees:
        for source in sorted(tree.rglob("*")):
            if source.is_file() and "__pycache__" not in source.parts:
                found[place / source.relative_to(tree)] = source
    return found


def _prepare_editable(root: Path, prepared: Path) -> None:
    (prepared / "__init__.py").write_text(_EDITABLE.format(checkout=str(root)), "utf-8")
    copyfile(root / PACKAGE_FOLDER / "__main__.py", prepared / "__main__.py")
