"""Makes an Invoke task of a function: common options, refused flags, errors as exit codes.

This module must not know any verb; `tasks.py`, `release/hand_tasks.py` and `simulator/tasks.py`
hold them.
"""

import sys
from collections.abc import Callable, Mapping
from functools import wraps
from io import TextIOWrapper
from json import dumps
from typing import TYPE_CHECKING, Any

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task

from release.core.printable import printable
from release.errors import HeadwayError, Invalid, Unavailable

if TYPE_CHECKING:
    from release.desk import Desk

__all__ = ["COMMIT", "REASON", "USAGE", "leave", "open_desk", "verb"]

USAGE = 2
_MESSAGE_MAX = 2000

COMMIT = "Which release: a commit, in full or shortened, or a branch. In CI: the run's commit."
REASON = "Why, for the ledger and for whoever reads it later."

_COMMON = {
    "config": "Path of headway.toml; default: the one in this folder.",
    "env": "Which environment; default: HEADWAY_ENV, else `environment` of the file.",
    "json": "Print the answer as JSON instead of a sentence.",
}


def verb(**words: str) -> Callable[[Callable[..., None]], Task[Any]]:
    """Makes a task of the decorated function; `words` explain its options, by parameter name.

    The task takes no positional value, refuses values that look like flags, and ends every error of
    Headway with its exit code. Invoke would take an unknown flag as the value of a positional
    parameter, and would accept its own `--dry` and run the task all the same: both would deploy by
    mistake.
    """

    def decorate(body: Callable[..., None]) -> Task[Any]:
        @wraps(body)
        def guarded(context: Context, **values: object) -> None:
            _refuse_flags(context, values)
            _print_any_letter()
            try:
                body(context, **values)
            except HeadwayError as problem:
                print(_describe(problem, is_json=bool(values.get("json"))))
                raise Exit(code=problem.exit_code) from problem

        return Task(
            guarded,
            name=body.__name__.replace("_", "-"),
            positional=[],
            auto_shortflags=False,
            help=_options(body, words),
        )

    return decorate


def open_desk(config: str, env: str, *, json: bool, deadline: str = "") -> "Desk":
    """Opens the desk that the verb is asked for at; adapters are imported no sooner than here."""
    from release.desk import Desk  # noqa: PLC0415 - the menu stays quick
    from release.wiring import read_setup  # noqa: PLC0415 - as above

    flags = {"policy.deadline_s": deadline} if deadline else {}
    return Desk(setup=read_setup(config, env, flags), is_json=json)


def leave(desk: "Desk") -> None:
    """Ends the process with the desk's exit code, where that is not 0."""
    if desk.exit_code:
        raise Exit(code=desk.exit_code)


def _print_any_letter() -> None:
    """Makes stdout write a letter that its encoding lacks as an escape, as stderr does anyway.

    It must not be what a job that is done ends with: somebody else's text stands in the outcome.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _describe(problem: HeadwayError, *, is_json: bool) -> str:
    word, reason = _word(problem), printable(str(problem), _MESSAGE_MAX)
    if not is_json:
        return f"{word}: {reason}"
    return dumps({"outcome": word, "exit_code": problem.exit_code, "reason": reason}, indent=2)


def _word(problem: HeadwayError) -> str:
    match problem:
        case Invalid():
            return "invalid"
        case Unavailable():
            return "unavailable"
        case _:
            return "failed"


def _options(body: Callable[..., None], words: Mapping[str, str]) -> dict[str, str]:
    names = body.__kwdefaults__ or {}
    return {
        name.replace("_", "-"): text for name, text in {**_COMMON, **words}.items() if name in names
    }


def _refuse_flags(context: Context, values: Mapping[str, object]) -> None:
    if context.config.run.dry:
        raise Exit("invalid: --dry is Invoke's own and would still deploy. Use --dry-run", USAGE)
    for name, value in values.items():
        if isinstance(value, str) and value.startswith("-"):
            flag = name.replace("_", "-")
            raise Exit(f"invalid: --{flag} got {value!r}, which looks like a flag", USAGE)
