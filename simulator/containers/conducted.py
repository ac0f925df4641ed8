"""Holds the effects of jobs as the conductor of a race says, who knows the recorded order.

This module must not know the order itself.
"""

from dataclasses import dataclass

from release.errors import HeadwayError
from simulator.containers.caller import ask_json
from simulator.containers.settings import WORLD
from simulator.faults import Call
from simulator.wire import Phase, Refusal

__all__ = ["HOLD_MAX_S", "ConductedScript"]

HOLD_MAX_S = 45.0
"""How long, on the machine's clock, a request may be held; less than a job waits for an answer."""

_MARGIN_S = 5.0


@dataclass(frozen=True, slots=True)
class ConductedScript:
    """Asks the conductor before every effect of a job, and before its answer is delivered.

    Where no race is replayed the conductor answers at once; reads are never asked about.
    """

    url: str
    token: str

    async def hold(self, call: Call, phase: Phase) -> None:
        """Returns when the call may go on; raises Refusal 503 when the conductor is away."""
        if not call.is_effect or call.actor == WORLD:
            return
        content = {
            "actor": call.actor,
            "service": call.service.value,
            "operation": call.operation,
            "subject": call.subject,
            "phase": phase.value,
        }
        try:
            await ask_json(
                "POST",
                f"{self.url}/sim/hold",
                content,
                token=self.token,
                timeout_s=HOLD_MAX_S + _MARGIN_S,
            )
        except HeadwayError as exc:
            raise Refusal(503, {"error": f"the conductor does not answer: {exc}"}) from exc
