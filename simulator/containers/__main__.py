"""Runs one service of the simulator as a process: `forge`, `registry`, `edge`, or a deploy `job`.

This module must not know what a service does.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from release.errors import HeadwayError, Invalid
from simulator.containers.service import Program, Service, run_service
from simulator.containers.settings import Settings

__all__ = ["main"]

_JOB = "job"
_NAMES = ("conductor", "control-plane", "edge", "forge", _JOB, "registry", "tenant")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what is named, as its environment says; a service until it is told to end."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        name, settings = _name_in(given), Settings.read(os.environ)
        # A tenant is to be small, and there are many of them: it loads its own program alone.
        module = import_module(f"{__package__}.{name.replace('-', '_')}")
        if name == _JOB:
            module.become(settings, given[1:])
        service = Service.of(name, settings)
        program: Program = module.make(service)
        return asyncio.run(run_service(service, program))
    except HeadwayError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


def _name_in(arguments: Sequence[str]) -> str:
    name = arguments[0] if arguments else ""
    if name not in _NAMES or (arguments[1:] and name != _JOB):
        raise Invalid("no such service", on=" ".join(arguments), expected=", ".join(_NAMES))
    return name


if __name__ == "__main__":
    sys.exit(main())
