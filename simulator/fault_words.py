"""Makes a fault rule of the few words that a person gives at the desk.

This module must not put a rule in force.
"""

from collections.abc import Mapping

from release.errors import Invalid
from simulator.faults import FaultKind

__all__ = ["rule_of"]

_DURATION_OF = {
    FaultKind.DELAY: "before_s",
    FaultKind.LATE: "late_s",
    FaultKind.TWICE: "late_s",
    FaultKind.STAGGERED: "gap_s",
    FaultKind.STALE: "stale_s",
}
"""Which duration of a rule `--seconds` means, for the kinds that have one."""


def rule_of(
    kind: str, where: Mapping[str, str], how: Mapping[str, int], *, seconds_s: float
) -> Mapping[str, object]:
    """The rule as JSON values; raises Invalid for an unknown kind or a duration that it lacks.

    where: globs for service, operation and subject. how: what is set of status, times, page.
    """
    words = [one.value for one in FaultKind]
    if kind not in words:
        raise Invalid("no such fault", on=kind, expected=", ".join(words))
    rule: dict[str, object] = {"kind": kind, **where}
    rule |= how
    duration = _DURATION_OF.get(FaultKind(kind))
    if duration is not None:
        if not seconds_s > 0:
            raise Invalid("needs a duration", on=f"fault {kind}", advice="Add --seconds")
        rule[duration] = seconds_s
    elif seconds_s:
        raise Invalid("has no duration", on=f"fault {kind}", seen=f"--seconds {seconds_s}")
    return rule
