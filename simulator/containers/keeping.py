"""Keeps what a service knows in its folder, so that neither a restart nor a kill loses any of it.

This module must not know what is kept.
"""

import json
from pathlib import Path
from typing import Any

from simulator.clock import WorldClock
from simulator.happenings import Happening, Kind, Log

__all__ = ["Keeping", "happening_of"]

_HAPPENINGS = "happenings.jsonl"


class Keeping:
    """The folder of one service. What is written there is whole or not there at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, name: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """What was kept under a name, as JSON values; None when there is nothing."""
        path = self.folder / f"{name}.json"
        return json.loads(path.read_text("utf-8")) if path.exists() else None

    def write(self, name: str, content: object) -> None:
        """Keeps JSON values under a name, in the place of what was there."""
        path = self.folder / f"{name}.json"
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(content), "utf-8")
        unfinished.replace(path)

    def keep_log(self, log: Log, clock: WorldClock) -> None:
        """Brings back what happened before a restart, and keeps what happens from now on.

        The clock must be one that goes on over a restart, as the machine's monotonic clock does.
        """
        path = self.folder / _HAPPENINGS
        now_s = clock.reading_s()
        if path.exists():
            lines = path.read_text("utf-8").splitlines(keepends=True)
            kept = [json.loads(line) for line in lines if line.endswith("\n")]
            log.happenings += [happening_of(one) for one in kept if one["at_s"] <= now_s]
        file = path.open("a", encoding="utf-8")

        def keep(happening: Happening) -> None:
            file.write(json.dumps(happening.plain()) + "\n")
            file.flush()

        log.subscribe(keep)


def happening_of(plain: dict[str, Any]) -> Happening:
    """Reads a happening from its JSON values."""
    return Happening(**{**plain, "kind": Kind(plain["kind"])})
