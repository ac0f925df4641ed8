"""Gives the packages of an installed Headway the names that they have in the checkout.

The tests say `release.core.plan`; in the wheel that is `headway.release.core.plan`. With this
folder on PYTHONPATH every Python process of a test run, subprocesses included, finds the one
installed module under both names. This module must not import Headway before somebody asks for it.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import CodeType, ModuleType

__all__ = ["InstalledNames"]

_OURS = frozenset({"release", "simulator", "tasks"})


class _SameModule(Loader):
    """Hands out a module that is already imported, so that its state exists once."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Returns the installed module itself."""
        del spec
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """Runs nothing again, and undoes what the import system wrote into the module."""
        module.__spec__ = self._spec

    def get_code(self, name: str) -> CodeType | None:
        """Returns the module's code, so that `python -m` finds it too."""
        del name
        loader = self._spec.loader if self._spec else None
        code: CodeType | None = getattr(loader, "get_code", lambda _: None)(self._module.__name__)
        return code


class InstalledNames(MetaPathFinder):
    """Finds `release.x` where `headway.release.x` is."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Imports the installed module and passes it on under its name in the checkout.

        None for a name that isn't ours, and for one that the installed package doesn't have.
        """
        del path, target
        if fullname.partition(".")[0] not in _OURS:
            return None
        installed = f"headway.{fullname}"
        try:
            module = import_module(installed)
        except ModuleNotFoundError as error:
            if error.name is not None and f"{installed}.".startswith(f"{error.name}."):
                return None
            raise
        is_package = hasattr(module, "__path__")
        return spec_from_loader(fullname, _SameModule(module), is_package=is_package)


sys.meta_path.insert(0, InstalledNames())
