"""Who may import whom: the folders are the layers, and imports point downwards.

This module must not look at anything but imports.
"""

import sys
from collections.abc import Iterator

from tests.architecture.tree import Source

__all__ = ["check_form", "check_layers", "check_third_party", "layer_of"]

_OURS = frozenset({"release", "simulator", "tasks", "noxfile", "tests", "bench", "distribution"})
# The longest prefix decides. A file of `release` or `simulator` that none fits belongs nowhere.
_LAYERS = {
    "release": "root",
    "release.errors": "errors",
    "release.core": "core",
    "release.ports": "ports",
    "release.pipeline": "pipeline",
    "release.stages": "stages",
    "release.adapters": "adapters",
    "release.ci_environment": "wiring",
    "release.configuration": "wiring",
    "release.fleet_settings": "wiring",
    "release.fleet_validation": "wiring",
    "release.overrides": "wiring",
    "release.setting_errors": "wiring",
    "release.setting_types": "wiring",
    "release.settings": "wiring",
    "release.validation": "wiring",
    "release.wiring": "wiring",
    "release.wiring_fleet": "wiring",
    "release.desk": "desk",
    "release.hand_tasks": "tasks",
    "release.job_start": "desk",
    "release.option_values": "desk",
    "release.target": "desk",
    "release.verb": "desk",
    "simulator": "simulator",
    "simulator.explorer": "explorer",
    "simulator.guards": "guards",
    "simulator.hand_verbs": "guards",
    "simulator.mutants": "guards",
    "simulator.explore_tasks": "tasks",
    "simulator.live_job": "tasks",
    "simulator.tasks": "tasks",
    "tasks": "tasks",
    "noxfile": "noxfile",
    "tests": "tests",
    "bench": "bench",
    "distribution": "distribution",
}
_MAY_IMPORT = {
    "root": set[str](),
    "errors": set[str](),
    "core": {"core", "errors"},
    "ports": {"core", "errors"},
    "stages": {"core", "errors", "ports", "stages"},
    "pipeline": {"core", "errors", "ports", "stages"},
    "adapters": {"adapters", "core", "errors", "ports"},
    "wiring": {"adapters", "core", "errors", "pipeline", "ports", "wiring"},
    "desk": {"core", "desk", "errors", "pipeline", "ports", "stages", "wiring"},
    # The earlier designs are built of the pipeline's own stages, so that only the guard differs.
    "guards": {"core", "errors", "guards", "pipeline", "ports", "simulator", "stages"},
    # What the explorer asks of a suspended stage, it asks by the stage's own name.
    "explorer": {
        *("core", "errors", "explorer", "guards", "pipeline", "ports", "simulator", "stages"),
    },
    "simulator": {"core", "errors", "guards", "pipeline", "ports", "simulator"},
    "tasks": {
        *("core", "desk", "errors", "explorer", "guards", "ports", "simulator", "tasks", "wiring"),
    },
    "noxfile": set[str](),
    "tests": set(_LAYERS.values()) - {"bench", "noxfile"},
    "bench": {
        *("adapters", "bench", "core", "errors", "explorer", "guards", "ports", "simulator"),
        "wiring",
    },
    "distribution": {"tasks"},
}
_STANDARD_LIBRARY_ONLY = frozenset({"core", "errors", "pipeline", "ports", "root", "stages"})
_EXACT = frozenset({"release"})


def layer_of(module: str) -> str | None:
    """The layer of a dotted module name; None when it is none of ours or belongs nowhere."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        prefix = ".".join(parts[:length])
        if prefix in _LAYERS and (prefix not in _EXACT or prefix == module):
            return _LAYERS[prefix]
    return None


def check_layers(source: Source) -> Iterator[str]:
    """Finds imports against the arrows, and files that belong to no layer."""
    layer = layer_of(source.module)
    if layer is None:
        yield f"{source.path}:1: this file belongs to no layer"
        return
    findings = [
        source.at(node, f"{layer} must not import {module} ({target or 'no layer'})")
        for module, name, node in source.imports
        if module.partition(".")[0] in _OURS
        and (target := layer_of(f"{module}.{name}") or layer_of(module)) not in _MAY_IMPORT[layer]
    ]
    yield from dict.fromkeys(findings)


def check_third_party(source: Source) -> Iterator[str]:
    """Finds imports of other people's packages in the layers that have none."""
    if layer_of(source.module) not in _STANDARD_LIBRARY_ONLY:
        return
    for module, _, node in source.imports:
        root = module.partition(".")[0]
        if root not in _OURS and root not in sys.stdlib_module_names:
            yield source.at(node, f"imports {root}, and this layer has no dependencies")


def check_form(source: Source) -> Iterator[str]:
    """Finds imports that the wheel build can't move, and imports of another's private names."""
    for module, name, node in source.imports:
        if module.startswith("."):
            yield source.at(node, "write the import in its absolute form")
        elif module.partition(".")[0] in _OURS:
            if not name and source.is_product:
                yield source.at(node, f"write `from {module} import ...`")
            if name.startswith("_") and not name.startswith("__"):
                yield source.at(node, f"{module}.{name} is private")
